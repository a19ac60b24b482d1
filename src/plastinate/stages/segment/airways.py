"""CT volume and body -> trachea and bronchi, grown from the trachea until the wall gives way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.volume import Volume
from plastinate.native.components import Components, components_at_seeds, fill_cavities, largest_components
from plastinate.native.distance import dilate
from plastinate.native.voxels import LEAST_INT16, Box, Mask, bounding_box, threshold
from plastinate.stages.segment.orientation import axial_axis, planes_from_the_top
from plastinate.stages.segment.trachea_chain import axial_first, trachea_chain


def airways(
    volume: Volume,
    body: Mask,
    *,
    seed_below_hu: float = -700.0,
    first_hu: float = -980.0,
    last_hu: float = -700.0,
    step_hu: float = 10.0,
    growth_factor: float = 1.5,
    growth_ml: float = 5.0,
    most_ml: float = 150.0,
    wall_hu: float = -500.0,
    rim_mm: float = 1.6,
    least_length_mm: float = 20.0,
) -> Mask:
    """The lumen of trachea and bronchi, as far as the wall holds the air apart from the lung.

    The trachea is the longest chain of round air sections near the middle with lung on both
    sides. From it a region grows at rising thresholds; the last one before the volume
    jumps (the wall gave way into the lung) is kept and widened to the half-way value of
    the wall. Small bronchi that only a lower threshold would reach are missing. Empty
    when the scan shows no trachea between two lungs, as below the carina.

    Args:
        volume: CT.
        body: the patient, air included.
        seed_below_hu: air that may be trachea.
        first_hu, last_hu, step_hu: thresholds tried.
        growth_factor, growth_ml, most_ml: a step that grows past factor * volume + growth_ml,
            or past most_ml, is a leak.
        wall_hu: half way between air and wall.
        rim_mm: how far the partial-volume rim may reach.
        least_length_mm: shortest trachea taken for one.

    Source:
        Mori et al., Proc. 13th ICPR (1996), vol. 3, 528-532: growing until it explodes.
    """
    geometry = volume.geometry
    air = threshold(volume.array, LEAST_INT16, seed_below_hu)
    air &= body
    chain = trachea_chain(volume, air, body, least_length_mm)
    box = bounding_box(air)
    if box is None or not chain:
        return np.zeros(geometry.shape, dtype=np.bool_)
    grown = _grow(
        volume,
        body,
        chain,
        box,
        np.arange(first_hu, last_hu + 1e-6, step_hu),
        growth_factor,
        growth_ml,
        most_ml,
    )
    lumen = threshold(volume.array, LEAST_INT16, wall_hu)
    lumen &= body
    lumen &= dilate(grown, rim_mm, geometry.spacing_mm)
    lumen |= grown
    return fill_cavities(lumen)


def trachea(
    volume: Volume, airways: Mask, *, least_branch_mm2: float = 40.0, confirm_mm: float = 10.0
) -> Mask:
    """The airways above the carina: down to the plane below which two branches run apart.

    Args:
        volume: for its geometry.
        airways: trachea and bronchi.
        least_branch_mm2: section of a branch that counts.
        confirm_mm: both branches must go on for that long; a diverticulum does not.

    Returns:
        (S, R, C) bool.
    """
    geometry = volume.geometry
    axis = axial_axis(geometry)
    spacing = geometry.spacing_mm
    pixel_mm2 = float(np.prod([step for a, step in enumerate(spacing) if a != axis]))
    parts = Components(axial_first(airways, axis), connectivity=4)
    planes = parts.boxes[:, 0, 0]
    counts = np.bincount(
        planes[1:][parts.sizes[1:] * pixel_mm2 >= least_branch_mm2], minlength=airways.shape[axis]
    )
    run_needed = max(1, round(confirm_mm / spacing[axis]))
    order = [plane for plane in planes_from_the_top(geometry) if counts[plane]]
    split = [counts[plane] >= 2 for plane in order]
    kept = order
    for start in range(len(order)):
        if split[start] and sum(split[start : start + run_needed]) >= run_needed:
            kept = order[:start]
            break
    above = np.zeros(airways.shape[axis], dtype=np.bool_)
    above[kept] = True
    # Bronchi of the upper lobes climb above the carina and lie apart from the trachea there.
    return largest_components(
        airways & above.reshape([-1 if a == axis else 1 for a in range(3)]), connectivity=6
    )


def _grow(
    volume: Volume,
    body: Mask,
    seeds: list[tuple[int, int, int]],
    box: Box,
    thresholds_hu: npt.NDArray[np.float64],
    growth_factor: float,
    growth_ml: float,
    most_ml: float,
) -> Mask:
    """The region of the last threshold before the volume jumps; the seeds belong to it in any case."""
    voxel_ml = volume.geometry.voxel_ml
    values = np.ascontiguousarray(volume.array[box])
    inside = np.ascontiguousarray(body[box])
    kept = np.zeros(values.shape, dtype=np.bool_)
    origin = np.array([axis.start for axis in box])
    local = np.array(seeds) - origin
    kept[tuple(local.T)] = True
    starts = [(int(s), int(r), int(c)) for s, r, c in local]
    volume_ml = len(starts) * voxel_ml
    for limit in thresholds_hu:
        open_air = threshold(values, LEAST_INT16, float(limit))
        open_air &= inside
        region = components_at_seeds(open_air, starts, connectivity=6)
        region[tuple(local.T)] = True
        grown_ml = float(np.count_nonzero(region)) * voxel_ml
        if grown_ml > growth_factor * volume_ml + growth_ml or grown_ml > most_ml:
            break
        kept, volume_ml = region, grown_ml
    out = np.zeros(volume.geometry.shape, dtype=np.bool_)
    out[box] = kept
    return out
