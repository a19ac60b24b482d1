from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.model.errors import TooLarge
from plastinate.model.geometry import Geometry
from plastinate.stages.ingest.regularise import ON_GRID, apply_plan, fill_holes, plan_grid
from plastinate.stages.ingest.stack import Lattice

ROWS, COLUMNS = 24, 28
ROW_MM, COLUMN_MM = 0.8, 0.5


def lattice_at(offsets, *, drift=None, spacing=2.0, is_even=True, missing=(), angle=0.3):
    """A stack whose planes are turned in space, so that no axis is the world's."""
    c, s = np.cos(angle), np.sin(angle)
    row_direction = np.array([c, s, 0.0])
    column_direction = np.array([-s * c, c * c, s])
    offsets = np.asarray(offsets, dtype=np.float64)
    drift = np.zeros((len(offsets), 2)) if drift is None else np.asarray(drift, dtype=np.float64)
    is_leaning = bool(np.abs(drift).max() > 0)
    return Lattice(
        origin_lps_mm=np.array([10.0, -20.0, 30.0]),
        row_direction=row_direction,
        column_direction=column_direction,
        row_spacing_mm=ROW_MM,
        column_spacing_mm=COLUMN_MM,
        slice_offsets_mm=offsets,
        drift_mm=drift,
        spacing_mm=spacing,
        is_even=is_even,
        missing=missing,
        tilt_degrees=(1.0, 0.0) if is_leaning else (0.0, 0.0),
    )


def positions(lattice):
    """(N, R, C, 3) where each measured pixel lies, from the definition of a lattice alone."""
    axis = np.cross(lattice.column_direction, lattice.row_direction)
    start = (
        lattice.origin_lps_mm
        + np.outer(lattice.slice_offsets_mm, axis)
        + np.outer(lattice.drift_mm[:, 0], lattice.column_direction)
        + np.outer(lattice.drift_mm[:, 1], lattice.row_direction)
    )
    down = np.outer(np.arange(ROWS), lattice.column_direction * ROW_MM)
    across = np.outer(np.arange(COLUMNS), lattice.row_direction * COLUMN_MM)
    return start[:, None, None] + down[None, :, None] + across[None, None, :]


FIELD = np.array([7.0, -4.0, 11.0])


def check_linear_field(lattice, *, margin=1):
    plan = plan_grid(lattice, rows=ROWS, columns=COLUMNS)
    measured = (positions(lattice) @ FIELD).astype(np.float32)
    out = np.empty(plan.shape, dtype=np.float32)
    apply_plan(plan, measured, out=out)
    geometry = Geometry(plan.shape, plan.to_lps_mm)
    wanted = geometry.index_to_lps(np.moveaxis(np.indices(plan.shape), 0, -1)) @ FIELD
    known = ~np.isnan(out)
    # Where a sample leans on one side only, the edge value stands for less than half a pixel.
    inner = known.copy()
    for axis in (1, 2):
        inner &= np.roll(known, margin, axis) & np.roll(known, -margin, axis)
    inner[:, [0, -1]] = inner[:, :, [0, -1]] = False
    assert inner.mean() > 0.2
    # Slices that stand on the grid but for a hundredth of the spacing are left as they are.
    is_snapped = plan.slots is not None and not lattice.is_even
    snap = ON_GRID * lattice.spacing_mm * np.linalg.norm(FIELD) if is_snapped else 0.0
    assert np.abs(out - wanted)[inner].max() < 2e-3 + snap
    return plan, out


@settings(max_examples=25, deadline=None)
@given(
    row_tilt=st.floats(-30, 30),
    column_tilt=st.floats(-30, 30),
    steps=st.lists(st.floats(1.5, 2.5), min_size=4, max_size=7),
    is_even=st.booleans(),
)
def test_a_linear_field_survives_tilt_and_uneven_slices_exactly(row_tilt, column_tilt, steps, is_even):
    offsets = np.concatenate([[0], np.cumsum([2.0] * len(steps) if is_even else steps)])
    slopes = np.tan(np.radians([row_tilt, column_tilt]))
    check_linear_field(lattice_at(offsets, drift=np.outer(offsets, slopes), is_even=is_even))


