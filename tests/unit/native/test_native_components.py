import gc

import numpy as np
import pytest
from scipy import ndimage

from plastinate.native import components
from plastinate.native.components import Components
from voxel_scenes import ball, random_shape

RANKS = {6: 1, 18: 2, 26: 3}


def random_masks(count, *, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.random(random_shape(rng)) < rng.choice([0.05, 0.2, 0.4, 0.6, 0.95])


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_labels_sizes_and_boxes_agree_with_scipy_in_scan_order(connectivity):
    structure = ndimage.generate_binary_structure(3, RANKS[connectivity])
    for mask in random_masks(60):
        labels, sizes, boxes = components.label_components(mask, connectivity=connectivity)
        expected, count = ndimage.label(mask, structure)
        assert np.array_equal(labels, expected)
        assert np.array_equal(
            sizes,
            np.bincount(expected.ravel() * mask.ravel(), minlength=count + 1) * (np.arange(count + 1) > 0),
        )
        for box, found in zip(boxes[1:], ndimage.find_objects(expected), strict=True):
            assert [(axis.start, axis.stop) for axis in found] == list(zip(*box.tolist(), strict=True))


def test_numbering_does_not_depend_on_the_threads(monkeypatch):
    masks = list(random_masks(10, seed=7))
    monkeypatch.setenv("PLASTINATE_THREADS", "1")
    alone = [components.label_components(mask)[0] for mask in masks]
    monkeypatch.setenv("PLASTINATE_THREADS", "5")
    for mask, labels in zip(masks, alone, strict=True):
        assert np.array_equal(components.label_components(mask)[0], labels)


def test_centres_are_mean_indices():
    mask = ball((11, 12, 13), (3, 4, 5), 2) | ball((11, 12, 13), (8, 8, 9), 1)
    parts = Components(mask)
    assert parts.centres_index[1:].tolist() == [[3, 4, 5], [8, 8, 9]]


def test_the_largest_pieces_are_kept_and_of_equals_the_first():
    mask = np.zeros((1, 1, 12), dtype=bool)
    mask[0, 0, [0, 1, 3, 4, 6, 8, 9, 10]] = True
    assert np.flatnonzero(components.largest_components(mask)).tolist() == [8, 9, 10]
    assert np.flatnonzero(components.largest_components(mask, k=2)).tolist() == [0, 1, 8, 9, 10]
    assert np.flatnonzero(components.largest_components(mask, k=9, min_voxels=2)).tolist() == [
        0,
        1,
        3,
        4,
        8,
        9,
        10,
    ]
    assert not components.largest_components(mask, min_voxels=4).any()


def test_small_pieces_go_and_others_stay():
    for mask in random_masks(20, seed=2):
        labels, _ = ndimage.label(mask, np.ones((3, 3, 3)))
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        assert np.array_equal(components.remove_small(mask, min_voxels=4), sizes[labels] >= 4)


def test_a_seed_finds_its_own_component_and_one_in_the_air_finds_none():
    mask = ball((9, 9, 20), (4, 4, 4), 3) | ball((9, 9, 20), (4, 4, 14), 3)
    grown = components.components_at_seeds(mask, [(4, 4, 14), (0, 0, 0), (99, 0, 0)])
    assert np.array_equal(grown, ball((9, 9, 20), (4, 4, 14), 3))


def test_a_box_hides_what_lies_outside_it():
    mask = np.ones((4, 5, 6), dtype=bool)
    box = (slice(1, 3), slice(2, 5), slice(0, 4))
    parts = Components(mask, box=box)
    assert parts.count == 1
    assert parts.boxes[1].tolist() == [[1, 2, 0], [3, 5, 4]]
    assert parts.sizes[1] == 2 * 3 * 4
    assert parts.at((0, 0, 0)) == 0
    expected = np.zeros_like(mask)
    expected[box] = True
    assert np.array_equal(parts.mask([1]), expected)
    assert np.array_equal(parts.labels() > 0, expected)


def test_many_places_are_asked_at_once_and_answered_as_one_by_one():
    rng = np.random.default_rng(5)
    parts = Components(
        rng.random((7, 9, 11)) < 0.3, connectivity=6, box=(slice(1, 6), slice(2, 9), slice(0, 8))
    )
    places = rng.integers(-2, 13, (300, 3))
    assert parts.at_each(places).tolist() == [parts.at(tuple(place)) for place in places]
    assert len(set(parts.at_each(places).tolist())) > 5
    assert parts.at_each(np.zeros((0, 3), dtype=np.int64)).shape == (0,)


def test_touching_tells_the_faces_apart():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[0, 2, 2] = mask[2, 4, 2] = mask[4, 0, 0] = mask[2, 2, 2] = True
    parts = Components(mask, connectivity=6)
    assert parts.touching().tolist() == [False, True, False, True, True]
    assert parts.touching("r").tolist() == [False, False, False, True, True]


def test_cavities_are_filled_as_scipy_fills_them():
    for mask in random_masks(80, seed=3):
        assert np.array_equal(components.fill_cavities(mask), ndimage.binary_fill_holes(mask))


def test_a_cavity_leaks_through_faces_only():
    shell = np.ones((5, 5, 5), dtype=bool)
    shell[2, 2, 2] = False
    shell[1, 1, 1] = shell[0, 0, 0] = False
    filled = components.fill_cavities(shell)
    assert filled[2, 2, 2]
    assert filled[1, 1, 1]
    assert not filled[0, 0, 0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_holes_in_planes_are_filled_as_scipy_fills_them(axis):
    for mask in random_masks(30, seed=4):
        expected = np.stack(
            [ndimage.binary_fill_holes(plane) for plane in np.moveaxis(mask, axis, 0)], axis=axis
        )
        assert np.array_equal(components.fill_holes_2d(mask, axis=axis), expected)


def test_large_holes_may_stay_open():
    mask = np.ones((1, 9, 9), dtype=bool)
    mask[0, 1:4, 1:4] = mask[0, 6, 6] = False
    filled = components.fill_holes_2d(mask, max_voxels=4)
    assert filled[0, 6, 6]
    assert not filled[0, 1:4, 1:4].any()


def test_inputs_are_left_alone():
    mask = ball((9, 9, 9), (4, 4, 4), 4) & ~ball((9, 9, 9), (4, 4, 4), 2)
    before = mask.copy()
    components.fill_cavities(mask)
    for axis in range(3):
        components.fill_holes_2d(mask, axis=axis)
    components.largest_components(mask)
    assert np.array_equal(mask, before)


@pytest.mark.parametrize("shape", [(1, 5, 5), (5, 1, 5), (5, 5, 1)])
def test_an_axis_of_one_voxel_does_not_let_holes_be_filled_in_the_input(shape):
    mask = np.ones((5, 5), dtype=bool)
    mask[2, 2] = False
    flat = np.ascontiguousarray(mask.reshape(shape))
    before = flat.copy()
    for axis in range(3):
        filled = components.fill_holes_2d(flat, axis=axis)
        assert filled.all() == (shape[axis] == 1)
        assert np.array_equal(flat, before)


def test_a_flood_stays_in_its_window():
    array = np.array([[[1, 5, 6, 1, 5]]], dtype=np.int16)
    assert components.flood(array, [(0, 0, 1)], 4, 6).tolist() == [[[False, True, True, False, False]]]


def test_an_empty_mask_has_no_component():
    mask = np.zeros((2, 3, 4), dtype=bool)
    assert Components(mask).count == 0
    assert not components.largest_components(mask).any()
    assert not components.fill_cavities(mask).any()
    assert not components.fill_holes_2d(mask, axis=1).any()


def test_other_connectivities_are_refused():
    with pytest.raises(ValueError, match="6, 18 or 26"):
        Components(np.ones((1, 1, 1), dtype=bool), connectivity=5)


@pytest.mark.slow
def test_the_kernel_memory_is_given_back_with_the_object():
    parts = Components(np.ones((2, 2, 2), dtype=bool))
    release = parts._release
    del parts
    gc.collect()
    assert not release.alive
