"""Scan and its first masks -> the trunk on a coarse patient grid, with landmarks to find organs by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.voxels import Mask
from plastinate.stages.segment.orientation import body_middle_mm
from plastinate.stages.segment.patient_grid import moved, moved_mask, patient_grid
from plastinate.stages.segment.spinal_canal import Canal, spinal_canal

Floats = npt.NDArray[np.float32]

GRID_MM = 2.5
AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class Trunk:
    """A trunk with slices that run down, rows to the back and columns to the left, 2.5 mm each way.

    Attributes:
        grid: where it lies.
        values: (S, R, C) float32 HU, smoothed; air where nothing was measured.
        inner: (S, R, C) bool, inside the body and neither bone nor lung.
        lung_left, lung_right: (S, R, C) bool.
        canal: the spinal canal.
    """

    grid: Geometry
    values: Floats
    inner: Mask
    lung_left: Mask
    lung_right: Mask
    canal: Canal

    @property
    def step_mm(self) -> float:
        """Spacing of the grid, mm."""
        return self.grid.spacing_mm[0]

    @property
    def left_mm(self) -> Floats:
        """(S, 1, C): how far to the patient's left of the spinal canal."""
        columns = np.arange(self.grid.shape[2])[None]
        left = (columns - self.canal.columns[:, None]) * self.step_mm
        return left[:, None, :].astype(np.float32)

    @property
    def back_mm(self) -> Floats:
        """(S, R, 1): how far behind the spinal canal; in front of it is negative."""
        rows = np.arange(self.grid.shape[1])[None]
        back = (rows - self.canal.rows[:, None]) * self.step_mm
        return back[:, :, None].astype(np.float32)


def trunk(
    organ: str,
    volume: Volume,
    body: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    *,
    smooth_mm: float,
) -> Trunk:
    """The trunk of a scan, or the reason why an organ of the trunk cannot be in it.

    Args:
        organ: what is looked for, for the reason.
        volume: CT.
        body, lung_left, lung_right, bone: masks of the same scan.
        smooth_mm: blur of the values.

    Raises:
        EmptyMask: there is no spine of a trunk.
        NoMillimetres: the scan never said its pixel size.
    """
    grid = patient_grid(volume.geometry, GRID_MM)
    inner = moved_mask(body, volume.geometry, grid)
    hard = moved_mask(bone, volume.geometry, grid)
    middle = (body_middle_mm(inner, grid) - grid.to_lps_mm[0, 3]) / GRID_MM
    canal = spinal_canal(hard, grid, middle_column=middle)
    if canal is None:
        raise EmptyMask(organ, "there is no spine of a trunk in the scan")
    left = moved_mask(lung_left, volume.geometry, grid)
    right = moved_mask(lung_right, volume.geometry, grid)
    inner &= ~(hard | left | right)
    values = filters.gaussian(
        moved(volume.array, volume.geometry, grid), smooth_mm, grid.spacing_mm, as_float=True
    )
    np.nan_to_num(values, copy=False, nan=AIR_HU)
    return Trunk(grid, values, inner, left, right, canal)
