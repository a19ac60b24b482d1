"""CT volume, body, lungs, bone and fat -> the fat under the skin, and the fat within the trunk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.volume import Volume
from plastinate.native.distance import dilate, distance_inside
from plastinate.native.voxels import Mask
from plastinate.stages.segment.flooding import flooded
from plastinate.stages.segment.patient_grid import averaged, moved, moved_mask
from plastinate.stages.segment.rib_cage import beyond_cage_mm
from plastinate.stages.segment.trunk import trunk

Floats = npt.NDArray[np.float32]

SMOOTH_MM = 1.0
# Below this depth of fat a gap in the muscle wall is no passage; deeper differences say nothing.
DEEPEST_MM = 12.0
STEP_MM = 0.5
PURE_SHARE = 0.8
# From the fat close under the skin, so far no wall is missed where fat runs on.
REACH_MM = 10.0
OUTER, INNER = 1, 2


def fat_layers(
    volume: Volume,
    body: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    fat: Mask,
    *,
    outer_mm: float = 5.0,
    inner_mm: float = 35.0,
    within_cage_mm: float = 25.0,
) -> tuple[Mask, Mask]:
    """The fat of a trunk in two: outside of its wall of muscle and bone, and inside.

    Fat is flooded from just under the skin and from deep within the trunk, the thickest first; the two meet
    in the narrowest gaps of the wall between them, and fat between muscles falls to the side it is joined to.

    Limits: needs some lung in the scan, whose hull says where inside is. Breast, armpit and buttock are
    outside. Where a hernia opens the wall, or the thin sheet in the middle of the belly is hardly seen, the
    border is an estimate.

    Args:
        volume: CT.
        body, lung_left, lung_right, bone: masks of the same scan.
        fat: all fat below the skin.
        outer_mm: fat that near to the outside is outer.
        inner_mm: fat deeper than that below the skin, and
        within_cage_mm: that far within the hull of the lungs, is inner.

    Returns:
        Outer and inner fat, (S, R, C) bool; together they are all of it.

    Raises:
        EmptyMask: no spine of a trunk, no lung, or no fat that is surely inside.
        NoMillimetres: the scan never said its pixel size.
    """
    parts = trunk("fat", volume, body, lung_left, lung_right, bone, smooth_mm=SMOOTH_MM)
    grid, step = parts.grid, parts.step_mm
    whole = moved_mask(body, volume.geometry, grid)
    # The sheet in the middle of the belly is thinner than a voxel: what holds some of it is wall.
    share = averaged(volume.with_array(fat.astype(np.float32)), grid.spacing_mm[0])
    soft = np.nan_to_num(moved(share.array, share.geometry, grid)) >= PURE_SHARE
    # Planes at the ends of the scan are no outside.
    padded = np.pad(whole, [(1, 1), (0, 0), (0, 0)], mode="edge")
    below_skin_mm = np.stack([distance_inside(plane[None], (1e3, step, step))[0] for plane in padded[1:-1]])
    beyond_mm = beyond_cage_mm(parts.lung_left | parts.lung_right, step)
    seeds = np.zeros(grid.shape, dtype=np.uint8)
    seeds[soft & (below_skin_mm >= inner_mm) & (beyond_mm <= -within_cage_mm) & (parts.back_mm < 0)] = INNER
    if not (seeds == INNER).any():
        raise EmptyMask("fat", "no lung in the scan tells where the inside of the trunk is")
    seeds[_under_skin(whole, soft, below_skin_mm, outer_mm, step)] = OUTER
    seeds[~whole] = OUTER
    depth = np.minimum(distance_inside(soft, grid.spacing_mm), DEEPEST_MM)
    relief = np.where(soft, -np.rint(depth / STEP_MM), 1.0)
    is_inner = moved_mask(flooded(relief, seeds) == INNER, grid, volume.geometry)
    return fat & ~is_inner, fat & is_inner


def _under_skin(whole: Mask, soft: Mask, below_skin_mm: Floats, outer_mm: float, step_mm: float) -> Mask:
    """What lies close under the skin, and fat that joins it without a wall between."""
    under = whole & (below_skin_mm <= outer_mm)
    joined = under & soft
    for _ in range(round(REACH_MM / step_mm)):
        joined = dilate(joined, 1.1 * step_mm, (step_mm,) * 3) & soft
    return np.asarray(under | joined)
