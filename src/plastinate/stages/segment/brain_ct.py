"""CT of a head, its body mask and its skull -> what the skull encloses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import fill_cavities, largest_components
from plastinate.native.distance import closed, dilate, erode
from plastinate.native.voxels import Box, Mask, bounding_box, threshold
from plastinate.stages.segment.boxes import cut_out, put_back
from plastinate.stages.segment.orientation import axial_axis
from plastinate.stages.segment.settle_edge import smoothed

ORGAN = "brain"
# Of the four directions within an axial plane, in how many the brain must meet bone:
# one wall may be missing, as after a craniotomy or at the edge of a narrow scan.
WALLS_NEEDED = 3
# What makes a voxel sure or possible, for the volume's range: beyond or within these it is neither.
SURE, MARKED, POSSIBLE = 0.95, 0.7, 0.3
# Membranes and a sinus lie between brain and bone.
WALL_MM = 6.0
# Half way from fluid to brain, once its noise is smoothed; how deep below the bone such fluid is looked for.
FLUID_HU, FLUID_DEPTH_MM, SMOOTH_MM = 16.0, 5.0, 1.5


def brain_ct(
    volume: Volume,
    body: Mask,
    skull: Mask,
    *,
    low_hu: float = -15.0,
    high_hu: float = 100.0,
    neck_mm: float = 9.0,
    regain_mm: float = 3.0,
    closing_mm: float = 2.0,
    least_share: float = 0.5,
    least_ml: float = 100.0,
    walled_share: float = 0.8,
    leeway_mm: float = 2.0,
) -> Remarked:
    """What the skull encloses: brain, cerebellum, the fluid in and around them, and the membranes.

    CT tells brain and fluid apart by 20 HU, which noise hides, so ventricles and sulci are part of it. The
    brain stem is cut off near the foramen magnum, where the space becomes narrower than the brain: not an
    anatomical cut. Foramina and thin places of the base are closed by the ball that does not fit through.

    How likely a voxel belongs to it is known by trial: sure is what a shorter reach and a lower brightness
    leave and what is not as dark as the fluid under the bone; possible is what a smaller ball, a longer reach
    and a higher brightness add.

    Args:
        volume: CT.
        body: the patient.
        skull: bone of the head.
        low_hu, high_hu: fluid to fresh blood.
        neck_mm: radius of a ball that fits into the skull and not through the foramen magnum.
        regain_mm: beyond that ball's reach, how far gyri are followed.
        closing_mm: radius that smooths noise at the wall.
        least_share: of the room within the skull, what is at least as dense as brain; less is another thing.
        least_ml: less is no brain, and no part of one worth showing.
        walled_share: of the brain's surface within the scan, at least that lies at bone; less is doubted.
        leeway_mm: by how much the ball and its reach may be wrong.

    Returns:
        One mask, (S, R, C) bool, with the likelihood of each voxel.

    Raises:
        EmptyMask: nothing like a brain is enclosed by bone.
        NoMillimetres: the scan never said its pixel size.
    """
    box = bounding_box(skull)
    if box is None:
        raise EmptyMask(ORGAN, "there is no skull around it")
    part, bone = cut_out(volume, box), np.ascontiguousarray(skull[box])
    room = _walled_in(bone, volume, box) & ~bone & body[box]
    ends = _at_the_scans_ends(volume, box)
    found = _reached(part, room, (low_hu, high_hu), (neck_mm, regain_mm, closing_mm), ends)
    _refuse_what_is_no_brain(found, room, part, neck_mm=neck_mm, least_share=least_share, least_ml=least_ml)
    narrow = (neck_mm, max(regain_mm - leeway_mm, 0.0), closing_mm)
    wide = (max(neck_mm - leeway_mm, leeway_mm), regain_mm + leeway_mm, closing_mm)
    inner = _reached(part, room, (low_hu, high_hu - (high_hu - low_hu) / 4), narrow, ends)
    inner &= found & ~_fluid_below_bone(part, found)
    outer = found | _reached(part, room, (low_hu, high_hu + (high_hu - low_hu) / 4), wide, ends)
    likelihood = np.zeros(found.shape, dtype=np.float16)
    likelihood[outer], likelihood[found], likelihood[inner] = POSSIBLE, MARKED, SURE
    whole = np.zeros(volume.geometry.shape, dtype=np.float16)
    whole[box] = likelihood
    return Remarked(
        (put_back(found, box, volume.geometry.shape),),
        _open_skull(part, found, bone, ends, walled_share),
        (whole,),
    )


def _reached(
    part: Volume,
    room: Mask,
    window_hu: tuple[float, float],
    radii_mm: tuple[float, float, float],
    ends: list[tuple[int, int]],
) -> Mask:
    """One piece without cavities: what a ball of the first radius reaches in the room, and a bit farther.

    Raises:
        EmptyMask: the ball fits nowhere.
    """
    neck_mm, regain_mm, closing_mm = radii_mm
    spacing = part.geometry.spacing_mm
    inside = threshold(part.array, *window_hu)
    inside &= room
    # Where the scan ends, what it shows goes on: else the ball would stop short of it.
    pads = [
        tuple(round(neck_mm / step) * at_end for at_end in pair)
        for pair, step in zip(ends, spacing, strict=True)
    ]
    cut = tuple(slice(low, low + n) for (low, _), n in zip(pads, inside.shape, strict=True))
    core = largest_components(erode(np.pad(inside, pads, mode="edge"), neck_mm, spacing), connectivity=6)
    if bounding_box(core) is None:
        raise EmptyMask(ORGAN, f"no space {2 * neck_mm:g} mm wide is enclosed by bone")
    inside &= np.ascontiguousarray(dilate(core, neck_mm + regain_mm, spacing)[cut])
    smooth = closed(largest_components(inside, connectivity=6), closing_mm, spacing)
    smooth &= room
    return fill_cavities(largest_components(smooth, connectivity=6))


def _refuse_what_is_no_brain(
    found: Mask, room: Mask, part: Volume, *, neck_mm: float, least_share: float, least_ml: float
) -> None:
    # Narrow rooms, such as those of the nose, are no part of the cranial one.
    wide = largest_components(erode(room, neck_mm, part.geometry.spacing_mm), connectivity=6)
    share = _share(found, wide)
    if share < least_share:
        raise EmptyMask(ORGAN, "what the skull encloses is not as dense as a brain")
    if np.count_nonzero(found) * part.geometry.voxel_ml < least_ml:
        raise EmptyMask(ORGAN, "what the skull encloses is too small for a brain")


def _open_skull(
    part: Volume, found: Mask, bone: Mask, ends: list[tuple[int, int]], walled_share: float
) -> tuple[Finding, ...]:
    """A finding where too little of the surface lies at bone; what the scan's end cuts does not count."""
    spacing = part.geometry.spacing_mm
    pads = [tuple(int(at_end) for at_end in pair) for pair in ends]
    cut = tuple(slice(low, low + n) for (low, _), n in zip(pads, found.shape, strict=True))
    surface = found & ~erode(np.pad(found, pads, mode="edge"), max(spacing) * 1.01, spacing)[cut]
    share = _share(dilate(bone, WALL_MM, spacing), surface)
    if share >= walled_share:
        return ()
    return (
        Finding(
            "segment.open-skull",
            "warning",
            f"Only {100 * share:.0f} % of the brain's surface lies at bone.",
            "The skull is open, or the scan shows a part of it; compare the brain's edge with the slices.",
            {"share": round(share, 3)},
        ),
    )


