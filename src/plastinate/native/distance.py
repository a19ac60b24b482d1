"""Mask -> exact distances, and masks grown or shrunk by a ball in real units (`voxel_distance.cpp`)."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import numpy.typing as npt

from plastinate.native.load import integers, library, pointer, thread_count
from plastinate.native.voxels import Box, Mask, as_mask, bounding_box, check

Spacing = tuple[float, float, float]


def distance_squared(
    mask: Mask,
    spacing: Spacing,
    *,
    box: Box | None = None,
    cap: float = math.inf,
    inside: bool = False,
) -> npt.NDArray[np.float32]:
    """Squared distance from each voxel centre to the nearest set voxel centre; 0 in set voxels.

    Args:
        mask: (S, R, C) bool.
        spacing: along (slice, row, column); the result has its unit, squared.
        box: work in this part only, as if nothing lay outside it.
        cap: distances beyond it come out as infinity, and the smaller it is the faster.
        inside: distance to the nearest voxel that is NOT set instead; the outside of the box counts as
            not set.

    Returns:
        (S, R, C) float32, or the box's shape.

    Source:
        Felzenszwalb & Huttenlocher, Theory of Computing 8 (2012) 415-428, section 2.
    """
    part = as_mask(mask if box is None else mask[box])
    out = np.empty(part.shape, dtype=np.float32)
    status = library("voxel_distance").distance_squared(
        pointer(part),
        pointer(integers(*part.shape)),
        pointer(np.array(spacing, dtype=np.float64)),
        ctypes.c_double(min(cap, 1e14)),
        int(not inside),
        int(inside),
        thread_count(),
        pointer(out),
    )
    check(status, kernel="distance")
    return out


def distance_outside(
    mask: Mask, spacing: Spacing, *, box: Box | None = None, cap: float = math.inf
) -> npt.NDArray[np.float32]:
    """Distance from each voxel centre to the nearest set voxel centre, in the unit of `spacing`."""
    squared = distance_squared(mask, spacing, box=box, cap=cap)
    return np.sqrt(squared, out=squared)


def distance_inside(
    mask: Mask, spacing: Spacing, *, box: Box | None = None, cap: float = math.inf
) -> npt.NDArray[np.float32]:
    """Distance from each set voxel centre to the nearest that is not set; beyond the volume none is."""
    squared = distance_squared(mask, spacing, box=box, cap=cap, inside=True)
    return np.sqrt(squared, out=squared)


def _grow(mask: Mask, radius: float, spacing: Spacing, *, shrink: bool) -> Mask:
    out = np.empty(mask.shape, dtype=np.bool_)
    status = library("voxel_distance").ball_grow(
        pointer(mask),
        pointer(integers(*mask.shape)),
        pointer(np.array(spacing, dtype=np.float64)),
        ctypes.c_double(radius),
        int(not shrink),
        int(shrink),
        int(shrink),
        thread_count(),
        pointer(out),
    )
    check(status, kernel="morphology")
    return out


def _margin(radius: float, spacing: Spacing) -> tuple[int, int, int]:
    s, r, c = (math.floor(radius / step * (1 + 1e-6)) + 1 for step in spacing)
    return s, r, c


def dilate(mask: Mask, radius: float, spacing: Spacing) -> Mask:
    """Grow a mask by a ball: every voxel whose centre lies within `radius` of a set voxel's centre.

    Args:
        mask: (S, R, C) bool.
        radius: in the unit of `spacing`.
        spacing: along (slice, row, column).
    """
    mask = as_mask(mask)
    out = np.zeros(mask.shape, dtype=np.bool_)
    box = bounding_box(mask, margin=_margin(radius, spacing))
    if box is not None:
        out[box] = _grow(np.ascontiguousarray(mask[box]), radius, spacing, shrink=False)
    return out


def erode(mask: Mask, radius: float, spacing: Spacing) -> Mask:
    """Shrink a mask by a ball: what lies farther than `radius` from all that is not set.

    Beyond the volume nothing is set, so a mask shrinks from the border too.
    """
    mask = as_mask(mask)
    out = np.zeros(mask.shape, dtype=np.bool_)
    box = bounding_box(mask)
    if box is not None:
        out[box] = _grow(np.ascontiguousarray(mask[box]), radius, spacing, shrink=True)
    return out


def opened(mask: Mask, radius: float, spacing: Spacing) -> Mask:
    """Erode, then dilate: what a ball of that radius can reach from inside."""
    return dilate(erode(mask, radius, spacing), radius, spacing)


def closed(mask: Mask, radius: float, spacing: Spacing) -> Mask:
    """Dilate, then erode: gaps narrower than the ball are bridged.

    The work is done on a margin wider than the radius, also beyond the
    volume's border, so that nothing sticks to the border and no set voxel is lost there.
    """
    mask = as_mask(mask)
    out = mask.copy()
    box = bounding_box(mask)
    if box is None:
        return out
    padded = np.pad(mask[box], [(m, m) for m in _margin(radius, spacing)])
    grown = _grow(padded, radius, spacing, shrink=False)
    del padded
    shrunk = _grow(grown, radius, spacing, shrink=True)
    margins = _margin(radius, spacing)
    inner = tuple(slice(m, n - m) for m, n in zip(margins, grown.shape, strict=True))
    view = out[box]
    # A gap between the mask's own box and the border may be closed too, but stays inside the box.
    np.logical_or(view, shrunk[inner], out=view)
    return out
