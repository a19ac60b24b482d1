"""Trunk -> the course of the aorta: down beside the spine, and the arch above both its parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.native.components import Components
from plastinate.native.distance import distance_inside
from plastinate.native.voxels import Mask
from plastinate.stages.segment.trunk import Trunk
from plastinate.stages.segment.vessel_path import FLOOR_HU, Ring, best_rings, ring_scores

Floats = npt.NDArray[np.float32]

# Descending 20 to 30 mm wide, 15 to 25 at its end; wider is an aneurysm, found up to 40 mm.
RADII_MM = np.arange(6.5, 20.1, 1.25)
# The window in which it runs, from the canal: to the left, and to the front.
LEFT_MM = (-30.0, 60.0)
BACK_MM = (-115.0, -15.0)
# Where it usually lies, and how far it strays: measured on a chest CT 5 to 20 mm to the left and 36 to 60 mm
# in front of the canal. The caval vein lies to the right of the middle.
USUAL_LEFT_MM, STRAY_LEFT_MM = 12.0, 12.0
USUAL_BACK_MM, STRAY_BACK_MM = -52.0, 16.0
MARGIN = 10
# Below this a plane shows no vessel; means of five planes, since branches spoil single ones.
LEAST_SCORE = 0.35
MEAN_PLANES = 5
# The descending part is followed up to here; from there the arch runs.
ABOVE_CARINA_MM = 10.0
# The arch stands no higher above the carina.
ARCH_ABOVE_MM = 75.0
SOFT_HU = 0.0
# Blood is even: what differs by more than this share of its brightness, or by noise, is something else.
UNEVEN_SHARE, NOISE_HU = 0.25, 25.0
SLOW = 1e-3


@dataclass(frozen=True)
class Bead:
    """A place on the course of a vessel that runs askew: voxel indices, and the vessel's radius there, mm."""

    plane: int
    row: int
    column: int
    radius_mm: float


def descending_aorta(trunk: Trunk, carina_plane: int | None) -> list[Ring]:
    """Its sections from a centimetre above the carina, or the scan's first plane, down to where it parts.

    Args:
        trunk: the trunk, little blurred.
        carina_plane: plane of the carina; None where it is not in the scan.

    Returns:
        The longest stretch of planes that show the rim of a vessel; empty where there is none.
    """
    step = trunk.step_mm
    first = 0 if carina_plane is None else max(0, carina_plane - round(ABOVE_CARINA_MM / step))
    rows, columns = np.rint(trunk.canal.rows).astype(int), np.rint(trunk.canal.columns).astype(int)
    low_row, high_row = (round(mm / step) for mm in BACK_MM)
    low_column, high_column = (round(mm / step) for mm in LEFT_MM)
    # Beside the canal, plane by plane, so that a bend of the spine is none of the vessel's.
    values = np.where(trunk.inner, trunk.values, np.float32(FLOOR_HU))
    reach = max(-low_row, -low_column, high_column) + MARGIN
    padded = np.pad(values[first:], [(0, 0), (reach, reach), (reach, reach)], constant_values=FLOOR_HU)
    window = np.stack(
        [
            plane[
                reach + r + low_row - MARGIN : reach + r + high_row + MARGIN,
                reach + c + low_column - MARGIN : reach + c + high_column + MARGIN,
            ]
            for plane, r, c in zip(padded, rows[first:], columns[first:], strict=True)
        ]
    )
    scores = ring_scores(np.ascontiguousarray(window), step, RADII_MM)
    scores = scores[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN].copy()
    down = np.arange(low_row, high_row)[:, None] * step
    across = np.arange(low_column, high_column)[None] * step
    left = np.cos(trunk.roll) * across + np.sin(trunk.roll) * down
    back = np.cos(trunk.roll) * down - np.sin(trunk.roll) * across
    off = ((left - USUAL_LEFT_MM) / STRAY_LEFT_MM) ** 2 + ((back - USUAL_BACK_MM) / STRAY_BACK_MM) ** 2
    scores *= np.exp(-off / 4).astype(np.float32)
    rings = [
        Ring(
            ring.plane + first,
            ring.row + low_row + rows[ring.plane + first],
            ring.column + low_column + columns[ring.plane + first],
            ring.radius_mm,
            ring.score,
        )
        for ring in best_rings(scores, RADII_MM)
    ]
    return _longest(rings)


