"""CT volume and body -> the head, where the scan has one: known by the space that its bone encloses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.components import Components, largest_components
from plastinate.native.distance import closed
from plastinate.native.voxels import Mask, threshold
from plastinate.stages.segment.orientation import axial_axis
from plastinate.stages.segment.trachea_chain import axial_first

# Where the scan's own edge cuts the ring of bone, this share of the rest of the way round is bone at least.
# A field within a trunk is bounded by its edge nearly all round.
RING_SHARE = 0.5
NOTHING = "nowhere does bone enclose a space as large as a brain's"


def head(
    volume: Volume,
    body: Mask,
    *,
    bone_hu: float = 250.0,
    gap_mm: float = 6.0,
    least_section_cm2: float = 40.0,
    most_section_cm2: float = 300.0,
    least_ml: float = 100.0,
    below_mm: float = 150.0,
) -> Mask:
    """What of the patient is head: from the cranial cavity upwards, and as far down as a chin reaches.

    In an axial plane the skull is a ring. No other bone is one around so much: the openings of chest
    and pelvis are wider than any suture, and vertebral canal and marrow spaces are a fraction of it. What
    the ring holds does not matter, so that a dry skull has a head as well. Where the scan's own edge cuts
    the ring, bone has to make up half of what bounds the space.

    Limits: a head of which no plane shows a closed vault is not known for one: a scan of the face alone,
    or a child's whose vault is membrane.

    Args:
        volume: CT.
        body: the patient.
        bone_hu: bone.
        gap_mm: half the width of the widest gap of the ring that counts as closed.
        least_section_cm2, most_section_cm2: area of the cavity in one plane.
        least_ml: least volume of those planes together.
        below_mm: how far below the lowest of them head and neck are kept.

    Returns:
        (S, R, C) bool.

    Raises:
        EmptyMask: there is no such space.
        NoMillimetres: the scan never said its pixel size.
    """
    geometry = volume.geometry
    axis = axial_axis(geometry)
    bone = threshold(volume.array, bone_hu, np.inf)
    bone &= body
    bone = axial_first(closed(bone, gap_mm, geometry.spacing_mm), axis)
    plane_mm2 = geometry.voxel_ml * 1000.0 / geometry.spacing_mm[axis]
    sections = (least_section_cm2 * 100.0 / plane_mm2, most_section_cm2 * 100.0 / plane_mm2)
    cavity = _ringed(bone, sections)
    if _volume_ml(cavity, geometry) < least_ml:
        cavity = _ringed_or_cut(bone, axial_first(body, axis), axial_first(volume.measured, axis), sections)
    if _volume_ml(cavity, geometry) < least_ml:
        raise EmptyMask("head", NOTHING)
    return body & _reach(cavity, geometry, axis, below_mm)


def lowest_of_cavity(
    bone: Mask,
    geometry: Geometry,
    *,
    gap_mm: float = 6.0,
    least_section_cm2: float = 40.0,
    most_section_cm2: float = 300.0,
    least_ml: float = 100.0,
) -> int | None:
    """The lowest axial plane in which bone is a ring around so much room, None where it never is.

    Args:
        bone: (S, R, C) bool, slices from the head to the feet.
        geometry: of the mask.
        gap_mm, least_section_cm2, most_section_cm2, least_ml: as of `head`.
    """
    plane_mm2 = geometry.spacing_mm[1] * geometry.spacing_mm[2]
    sections = (least_section_cm2 * 100.0 / plane_mm2, most_section_cm2 * 100.0 / plane_mm2)
    cavity = _ringed(closed(bone, gap_mm, geometry.spacing_mm), sections)
    if _volume_ml(cavity, geometry) < least_ml:
        return None
    return int(np.flatnonzero(cavity.any(axis=(1, 2)))[-1])


def _ringed(bone: Mask, sections: tuple[float, float]) -> Mask:
    """Spaces of the right size that bone surrounds within their plane; the largest piece of them."""
    spaces = Components(bone, connectivity=4, is_background=True)
    fits = (spaces.sizes >= sections[0]) & (spaces.sizes <= sections[1]) & ~spaces.touching("rc")
    fits[0] = False
    return largest_components(spaces.mask(fits), connectivity=6)


def _ringed_or_cut(bone: Mask, body: Mask, measured: Mask, sections: tuple[float, float]) -> Mask:
    """As `_ringed`, with the scan's edge as part of the ring, for spaces that lie wholly in the patient."""
    edge = ~measured
    edge[:, [0, -1], :] = True
    edge[:, :, [0, -1]] = True
    spaces = Components(bone | edge, connectivity=4, is_background=True)
    fits = (spaces.sizes >= sections[0]) & (spaces.sizes <= sections[1])
    fits[0] = False
    labels = spaces.labels()
    for number in np.flatnonzero(fits):
        plane = int(spaces.boxes[number, 0, 0])
        space = labels[plane] == number
        rim = _grown(space) & ~space
        is_bone = np.count_nonzero(rim & bone[plane]) >= RING_SHARE * np.count_nonzero(rim)
        fits[number] = is_bone and not (space & ~body[plane]).any()
    return largest_components(spaces.mask(fits), connectivity=6)


def _grown(plane: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A plane's mask with the four neighbours of each pixel."""
    out = plane.copy()
    out[1:] |= plane[:-1]
    out[:-1] |= plane[1:]
    out[:, 1:] |= plane[:, :-1]
    out[:, :-1] |= plane[:, 1:]
    return out


def _volume_ml(mask: Mask, geometry: Geometry) -> float:
    return float(np.count_nonzero(mask)) * geometry.voxel_ml


def _reach(cavity: Mask, geometry: Geometry, axis: int, below_mm: float) -> Mask:
    """True in the axial planes of the head; broadcasts against the grid."""
    planes = np.flatnonzero(cavity.any(axis=(1, 2)))
    index = np.arange(cavity.shape[0])
    steps = round(below_mm / geometry.spacing_mm[axis])
    is_upwards = geometry.to_lps_mm[2, axis] > 0
    reached = index >= planes[0] - steps if is_upwards else index <= planes[-1] + steps
    return np.asarray(reached.reshape([-1 if each == axis else 1 for each in range(3)]))
