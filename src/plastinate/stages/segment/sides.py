"""Mask of a paired organ -> its left and right half, cut where the two touch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.components import Components
from plastinate.native.distance import distance_squared, erode
from plastinate.native.voxels import Mask, bounding_box
from plastinate.stages.segment.boxes import box_of
from plastinate.stages.segment.orientation import left_mm

# A piece that reaches over the middle with more than this share of its volume is two organs that touch.
SHARED_SHARE = 0.2
# How finely the cut between two cores is placed.
NEARNESS_STEP_MM = 1.5


def split_sides(
    mask: Mask, geometry: Geometry, *, middle_mm: float, least_ml: float = 30.0
) -> tuple[Mask, Mask]:
    """Left and right part of a mask, by the patient's own side.

    Pieces that lie on one side go there. A piece with a good part on both sides is two
    organs grown together: it is eroded until it falls apart, and each of its voxels
    goes to the nearer of the two cores, which cuts it at its neck.

    Args:
        mask: (S, R, C) bool.
        geometry: of the grid; left is towards +x of LPS, whatever the index order.
        middle_mm: LPS x of the middle.
        least_ml: smallest core that counts as an organ.

    Returns:
        Left and right, disjoint; together they are the mask.
    """
    left, right = np.zeros(mask.shape, dtype=np.bool_), np.zeros(mask.shape, dtype=np.bool_)
    parts = Components(mask, connectivity=6)
    centre_x = geometry.index_to_lps(parts.centres_index)[:, 0]
    to_left: list[int] = []
    to_right: list[int] = []
    for number in range(1, parts.count + 1):
        box = box_of(parts.boxes[number])
        span_mm = left_mm(geometry, box)
        share = 0.0
        if span_mm.min() < middle_mm < span_mm.max():
            piece = parts.mask([number])[box]
            share = float((piece & (span_mm > middle_mm)).sum() / parts.sizes[number])
            if SHARED_SHARE <= share <= 1 - SHARED_SHARE:
                sub = geometry.crop((box[0].start, box[1].start, box[2].start), piece.shape)
                is_left = _cut(np.ascontiguousarray(piece), sub, middle_mm, least_ml)
                left[box] |= piece & is_left
                right[box] |= piece & ~is_left
                continue
        (to_left if centre_x[number] > middle_mm else to_right).append(number)
    parts.mask(to_left, onto=left)
    parts.mask(to_right, onto=right)
    return left, right


def _cut(piece: Mask, geometry: Geometry, middle_mm: float, least_ml: float) -> Mask:
    """True where a voxel is nearer to the left core than to the right one."""
    spacing = geometry.spacing
    least = max(1, round(least_ml / (np.prod(spacing) / 1000.0)))
    radius = max(spacing) * 0.5
    while (core := erode(piece, radius, spacing)).any():
        cores = _two_cores(core, geometry, middle_mm, least)
        if cores is not None:
            return _nearer_to_first(cores, spacing)
        radius *= 1.3
    # One body that no erosion parts: the middle is the only cut left.
    return np.broadcast_to(left_mm(geometry) > middle_mm, piece.shape).copy()


def _nearer_to_first(cores: tuple[Mask, Mask], spacing: tuple[float, float, float]) -> Mask:
    # On every n-th voxel: two float distances on the whole grid would be eight times the mask.
    skip = [max(1, round(NEARNESS_STEP_MM / step)) for step in spacing]
    coarse = (spacing[0] * skip[0], spacing[1] * skip[1], spacing[2] * skip[2])
    thin = [np.ascontiguousarray(core[:: skip[0], :: skip[1], :: skip[2]]) for core in cores]
    nearer = distance_squared(thin[0], coarse) <= distance_squared(thin[1], coarse)
    for axis, times in enumerate(skip):
        nearer = np.repeat(nearer, times, axis=axis)
    s, r, c = cores[0].shape
    nearer = nearer[:s, :r, :c]
    nearer &= ~cores[1]
    nearer |= cores[0]
    return np.asarray(nearer)


def _two_cores(core: Mask, geometry: Geometry, middle_mm: float, least: int) -> tuple[Mask, Mask] | None:
    parts = Components(core, connectivity=6)
    centre_x: npt.NDArray[np.float64] = geometry.index_to_lps(parts.centres_index)[:, 0]
    large = [int(n) for n in parts.by_size() if parts.sizes[n] >= least]
    left = [n for n in large if centre_x[n] > middle_mm]
    right = [n for n in large if centre_x[n] <= middle_mm]
    if not left or not right or bounding_box(core) is None:
        return None
    return parts.mask(left), parts.mask(right)
