"""CT volume, body, lungs and bone -> spine and ribs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.components import Components, fill_holes_2d
from plastinate.native.distance import closed, dilate, distance_outside, erode
from plastinate.native.voxels import Box, Mask
from plastinate.stages.segment.flooding import flooded
from plastinate.stages.segment.patient_grid import (
    AIR_HU,
    averaged,
    box_between,
    moved,
    moved_mask,
    patient_grid,
)
from plastinate.stages.segment.rib_cage import beyond_cage_mm
from plastinate.stages.segment.trunk import Trunk, trunk

Floats = npt.NDArray[np.float32]
Spacing = tuple[float, float, float]

SMOOTH_MM = 2.0
# From the lowest plane in which the skull is a ring to the foramen magnum are 45 mm, measured on two heads.
BELOW_HEAD_MM = 40.0
# The joints between a rib and its vertebra are one to two millimetres of darker cartilage.
FINE_MM = 1.25
JOINT_SMOOTH_MM = 0.7
# The room in which spine and ribs meet, from the canal: to either side, to the front and to the back.
ROOM_ASIDE_MM = 60.0
ROOM_BACK_MM = (-60.0, 80.0)
# Vertebral bodies, pedicles and spinous processes lie nearer to the middle than any rib.
SURELY_SPINE_MM = 14.0
SPINE_BACK_MM = (-45.0, 60.0)
# Farther to the side than any transverse process: 45 mm in the lumbar spine.
BEYOND_SPINE_MM = 50.0
# Beyond the last plane in which bone encloses a canal the spine is not followed.
BEYOND_CANAL_MM = 15.0
LEAST_ENCLOSED = 0.65
# The canal is 12 to 17 mm deep: what lies that far in front of its middle is vertebral body.
BODY_FRONT_MM = (-45.0, -7.0)
BODY_ASIDE_MM = 28.0
# The breastbone lies in front of the vertebral bodies, and no rib reaches as near to the middle there.
BREASTBONE_ASIDE_MM = 26.0
BREASTBONE_FRONT_MM = -50.0
WITHIN_CAGE_MM = -15.0
# Loose pieces as small as that, in front, are lime in a rib's cartilage.
LIME_ML = 3.0
LIME_FRONT_MM = -60.0
# Marrow is darker than this share of the usual only where there is none.
MARROW_SHARE = 0.75
DEEP_MM = 4.0
MARROW_SMOOTH_MM = 2.5
NO_LUNG_MM = 100.0
SPINE, RIB, OTHER = 1, 2, 3
# What lies farther from bone needs no cut; steps finer than that are noise.
AROUND_BONE_VOXELS = 1.5
STEP_HU = 10.0


@dataclass(frozen=True)
class _Rules:
    """How spine, ribs and other bones are told apart; see `spine_and_ribs`."""

    rib_lung_mm: float
    other_lung_mm: float
    neck_mm: float
    ring_gap_mm: float
    marrow_hu: float
    least_rib_ml: float
    rib_contact: float


@dataclass(frozen=True, eq=False)
class _Room:
    """A finer patient grid around the spinal canal.

    Attributes:
        grid: where it lies.
        values: (S, R, C) float32 HU.
        left_mm, back_mm: (S, R, C) from the canal.
        is_along: (S,) planes in which the spine is followed.
    """

    grid: Geometry
    values: Floats
    left_mm: Floats
    back_mm: Floats
    is_along: npt.NDArray[np.bool_]


def spine_and_ribs(
    volume: Volume,
    body: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    *,
    rib_lung_mm: float = 9.0,
    other_lung_mm: float = 13.0,
    neck_mm: float = 32.0,
    ring_gap_mm: float = 6.0,
    marrow_hu: float = 90.0,
    least_rib_ml: float = 0.5,
    rib_contact: float = 0.15,
) -> tuple[Mask, Mask]:
    """The skeleton's spine and ribs, parted where the joints between them are darkest.

    The spine is what lies around the spinal canal, its vertebral bodies filled where bone rings them; in a
    scan of the pelvis the sacrum belongs to it. Ribs are the bones along the pleura. Breastbone,
    shoulder blades, collar bones and pelvis are neither. Cartilage is missing, also where it is calcified.

    Limits: single vertebrae and ribs are not told apart. Ribs that come nowhere near a lung in the scan are
    left out. A fused joint is cut somewhere near it. Next to the skull the spine's end is an estimate.

    Args:
        volume: CT.
        body, lung_left, lung_right, bone: masks of the same scan; the lungs may be empty.
        rib_lung_mm: bone this near to a lung is rib, where it is not spine or breastbone.
        other_lung_mm: bone farther than that from the lungs, and from the hull of both, is no rib.
        neck_mm: to the side of the canal, from where on bone near a lung is rib and no vertebra.
        ring_gap_mm: half the widest gap in the ring of bone around a vertebral body, as veins make it.
        marrow_hu: darkest marrow filled in, or less where all of it is dark; discs are darker.
        least_rib_ml: smallest piece of rib kept.
        rib_contact: share of a piece that is near a lung, for it to be rib.

    Returns:
        Spine and ribs, (S, R, C) bool; the ribs may be empty.

    Raises:
        EmptyMask: no spine of a trunk.
        NoMillimetres: the scan never said its pixel size.
    """
    rules = _Rules(rib_lung_mm, other_lung_mm, neck_mm, ring_gap_mm, marrow_hu, least_rib_ml, rib_contact)
    parts = trunk(
        "spine",
        volume,
        body,
        lung_left,
        lung_right,
        bone,
        smooth_mm=SMOOTH_MM,
        below_head_mm=BELOW_HEAD_MM,
    )
    lung_mm = _lung_mm(parts)
    room = _room(volume, parts)
    hard = moved_mask(bone, volume.geometry, room.grid)
    is_spine = _is_spine(room, hard, moved(lung_mm, parts.grid, room.grid), rules)
    marrow = _marrow(room, hard & is_spine, rules)
    box, near = _within(volume.geometry, room.grid)
    spine = np.zeros(volume.geometry.shape, dtype=np.bool_)
    spine[box] = bone[box] & moved_mask(is_spine, room.grid, near)
    rest = bone & ~spine
    filled = moved(marrow.astype(np.float32), room.grid, near) > 0.5
    spine[box] |= filled & ~rest[box]
    if not spine.any():
        raise EmptyMask("spine", "there is no spine of a trunk in the scan")
    return spine, _ribs(volume, parts, rest, lung_mm, rules)


def _lung_mm(parts: Trunk) -> Floats:
    """Distance to the nearest lung; `NO_LUNG_MM` at most."""
    far = distance_outside(parts.lung_left | parts.lung_right, parts.grid.spacing_mm, cap=NO_LUNG_MM)
    return np.minimum(far, NO_LUNG_MM)


def _room(volume: Volume, parts: Trunk) -> _Room:
    """The part of a finer patient grid around the canal."""
    canal, coarse = parts.canal, parts.grid
    at = np.stack([np.arange(len(canal.rows)), canal.rows, canal.columns], axis=1)
    x, y, z = coarse.index_to_lps(at).T
    whole = patient_grid(volume.geometry, FINE_MM)
    reach = np.hypot(ROOM_ASIDE_MM, max(-ROOM_BACK_MM[0], ROOM_BACK_MM[1]))
    ends = np.array([(x.min() - reach, y.min() - reach, 0.0), (x.max() + reach, y.max() + reach, 0.0)])
    index = whole.lps_to_index(ends)[:, 1:]
    low = np.maximum(0, np.floor(index[0])).astype(int)
    high = np.minimum(whole.shape[1:], np.ceil(index[1])).astype(int)
    grid = whole.crop(
        (0, int(low[0]), int(low[1])), (whole.shape[0], int(high[0] - low[0]), int(high[1] - low[1]))
    )
    heights = grid.index_to_lps(np.pad(np.arange(grid.shape[0])[:, None], ((0, 0), (0, 2))))[:, 2]
    # Planes run down, np.interp wants what rises.
    across = np.interp(-heights, -z, x)
    behind = np.interp(-heights, -z, y)
    own_x = grid.index_to_lps(np.pad(np.arange(grid.shape[2])[:, None], ((0, 0), (2, 0))))[:, 0]
    own_y = grid.index_to_lps(np.array([(0, row, 0) for row in range(grid.shape[1])]))[:, 1]
    aside = (own_x[None] - across[:, None])[:, None, :]
    back = (own_y[None] - behind[:, None])[:, :, None]
    left_mm = np.cos(parts.roll) * aside + np.sin(parts.roll) * back
    back_mm = np.cos(parts.roll) * back - np.sin(parts.roll) * aside
    sure = -z[canal.enclosed >= LEAST_ENCLOSED]
    is_along = (-heights >= sure.min() - BEYOND_CANAL_MM) & (-heights <= sure.max() + BEYOND_CANAL_MM)
    fine = averaged(volume, FINE_MM)
    values = moved(fine.array, fine.geometry, grid).astype(np.float32)
    np.nan_to_num(values, copy=False, nan=AIR_HU)
    np.maximum(values, AIR_HU, out=values)
    values = filters.gaussian(values, JOINT_SMOOTH_MM, grid.spacing_mm, as_float=True)
    return _Room(grid, values, left_mm.astype(np.float32), back_mm.astype(np.float32), is_along)


def _is_spine(room: _Room, hard: Mask, lung_mm: Floats, rules: _Rules) -> Mask:
    """Which voxels of the room belong to the spine rather than to what joins it at its sides."""
    aside = np.abs(room.left_mm)
    middle = (
        (aside <= SURELY_SPINE_MM) & (room.back_mm >= SPINE_BACK_MM[0]) & (room.back_mm <= SPINE_BACK_MM[1])
    )
    seeds = np.zeros(hard.shape, dtype=np.uint8)
    seeds[hard & middle] = SPINE
    seeds[hard & (lung_mm <= rules.rib_lung_mm) & (aside >= rules.neck_mm)] = OTHER
    seeds[
        (aside >= BEYOND_SPINE_MM) | (room.back_mm < ROOM_BACK_MM[0]) | (room.back_mm > ROOM_BACK_MM[1])
    ] = OTHER
    seeds[~room.is_along] = OTHER
    return np.asarray(_parted(room.values, hard, seeds, room.grid.spacing_mm) == SPINE)


def _parted(
    values: Floats, hard: Mask, seeds: npt.NDArray[np.uint8], spacing: Spacing
) -> npt.NDArray[np.uint8]:
    """Flood bone from its seeds, the brightest first: what is joined by dark gaps is cut there."""
    seeds = seeds.copy()
    far = ~dilate(hard, AROUND_BONE_VOXELS * spacing[0], spacing)
    seeds[far] = OTHER
    return flooded(np.rint(-values / STEP_HU), seeds)


def _marrow(room: _Room, spine: Mask, rules: _Rules) -> Mask:
    """The inside of vertebral bodies, plane by plane, where bone rings it but for the holes of veins."""
    zone = (np.abs(room.left_mm) <= BODY_ASIDE_MM) & (room.back_mm >= BODY_FRONT_MM[0])
    zone &= room.back_mm <= BODY_FRONT_MM[1]
    step = room.grid.spacing_mm[1]
    # Planes so far apart that each is closed alone.
    ring = closed(spine, rules.ring_gap_mm, (1e3, step, step))
    inside = fill_holes_2d(ring, axis=0) & ~spine & zone
    if not inside.any():
        return inside
    deep = erode(inside | (spine & zone), DEEP_MM, room.grid.spacing_mm)
    usual_hu = float(np.median(room.values[deep])) if deep.any() else rules.marrow_hu
    # The mean of what is inside alone: the cortex around it would lend its brightness to a disc.
    weight = filters.gaussian(inside.astype(np.float32), MARROW_SMOOTH_MM, room.grid.spacing_mm)
    total = filters.gaussian(room.values * inside, MARROW_SMOOTH_MM, room.grid.spacing_mm)
    return inside & (total >= min(rules.marrow_hu, MARROW_SHARE * usual_hu) * weight)


def _within(geometry: Geometry, part: Geometry) -> tuple[Box, Geometry]:
    """The box of a grid that a part of another lies in, and that box as a grid."""
    box = box_between(np.ones(part.shape, dtype=np.bool_), part, geometry)
    start = (box[0].start, box[1].start, box[2].start)
    s, r, c = (axis.stop - axis.start for axis in box)
    return box, geometry.crop(start, (s, r, c))


def _ribs(volume: Volume, parts: Trunk, rest: Mask, lung_mm: Floats, rules: _Rules) -> Mask:
    """What of the other bones runs along the lungs."""
    grid, step = parts.grid, parts.step_mm
    beyond_mm = beyond_cage_mm(parts.lung_left | parts.lung_right, step)
    hard = moved_mask(rest, volume.geometry, grid)
    left_mm, back_mm = parts.left_mm, parts.back_mm
    breastbone = (np.abs(left_mm) < BREASTBONE_ASIDE_MM) & (back_mm < BREASTBONE_FRONT_MM)
    seeds = np.zeros(grid.shape, dtype=np.uint8)
    seeds[hard & (lung_mm <= rules.rib_lung_mm)] = RIB
    seeds[hard & (np.abs(beyond_mm) <= rules.rib_lung_mm)] = RIB
    seeds[hard & (lung_mm > rules.other_lung_mm) & (beyond_mm > rules.other_lung_mm)] = OTHER
    seeds[hard & breastbone] = OTHER
    # In front of the spine, ribs lie at the hull: what is bright deep within is contrast agent or lime.
    seeds[hard & (beyond_mm < WITHIN_CAGE_MM) & (back_mm < SPINE_BACK_MM[0])] = OTHER
    if not (seeds == RIB).any():
        return np.zeros_like(rest)
    is_rib = (
        moved_mask(_parted(parts.values, hard, seeds, grid.spacing_mm) == RIB, grid, volume.geometry) & rest
    )
    near = moved(lung_mm, grid, volume.geometry) <= rules.rib_lung_mm
    in_front = moved_mask(back_mm < LIME_FRONT_MM, grid, volume.geometry)
    pieces = Components(is_rib, connectivity=26)
    size_ml = pieces.sizes * volume.geometry.voxel_ml
    is_cut = pieces.touching()
    keep = size_ml >= rules.least_rib_ml
    for number in np.flatnonzero(keep):
        piece = pieces.mask([int(number)])
        is_near = np.count_nonzero(piece & near) >= rules.rib_contact * pieces.sizes[number]
        is_front = 2 * np.count_nonzero(piece & in_front) > pieces.sizes[number]
        is_lime = is_front and size_ml[number] < LIME_ML and not is_cut[number]
        keep[number] = is_near and not is_lime
    return pieces.mask(keep)
