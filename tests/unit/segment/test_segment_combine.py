import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.segment import combine
from voxel_scenes import ball, volume_of

SHAPE = (12, 14, 30)
LEFT, RIGHT = ball(SHAPE, (6, 7, 8), 5), ball(SHAPE, (6, 7, 15), 5)
FAR = ball(SHAPE, (6, 7, 27), 1)


def grid():
    array = np.zeros(SHAPE, dtype=np.int16)
    array[0] = -32768
    return volume_of(array)


def test_sets_behave_as_sets():
    assert np.array_equal(combine.union(grid(), LEFT, RIGHT, FAR), LEFT | RIGHT | FAR)
    assert np.array_equal(combine.intersection(grid(), LEFT, RIGHT), LEFT & RIGHT)
    assert np.array_equal(combine.difference(grid(), LEFT, RIGHT, FAR), LEFT & ~RIGHT)


def test_inputs_are_left_alone():
    copies = LEFT.copy(), RIGHT.copy()
    for method in (combine.union, combine.intersection, combine.difference):
        method(grid(), LEFT, RIGHT)
    combine.within(grid(), LEFT, RIGHT, distance_mm=0)
    combine.outside_of(grid(), LEFT, RIGHT)
    assert np.array_equal(LEFT, copies[0])
    assert np.array_equal(RIGHT, copies[1])


def test_the_inverse_leaves_out_what_was_never_measured():
    rest = combine.invert(grid(), LEFT)
    assert not rest[0].any()
    assert np.array_equal(rest[1:], ~LEFT[1:])
    assert np.array_equal(combine.invert(grid(), LEFT, measured_only=False), ~LEFT)


def test_near_and_far_share_the_mask_between_them():
    everything = LEFT | FAR
    near = combine.within(grid(), everything, RIGHT, distance_mm=3)
    far = combine.outside_of(grid(), everything, RIGHT, distance_mm=3)
    assert not (near & far).any()
    assert np.array_equal(near | far, everything)
    assert not (near & FAR).any()
    assert np.array_equal(combine.outside_of(grid(), LEFT, RIGHT), LEFT & ~RIGHT)


def test_empty_results_are_said():
    with pytest.raises(EmptyMask):
        combine.intersection(grid(), LEFT, FAR)
    with pytest.raises(EmptyMask):
        combine.difference(grid(), LEFT, LEFT)
    with pytest.raises(EmptyMask):
        combine.invert(grid(), np.ones(SHAPE, dtype=bool))
    with pytest.raises(EmptyMask):
        combine.within(grid(), FAR, LEFT, distance_mm=2)


def test_no_mask_and_masks_of_another_grid_are_refused():
    with pytest.raises(ParameterError):
        combine.union(grid())
    with pytest.raises(ParameterError):
        combine.union(grid(), LEFT[:5])
    with pytest.raises(ParameterError):
        combine.within(grid(), LEFT, RIGHT, distance_mm=-1)
