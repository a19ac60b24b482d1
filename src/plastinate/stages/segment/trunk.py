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
from plastinate.stages.segment.head_field import lowest_of_cavity
from plastinate.stages.segment.orientation import body_middle_mm
from plastinate.stages.segment.patient_grid import AIR_HU, averaged, moved, moved_mask, patient_grid
from plastinate.stages.segment.spinal_canal import Canal, roll_of, spinal_canal

Floats = npt.NDArray[np.float32]

GRID_MM = 2.5
# A cortex of 1 mm fills so much of a voxel of 2.5 mm, and its blur.
BONE_SHARE = 0.25
# Bores are 70 to 90 cm wide, and a tilted or oblique stack spans a little more; people are under 2.3 m long.
LARGEST_MM = (1200.0, 1200.0, 2500.0)
TOO_LARGE = "the scan is larger than any person, so its voxel size must be wrong"
# No organ of a person fits into this.
SMALLEST_MM = 5.0
TOO_SMALL = "the scan is smaller than any organ, so its voxel size must be wrong"
# From the lowest plane in which the skull is a ring, the chin lies 80 to 110 mm lower, and the aorta's arch
# below the neck.
BELOW_HEAD_MM = 150.0


@dataclass(frozen=True, eq=False)
class Trunk:
    """A trunk with slices that run down, rows to the back and columns to the left, 2.5 mm each way.

    Attributes:
        grid: where it lies.
        values: (S, R, C) float32 HU, smoothed; air where nothing was measured.
        inner: (S, R, C) bool, inside the body and neither bone nor lung.
        lung_left, lung_right: (S, R, C) bool.
        canal: the spinal canal.
        roll: angle by which the front, from the canal to the vertebral body, is turned to the patient's left.
    """

    grid: Geometry
    values: Floats
    inner: Mask
    lung_left: Mask
    lung_right: Mask
    canal: Canal
    roll: float = 0.0

    @property
    def step_mm(self) -> float:
        """Spacing of the grid, mm."""
        return self.grid.spacing_mm[0]

    @property
    def left_mm(self) -> Floats:
        """(S, R, C): how far to the patient's left of the spinal canal, however the patient is rolled."""
        across, down = self._from_canal()
        return np.asarray(np.cos(self.roll) * across + np.sin(self.roll) * down, dtype=np.float32)

    @property
    def back_mm(self) -> Floats:
        """(S, R, C): how far behind the spinal canal; in front of it is negative."""
        across, down = self._from_canal()
        return np.asarray(np.cos(self.roll) * down - np.sin(self.roll) * across, dtype=np.float32)

    def _from_canal(self) -> tuple[Floats, Floats]:
        across = np.arange(self.grid.shape[2])[None] - self.canal.columns[:, None]
        down = np.arange(self.grid.shape[1])[None] - self.canal.rows[:, None]
        return (
            (across * self.step_mm)[:, None, :].astype(np.float32),
            (down * self.step_mm)[:, :, None].astype(np.float32),
        )


def is_beyond_people(geometry: Geometry) -> bool:
    """Whether a scan is wider than any bore, or longer than people: then its voxel size must be wrong."""
    low, high = geometry.corners_lps_mm.min(axis=0), geometry.corners_lps_mm.max(axis=0)
    return bool((high - low > LARGEST_MM).any())


def impossible_size(geometry: Geometry) -> str | None:
    """Why a scan of that size shows no person, None where it may, or says no size."""
    if geometry.unit != "mm":
        return None
    if is_beyond_people(geometry):
        return TOO_LARGE
    edges_mm = np.array(geometry.spacing_mm) * geometry.shape
    return TOO_SMALL if edges_mm.max() < SMALLEST_MM else None


def trunk(
    organ: str,
    volume: Volume,
    body: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    *,
    smooth_mm: float,
    below_head_mm: float = BELOW_HEAD_MM,
) -> Trunk:
    """The trunk of a scan, or the reason why an organ of the trunk cannot be in it.

    Args:
        organ: what is looked for, for the reason.
        volume: CT.
        body, lung_left, lung_right, bone: masks of the same scan.
        smooth_mm: blur of the values.
        below_head_mm: where the scan shows a cranial cavity, what lies higher than that below it is no trunk.

    Raises:
        EmptyMask: there is no spine of a trunk, or the scan is too large for one.
        NoMillimetres: the scan never said its pixel size.
    """
    if is_beyond_people(volume.geometry):
        raise EmptyMask(organ, TOO_LARGE)
    grid = patient_grid(volume.geometry, GRID_MM)
    inner = moved_mask(body, volume.geometry, grid)
    hard = moved_mask(bone, volume.geometry, grid)
    middle = (body_middle_mm(inner, grid) - grid.to_lps_mm[0, 3]) / GRID_MM
    bones = _bone_share(bone, volume.geometry, grid)
    lowest = lowest_of_cavity(bones, grid)
    if lowest is not None:
        bones[: lowest + round(below_head_mm / GRID_MM)] = False
    canal = spinal_canal(bones, grid, middle_column=middle)
    if canal is None:
        raise EmptyMask(organ, "there is no spine of a trunk in the scan")
    left = moved_mask(lung_left, volume.geometry, grid)
    right = moved_mask(lung_right, volume.geometry, grid)
    inner &= ~(hard | left | right)
    coarse = averaged(volume, GRID_MM)
    values = filters.gaussian(
        moved(coarse.array, coarse.geometry, grid), smooth_mm, grid.spacing_mm, as_float=True
    )
    np.nan_to_num(values, copy=False, nan=AIR_HU)
    return Trunk(grid, values, inner, left, right, canal, roll_of(bones, canal, grid))


def _bone_share(bone: Mask, source: Geometry, grid: Geometry) -> Mask:
    """Where bone fills a part of a coarse voxel: a cortex of a millimetre would slip through nearest ones."""
    share = averaged(Volume(source, bone.astype(np.float32), "a.u.", ""), GRID_MM)
    return np.asarray(moved(share.array, share.geometry, grid) >= BONE_SHARE)
