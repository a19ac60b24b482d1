"""A trunk on a patient grid -> what of its size no adult has, so that a wrong voxel size does not pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.distance import dilate
from plastinate.native.voxels import Mask
from plastinate.stages.segment.patient_grid import moved_mask

# A plane counts for the lungs with so much of them; gas in the bowel has less.
LUNG_CM2 = 10.0
# Measured: 238 mm in a chest CT at full breath. No person's thorax holds lungs two thirds longer.
LONGEST_LUNG_MM = 400.0
# A trunk as wide as a circle of its area: three adults measured 270 to 296 mm. A third less is a child's.
TRUNK_MM = (180.0, 500.0)
LEAST_TRUNK_MM = 60.0
# Lungs that lie whole in the scan, beside the trunk's width: 0.8 measured, flatter when breathed out.
FLATTEST_LUNGS = 0.4
# Slices without lung before its first and after its last plane: it is not cut by the scan.
CLEAR_PLANES = 2
# Where the body reaches the edge of what was measured in so many of its planes, its width is not known.
CUT_SHARE, CUT_VOXELS = 0.5, 4


def odd_sizes(volume: Volume, *, grid: Geometry, body: Mask, lung: Mask, spine: Mask) -> Iterator[Finding]:
    """What of a trunk is of a size that no adult has.

    Args:
        volume: CT in millimetres.
        grid: patient grid with slices down, rows back and columns left.
        body, lung: (S, R, C) bool on that grid.
        spine: (S,) bool, planes in which a spinal canal was seen.
    """
    step_mm = grid.spacing_mm[0]
    plane_cm2 = grid.spacing_mm[1] * grid.spacing_mm[2] / 100.0
    breath = np.count_nonzero(lung, axis=(1, 2)) * plane_cm2 >= LUNG_CM2
    length_mm = float(np.count_nonzero(breath)) * step_mm
    if length_mm > LONGEST_LUNG_MM:
        yield Finding(
            "segment.impossible-size",
            "warning",
            f"The lungs would be {length_mm:.0f} mm long, as no person's are.",
            "The size of the voxels must be wrong, most likely the distance of the slices.",
            {"lung_mm": length_mm},
        )
        return
    planes = np.flatnonzero(breath | spine)
    if planes.size * step_mm < LEAST_TRUNK_MM or (not breath.any() and spine.mean() < CUT_SHARE):
        return
    area_mm2 = 100.0 * plane_cm2 * float(np.median(np.count_nonzero(body[planes], axis=(1, 2))))
    across_mm = 2.0 * float(np.sqrt(area_mm2 / np.pi))
    low, high = TRUNK_MM
    if across_mm > high or (across_mm < low and not _is_cut(volume, body, grid, planes)):
        yield Finding(
            "segment.unlike-adult",
            "warning",
            f"The trunk is {across_mm:.0f} mm across on average, and {low:.0f} to {high:.0f} mm in adults.",
            "It is not an adult's, or the size of the voxels is wrong.",
            {"across_mm": round(across_mm)},
        )
    elif _is_whole(lung) and length_mm < FLATTEST_LUNGS * across_mm:
        yield Finding(
            "segment.unlike-adult",
            "warning",
            f"The lungs are {length_mm:.0f} mm long in a trunk of {across_mm:.0f} mm across: "
            "flatter than people's.",
            "The distance of the slices may be wrong.",
            {"lung_mm": length_mm, "across_mm": round(across_mm)},
        )


def _is_whole(lung: Mask) -> bool:
    planes = np.flatnonzero(lung.any(axis=(1, 2)))
    return bool(planes.size and planes[0] >= CLEAR_PLANES and planes[-1] < lung.shape[0] - CLEAR_PLANES)


def _is_cut(volume: Volume, body: Mask, grid: Geometry, planes: npt.NDArray[np.intp]) -> bool:
    """Whether the sides of the body lie beyond what was measured."""
    beyond = ~moved_mask(volume.measured, volume.geometry, grid)
    beyond[:, [0, -1], :] = True
    beyond[:, :, [0, -1]] = True
    touching = np.count_nonzero(
        dilate(body, 1.01 * grid.spacing_mm[0], grid.spacing_mm) & beyond, axis=(1, 2)
    )
    return float((touching[planes] >= CUT_VOXELS).mean()) >= CUT_SHARE
