"""Lungs found by their air -> solid masses that belong to their shape: tumours, lung without air."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.components import Components
from plastinate.native.distance import closed, dilate, opened
from plastinate.native.filters import median
from plastinate.native.voxels import Box, Mask, bounding_box
from plastinate.stages.segment.boxes import box_of
from plastinate.stages.segment.orientation import axial_axis, left_mm

# Shapes of centimetres are worked out on voxels of about this size.
COARSE_MM = 3.0
# A ball this large fits neither between the lungs nor into what a tumour takes out of their outside, and
# leaves the chest its curve: of a gap 60 mm wide, 4 mm at most are cut flat.
SHAPE_MM = 80.0
# Soft tissue, and not the blood of a heart with contrast nor fat: tumours have 20 to 100 HU with contrast.
SOLID_HU = (-20, 130)
# What is thinner than twice the first is a vessel, a fold of the pleura or the wall of the chest. Where a
# mass leans on the heart, larger balls part the two; those also part the vessels of the hilum, so what they
# part must lie against the chest wall.
PARTED_BY_MM = (6.0, 10.0, 14.0, 18.0, 24.0)
REGROWN_MM = 9.0
# Of the voxels about a mass, so many are lung, and (where a larger ball was needed) outside the lungs' shape.
# Over 15 masses and 25 pieces of normal heart, liver and hilum: 0.61 to 0.96, and 0.14 to 0.54.
LUNG_AROUND, WALL_AROUND = 0.6, 0.1
# So much of it has lung somewhere below. Liver, spleen and bowel, pushed up under a lung, have none.
LUNG_BELOW = 0.5
# What reaches nearer to the middle is heart, vessels and spine, and so is all that hangs together with it.
MIDDLE_MM = 12.0


def lung_masses(volume: Volume, left: Mask, right: Mask, *, middle_mm: float, least_ml: float) -> Mask:
    """Solid masses that lie against the chest wall or within a lung, and belong to its shape.

    Both lungs are closed together with a ball that fits into no gap of theirs: that shape follows the rib
    cage from within, also over a tumour. What of it is solid falls into pieces. Heart, vessels
    and diaphragm hang together across the middle; a piece apart from them, with lung around and below it,
    is a mass. Limits: one that grows broadly into the mediastinum, with no contrast agent to tell the two
    apart, or that sits on the diaphragm, hangs together with them and is not found.

    Args:
        volume: CT.
        left, right: (S, R, C) bool, aerated lungs with their vessels.
        middle_mm: LPS x of the body's middle.
        least_ml: smallest mass.

    Returns:
        (S, R, C) bool, nothing of it in either lung; empty where there is no mass.
    """
    found = np.zeros(volume.geometry.shape, dtype=np.bool_)
    both = left | right
    box = bounding_box(both)
    if box is None or not left.any() or not right.any():
        return found
    skip = [max(1, round(COARSE_MM / step)) for step in volume.geometry.spacing_mm]
    thin = tuple(slice(span.start, span.stop, step) for span, step in zip(box, skip, strict=True))
    air = np.ascontiguousarray(both[thin])
    geometry = _thinned(volume.geometry, box, skip, air.shape)
    shape = closed(air, SHAPE_MM, geometry.spacing_mm)
    values = median(np.ascontiguousarray(volume.array[thin]))
    solid = shape & ~air & (values >= SOLID_HU[0]) & (values <= SOLID_HU[1])
    below = _lung_below(air, geometry)
    masses = np.zeros_like(solid)
    for radius_mm in PARTED_BY_MM:
        parts = Components(opened(solid & ~masses, radius_mm, geometry.spacing_mm), connectivity=6)
        for number in parts.by_size():
            if parts.sizes[number] * geometry.voxel_ml < least_ml:
                break
            piece = parts.mask([int(number)])
            is_first = radius_mm == PARTED_BY_MM[0]
            if _is_apart(box_of(parts.boxes[number]), geometry, middle_mm) and _is_mass(
                piece, air | masses, shape, below, geometry, wall=0.0 if is_first else WALL_AROUND
            ):
                # Opening took its rim off, which comes back up to the lung and the shape.
                masses |= dilate(piece, REGROWN_MM, geometry.spacing_mm) & solid & below
    if masses.any():
        found[box] = _refined(masses, skip, volume.geometry, box) & ~both[box]
    return found


def _is_apart(box: Box, geometry: Geometry, middle_mm: float) -> bool:
    across = left_mm(geometry, box)
    return bool(across.min() > middle_mm + MIDDLE_MM or across.max() < middle_mm - MIDDLE_MM)


def _is_mass(piece: Mask, air: Mask, shape: Mask, below: Mask, geometry: Geometry, *, wall: float) -> bool:
    if below[piece].mean() < LUNG_BELOW:
        return False
    step = max(geometry.spacing_mm)
    rim = dilate(piece, 1.01 * step, geometry.spacing_mm) & ~piece
    near_air = dilate(air, 1.5 * step, geometry.spacing_mm)
    return bool(near_air[rim].mean() >= LUNG_AROUND and (~shape[rim]).mean() >= wall)


def _thinned(geometry: Geometry, box: Box, skip: list[int], shape: tuple[int, ...]) -> Geometry:
    matrix = geometry.crop((box[0].start, box[1].start, box[2].start), (1, 1, 1)).to_lps_mm.copy()
    matrix[:3, :3] *= skip
    slices, rows, columns = shape
    return Geometry((slices, rows, columns), matrix)


def _lung_below(air: Mask, geometry: Geometry) -> Mask:
    """True where lung lies somewhere below in the same column."""
    axis = axial_axis(geometry)
    is_upwards = geometry.to_lps_mm[2, axis] > 0
    below: npt.NDArray[np.bool_] = np.logical_or.accumulate(
        air if is_upwards else np.flip(air, axis), axis=axis
    )
    return below if is_upwards else np.flip(below, axis)


def _refined(masses: Mask, skip: list[int], geometry: Geometry, box: Box) -> Mask:
    """The coarse masses on the scan's own voxels in the box, the steps of the coarse ones smoothed away."""
    full = masses
    for axis, times in enumerate(skip):
        # Each coarse voxel was the first of those it stands for; it is to be their middle.
        full = np.roll(np.repeat(full, times, axis=axis), -((times - 1) // 2), axis=axis)
    s, r, c = (span.stop - span.start for span in box)
    full = np.ascontiguousarray(full[:s, :r, :c])
    return opened(closed(full, COARSE_MM / 2, geometry.spacing_mm), COARSE_MM / 2, geometry.spacing_mm)
