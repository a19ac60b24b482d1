"""MR of a head in any contrast -> how likely each voxel is brain, by a network that was taught none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.volume import Volume
from plastinate.native.distance import erode
from plastinate.native.resample import resample_affine
from plastinate.native.voxels import Mask
from plastinate.nets.session import Session
from plastinate.stages.segment.patient_frame import PatientFrame, frame_of

Floats = npt.NDArray[np.float32]

ORGAN = "brain"
# The makers' way: millimetres, the grey values between two percentiles. Their field is 256^3; cut to the
# head, the network answers as well in a third to two thirds of the time and memory.
STEP_MM = 1.0
PERCENT = (2.0, 98.0)
# From (right, front, head) to the makers' left, feet, front.
ORDER, TURNED = (0, 2, 1), (0, 1)
# A brain with its stem lies within that distance of the crown, and beneath the upper part of it in both
# other directions, so that shoulders do not widen the field; around it, some air.
DEPTH_MM, CROWN_MM, MARGIN_MM = 180.0, 110.0, 10.0
# Grey matter lies in the outer layer, white matter beneath it; what is outside both is fluid and membrane.
SHELL_FROM_MM, SHELL_TO_MM = 3.0, 8.0


def any_contrast_likelihood(
    volume: Volume, head: Mask, network: Session, *, progress: Callable[[float], None]
) -> Floats:
    """(S, R, C) float32: how likely each voxel is within the skull, membranes and fluid among it.

    Args:
        volume: MR.
        head: the head as one solid, not empty.
        network: (1, 1, left, feet, front) at 1 mm -> (1, 2, left, feet, front).
        progress: told what share is done.

    Raises:
        EmptyMask: the head holds one value only.
    """
    frame = frame_of(volume)
    spacing_mm = np.abs(frame.to_index.T) @ np.array(volume.geometry.spacing_mm)
    start, size = _field(head, frame, spacing_mm)
    shape = tuple(int(n) for n in np.ceil(size * spacing_mm / STEP_MM))
    to_scan = frame.index_map(start, np.array(shape) * STEP_MM / spacing_mm, shape)
    array = np.where(volume.measured, volume.array, 0).astype(np.float32)
    seen = np.nan_to_num(resample_affine(array, to_scan, shape), nan=float(array.min()))
    low, high = np.percentile(seen, PERCENT)
    if not high > low:
        raise EmptyMask(ORGAN, "the scan holds one value only")
    seen = np.clip((seen - low) / (high - low), 0, 1)
    shown = np.ascontiguousarray(np.flip(seen.transpose(ORDER), TURNED), dtype=np.float32)
    progress(0.1)
    found = network.run({"in": shown[None, None]})[0, 1]
    progress(0.9)
    found = np.ascontiguousarray(np.flip(found, TURNED).transpose(np.argsort(ORDER)))
    back = np.linalg.inv(np.vstack([to_scan, [0, 0, 0, 1]]))[:3]
    likelihood = np.nan_to_num(resample_affine(found, back, volume.geometry.shape))
    progress(1.0)
    return np.asarray(likelihood, dtype=np.float32)


def white_is_brighter(volume: Volume, inside: Mask) -> bool:
    """True where what lies deep in the brain is brighter than the layer of grey matter, as in T1 alone.

    In T2, FLAIR and proton density, white matter is the darker one. A brain too small to have both counts as
    one of T1.

    Args:
        volume: MR.
        inside: the brain with the fluid around it.
    """
    spacing_mm = volume.geometry.spacing_mm
    deep = erode(inside, SHELL_TO_MM, spacing_mm)
    if not deep.any():
        return True
    layer = erode(inside, SHELL_FROM_MM, spacing_mm) & ~deep
    return bool(np.median(volume.array[deep]) > np.median(volume.array[layer]))


def _field(
    head: Mask, frame: PatientFrame, spacing_mm: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Start and size in the frame, voxels, of what the network is shown."""
    axes = np.abs(frame.to_index).T @ np.arange(3)
    turned = head.transpose([int(axis) for axis in axes])
    turned = np.flip(turned, [axis for axis in range(3) if frame.to_index[:, axis].sum() < 0])
    top = int(np.flatnonzero(turned.any(axis=(0, 1)))[-1]) + 1
    crown = turned[:, :, max(0, top - round(CROWN_MM / spacing_mm[2])) :]
    low, high = np.zeros(3), np.zeros(3)
    for axis in (0, 1):
        filled = np.flatnonzero(crown.any(axis=tuple(other for other in range(3) if other != axis)))
        low[axis], high[axis] = filled[0], filled[-1] + 1
    low[2] = max(0.0, top - DEPTH_MM / spacing_mm[2])
    high[2] = top
    above = MARGIN_MM / spacing_mm
    below = np.where(np.arange(3) == 2, 0, above)
    return low - below, high - low + below + above
