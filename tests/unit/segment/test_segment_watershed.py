import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.segment.watershed import watershed
from voxel_scenes import ball, volume_of

SHAPE = (24, 30, 44)


def scene():
    rng = np.random.default_rng(0)
    left, right = ball(SHAPE, (12, 15, 14), 8), ball(SHAPE, (12, 15, 29), 8)
    array = (np.where(left | right, 300, 0) + rng.normal(0, 10, SHAPE)).astype(np.int16)
    markers = (
        ball(SHAPE, (12, 15, 14), 4),
        ball(SHAPE, (12, 15, 29), 4),
        ~(ball(SHAPE, (12, 15, 14), 11) | ball(SHAPE, (12, 15, 29), 11)),
    )
    return left, right, volume_of(array), markers


def overlap(a, b):
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_touching_balls_are_parted_and_the_regions_fill_the_box():
    left, right, volume, markers = scene()
    regions = watershed(volume, *markers)
    assert overlap(regions[0], left) > 0.95
    assert overlap(regions[1], right) > 0.95
    assert (np.sum(regions, axis=0) == 1).all()
    for region, marker in zip(regions, markers, strict=True):
        assert not (marker & ~region).any()


def test_nothing_outside_the_box_is_given_away():
    _, _, volume, markers = scene()
    regions = watershed(volume, *markers[:2], margin_mm=0)
    assert not np.logical_or.reduce(regions)[:8].any()


def test_the_same_input_gives_the_same_regions():
    _, _, volume, markers = scene()
    for first, second in zip(watershed(volume, *markers), watershed(volume, *markers), strict=True):
        assert np.array_equal(first, second)


def test_markers_must_be_two_and_not_empty():
    _, _, volume, markers = scene()
    with pytest.raises(ParameterError, match="2 mask"):
        watershed(volume, markers[0])
    with pytest.raises(EmptyMask, match="marker 2"):
        watershed(volume, markers[0], np.zeros(SHAPE, dtype=bool))