def _fluid_below_bone(part: Volume, found: Mask) -> Mask:
    """What is as dark as fluid in the outermost layer: around the brain rather than of it."""
    spacing = part.geometry.spacing_mm
    rim = found & ~erode(found, FLUID_DEPTH_MM, spacing)
    values = np.where(found, part.array, FLUID_HU).astype(np.float32)
    return np.asarray(rim & (smoothed(values, SMOOTH_MM, spacing) < FLUID_HU))


def _share(some: Mask, whole: Mask) -> float:
    """How much of the second lies in the first."""
    return float(np.count_nonzero(some & whole)) / max(1.0, float(np.count_nonzero(whole)))


def _at_the_scans_ends(volume: Volume, box: Box) -> list[tuple[int, int]]:
    """Of each axis, whether the box begins and ends where the scan does, as 1 and 0."""
    shape = volume.geometry.shape
    return [(int(span.start == 0), int(span.stop == n)) for span, n in zip(box, shape, strict=True)]


def _walled_in(bone: Mask, volume: Volume, box: Box) -> npt.NDArray[np.bool_]:
    """True where bone is met above and in most directions within the axial plane."""
    axis = axial_axis(volume.geometry)
    walls = np.zeros(bone.shape, dtype=np.uint8)
    for across in (a for a in range(3) if a != axis):
        walls += np.logical_or.accumulate(bone, axis=across)
        walls += np.flip(np.logical_or.accumulate(np.flip(bone, across), axis=across), across)
    upwards = np.flip(bone, axis) if volume.geometry.to_lps_mm[2, axis] > 0 else bone
    above = np.logical_or.accumulate(upwards, axis=axis)
    above = np.flip(above, axis) if volume.geometry.to_lps_mm[2, axis] > 0 else above
    # A scan that starts within the vault has no bone above; its topmost plane then counts as roof.
    top = np.take(bone, -1 if volume.geometry.to_lps_mm[2, axis] > 0 else 0, axis=axis)
    is_open = box[axis].stop == volume.geometry.shape[axis] or box[axis].start == 0
    roofed = above if not (is_open and top.any()) else np.ones_like(above)
    return np.asarray((walls >= WALLS_NEEDED) & roofed)
