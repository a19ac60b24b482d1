"""CT volume, body and airways -> left lung and right lung."""

from __future__ import annotations

import numpy as np

from plastinate.model.volume import Volume
from plastinate.native.components import Components, fill_cavities, fill_holes_2d
from plastinate.native.distance import closed, dilate, opened
from plastinate.native.voxels import LEAST_INT16, Mask, bounding_box, threshold
from plastinate.stages.segment.boxes import box_of, cut_out, put_back
from plastinate.stages.segment.orientation import axial_axis, body_middle_mm
from plastinate.stages.segment.sides import split_sides

# Gas bubbles are dark within and blurred at the edge: half of a small one lies between these (0.2 to
# 0.52 measured in stomach and colon), of lung most does (0.81 to 0.94). Emphysema may lie below, so large
# pieces are judged by their median alone.
PARENCHYMA_HU = (-920.0, -600.0)
SPONGY_SHARE = 0.6
SURELY_LUNG_ML = 500.0


def lungs(
    volume: Volume,
    body: Mask,
    airways: Mask,
    *,
    air_below_hu: float = -400.0,
    airway_wall_mm: float = 1.5,
    least_piece_ml: float = 30.0,
    gas_below_hu: float = -960.0,
    closing_mm: float = 6.0,
    opening_mm: float = 1.5,
    vessel_hole_mm2: float = 400.0,
) -> tuple[Mask, Mask]:
    """Both lungs with the vessels inside them, apart even where they touch, named by the patient's side.

    Air inside the body, without the airways and without gas in the bowel (whose median is
    darker than any lung's), is cut into left and right, and each side is closed over
    its vessels. Consolidated or collapsed lung is as bright as soft tissue and is missing;
    so is fluid around the lung, rightly.

    Args:
        volume: CT.
        body: the patient, air included.
        airways: trachea and bronchi; may be empty.
        air_below_hu: brightest aerated lung.
        airway_wall_mm: wall left between airways and lung.
        least_piece_ml: smallest piece of air that may be lung.
        gas_below_hu: pieces with a darker median are gas, not lung; small ones must also be spongy.
        closing_mm: radius that bridges vessels and the hilum's notches.
        opening_mm: radius that takes off spikes along bronchi and noise.
        vessel_hole_mm2: holes up to this size in an axial plane are vessels or nodules.

    Returns:
        Left lung and right lung, each (S, R, C) bool; empty where there is none.
    """
    middle_mm = body_middle_mm(body, volume.geometry)
    air = threshold(volume.array, LEAST_INT16, air_below_hu)
    air &= body
    box = bounding_box(air)
    shape = volume.geometry.shape
    if box is None:
        return np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    volume, body, airways = cut_out(volume, box), body[box], np.ascontiguousarray(airways[box])
    air = np.ascontiguousarray(air[box])
    spacing, axis = volume.geometry.spacing_mm, axial_axis(volume.geometry)
    air &= ~dilate(airways, airway_wall_mm, spacing)
    air = _lung_air(volume, opened(air, opening_mm, spacing), least_piece_ml, gas_below_hu)
    sides = split_sides(air, volume.geometry, middle_mm=middle_mm, least_ml=least_piece_ml)
    del air
    pixel_mm2 = float(np.prod([step for a, step in enumerate(spacing) if a != axis]))
    whole = []
    for side in sides:
        shaped = fill_holes_2d(side, axis=axis, max_voxels=round(vessel_hole_mm2 / pixel_mm2))
        whole.append(fill_cavities(closed(shaped, closing_mm, spacing)))
    left, right = whole
    # Where the closed sides meet, a voxel goes to the side whose air it was; what neither had, to neither.
    both = left & right
    left &= ~both | sides[0]
    right &= ~both | sides[1]
    for side in (left, right):
        side &= body
        side &= ~airways
    return put_back(left, box, shape), put_back(right, box, shape)


def _lung_air(volume: Volume, air: Mask, least_piece_ml: float, gas_below_hu: float) -> Mask:
    """The pieces of air that are lung by size and by what their values are."""
    parts = Components(air, connectivity=6)
    keep = []
    for number in parts.by_size():
        if parts.sizes[number] * volume.geometry.voxel_ml < least_piece_ml:
            break
        box = box_of(parts.boxes[number])
        piece = parts.mask([int(number)])[box]
        values = volume.array[box][piece]
        is_large = parts.sizes[number] * volume.geometry.voxel_ml >= SURELY_LUNG_ML
        spongy = np.mean((values > PARENCHYMA_HU[0]) & (values < PARENCHYMA_HU[1]))
        if np.median(values) >= gas_below_hu and (is_large or spongy >= SPONGY_SHARE):
            keep.append(int(number))
    return parts.mask(keep) if bounding_box(air) is not None else air
