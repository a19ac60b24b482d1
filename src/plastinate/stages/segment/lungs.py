"""CT volume, body and airways -> left lung and right lung."""

from __future__ import annotations

import numpy as np

from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import Components, fill_cavities, fill_holes_2d
from plastinate.native.distance import closed, dilate, opened
from plastinate.native.voxels import LEAST_INT16, Mask, bounding_box, threshold
from plastinate.stages.segment.boxes import box_of, cut_out, put_back
from plastinate.stages.segment.lung_doubt import lung_findings, lung_likelihood
from plastinate.stages.segment.lung_masses import lung_masses
from plastinate.stages.segment.orientation import axial_axis, body_middle_mm, left_mm
from plastinate.stages.segment.pleural_fluid import pleural_fluid
from plastinate.stages.segment.sides import split_sides

# Gas bubbles are dark within and blurred at the edge: half of a small one lies between these (0.2 to
# 0.52 measured in stomach and colon), of lung most does (0.81 to 0.94). Emphysema may lie below, so large
# pieces are judged by their median alone.
PARENCHYMA_HU = (-920.0, -600.0)
SPONGY_SHARE = 0.6
SURELY_LUNG_ML = 500.0
CRACK_MM = 3.0


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
    least_mass_ml: float = 2.0,
) -> Remarked:
    """Both lungs with the vessels inside them, apart even where they touch, named by the patient's side.

    Air inside the body, without the airways and without gas in the bowel (whose median is
    darker than any lung's), is cut into left and right, and each side is closed over
    its vessels. Solid masses within the shape of the lungs, as far as `lung_masses` tells them from heart and
    diaphragm, belong to them. Lung that is collapsed over a whole lobe is as bright as soft tissue and is
    missing; so is fluid around the lung, rightly.

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
        least_mass_ml: smallest solid mass that is looked for; 0 looks for none.

    Returns:
        Left lung and right lung, each (S, R, C) bool, empty where there is none; with likelihoods.
    """
    middle_mm = body_middle_mm(body, volume.geometry)
    air = threshold(volume.array, LEAST_INT16, air_below_hu)
    air &= body
    box = bounding_box(air)
    shape = volume.geometry.shape
    if box is None:
        return Remarked((np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)), ())
    whole_volume, whole_airways = volume, airways
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
    masses = np.zeros(shape, dtype=np.bool_)
    if least_mass_ml:
        masses[box] = _with_masses(volume, left, right, body & ~airways, middle_mm, least_mass_ml)
    sides = put_back(left, box, shape), put_back(right, box, shape)
    fluid = tuple(pleural_fluid(whole_volume, side) & ~(sides[0] | sides[1]) for side in sides)
    return Remarked(
        sides,
        lung_findings(whole_volume, masses, fluid[0] | fluid[1]),
        tuple(
            lung_likelihood(whole_volume, side, masses=masses, fluid=behind, airways=whole_airways)
            for side, behind in zip(sides, fluid, strict=True)
        ),
    )


def _with_masses(
    volume: Volume, left: Mask, right: Mask, may_be: Mask, middle_mm: float, least_ml: float
) -> Mask:
    """Add solid masses to the lung on whose side they lie, in place, and say which voxels they are."""
    masses = lung_masses(volume, left, right, middle_mm=middle_mm, least_ml=least_ml) & may_be
    if masses.any():
        is_left = left_mm(volume.geometry) > middle_mm
        for side, own in ((left, masses & is_left), (right, masses & ~is_left)):
            side |= own
            # What is left between a mass and the lung about it is a crack of the coarse voxels.
            side |= (
                closed(side, CRACK_MM, volume.geometry.spacing_mm)
                & dilate(own, CRACK_MM, volume.geometry.spacing_mm)
                & may_be
                & ~(left | right)
            )
    return masses


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
