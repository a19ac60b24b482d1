"""Masks -> one mask: joined, intersected, taken away, turned inside out, or picked by distance."""

from __future__ import annotations

from plastinate.model.volume import Volume
from plastinate.native import distance, voxels
from plastinate.stages.segment.checks import Mask, found, require_masks, require_positive


def union(volume: Volume, *masks: Mask) -> Mask:
    """Voxels of any of the masks."""
    require_masks(volume, masks)
    joined = masks[0].copy()
    for mask in masks[1:]:
        joined |= mask
    return joined


def intersection(volume: Volume, *masks: Mask) -> Mask:
    """Voxels of all of the masks.

    Raises:
        EmptyMask: the masks have no voxel in common.
    """
    require_masks(volume, masks)
    shared = masks[0].copy()
    for mask in masks[1:]:
        shared &= mask
    return found(shared, "the intersection", "the masks share no voxel")


def difference(volume: Volume, *masks: Mask) -> Mask:
    """Voxels of the first mask that are in none of the others.

    Raises:
        EmptyMask: the others cover the first.
    """
    require_masks(volume, masks)
    left = masks[0].copy()
    for mask in masks[1:]:
        left &= ~mask
    return found(left, "the difference", "the other masks cover the first")


def invert(volume: Volume, mask: Mask, *, measured_only: bool = True) -> Mask:
    """Voxels that are not in the mask.

    Args:
        volume: says what was measured.
        mask: (S, R, C) bool.
        measured_only: leave out what was never measured.

    Raises:
        EmptyMask: the mask covers everything.
    """
    require_masks(volume, (mask,))
    rest = ~mask
    if measured_only:
        rest &= volume.measured
    return found(rest, "the inverse", "the mask covers the whole scan")


def within(volume: Volume, mask: Mask, other: Mask, *, distance_mm: float) -> Mask:
    """Voxels of the mask that lie within a distance of another mask, or in it.

    Args:
        volume: gives the grid.
        mask: what to take from.
        other: what to measure from.
        distance_mm: centre to centre, exact.

    Raises:
        EmptyMask: nothing lies so near.
    """
    near = _near(volume, mask, other, distance_mm)
    near &= mask
    return found(near, "what lies near", f"nothing lies within {distance_mm:g} mm")


def outside_of(volume: Volume, mask: Mask, other: Mask, *, distance_mm: float = 0.0) -> Mask:
    """Voxels of the mask that lie outside another mask, and farther from it than a distance.

    Args:
        volume: gives the grid.
        mask: what to take from.
        other: what to keep away from.
        distance_mm: centre to centre, exact; 0 is the plain difference.

    Raises:
        EmptyMask: nothing lies so far.
    """
    near = _near(volume, mask, other, distance_mm)
    far = mask & ~near
    return found(far, "what lies outside", f"everything lies within {distance_mm:g} mm")


def _near(volume: Volume, mask: Mask, other: Mask, distance_mm: float) -> Mask:
    require_masks(volume, (mask, other))
    require_positive("distance_mm", distance_mm, or_zero=True)
    if distance_mm == 0 or voxels.count(other) == 0:
        return other.copy()
    return distance.dilate(other, distance_mm, volume.geometry.spacing_mm)
