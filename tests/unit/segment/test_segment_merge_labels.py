import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.segment.merge_labels import merge_labels
from voxel_scenes import ball, volume_of

SHAPE = (10, 12, 20)
LEFT, RIGHT = ball(SHAPE, (5, 6, 7), 4), ball(SHAPE, (5, 6, 12), 4)
GRID = volume_of(np.zeros(SHAPE, dtype=np.int16)).geometry


def test_the_earlier_mask_wins_and_the_loss_is_reported():
    labels, contested = merge_labels(GRID, {"lung-left": LEFT, "lung-right": RIGHT})
    assert np.array_equal(labels.mask("lung-left"), LEFT)
    assert np.array_equal(labels.mask("lung-right"), RIGHT & ~LEFT)
    assert contested == {"lung-right": int((LEFT & RIGHT).sum())}
    assert labels.structures == {1: "lung-left", 2: "lung-right"}


def test_a_structure_that_loses_everything_is_not_named():
    labels, contested = merge_labels(GRID, {"body": LEFT | RIGHT, "lung-left": LEFT, "lung-right": RIGHT})
    assert labels.structures == {1: "body"}
    assert contested == {"lung-left": int(LEFT.sum()), "lung-right": int(RIGHT.sum())}


def test_an_empty_mask_is_passed_over_and_only_empty_masks_are_an_error():
    nothing = np.zeros(SHAPE, dtype=bool)
    labels, _ = merge_labels(GRID, {"a": nothing, "b": LEFT})
    assert labels.structures == {2: "b"}
    with pytest.raises(EmptyMask):
        merge_labels(GRID, {"a": nothing})


def test_masks_of_another_grid_are_refused():
    with pytest.raises(ParameterError, match="'a'"):
        merge_labels(GRID, {"a": LEFT[:, :, :5]})
