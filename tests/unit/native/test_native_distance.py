import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from plastinate.native import distance
from voxel_scenes import ball, random_shape

TOUCH = 1 + 1e-6


def random_scenes(count, *, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        mask = rng.random(random_shape(rng)) < rng.choice([0.02, 0.3, 0.7, 0.97])
        if mask.any():
            yield mask, tuple(rng.uniform(0.4, 3, 3).tolist())


def outside_of_padded(mask, spacing):
    return ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]


def test_distances_agree_with_scipy_on_uneven_grids():
    for mask, spacing in random_scenes(40):
        expected = ndimage.distance_transform_edt(~mask, sampling=spacing)
        assert np.allclose(distance.distance_outside(mask, spacing), expected, rtol=1e-5)
        assert np.allclose(
            distance.distance_inside(mask, spacing), outside_of_padded(mask, spacing), rtol=1e-5
        )


@pytest.mark.parametrize("cap", [0.1, 1.7, 6.0, 40.0])
def test_a_cap_hides_what_is_farther_and_changes_nothing_nearer(cap):
    for mask, spacing in random_scenes(15, seed=1):
        expected = ndimage.distance_transform_edt(~mask, sampling=spacing)
        expected[expected > cap * TOUCH] = np.inf
        assert np.allclose(distance.distance_outside(mask, spacing, cap=cap), expected, rtol=1e-5)


def test_nothing_set_is_infinitely_far():
    assert np.isinf(distance.distance_outside(np.zeros((2, 3, 4), dtype=bool), (1.0, 1.0, 1.0))).all()


def test_a_box_knows_nothing_of_the_rest():
    mask = np.zeros((1, 1, 9), dtype=bool)
    mask[0, 0, [0, 8]] = True
    box = (slice(0, 1), slice(0, 1), slice(2, 9))
    found = distance.distance_outside(mask, (1.0, 1.0, 2.0), box=box)
    assert found.ravel().tolist() == [12, 10, 8, 6, 4, 2, 0]


@pytest.mark.parametrize("radius", [0.3, 1.0, 1.7, 4.0, 30.0])
def test_growing_and_shrinking_are_distances_cut_at_the_radius(radius):
    for mask, spacing in random_scenes(12, seed=2):
        near = ndimage.distance_transform_edt(~mask, sampling=spacing) <= radius * TOUCH
        assert np.array_equal(distance.dilate(mask, radius, spacing), near)
        deep = outside_of_padded(mask, spacing) > radius * TOUCH
        assert np.array_equal(distance.erode(mask, radius, spacing), deep)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 5.0))
def test_closing_adds_opening_takes_and_a_second_time_does_nothing(seed, radius):
    rng = np.random.default_rng(seed)
    mask = rng.random(random_shape(rng)) < 0.5
    spacing = tuple(rng.uniform(0.5, 2, 3).tolist())
    closed, opened = distance.closed(mask, radius, spacing), distance.opened(mask, radius, spacing)
    assert not (mask & ~closed).any()
    assert not (opened & ~mask).any()
    assert np.array_equal(distance.closed(closed, radius, spacing), closed)
    assert np.array_equal(distance.opened(opened, radius, spacing), opened)


def test_closing_does_not_stick_to_the_border():
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[4, 4, 1] = True
    assert np.array_equal(distance.closed(mask, 3.0, (1.0, 1.0, 1.0)), mask)


def test_closing_bridges_a_gap_narrower_than_the_ball():
    mask = np.zeros((15, 15, 15), dtype=bool)
    mask[:, :, :7] = mask[:, :, 8:] = True
    mask[0] = mask[-1] = mask[:, 0] = mask[:, -1] = False
    assert distance.closed(mask, 2.0, (1.0, 1.0, 1.0))[7, 7, 7]


def test_a_ball_is_round_in_millimetres():
    seed = np.zeros((21, 41, 31), dtype=bool)
    seed[10, 20, 15] = True
    spacing = (2.0, 0.7, 1.1)
    assert np.array_equal(
        distance.dilate(seed, 9.0, spacing), ball(seed.shape, (10, 20, 15), 9.0, spacing=spacing)
    )


def test_slabs_and_threads_do_not_show(monkeypatch):
    rng = np.random.default_rng(9)
    mask = ndimage.gaussian_filter(rng.normal(size=(70, 12, 20)), 2) > 0
    for radius in (1.0, 3.5, 14.0):
        expected = ndimage.distance_transform_edt(~mask) <= radius * TOUCH
        for threads in ("1", "4"):
            monkeypatch.setenv("PLASTINATE_THREADS", threads)
            assert np.array_equal(distance.dilate(mask, radius, (1.0, 1.0, 1.0)), expected)


def test_an_empty_mask_stays_empty():
    mask = np.zeros((3, 3, 3), dtype=bool)
    for change in (distance.dilate, distance.erode, distance.opened, distance.closed):
        assert not change(mask, 2.0, (1.0, 1.0, 1.0)).any()
