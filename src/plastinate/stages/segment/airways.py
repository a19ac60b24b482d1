"""CT volume and body -> trachea and bronchi, grown from the trachea until the wall gives way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.components import Components, components_at_seeds, fill_cavities, largest_components
from plastinate.native.distance import dilate
from plastinate.native.voxels import LEAST_INT16, Box, Mask, bounding_box, threshold
from plastinate.stages.segment.orientation import axial_axis, body_middle_mm, left_mm, planes_from_the_top

# In-plane section of a trachea: coronal diameter 10 to 25 mm, sagittal 11 to 27 mm in adults
# (Breatnach, Abbott & Fraser, AJR 142 (1984) 903-906), half of that in children.
SECTION_MM2 = (30.0, 700.0)
MAX_ASPECT = 2.5
MAX_OFF_MIDDLE_MM = 50.0
MAX_STEP_MM = 6.0

# Aerated parenchyma; gas in the bowel is darker all through.
PARENCHYMA_HU = (-950.0, -600.0)
LEAST_LUNG_SECTION_MM2 = 400.0


@dataclass(frozen=True)
class _Section:
    """One round hole of air in one axial plane."""

    number: int
    plane: int
    area_mm2: float
    centre_mm: npt.NDArray[np.float64]


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

    Returns:
        (S, R, C) bool.

    Source:
        Mori et al., Proc. 13th ICPR (1996), vol. 3, 528-532: growing until it explodes.
    """
    geometry = volume.geometry
    air = threshold(volume.array, LEAST_INT16, seed_below_hu)
    air &= body
    chain = _trachea_chain(volume, air, body, least_length_mm)
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
    parts = Components(_axial_first(airways, axis), connectivity=4)
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


def _axial_first(mask: Mask, axis: int) -> Mask:
    return np.ascontiguousarray(np.moveaxis(mask, axis, 0))


def _trachea_chain(
    volume: Volume, air: Mask, body: Mask, least_length_mm: float
) -> list[tuple[int, int, int]]:
    """Voxels of the trachea, one section for each plane, or nothing."""
    geometry = volume.geometry
    axis = axial_axis(geometry)
    parts = Components(_axial_first(air, axis), connectivity=4)
    sections = _round_sections(parts, geometry, body_middle_mm(body, geometry))
    best: dict[int, tuple[float, _Section | None]] = {}
    open_ends: list[_Section] = []
    for section in sections:
        length, before = 0.0, None
        for other in open_ends:
            step = float(np.linalg.norm(section.centre_mm - other.centre_mm))
            gap = abs(section.centre_mm[2] - other.centre_mm[2])
            is_next = abs(section.plane - other.plane) == 1
            is_near = np.sqrt(max(0.0, step**2 - gap**2)) <= MAX_STEP_MM + gap
            is_alike = 0.4 <= section.area_mm2 / other.area_mm2 <= 2.5
            if is_next and is_near and is_alike and best[other.number][0] + step > length:
                length, before = best[other.number][0] + step, other
        best[section.number] = (length, before)
        open_ends = [other for other in open_ends if abs(other.plane - section.plane) <= 1] + [section]
    by_number = {section.number: section for section in sections}
    for number in sorted(best, key=lambda n: -best[n][0]):
        if best[number][0] < least_length_mm:
            return []
        chain = _walk(best, by_number[number])
        if _lies_between_lungs(volume, air, chain):
            mask = np.moveaxis(parts.mask([section.number for section in chain]), 0, axis)
            return [(int(s), int(r), int(c)) for s, r, c in np.argwhere(mask)]
    return []


def _walk(best: dict[int, tuple[float, _Section | None]], end: _Section) -> list[_Section]:
    chain, section = [], end
    while True:
        chain.append(section)
        before = best[section.number][1]
        if before is None:
            return chain[::-1]
        section = before


def _round_sections(parts: Components, geometry: Geometry, middle_mm: float) -> list[_Section]:
    """Air holes of a trachea's size and shape near the middle, the most superior first."""
    axis = axial_axis(geometry)
    rows, columns = (a for a in range(3) if a != axis)
    spacing = geometry.spacing_mm
    area = parts.sizes * spacing[rows] * spacing[columns]
    extent = parts.boxes[:, 1] - parts.boxes[:, 0]
    height, width = extent[:, 1] * spacing[rows], extent[:, 2] * spacing[columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        aspect = np.maximum(height, width) / np.minimum(height, width)
        fill = area / (height * width)
    centres = geometry.index_to_lps(np.moveaxis(_unturned(parts.centres_index, axis), 0, 0))
    fits = (area >= SECTION_MM2[0]) & (area <= SECTION_MM2[1]) & (aspect <= MAX_ASPECT) & (fill >= 0.45)
    fits &= np.abs(centres[:, 0] - middle_mm) <= MAX_OFF_MIDDLE_MM
    fits[0] = False
    numbers = np.flatnonzero(fits)
    found = [_Section(int(n), int(parts.boxes[n, 0, 0]), float(area[n]), centres[n]) for n in numbers]
    is_upwards = geometry.to_lps_mm[2, axis] > 0
    return sorted(
        found, key=lambda section: (-section.plane if is_upwards else section.plane, section.number)
    )


def _unturned(index: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    """(plane, row, column) of an axial-first array back to the grid's own axis order."""
    order = [axis, *(a for a in range(3) if a != axis)]
    return index[:, np.argsort(order)]


def _lies_between_lungs(volume: Volume, air: Mask, chain: list[_Section]) -> bool:
    """True if lung lies left and right at the chain's lower end or up to 60 mm below it.

    Gas in the bowel may lie below a lung's base, but never above one.
    """
    geometry = volume.geometry
    axis = axial_axis(geometry)
    pixel_mm2 = float(np.prod([step for a, step in enumerate(geometry.spacing_mm) if a != axis]))
    below = round(60.0 / geometry.spacing_mm[axis])
    end, count = chain[-1], geometry.shape[axis]
    step = -1 if geometry.to_lps_mm[2, axis] > 0 else 1
    is_left = np.broadcast_to(left_mm(geometry), geometry.shape) > end.centre_mm[0]
    for plane in range(end.plane, max(-1, min(count, end.plane + step * (below + 1))), step):
        values = np.take(volume.array, plane, axis=axis)
        lung = (values >= PARENCHYMA_HU[0]) & (values <= PARENCHYMA_HU[1]) & np.take(air, plane, axis=axis)
        side = np.take(is_left, plane, axis=axis)
        if min((lung & side).sum(), (lung & ~side).sum()) * pixel_mm2 >= LEAST_LUNG_SECTION_MM2:
            return True
    return False


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
