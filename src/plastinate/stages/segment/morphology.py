"""Mask -> mask by shape: grown, shrunk and smoothed by balls in mm; pieces kept, holes filled."""

from __future__ import annotations

import math

import numpy as np

from plastinate.model.volume import Volume
from plastinate.native import components, distance
from plastinate.stages.segment.checks import Mask, found, require_choice, require_masks, require_positive

PLANES = ("axial", "coronal", "sagittal", "slice", "row", "column")


def dilate(volume: Volume, mask: Mask, *, radius_mm: float) -> Mask:
    """Grow the mask by a ball: every voxel with a set voxel within the radius, centre to centre.

    Args:
        volume: gives the grid.
        mask: (S, R, C) bool.
        radius_mm: of the ball; exact on anisotropic grids.
    """
    require_masks(volume, (mask,))
    return distance.dilate(mask, require_positive("radius_mm", radius_mm), volume.geometry.spacing_mm)


def erode(volume: Volume, mask: Mask, *, radius_mm: float) -> Mask:
    """Shrink the mask by a ball; what lies beyond the volume counts as not set.

    Args:
        volume: gives the grid.
        mask: (S, R, C) bool.
        radius_mm: of the ball.

    Raises:
        EmptyMask: nothing was thick enough.
    """
    require_masks(volume, (mask,))
    shrunk = distance.erode(mask, require_positive("radius_mm", radius_mm), volume.geometry.spacing_mm)
    return found(shrunk, "the eroded mask", f"nothing is more than {radius_mm:g} mm from its edge")


def opening(volume: Volume, mask: Mask, *, radius_mm: float) -> Mask:
    """Erode, then dilate: bridges and spikes thinner than the ball go, the rest keeps its size.

    Args:
        volume: gives the grid.
        mask: (S, R, C) bool.
        radius_mm: of the ball.

    Raises:
        EmptyMask: nothing was thick enough.
    """
    require_masks(volume, (mask,))
    kept = distance.opened(mask, require_positive("radius_mm", radius_mm), volume.geometry.spacing_mm)
    return found(kept, "the opened mask", f"no ball of {radius_mm:g} mm fits inside")


def closing(volume: Volume, mask: Mask, *, radius_mm: float) -> Mask:
    """Dilate, then erode: gaps narrower than the ball are bridged; nothing sticks to the border of the scan.

    Args:
        volume: gives the grid.
        mask: (S, R, C) bool.
        radius_mm: of the ball.
    """
    require_masks(volume, (mask,))
    return distance.closed(mask, require_positive("radius_mm", radius_mm), volume.geometry.spacing_mm)


def largest_pieces(
    volume: Volume, mask: Mask, *, count: int = 1, connectivity: int = 26, min_piece_ml: float = 0.0
) -> Mask:
    """Keep the largest connected pieces.

    Args:
        volume: gives the voxel size.
        mask: (S, R, C) bool.
        count: pieces to keep at most; of equals the one found first.
        connectivity: 6, 18 or 26 neighbours.
        min_piece_ml: drop even these where they are smaller.

    Raises:
        EmptyMask: no piece is large enough.
    """
    require_masks(volume, (mask,))
    require_positive("count", count)
    require_choice("connectivity", connectivity, components.CONNECTIVITIES)
    least = _voxels(volume, min_piece_ml)
    kept = components.largest_components(mask, k=int(count), connectivity=connectivity, min_voxels=least)
    return found(kept, "the largest pieces", f"no piece has {min_piece_ml:g} ml")


def remove_specks(volume: Volume, mask: Mask, *, min_piece_ml: float, connectivity: int = 26) -> Mask:
    """Drop connected pieces smaller than a volume.

    Args:
        volume: gives the voxel size.
        mask: (S, R, C) bool.
        min_piece_ml: the smallest piece to keep.
        connectivity: 6, 18 or 26 neighbours.

    Raises:
        EmptyMask: every piece is smaller.
    """
    require_masks(volume, (mask,))
    require_choice("connectivity", connectivity, components.CONNECTIVITIES)
    least = _voxels(volume, min_piece_ml)
    kept = components.remove_small(mask, min_voxels=least, connectivity=connectivity)
    return found(kept, "the mask without specks", f"every piece is smaller than {min_piece_ml:g} ml")


def fill_cavities(volume: Volume, mask: Mask) -> Mask:
    """Fill what no path between face neighbours joins to the border of the scan."""
    require_masks(volume, (mask,))
    return components.fill_cavities(mask)


def fill_holes(volume: Volume, mask: Mask, *, plane: str = "axial", max_hole_cm2: float = math.inf) -> Mask:
    """Fill holes in each plane of the grid on its own.

    Args:
        volume: gives the grid.
        mask: (S, R, C) bool.
        plane: "axial", "coronal" or "sagittal" takes the grid planes nearest to it; "slice", "row"
            and "column" name the array axis that stays fixed.
        max_hole_cm2: larger holes stay open.
    """
    require_masks(volume, (mask,))
    require_choice("plane", plane, PLANES)
    axis = plane_axis(volume, plane)
    most = None
    if math.isfinite(max_hole_cm2):
        steps = [step for i, step in enumerate(volume.geometry.spacing_mm) if i != axis]
        most = math.floor(require_positive("max_hole_cm2", max_hole_cm2) * 100 / math.prod(steps))
    return components.fill_holes_2d(mask, axis=axis, max_voxels=most)


def plane_axis(volume: Volume, plane: str) -> int:
    """The array axis across a plane: the one that runs most nearly along the plane's normal."""
    if plane in ("slice", "row", "column"):
        return ("slice", "row", "column").index(plane)
    axes = volume.geometry.to_lps_mm[:3, :3]
    directions = np.abs(axes / np.linalg.norm(axes, axis=0))
    return int(np.argmax(directions[{"sagittal": 0, "coronal": 1, "axial": 2}[plane]]))


def _voxels(volume: Volume, volume_ml: float) -> int:
    require_positive("min_piece_ml", volume_ml, or_zero=True)
    return math.ceil(volume_ml / volume.geometry.voxel_ml - 1e-9) if volume_ml else 0