def _longest(rings: list[Ring]) -> list[Ring]:
    """The longest run of planes whose scores, averaged over neighbours, are those of a vessel."""
    if len(rings) < MEAN_PLANES:
        return []
    padded = np.pad([ring.score for ring in rings], MEAN_PLANES // 2, mode="edge")
    mean = np.convolve(padded, np.full(MEAN_PLANES, 1 / MEAN_PLANES), mode="valid")
    runs: list[list[Ring]] = [[]]
    for ring, score in zip(rings, mean, strict=True):
        if score >= LEAST_SCORE:
            runs[-1].append(ring)
        elif runs[-1]:
            runs.append([])
    return max(runs, key=len)


def arch(trunk: Trunk, ascending: Ring, descending: Ring, *, blood_hu: float) -> list[Bead]:
    """The way from the ascending to the descending part through the thickest soft tissue above both.

    Args:
        trunk: the trunk.
        ascending, descending: the highest section of each.
        blood_hu: how bright the blood in it is.

    Returns:
        Places along it, from the ascending part on; empty where nothing joins the two.

    Source:
        Sethian, Proc. Natl. Acad. Sci. 93 (1996) 1591-1595, in SimpleITK's implementation.
    """
    step = trunk.step_mm
    last = max(ascending.plane, descending.plane) + 1
    first = max(0, last - round(ARCH_ABOVE_MM / step))
    around = round(25.0 / step)
    ends = [(round(ring.row), round(ring.column)) for ring in (ascending, descending)]
    r_from, r_to = min(r for r, _ in ends) - around, max(r for r, _ in ends) + around
    c_from, c_to = min(c for _, c in ends) - around, max(c for _, c in ends) + around
    r_from, c_from = max(0, r_from), max(0, c_from)
    box = (slice(first, last), slice(r_from, r_to), slice(c_from, c_to))
    values = trunk.values[box]
    uneven = max(NOISE_HU, UNEVEN_SHARE * blood_hu)
    soft = np.ascontiguousarray(trunk.inner[box] & (values > max(SOFT_HU, blood_hu - 2 * uneven)))
    depth = distance_inside(np.pad(soft, [(0, 6), (0, 0), (0, 0)], mode="edge"), trunk.grid.spacing_mm)
    depth = np.minimum(depth[: soft.shape[0]], ascending.radius_mm)
    like = np.exp(-0.5 * ((values - blood_hu) / uneven) ** 2)
    speed = depth**4 * like
    start, goal = (
        (ring.plane - first, round(ring.row) - r_from, round(ring.column) - c_from)
        for ring in (ascending, descending)
    )
    way = _quickest(speed, soft, start, goal)
    if not way:
        return []
    radii = np.linspace(ascending.radius_mm, descending.radius_mm, len(way))
    return [
        Bead(s + first, r + r_from, c + c_from, float(radius))
        for (s, r, c), radius in zip(way, radii, strict=True)
    ]


def _quickest(
    speed: Floats, soft: Mask, start: tuple[int, int, int], goal: tuple[int, int, int]
) -> list[tuple[int, int, int]]:
    """The quickest way between two voxels that one piece of soft tissue joins."""
    import SimpleITK as Sitk

    parts = Components(soft, connectivity=26)
    if not (soft[start] and soft[goal]) or parts.at(start) != parts.at(goal):
        return []
    march = Sitk.FastMarchingImageFilter()
    march.AddTrialPoint([int(n) for n in start[::-1]])
    # Through what is not soft it is so slow that any other way is quicker; zero would have no arrival.
    speed = np.where(soft, np.maximum(speed / speed.max(), SLOW), SLOW / 10).astype(np.float32)
    time = Sitk.GetArrayFromImage(march.Execute(Sitk.GetImageFromArray(speed)))
    way, at = [goal], goal
    while at != start:
        s, r, c = (slice(max(0, n - 1), n + 2) for n in at)
        near = time[s, r, c]
        lowest = np.unravel_index(int(near.argmin()), near.shape)
        step_to = (s.start + int(lowest[0]), r.start + int(lowest[1]), c.start + int(lowest[2]))
        if step_to == at:
            return []
        at = step_to
        way.append(at)
    return way[::-1]
