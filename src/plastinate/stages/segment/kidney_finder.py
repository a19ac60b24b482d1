"""Soft tissue beside the spinal canal -> the bodies that are most like kidneys in place, size and shape."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.components import Components, fill_cavities
from plastinate.native.distance import closed, dilate, erode
from plastinate.native.voxels import Box, Mask, bounding_box
from plastinate.stages.segment.boxes import box_of
from plastinate.stages.segment.trunk import Trunk

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Where a kidney may lie, from the spinal canal: to its side, and to the front (negative) or the back.
SIDE_MM = (14.0, 125.0)
BACK_MM = (-95.0, 35.0)
# Where its middle lies, and how far it strays: six kidneys on three scans 59 to 75 mm to the side and 14 to
# 24 mm in front; people a fifth smaller or larger are allowed for. The psoas lies nearer (50 and less),
# spleen and colon farther (80 and more), duodenum in front (45).
MIDDLE_SIDE_MM = (69.0, 18.0)
MIDDLE_BACK_MM = (-20.0, 16.0)
# Two bodies that mirror each other in place, size and brightness speak for each other. Of such a pair only
# the middle must lie in the usual place, within more: an error of the canal's place moves both alike.
PAIR_STRAYS_MM = 25.0
PAIR_APART_MM = (25.0, 25.0, 35.0)
PAIR_SIZE = 0.5
PAIR_HU = (12.0, 0.12)
# One without the other is rare, and a spleen lies much like one: it is believed less.
ALONE_WORTH = 0.55
# A kidney takes up contrast as no muscle does, and without it holds more water than muscle.
TAKEN_UP_HU, WATERY_HU = 60.0, 10.0
LIKE_MUSCLE_WORTH, WATERY_WORTH = 0.7, 0.85
# 11 cm long, 5 to 7 wide, 3 thick (Gray's Anatomy); parenchyma 80 to 250 ml from small women to large men.
VOLUME_ML = (60.0, 320.0)
LEAST_PART_ML = 12.0
LONGEST_MM = 160.0
THINNEST_MM = 14.0
# Brightness bands tried. Open ones part the kidney from fat; the wide ones, with contrast, also from bowel
# that holds more of it; the narrow ones, without, from muscle, liver and spleen, 10 to 30 HU brighter.
OPEN_HU = (-10.0, 5.0, 20.0, 35.0, 50.0, 65.0, 80.0, 95.0, 110.0, 125.0, 140.0, 160.0, 180.0, 210.0, 240.0)
WIDE_HU = ((80.0, 190.0), (110.0, 220.0), (125.0, 235.0), (140.0, 250.0))
NARROW_HU = ((0.0, 34.0), (5.0, 38.0), (10.0, 42.0))
BANDS_HU = (*((low, float("inf")) for low in OPEN_HU), *WIDE_HU, *NARROW_HU)
EROSIONS_MM = (0.0, 3.0, 5.5, 8.0)
PIECES = 12
# Closes the hilum, so that a C counts as the bean it is.
SINUS_MM = 7.5
# Around a kidney lies something else: fat, or another organ's brightness.
RING_MM = (2.6, 7.6)
DARKER_HU = 40.0
OTHER_HU = 10.0
# What the edge of the scan cuts off is judged by less of its shape.
CUT_WORTH = 0.8
# Reaching the border of the room says that it is a part of something larger.
BORDER_COST = 8.0
# The spleen lies along the lung; of a kidney only the upper pole comes near it.
LUNG_COST = 4.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A body that may be a kidney.

    Attributes:
        mask: its voxels within `box` of the grid.
        box: where it lies.
        score: 0 to 1, with its place and its twin.
        worth: 0 to 1, whatever its place.
        place_mm: distance from the spinal canal to its side, to the back, and down from the top of the scan.
        hu: its median.
        volume_ml: its size.
    """

    mask: Mask
    box: Box
    score: float
    worth: float
    place_mm: tuple[float, float, float]
    hu: float
    volume_ml: float


@dataclass(frozen=True, eq=False)
class _Room:
    """The part of the grid on one side of the canal in which a kidney may lie."""

    grid: Geometry
    box: Box
    values: Floats
    inside: Mask
    side_mm: Floats
    back_mm: Floats
    lung: Mask
    muscle_hu: float

    def offsets_mm(self, mask: Mask, box: Box) -> tuple[float, float]:
        """Mean distance to the side and to the back, from the canal, of a mask in a box of this room."""
        return float(self.side_mm[box][mask].mean()), float(self.back_mm[box][mask].mean())


