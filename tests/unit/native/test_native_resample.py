from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.native.resample import resample_affine, resample_slices

UNMEASURED = -32768


def ramp(shape, gradient, dtype=np.float32):
    grid = np.indices(shape).astype(np.float64)
    return np.tensordot(np.asarray(gradient, dtype=np.float64), grid, axes=1).astype(dtype)


def sampled_ramp(shape, gradient, index_map):
    where = (
        np.einsum("ij,jsrc->isrc", index_map[:, :3], np.indices(shape)) + index_map[:, 3, None, None, None]
    )
    return np.tensordot(np.asarray(gradient, dtype=np.float64), where, axes=1), where


small = st.floats(-0.4, 0.4)


@settings(max_examples=40, deadline=None)
@given(
    shear=st.lists(small, min_size=6, max_size=6),
    scale=st.lists(st.floats(0.4, 1.8), min_size=3, max_size=3),
    move=st.lists(st.floats(-1.5, 3.0), min_size=3, max_size=3),
    order=st.sampled_from([1, 3]),
)
def test_a_linear_field_is_reproduced_under_any_affine_map(shear, scale, move, order):
    index_map = np.column_stack([np.diag(scale), move])
    index_map[[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]] = shear
    gradient = (3.0, -2.0, 5.0)
    source = ramp((7, 8, 9), gradient)
    got = resample_affine(source, index_map, (6, 7, 8), order=order)
    wanted, where = sampled_ramp((6, 7, 8), gradient, index_map)
    ends = np.array(source.shape).reshape(3, 1, 1, 1) - 1
    inside = ((where >= 0) & (where <= ends)).all(axis=0)
    outside = ((where < -0.51) | (where > ends + 0.51)).any(axis=0)
    assert np.allclose(got[inside], wanted[inside], atol=2e-4)
    assert np.isnan(got[outside]).all()


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_the_separable_way_equals_the_general_one(dtype):
    source = np.random.default_rng(1).integers(-1000, 3000, (9, 10, 11)).astype(dtype)
    source[2, 3] = UNMEASURED if dtype == np.int16 else np.nan
    source[5, 5, 5] = UNMEASURED if dtype == np.int16 else np.nan
    straight = np.array([[0.6, 0, 0, -0.4], [0, 1.3, 0, 0.2], [0, 0, 0.8, -0.3]])
    general = straight.copy()
    general[0, 1] = 1e-13  # enough to take the general way, too little to change a value
    one = resample_affine(source, straight, (14, 8, 14))
    other = resample_affine(source, general, (14, 8, 14))
    assert np.allclose(one, other, atol=1 if dtype == np.int16 else 2e-3, equal_nan=True)


def test_half_the_weight_decides_what_is_unmeasured():
    source = np.array([[[100, UNMEASURED]]], dtype=np.int16)
    at = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.25, 0]])
    assert resample_affine(source, at, (1, 1, 5))[0, 0].tolist() == [100, 100, 100, UNMEASURED, UNMEASURED]


def test_cubic_never_writes_the_unmeasured_value():
    source = np.full((8, 8, 8), -32767, dtype=np.int16)
    source[:, :, 4:] = 32767
    at = np.array([[1.0, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 0.5, 0]])
    got = resample_affine(source, at, (7, 7, 15), order=3)
    assert got.min() == -32767
    assert got.max() == 32767


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int16, np.float32, np.int32])
def test_nearest_keeps_labels_and_marks_what_lies_outside(dtype):
    source = (np.arange(27).reshape(3, 3, 3) % 2).astype(dtype)
    at = np.array([[1.0, 0, 0, 0.4], [0, 1, 0, -0.4], [0, 0, 1, 1]])
    got = resample_affine(source, at, (3, 3, 3), order=0)
    assert np.array_equal(got[:, :, :2], source[:, :, 1:])
    outside = got[:, :, 2]
    if dtype == np.int16:
        assert (outside == UNMEASURED).all()
    elif dtype == np.float32:
        assert np.isnan(outside).all()
    else:
        assert not outside.any()


def test_the_number_of_threads_changes_nothing():
    source = np.random.default_rng(2).normal(size=(12, 13, 14)).astype(np.float32)
    at = np.array([[0.9, 0.05, 0, 0], [0.02, 0.9, 0, 0], [0, -0.03, 0.9, 0.4]])
    results = [resample_affine(source, at, (12, 12, 12), threads=threads) for threads in (1, 3, 8)]
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()


def test_an_impossible_map_is_refused():
    source = np.zeros((2, 2, 2), dtype=np.int16)
    with pytest.raises(ValueError, match="impossible"):
        resample_affine(source, np.full((3, 4), np.nan), (2, 2, 2))
    with pytest.raises(ValueError, match="order 1 on uint8"):
        resample_affine(source.astype(np.uint8), np.eye(3, 4), (2, 2, 2))


def test_a_pair_that_names_no_slice_is_refused():
    source = np.zeros((2, 2, 2), dtype=np.int16)
    with pytest.raises(ValueError, match="impossible"):
        resample_slices(
            source, np.array([[0, 2]]), np.zeros(1), np.zeros((1, 2)), out=np.empty((1, 2, 2), np.int16)
        )
