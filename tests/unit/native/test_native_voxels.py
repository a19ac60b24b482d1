import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plastinate.native import voxels
from voxel_scenes import ball, random_shape


@given(st.floats(-40000, 40000), st.floats(-40000, 40000), st.integers(0, 99))
def test_int16_windows_are_closed_and_agree_with_numpy(low, high, seed):
    rng = np.random.default_rng(seed)
    array = rng.integers(-32768, 32768, size=(2, 3, 37)).astype(np.int16)
    array[0, 0, :4] = (-32768, -32767, 32767, 0)
    expected = (array >= low) & (array <= high) & (array != -32768)
    assert np.array_equal(voxels.threshold(array, low, high), expected)


def test_unmeasured_voxels_never_match_even_an_open_window():
    shorts = np.array([[[-32768, -32767, 5]]], dtype=np.int16)
    floats = np.array([[[math.nan, -1e30, 5]]], dtype=np.float32)
    for array in (shorts, floats):
        assert voxels.threshold(array, -math.inf, math.inf).tolist() == [[[False, True, True]]]


def test_a_window_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="two numbers"):
        voxels.threshold(np.zeros((1, 1, 1), dtype=np.int16), math.nan, 3)


def test_other_types_are_refused_rather_than_misread():
    with pytest.raises(ValueError, match="int16 or float32"):
        voxels.threshold(np.zeros((1, 1, 1)), 0, 1)


def test_histogram_counts_each_value_inside_the_mask_and_leaves_unmeasured_out():
    rng = np.random.default_rng(3)
    array = rng.integers(-50, 50, size=(5, 6, 7)).astype(np.int16)
    array[2] = -32768
    mask = rng.random(array.shape) < 0.5
    counts = voxels.histogram(array, mask)
    inside = array[mask & (array != -32768)]
    assert counts.sum() == inside.size
    assert np.array_equal(counts[32768 - 50 : 32768 + 50], np.bincount(inside + 50, minlength=100))


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_sums_agree_with_numpy_far_from_zero(kind):
    rng = np.random.default_rng(4)
    array = rng.normal(20000, 3, size=(6, 7, 8)).astype(kind)
    mask = rng.random(array.shape) < 0.3
    found = voxels.sums(array, mask)
    inside = array[mask].astype(np.float64)
    assert found.count == inside.size
    assert found.mean == pytest.approx(inside.mean(), abs=1e-6)
    assert found.deviation == pytest.approx(inside.std(), rel=1e-6)
    assert (found.low, found.high) == (inside.min(), inside.max())


def test_sums_over_nothing_are_not_a_number():
    found = voxels.sums(np.full((1, 2, 3), -32768, dtype=np.int16))
    assert found.count == 0
    assert math.isnan(found.mean)


def test_bounding_box_agrees_with_numpy_on_random_masks():
    rng = np.random.default_rng(5)
    for _ in range(100):
        mask = rng.random(random_shape(rng)) < rng.choice([0.0, 0.002, 0.05, 1.0])
        where = np.argwhere(mask)
        box = voxels.bounding_box(mask)
        if len(where) == 0:
            assert box is None
            continue
        assert box is not None
        assert [axis.start for axis in box] == where.min(axis=0).tolist()
        assert [axis.stop for axis in box] == (where.max(axis=0) + 1).tolist()


def test_the_margin_of_a_box_ends_at_the_volume():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[0, 2, 4] = True
    assert voxels.bounding_box(mask, margin=(1, 2, 3)) == (slice(0, 2), slice(0, 5), slice(1, 5))


def test_gradient_of_a_slope_is_its_slope_in_real_units():
    spacing = (2.0, 0.5, 1.0)
    s, r, _ = np.indices((5, 6, 7)).astype(np.float32)
    array = (3 * s * 2.0 + 4 * r * 0.5).astype(np.float32)
    assert np.allclose(voxels.gradient_magnitude(array, spacing), 5.0)


def test_unmeasured_neighbours_make_no_gradient():
    array = np.full((3, 4, 5), 100, dtype=np.int16)
    array[:, :, 2] = -32768
    assert voxels.gradient_magnitude(array, (1.0, 1.0, 1.0)).max() == 0


def test_a_label_is_written_only_where_nothing_was():
    labels = np.zeros((9, 9, 9), dtype=np.uint16)
    first, second = ball((9, 9, 9), (4, 4, 3), 3), ball((9, 9, 9), (4, 4, 5), 3)
    assert voxels.paint_label(first, 7, labels) == (int(first.sum()), 0)
    shared = int((first & second).sum())
    assert voxels.paint_label(second, 8, labels) == (int(second.sum()) - shared, shared)
    assert np.array_equal(labels == 7, first)
