"""CT of a head and body mask -> skull, and what the skull encloses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.volume import Volume
from plastinate.native.components import Components, fill_cavities, largest_components
from plastinate.native.distance import closed, dilate, erode
from plastinate.native.voxels import Box, Mask, bounding_box, threshold
from plastinate.stages.segment.orientation import axial_axis

# Of the four directions within an axial plane, in how many the brain must meet bone:
# one wall may be missing, as after a craniotomy or at the edge of a narrow scan.
WALLS_NEEDED = 3


def skull(
    volume: Volume,
    body: Mask,
    *,
    sure_hu: float = 300.0,
    edge_hu: float = 150.0,
    edge_reach_mm: float = 1.5,
    closing_mm: float = 1.0,
    least_piece_ml: float = 0.5,
) -> Mask:
    """Bone of the head: skull, mandible, teeth, and the vertebrae that the scan shows with them.

    Thin walls (orbit, ethmoid) are kept where blur leaves them above `edge_hu`, and are holes
    where it does not. Vertebrae stay: in flexion they touch the skull, and a cut between
    them would be a guess. For vessels with contrast use `skeleton` instead.

    Args:
        volume: CT.
        body: the patient; keeps head rest and table out.
        sure_hu: bone for certain.
        edge_hu: bone next to sure bone.
        edge_reach_mm: how far that edge may lie from sure bone.
        closing_mm: radius that closes pores and sutures.
        least_piece_ml: smallest piece kept.

    Returns:
        (S, R, C) bool.

    Raises:
        EmptyMask: no bone.
        NoMillimetres: the scan never said its pixel size.
    """
    spacing = volume.geometry.spacing_mm
    sure = threshold(volume.array, sure_hu, np.inf)
    sure &= body
    parts = Components(sure, connectivity=26)
    sure = parts.mask(parts.sizes * volume.geometry.voxel_ml >= least_piece_ml)
    if bounding_box(sure) is None:
        raise EmptyMask("skull", f"no bone above {sure_hu:g} HU")
    bone = threshold(volume.array, edge_hu, np.inf)
    bone &= body
    bone &= dilate(sure, edge_reach_mm, spacing)
    bone = closed(bone, closing_mm, spacing)
    bone &= body
    parts = Components(bone, connectivity=26)
    return parts.mask(parts.sizes * volume.geometry.voxel_ml >= least_piece_ml)


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
) -> Mask:
    """What the skull encloses: brain, cerebellum and the fluid in and around them.

    CT tells brain and fluid apart by 20 HU, which noise hides, so ventricles and sulci are
    part of it. The brain stem is cut off near the foramen magnum, where the space becomes
    narrower than the brain: not an anatomical cut.

    Args:
        volume: CT.
        body: the patient.
        skull: bone of the head.
        low_hu, high_hu: fluid to fresh blood.
        neck_mm: radius of a ball that fits into the skull and not through the foramen magnum.
        regain_mm: beyond that ball's reach, how far gyri are followed.
        closing_mm: radius that smooths noise at the wall.

    Returns:
        (S, R, C) bool.

    Raises:
        EmptyMask: nothing is enclosed by bone.
        NoMillimetres: the scan never said its pixel size.
    """
    geometry = volume.geometry
    box = bounding_box(skull)
    if box is None:
        raise EmptyMask("brain", "there is no skull around it")
    bone = np.ascontiguousarray(skull[box])
    inside = threshold(np.ascontiguousarray(volume.array[box]), low_hu, high_hu)
    inside &= body[box]
    inside &= ~bone
    inside &= _walled_in(bone, volume, box)
    core = largest_components(erode(inside, neck_mm, geometry.spacing_mm), connectivity=6)
    if bounding_box(core) is None:
        raise EmptyMask("brain", f"no space {2 * neck_mm:g} mm wide is enclosed by bone")
    inside &= dilate(core, neck_mm + regain_mm, geometry.spacing_mm)
    smooth = closed(largest_components(inside, connectivity=6), closing_mm, geometry.spacing_mm)
    smooth &= ~bone
    out = np.zeros(geometry.shape, dtype=np.bool_)
    out[box] = fill_cavities(largest_components(smooth, connectivity=6))
    return out


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