def test_a_straight_stack_keeps_its_pixels_and_its_place():
    lattice = lattice_at(np.arange(5) * 2.0)
    plan = plan_grid(lattice, rows=ROWS, columns=COLUMNS)
    assert plan.shape == (5, ROWS, COLUMNS)
    assert plan.slots.tolist() == [0, 1, 2, 3, 4]
    assert not plan.filled_slices.any()
    geometry = Geometry(plan.shape, plan.to_lps_mm)
    assert np.allclose(geometry.index_to_lps(np.array([4, 3, 2])), positions(lattice)[4, 3, 2], atol=1e-12)


def test_the_first_slice_of_a_leaning_stack_is_not_blurred():
    offsets = np.arange(6) * 2.0
    lattice = lattice_at(offsets, drift=np.outer(offsets, [-0.37, 0.21]))
    plan = plan_grid(lattice, rows=ROWS, columns=COLUMNS)
    measured = np.random.default_rng(0).integers(-1000, 1000, (6, ROWS, COLUMNS)).astype(np.int16)
    out = np.empty(plan.shape, dtype=np.int16)
    apply_plan(plan, measured, out=out)
    start = np.linalg.inv(plan.to_lps_mm) @ np.append(lattice.origin_lps_mm, 1)
    r, c = (round(float(value)) for value in start[1:3])
    assert np.allclose(start[:3], [0, r, c], atol=1e-9)
    assert np.array_equal(out[0, r : r + ROWS, c : c + COLUMNS], measured[0])


def test_a_leaning_stack_grows_so_that_nothing_is_cut():
    offsets = np.arange(10) * 2.0
    lattice = lattice_at(offsets, drift=np.outer(offsets, [0.5, 0.0]))
    plan = plan_grid(lattice, rows=ROWS, columns=COLUMNS)
    out = np.empty(plan.shape, dtype=np.int16)
    apply_plan(plan, np.full((10, ROWS, COLUMNS), 7, np.int16), out=out)
    assert plan.shape == (10, ROWS + 12, COLUMNS)
    assert (out == 7).sum(axis=(1, 2)).min() >= (ROWS - 1) * COLUMNS
    assert set(np.unique(out)) == {7, -32768}


def test_missing_slices_are_bridged_and_marked():
    offsets = np.array([0.0, 2.0, 8.0, 10.0])
    lattice = lattice_at(offsets, missing=((1, 2),))
    plan = plan_grid(lattice, rows=ROWS, columns=COLUMNS)
    assert plan.slots.tolist() == [0, 1, 4, 5]
    assert np.flatnonzero(plan.filled_slices).tolist() == [2, 3]
    volume = np.empty(plan.shape, dtype=np.int16)
    volume[plan.slots] = np.array([0, 30, 90, 120], dtype=np.int16)[:, None, None]
    fill_holes(plan, volume)
    assert volume[:, 0, 0].tolist() == [0, 30, 50, 70, 90, 120]


def test_slices_missing_from_a_leaning_stack_are_bridged_too():
    offsets = np.array([0.0, 2.0, 4.0, 8.0, 10.0])
    lattice = lattice_at(offsets, drift=np.outer(offsets, [0.3, -0.2]), missing=((2, 1),))
    plan, _ = check_linear_field(lattice)
    assert np.flatnonzero(plan.filled_slices).tolist() == [3]


def test_a_wobbling_stack_is_straightened_slice_by_slice():
    drift = np.array([[0, 0], [0.9, 0.2], [-0.4, 0.6], [0.1, -0.8]])
    check_linear_field(lattice_at(np.arange(4) * 2.0, drift=drift))


def test_rounding_of_the_positions_is_no_drift():
    offsets = np.arange(40) * 2.0
    lattice = lattice_at(offsets)
    lattice.drift_mm[:] = np.random.default_rng(0).uniform(-0.02, 0.02, (40, 2))
    assert plan_grid(lattice, rows=ROWS, columns=COLUMNS).slots is not None


def test_a_single_slice_is_a_volume():
    plan = plan_grid(lattice_at([0.0], spacing=1.0), rows=ROWS, columns=COLUMNS)
    assert plan.shape == (1, ROWS, COLUMNS)


def test_a_stack_that_runs_away_sideways_is_refused():
    offsets = np.arange(4) * 2.0
    lattice = lattice_at(offsets, drift=np.outer(offsets, [80.0, 0.0]))
    with pytest.raises(TooLarge, match="straightened"):
        plan_grid(lattice, rows=ROWS, columns=COLUMNS)