def find_kidneys(trunk: Trunk) -> tuple[list[Candidate], list[Candidate]]:
    """Candidates of the left and of the right side, the best first, judged alone and as pairs.

    Args:
        trunk: the trunk, blurred by 2 mm.
    """
    left, right = find_kidney(trunk, side=1), find_kidney(trunk, side=-1)
    pairs = _pair_scores(left, right)
    return _rescored(left, pairs), _rescored(right, pairs.T)


def _rescored(found: list[Candidate], pairs: Doubles) -> list[Candidate]:
    best = pairs.max(axis=1, initial=0.0)
    rescored = [
        replace(one, score=max(ALONE_WORTH * one.score, float(with_twin)))
        for one, with_twin in zip(found, best, strict=True)
    ]
    return sorted(rescored, key=lambda candidate: -candidate.score)


def _pair_scores(left: list[Candidate], right: list[Candidate]) -> Doubles:
    """(L, R): how good each pair of candidates is."""
    facts = [
        np.array([(*one.place_mm, np.log(one.volume_ml), one.hu, one.worth) for one in found]).reshape(-1, 6)
        for found in (left, right)
    ]
    one, other = facts[0][:, None], facts[1][None]
    between = one - other
    spread_hu = PAIR_HU[0] + PAIR_HU[1] * np.abs(one[..., 4] + other[..., 4]) / 2
    unlike = ((between[..., :3] / PAIR_APART_MM) ** 2).sum(axis=-1)
    unlike += (between[..., 3] / PAIR_SIZE) ** 2 + (between[..., 4] / spread_hu) ** 2
    middle = (one[..., :2] + other[..., :2]) / 2 - (MIDDLE_SIDE_MM[0], MIDDLE_BACK_MM[0])
    astray = ((middle / PAIR_STRAYS_MM) ** 2).sum(axis=-1)
    scores: Doubles = np.sqrt(one[..., 5] * other[..., 5]) * np.exp(-(unlike + astray) / 2)
    return scores


def find_kidney(trunk: Trunk, *, side: int) -> list[Candidate]:
    """Candidates of one side, the best first.

    Soft tissue is cut apart in many bands of brightness and by eroding; each piece is judged by its
    place beside the canal, by how well an ellipsoid fits it once its hilum is closed, by its
    volume, and by how clearly what lies around it differs.

    Args:
        trunk: the trunk, blurred by 2 mm.
        side: +1 for the patient's left, -1 for the right.
    """
    room = _room(trunk, side)
    grid = trunk.grid
    if room is None:
        return []
    free = np.ascontiguousarray(trunk.inner[room.box])
    found: list[Candidate] = []
    for low, high in BANDS_HU:
        tissue = np.ascontiguousarray(free & (room.values >= low) & (room.values <= high))
        for erosion in EROSIONS_MM:
            core = erode(tissue, erosion, grid.spacing_mm) if erosion else tissue.copy()
            core &= room.inside
            parts = Components(core, connectivity=6)
            for number in parts.by_size()[:PIECES]:
                if parts.sizes[number] * grid.voxel_ml < LEAST_PART_ML / 4:
                    break
                if parts.sizes[number] * grid.voxel_ml > VOLUME_ML[1]:
                    continue
                made = _candidate(parts, int(number), tissue, erosion, room)
                if made is not None:
                    found.append(made)
    return sorted(found, key=lambda candidate: -candidate.score)


def _room(trunk: Trunk, side: int) -> _Room | None:
    side_mm, back_mm = side * trunk.left_mm, trunk.back_mm
    inside: Mask = trunk.inner & (side_mm >= SIDE_MM[0]) & (side_mm <= SIDE_MM[1])
    inside &= (back_mm >= BACK_MM[0]) & (back_mm <= BACK_MM[1])
    box = bounding_box(inside, margin=round(RING_MM[1] / trunk.step_mm) + 1)
    if box is None:
        return None
    part = np.ascontiguousarray(inside[box])
    lung = (trunk.lung_left | trunk.lung_right)[box]
    muscle = trunk.inner & (back_mm > 0) & (np.abs(side_mm) < MIDDLE_SIDE_MM[0]) & (trunk.values > 0)
    muscle_hu = float(np.median(trunk.values[muscle])) if muscle.any() else 0.0
    return _Room(trunk.grid, box, trunk.values[box], part, side_mm[box], back_mm[box], lung, muscle_hu)


