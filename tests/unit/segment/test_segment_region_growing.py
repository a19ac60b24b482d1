import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, NoMillimetres, ParameterError
from plastinate.stages.segment.region_growing import confidence_connected, connected_threshold, seed_indices
from voxel_scenes import ball, volume_of

SHAPE = (16, 20, 40)
LEFT, RIGHT = ball(SHAPE, (8, 10, 10), 6), ball(SHAPE, (8, 10, 30), 6)


def two_balls(**kwargs):
    rng = np.random.default_rng(0)
    array = np.where(LEFT | RIGHT, 100, 0) + rng.normal(0, 5, SHAPE)
    return volume_of(array.astype(np.int16), **kwargs)


def test_only_the_piece_with_the_seed_grows():
    grown = connected_threshold(two_balls(), low=60, high=200, seeds_index=[(8, 10, 10)])
    assert np.array_equal(grown, LEFT)


def test_a_seed_in_millimetres_is_the_same_place():
    volume = two_balls(spacing_mm=(2.0, 0.7, 1.3))
    place = volume.geometry.index_to_lps(np.array([8.2, 9.9, 30.3]))
    grown = connected_threshold(volume, low=60, high=200, seeds_lps_mm=[place.tolist()])
    assert np.array_equal(grown, RIGHT)
    both = seed_indices(volume, seeds_index=[(1, 2, 3)], seeds_lps_mm=[place.tolist()])
    assert both == ((1, 2, 3), (8, 10, 30))


def test_confidence_learns_the_window_from_the_seed():
    assert np.array_equal(confidence_connected(two_balls(), seeds_index=[(8, 10, 30)], multiplier=5), RIGHT)


def test_growth_stays_inside_the_mask_given():
    half = np.zeros(SHAPE, dtype=bool)
    half[:8] = True
    for grown in (
        connected_threshold(two_balls(), half, low=60, high=200, seeds_index=[(6, 10, 10)]),
        confidence_connected(two_balls(), half, seeds_index=[(6, 10, 10)], multiplier=5),
    ):
        assert np.array_equal(grown, LEFT & half)


def test_a_seed_in_the_wrong_tissue_finds_nothing_and_says_its_value():
    with pytest.raises(EmptyMask, match=r"their values \("):
        connected_threshold(two_balls(), low=60, high=200, seeds_index=[(0, 0, 0)])


@pytest.mark.parametrize(
    "seeds", [{}, {"seeds_index": [(16, 0, 0)]}, {"seeds_index": [(1, 2)]}, {"seeds_lps_mm": [(9e9, 0, 0)]}]
)
def test_seeds_that_mean_nothing_are_refused(seeds):
    with pytest.raises(ParameterError):
        connected_threshold(two_balls(), low=60, high=200, **seeds)


def test_seeds_in_millimetres_need_millimetres():
    with pytest.raises(NoMillimetres):
        seed_indices(two_balls(unit="px"), seeds_lps_mm=[(0, 0, 0)])


def test_confidence_refuses_a_seed_where_nothing_was_measured():
    array = np.full((3, 3, 3), 9, dtype=np.int16)
    array[1, 1, 1] = -32768
    with pytest.raises(ParameterError, match="measured"):
        confidence_connected(volume_of(array), seeds_index=[(1, 1, 1)])


@pytest.mark.parametrize(
    "wrong", [{"multiplier": 0}, {"iterations": -1}, {"connectivity": 8}, {"radius_voxels": -1}]
)
def test_confidence_refuses_parameters_without_meaning(wrong):
    with pytest.raises(ParameterError):
        confidence_connected(two_balls(), seeds_index=[(8, 10, 10)], **wrong)
