import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.model.errors import NoMillimetres, ParameterError, TooLarge
from plastinate.stages.prepare.resample import isotropic, to_spacing
from voxel_scenes import ball, volume_of

SPACING = (2.5, 0.7, 0.9)


def slope(shape=(12, 20, 18), *, spacing_mm=SPACING, unit="mm"):
    """A volume whose value is its own LPS position, weighted: linear sampling must reproduce it."""
    empty = volume_of(np.zeros(shape, dtype=np.float32), spacing_mm=spacing_mm, quantity="a.u.", unit=unit)
    return empty.with_array(value_at(empty.geometry))


def value_at(geometry):
    at = geometry.index_to_lps(np.stack(np.indices(geometry.shape), axis=-1).astype(np.float64))
    return (at @ np.array([1.0, 2.0, -0.5])).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.floats(0.4, 4.0)] * 3))
def test_the_grid_starts_at_the_same_edge_and_ends_within_half_a_voxel(spacing_mm):
    old = slope((5, 9, 8)).geometry
    new = to_spacing(slope((5, 9, 8)), spacing_mm=spacing_mm).geometry
    assert np.allclose(new.spacing_mm, spacing_mm)
    first = old.lps_to_index(new.index_to_lps(np.array([-0.5, -0.5, -0.5])))
    assert np.allclose(first, -0.5)
    last = old.lps_to_index(new.index_to_lps(np.array(new.shape) - 0.5)) + 0.5
    assert (np.abs(last - old.shape) <= np.array(spacing_mm) / SPACING * 0.5001).all()


def test_every_new_voxel_was_measured():
    for spacing in (0.61, 1.7, 3.3):
        assert to_spacing(slope(), spacing_mm=spacing).measured.all()


@pytest.mark.parametrize("order", [1, 3])
def test_values_stay_where_they_are_in_the_patient(order):
    fine = to_spacing(slope(), spacing_mm=0.6, order=order)
    truth = value_at(fine.geometry)
    old_index = slope().geometry.lps_to_index(
        fine.geometry.index_to_lps(np.stack(np.indices(fine.geometry.shape), axis=-1).astype(np.float64))
    )
    inner = ((old_index >= 1) & (old_index <= np.array(slope().geometry.shape) - 2)).all(axis=-1)
    assert np.abs(fine.array - truth)[inner].max() < 1e-3


def test_cubes_take_the_smallest_spacing_unless_told():
    assert np.allclose(isotropic(slope()).geometry.spacing_mm, 0.7)
    assert np.allclose(isotropic(slope(), spacing_mm=2).geometry.spacing_mm, 2.0)


def test_the_same_spacing_changes_nothing():
    same = to_spacing(slope(), spacing_mm=SPACING)
    assert np.allclose(same.geometry.to_lps_mm, slope().geometry.to_lps_mm)
    assert np.allclose(same.array, slope().array, atol=1e-4)


def test_the_volume_of_a_ball_survives_resampling():
    mask = ball((40, 40, 40), (20, 20, 20), 14)
    volume = volume_of(np.where(mask, 1000, 0).astype(np.int16))
    for spacing in (0.7, 1.6, (2.0, 1.0, 1.3)):
        made = to_spacing(volume, spacing_mm=spacing)
        share = made.array.astype(np.float64).sum() * made.geometry.voxel_ml
        assert share == pytest.approx(float(mask.sum()), rel=0.01)


def test_stripes_finer_than_the_new_voxels_become_grey_and_no_pattern():
    stripes = np.zeros((4, 4, 60), dtype=np.float32)
    stripes[:, :, ::2] = 1000
    volume = volume_of(stripes, quantity="a.u.")
    rough = to_spacing(volume, spacing_mm=(1, 1, 3.9), is_antialiased=False).array[:, :, 2:-2]
    calm = to_spacing(volume, spacing_mm=(1, 1, 3.9)).array[:, :, 2:-2]
    assert np.ptp(calm) < 0.05 * np.ptp(rough)
    assert calm.mean() == pytest.approx(500, rel=0.02)


def test_filled_slices_and_unmeasured_voxels_are_carried_along():
    array = np.zeros((6, 8, 8), dtype=np.int16)
    array[:, :4] = -32768
    volume = volume_of(array, spacing_mm=(2.0, 1.0, 1.0))
    filled = np.array([False, False, True, False, False, False])
    marked = type(volume)(volume.geometry, array, "HU", "CT", filled)
    fine = isotropic(marked)
    assert np.flatnonzero(fine.filled_slices).tolist() == [4, 5]
    assert (fine.array[:, :4] == -32768).all()
    assert (fine.array[:, 4:] == 0).all()


def test_impossible_grids_are_refused():
    for wrong in (0, -1, float("nan"), (1, 0, 1)):
        with pytest.raises(ParameterError):
            to_spacing(slope(), spacing_mm=wrong)
    with pytest.raises(ParameterError, match="order"):
        to_spacing(slope(), spacing_mm=1, order=2)
    with pytest.raises(TooLarge):
        to_spacing(slope(), spacing_mm=1e-3)
    with pytest.raises(NoMillimetres):
        isotropic(slope(unit="px"))