def _candidate(parts: Components, number: int, tissue: Mask, erosion: float, room: _Room) -> Candidate | None:
    grid, step = room.grid, room.grid.spacing_mm[0]
    start = np.array([axis.start for axis in room.box])
    margin = [round((erosion + RING_MM[1]) / step) + 1] * 3
    inner = box_of(parts.boxes[number], margin=margin, shape=tissue.shape)
    mask = np.ascontiguousarray(parts.mask([number])[inner])
    start = start + [axis.start for axis in inner]
    off = _place(mask, inner, room)
    if off < np.exp(-4.5):
        return None
    if erosion:
        mask = dilate(mask, erosion, grid.spacing_mm)
        mask &= tissue[inner]
    mask = fill_cavities(mask)
    index = np.argwhere(mask) + start
    volume_ml = len(index) * grid.voxel_ml
    is_cut = bool(index[:, 0].min() == 0 or index[:, 0].max() == grid.shape[0] - 1)
    if not (LEAST_PART_ML if is_cut else VOLUME_ML[0]) <= volume_ml <= VOLUME_ML[1]:
        return None
    fit, axes_mm = ellipsoid_fit(np.argwhere(closed(mask, SINUS_MM, grid.spacing_mm)), step)
    if axes_mm[2] > LONGEST_MM or axes_mm[0] < THINNEST_MM:
        return None
    size = min(1.0, volume_ml / VOLUME_ML[0]) * (CUT_WORTH if is_cut else 1.0)
    hu = float(np.median(room.values[inner][mask]))
    worth = size * max(0.0, 2 * fit - 1) * _distinct(mask, inner, room) * _taken_up(hu - room.muscle_hu)
    s, r, c = (slice(int(at), int(at) + n) for at, n in zip(start, mask.shape, strict=True))
    place_mm = (*room.offsets_mm(mask, inner), float(index[:, 0].mean() * step))
    score = float(worth * _place(mask, inner, room))
    return Candidate(mask, (s, r, c), score, float(worth), place_mm, hu, volume_ml)


def _taken_up(over_muscle_hu: float) -> float:
    """1 where contrast was taken up, less the more alike muscle."""
    bright = LIKE_MUSCLE_WORTH + (1 - LIKE_MUSCLE_WORTH) * np.clip(over_muscle_hu / TAKEN_UP_HU, 0, 1)
    watery = LIKE_MUSCLE_WORTH + (WATERY_WORTH - LIKE_MUSCLE_WORTH) * np.clip(
        -over_muscle_hu / WATERY_HU, 0, 1
    )
    return float(max(bright, watery))


def _place(mask: Mask, inner: Box, room: _Room) -> float:
    """1 in the usual place, less the farther from it."""
    side_mm, back_mm = room.offsets_mm(mask, inner)
    aside = (side_mm - MIDDLE_SIDE_MM[0]) / MIDDLE_SIDE_MM[1]
    behind = (back_mm - MIDDLE_BACK_MM[0]) / MIDDLE_BACK_MM[1]
    return float(np.exp(-(aside**2 + behind**2) / 2))


def _distinct(mask: Mask, inner: Box, room: _Room) -> float:
    """How much of what lies around is darker, or of another brightness; less where the room cuts the body."""
    spacing = room.grid.spacing_mm
    values = room.values[inner]
    ring = dilate(mask, RING_MM[1], spacing) & ~dilate(mask, RING_MM[0], spacing)
    around = values[ring]
    if around.size == 0:
        return 0.0
    own = float(np.median(values[mask]))
    darker = float((around < own - DARKER_HU).mean())
    other = float((np.abs(around - own) > OTHER_HU).mean())
    beyond = ~room.inside[inner]
    next_to = dilate(mask, spacing[0] * 1.1, spacing)
    border = (
        np.count_nonzero(mask & beyond)
        + np.count_nonzero(next_to & beyond & ~mask & (values > own - DARKER_HU))
    ) / max(1, int(np.count_nonzero(mask)))
    beside_lung = float(room.lung[inner][ring].mean())
    cost = BORDER_COST * border + LUNG_COST * beside_lung
    return (darker + other) / 2 * float(np.exp(-cost))


def ellipsoid_fit(index: npt.NDArray[np.int64], step_mm: float) -> tuple[float, npt.NDArray[np.float64]]:
    """Overlap (Dice) with the ellipsoid of the same inertia, and that ellipsoid's axes (mm), shortest first.

    Args:
        index: (N, 3) voxels on an isotropic grid.
        step_mm: its spacing.
    """
    points = index * step_mm
    centred = points - points.mean(axis=0)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(points))
    # A solid ellipsoid's variance along an axis is a fifth of the half axis squared.
    half = np.sqrt(5 * np.maximum(variance, step_mm**2 / 12))
    inside = np.count_nonzero(((centred @ axes / half) ** 2).sum(axis=1) <= 1)
    volume = float(4 / 3 * np.pi * half.prod() / step_mm**3)
    return 2 * inside / (len(points) + volume), 2 * half
