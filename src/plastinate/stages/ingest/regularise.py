"""Slices where the scanner put them -> slices on a straight, even, orthogonal grid.

Every target slice lies at a whole multiple of the spacing on the slice axis
and is blended from the measured slices on either side of it along their lean,
so that everything between two slices is covered. That one rule undoes gantry
tilt and any other in-plane drift, evens out uneven slices, and bridges holes;
a field that is linear in space comes out exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import TooLarge
from plastinate.native.resample import resample_slices
from plastinate.stages.ingest.stack import Lattice

# Positions are written with a few digits; a drift below this share of a pixel is noise.
DRIFT_TOLERANCE_PX = 0.1
# A slice this close to a place on the grid, in shares of the spacing, stands on it.
ON_GRID = 0.01
# Tilted stacks grow: 30 degrees over a metre add less than three times the plane.
LARGEST_GROWTH = 8.0


@dataclass(frozen=True, eq=False)
class Plan:
    """How the target slices come from the measured ones.

    Attributes:
        shape: of the target.
        to_lps_mm: (4, 4) target index -> LPS mm, exact.
        pairs: (T, 2) measured slices on either side.
        weights: (T,) weight of the second.
        displacements: (T, 2) source minus target index, (row, column), of both.
        filled_slices: (T,) True where no measured slice is near.
        slots: (N,) target slice of each measured slice where pixels can be
            decoded straight into place, or None where all must be resampled.
    """

    shape: tuple[int, int, int]
    to_lps_mm: npt.NDArray[np.float64]
    pairs: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    displacements: npt.NDArray[np.float64]
    filled_slices: npt.NDArray[np.bool_]
    slots: npt.NDArray[np.int64] | None


def plan_grid(lattice: Lattice, *, rows: int, columns: int, name: str = "the series") -> Plan:
    """Lay a regular grid over the slices of a lattice.

    The grid keeps the pixels of the first slice; where the stack drifts it
    grows by whole pixels until every slice lies in it.

    Args:
        lattice: where the slices lie.
        rows: of each slice.
        columns: of each slice.
        name: what to call the series if it is refused.

    Raises:
        TooLarge: the grid would be many times larger than what was measured.
    """
    offsets = np.asarray(lattice.slice_offsets_mm, dtype=np.float64)
    pixel_mm = np.array([lattice.row_spacing_mm, lattice.column_spacing_mm])
    drift_px = np.asarray(lattice.drift_mm, dtype=np.float64).reshape(-1, 2) / pixel_mm
    is_straight = bool(np.abs(drift_px).max(initial=0.0) <= DRIFT_TOLERANCE_PX) and not any(
        lattice.tilt_degrees
    )
    if is_straight:
        drift_px = np.zeros_like(drift_px)
    count = round(float(offsets[-1]) / lattice.spacing_mm) + 1
    # The nominal spacing, stretched by a trifle so that the last slice is a slice of the grid too.
    spacing_mm = float(offsets[-1]) / (count - 1) if count > 1 else lattice.spacing_mm
    grid = offsets / spacing_mm
    low = np.floor(drift_px.min(axis=0) + 1e-6).astype(int)
    high = np.ceil(drift_px.max(axis=0) - 1e-6).astype(int)
    shape = (count, int(rows + high[0] - low[0]), int(columns + high[1] - low[1]))
    growth = float(np.prod(np.asarray(shape, dtype=np.float64))) / (len(offsets) * rows * columns)
    if growth > LARGEST_GROWTH:
        raise TooLarge(
            name, "the straightened volume, in times what was measured", value=growth, cap=LARGEST_GROWTH
        )
    # What is resampled anyway is resampled from where it lies, not from where it nearly lies.
    slots = _slots(lattice, grid) if is_straight or lattice.is_even else None
    pairs, weights, filled = _brackets(grid if slots is None else slots.astype(np.float64), count)
    # Both sides at the same pixel: the line between them passes through the sample.
    # Straight along the axis instead, the margins would lean on one side alone.
    lean = (1.0 - weights[:, None]) * drift_px[pairs[:, 0]] + weights[:, None] * drift_px[pairs[:, 1]]
    displacements = low - lean
    return Plan(
        shape,
        _matrix(lattice, low, spacing_mm),
        pairs,
        weights,
        displacements,
        filled,
        slots if is_straight else None,
    )


def _matrix(lattice: Lattice, low: npt.NDArray[np.int_], spacing_mm: float) -> npt.NDArray[np.float64]:
    """(4, 4) index -> LPS mm of the grid whose first voxel is `low` pixels from the first slice's."""
    down = np.asarray(lattice.column_direction, dtype=np.float64) * lattice.row_spacing_mm
    across = np.asarray(lattice.row_direction, dtype=np.float64) * lattice.column_spacing_mm
    axis = np.cross(lattice.column_direction, lattice.row_direction)
    matrix = np.eye(4)
    matrix[:3, 0] = axis / np.linalg.norm(axis) * spacing_mm
    matrix[:3, 1] = down
    matrix[:3, 2] = across
    matrix[:3, 3] = np.asarray(lattice.origin_lps_mm) + down * low[0] + across * low[1]
    return matrix


def _slots(lattice: Lattice, grid: npt.NDArray[np.float64]) -> npt.NDArray[np.int64] | None:
    """The grid place of each slice if each stands on one of its own; else None."""
    nearest = np.rint(grid)
    is_on_grid = bool(np.abs(grid - nearest).max(initial=0.0) <= ON_GRID) or lattice.is_even
    if not is_on_grid or (np.diff(nearest) < 1).any():
        return None
    return nearest.astype(np.int64)


def _brackets(
    grid: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """For each target slice the measured ones around it, the second's weight, and if it bridges a hole."""
    target = np.arange(count, dtype=np.float64)
    second = np.clip(np.searchsorted(grid, target, side="left"), 0, len(grid) - 1)
    first = np.clip(second - 1, 0, len(grid) - 1)
    first = np.where(grid[second] <= target, second, first)
    width = grid[second] - grid[first]
    weights = np.divide(target - grid[first], width, out=np.zeros(count), where=width > 0)
    weights = np.clip(weights, 0.0, 1.0)
    weights[weights < 1e-6] = 0.0
    weights[weights > 1 - 1e-6] = 1.0
    # Between slices no more than one and a half spacings apart a sample is an
    # interpolation like any other; across more, what lies far from both was not seen.
    distance = np.minimum(np.abs(target - grid[first]), np.abs(grid[second] - target))
    filled = (width > 1.5) & (distance > 0.5 - 1e-9)
    return np.stack([first, second], axis=1).astype(np.int64), weights, filled


def apply_plan(plan: Plan, measured: npt.NDArray[Any], *, out: npt.NDArray[Any]) -> None:
    """Resample the measured slices into the grid.

    Args:
        plan: of this lattice.
        measured: (N, R, C) int16 or float32, in the order of the lattice.
        out: of the plan's shape and the same type.
    """
    resample_slices(measured, plan.pairs, plan.weights, plan.displacements, out=out)


def fill_holes(plan: Plan, array: npt.NDArray[Any]) -> None:
    """Bridge the missing slices of a volume whose measured ones already stand in their places."""
    if plan.slots is None:
        return
    for target in np.flatnonzero(plan.filled_slices):
        pair = plan.slots[plan.pairs[target]].reshape(1, 2)
        low, high = int(pair.min()), int(pair.max())
        resample_slices(
            array[low : high + 1],
            pair - low,
            plan.weights[target : target + 1],
            np.zeros((1, 2)),
            out=array[target : target + 1],
        )
