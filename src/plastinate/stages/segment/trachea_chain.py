"""Air inside the body -> the chain of round sections that is the trachea."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.components import Components
from plastinate.native.voxels import Mask
from plastinate.stages.segment.orientation import axial_axis, body_middle_mm, left_mm

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


def axial_first(mask: Mask, axis: int) -> Mask:
    """The mask turned so that its axial planes come first; contiguous."""
    return np.ascontiguousarray(np.moveaxis(mask, axis, 0))


def trachea_chain(
    volume: Volume, air: Mask, body: Mask, least_length_mm: float
) -> list[tuple[int, int, int]]:
    """Voxels of the trachea, one section for each plane, or nothing.

    Sections of a trachea's size and shape near the middle are linked from plane to plane where they
    overlap and are alike. The longest chain with lung on both sides of its lower end is the trachea.

    Args:
        volume: CT.
        air: what may be trachea.
        body: the patient.
        least_length_mm: shortest chain taken.
    """
    geometry = volume.geometry
    axis = axial_axis(geometry)
    parts = Components(axial_first(air, axis), connectivity=4)
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
