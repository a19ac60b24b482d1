"""Soft tissue under the left lung -> the bodies that are most like a spleen in place, size and evenness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.native.components import Components, fill_cavities
from plastinate.native.distance import dilate, distance_outside, erode
from plastinate.native.voxels import Box, Mask, bounding_box
from plastinate.stages.segment.boxes import box_of
from plastinate.stages.segment.rib_cage import beyond_cage_mm
from plastinate.stages.segment.trunk import Trunk

Floats = npt.NDArray[np.float32]

# Where a spleen may lie, from the spinal canal: to the left, and to the front (negative) or the back; and how
# far from the left lung, whose base it holds up.
SIDE_MM = (22.0, 150.0)
BACK_MM = (-115.0, 45.0)
LUNG_MM = 90.0
# Ribs and the muscle on them lie outside the hull of the lungs, where so much of the section is within it.
CAGE_MM = 2.0
CAGE_SHARE = 0.4
# Where its middle lies, and how far it strays.
MIDDLE_SIDE_MM = (88.0, 20.0)
MIDDLE_BACK_MM = (-35.0, 24.0)
# Half of it lies nearer to the lung than that; of kidney, stomach and liver hardly any does.
NEAR_LUNG_MM, STRAY_LUNG_MM = 30.0, 20.0
# 150 g (men) and 130 g (women): ICRP Publication 89 (2002); four times as much where it is enlarged.
VOLUME_ML = (70.0, 700.0)
LEAST_PART_ML = 15.0
# What is less thick all through is a muscle or a wall.
THICK_MM = 9.0
# Brightness bands tried. Open ones part it from fat; those of a width also from kidney, bowel and stomach,
# which hold more or less contrast. Without any it has 45 to 50 HU, the kidney 30, the stomach's wall 40.
OPEN_HU = (0.0, 20.0, 35.0, 50.0, 65.0, 80.0, 95.0, 110.0, 130.0, 150.0)
WIDE_HU = tuple((float(low), low + width) for width in (50.0, 80.0) for low in range(20, 181, 20))
NARROW_HU = ((34.0, 62.0), (40.0, 70.0))
BANDS_HU = (*((low, float("inf")) for low in OPEN_HU), *WIDE_HU, *NARROW_HU)
EROSIONS_MM = (0.0, 3.0, 5.5)
PIECES = 8
RING_MM = (2.6, 7.6)
DARKER_HU = 40.0
OTHER_HU = 12.0
# Spread of the values well inside, blurred: the pulp is even, what bowel and stomach hold is not.
EVEN_HU, DEEP_MM = 14.0, 4.0
CUT_WORTH = 0.8
BORDER_COST = 6.0


@dataclass(frozen=True, eq=False)
class Likeness:
    """A body that may be a spleen.

    Attributes:
        mask: its voxels within `box` of the grid.
        box: where it lies.
        score: 0 to 1.
    """

    mask: Mask
    box: Box
    score: float


@dataclass(frozen=True, eq=False)
class _Room:
    """The part of the grid in which a spleen may lie."""

    step_mm: float
    voxel_ml: float
    planes: int
    box: Box
    values: Floats
    inside: Mask
    side_mm: Floats
    back_mm: Floats
    lung_mm: Floats


def find_spleen(trunk: Trunk) -> list[Likeness]:
    """Bodies like a spleen, the best first.

    Soft tissue is cut apart in many bands of brightness and by eroding; each piece is judged by its place
    beside the canal and under the lung, by its volume, by how even it is, and by how clearly what lies
    around it differs.

    Args:
        trunk: the trunk, blurred by 2 mm.
    """
    room = _room(trunk)
    if room is None:
        return []
    spacing = trunk.grid.spacing_mm
    free = np.ascontiguousarray(trunk.inner[room.box])
    found: list[Likeness] = []
    for low, high in BANDS_HU:
        tissue = np.ascontiguousarray(free & (room.values >= low) & (room.values <= high))
        for erosion in EROSIONS_MM:
            core = erode(tissue, erosion, spacing) if erosion else tissue.copy()
            core &= room.inside
            parts = Components(core, connectivity=6)
            for number in parts.by_size()[:PIECES]:
                piece_ml = parts.sizes[number] * room.voxel_ml
                if piece_ml < LEAST_PART_ML / 4:
                    break
                if piece_ml > VOLUME_ML[1]:
                    continue
                made = _likeness(parts, int(number), tissue, erosion, room)
                if made is not None:
                    found.append(made)
    return sorted(found, key=lambda body: -body.score)


def _room(trunk: Trunk) -> _Room | None:
    left_mm, back_mm = trunk.left_mm, trunk.back_mm
    lung_mm = distance_outside(trunk.lung_left, trunk.grid.spacing_mm, cap=2 * LUNG_MM)
    inside: Mask = trunk.inner & (left_mm >= SIDE_MM[0]) & (left_mm <= SIDE_MM[1])
    inside &= (back_mm >= BACK_MM[0]) & (back_mm <= BACK_MM[1]) & (lung_mm <= LUNG_MM)
    inside &= _within_cage(trunk)
    box = bounding_box(inside, margin=round(RING_MM[1] / trunk.step_mm) + 1)
    if box is None:
        return None
    part = np.ascontiguousarray(inside[box])
    return _Room(
        trunk.step_mm,
        trunk.grid.voxel_ml,
        trunk.grid.shape[0],
        box,
        trunk.values[box],
        part,
        left_mm[box],
        back_mm[box],
        np.minimum(lung_mm[box], 2 * LUNG_MM),
    )


def _within_cage(trunk: Trunk) -> Mask:
    """What the ribs enclose, and everything in planes in which too little lung is in view to tell."""
    beyond_mm = beyond_cage_mm(trunk.lung_left | trunk.lung_right, trunk.step_mm)
    is_in: Mask = beyond_mm <= CAGE_MM
    lung = trunk.lung_left | trunk.lung_right
    in_body = np.count_nonzero(trunk.inner | lung, axis=(1, 2))
    tells = np.count_nonzero(is_in, axis=(1, 2)) >= CAGE_SHARE * in_body
    return np.asarray(is_in | ~tells[:, None, None])


def _likeness(parts: Components, number: int, tissue: Mask, erosion: float, room: _Room) -> Likeness | None:
    spacing = (room.step_mm,) * 3
    margin = [round((erosion + RING_MM[1]) / room.step_mm) + 1] * 3
    inner = box_of(parts.boxes[number], margin=margin, shape=tissue.shape)
    mask = np.ascontiguousarray(parts.mask([number])[inner])
    if _place(mask, inner, room) < np.exp(-4.5):
        return None
    if erosion:
        mask = dilate(mask, erosion, spacing)
        mask &= tissue[inner]
    mask = fill_cavities(mask)
    volume_ml = np.count_nonzero(mask) * room.voxel_ml
    first = room.box[0].start + inner[0].start
    rows = np.flatnonzero(mask.any(axis=(1, 2))) + first
    is_cut = bool(rows[0] == 0 or rows[-1] == room.planes - 1)
    if not (LEAST_PART_ML if is_cut else VOLUME_ML[0] / 2) <= volume_ml <= VOLUME_ML[1]:
        return None
    # Eroded with its ends repeated: what the scan cuts off is as thick beyond it.
    padded = np.pad(mask, [(4, 4), (0, 0), (0, 0)], mode="edge")
    cores = Components(erode(padded, THICK_MM, spacing), connectivity=26)
    if cores.count == 0:
        return None
    # Two organs that touch fall apart where they are eroded.
    sizes = np.sort(cores.sizes)
    whole = float(sizes[-1]) / float(sizes.sum())
    deep = erode(padded, DEEP_MM, spacing)[4:-4]
    size = min(1.0, volume_ml / VOLUME_ML[0]) * (CUT_WORTH if is_cut else 1.0)
    even = float(np.exp(-0.5 * (room.values[inner][deep].std() / EVEN_HU) ** 2))
    score = size * even * whole * _place(mask, inner, room) * _distinct(mask, inner, room)
    start = [outer.start + axis.start for outer, axis in zip(room.box, inner, strict=True)]
    s, r, c = (slice(at, at + n) for at, n in zip(start, mask.shape, strict=True))
    return Likeness(mask, (s, r, c), float(score))


def _place(mask: Mask, inner: Box, room: _Room) -> float:
    """1 in the usual place, less the farther from it."""
    aside = (float(room.side_mm[inner][mask].mean()) - MIDDLE_SIDE_MM[0]) / MIDDLE_SIDE_MM[1]
    behind = (float(room.back_mm[inner][mask].mean()) - MIDDLE_BACK_MM[0]) / MIDDLE_BACK_MM[1]
    below = max(0.0, float(np.median(room.lung_mm[inner][mask])) - NEAR_LUNG_MM) / STRAY_LUNG_MM
    return float(np.exp(-(aside**2 + behind**2 + below**2) / 2))


def _distinct(mask: Mask, inner: Box, room: _Room) -> float:
    """How much of what lies around is darker, or of another brightness; less where the room cuts the body."""
    spacing = (room.step_mm,) * 3
    values = room.values[inner]
    ring = dilate(mask, RING_MM[1], spacing) & ~dilate(mask, RING_MM[0], spacing)
    around = values[ring]
    if around.size == 0:
        return 0.0
    own = float(np.median(values[mask]))
    darker = float((around < own - DARKER_HU).mean())
    other = float((np.abs(around - own) > OTHER_HU).mean())
    beyond = ~room.inside[inner]
    next_to = dilate(mask, room.step_mm * 1.1, spacing) & ~mask
    border = int(np.count_nonzero(mask & beyond)) + np.count_nonzero(
        next_to & beyond & (np.abs(values - own) < OTHER_HU)
    )
    return (darker + other) / 2 * float(np.exp(-BORDER_COST * border / max(1, int(np.count_nonzero(mask)))))
