"""Lungs and the ribs behind them -> soft tissue between the two: fluid, or lung without air."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.volume import Volume
from plastinate.native.components import Components
from plastinate.native.distance import opened
from plastinate.native.filters import median
from plastinate.native.voxels import Mask
from plastinate.stages.segment.patient_grid import moved, moved_mask, patient_grid

# A lung lies against the ribs with a fold of pleura between: 3 to 9 mm here, on coarse voxels.
COARSE_MM = 3.0
GAP_MM = 15.0
PLEURA_MM = 4.0
RIB_HU = 180
SOFT_HU = (-20, 90)
# Between ribs the chest wall goes on where they lie; half way from one to the next is 10 to 17 mm.
RIB_TO_RIB_MM, RIB_ACROSS_MM = 16.0, 6.0
LEAST_ML = 30.0


def pleural_fluid(volume: Volume, lung: Mask) -> Mask:
    """Soft tissue between a lung and the ribs behind it, where the two are farther apart than pleura.

    Fluid sinks to the back of somebody who lies on it, and pushes the lung forward; a lobe without air lies
    there as well. Only the back is looked at: in front lies the heart, below the diaphragm.

    Args:
        volume: CT.
        lung: (S, R, C) bool, one lung.

    Returns:
        (S, R, C) bool; empty below 30 ml.
    """
    coarse = patient_grid(volume.geometry, COARSE_MM)
    values = moved(volume.array, volume.geometry, coarse, order=0)
    between = _between(moved_mask(lung, volume.geometry, coarse), values)
    back = opened(between, GAP_MM / 3, coarse.spacing_mm)
    parts = Components(back, connectivity=6)
    kept = parts.mask(parts.sizes * coarse.voxel_ml >= LEAST_ML)
    if not kept.any():
        return np.zeros(volume.geometry.shape, dtype=np.bool_)
    return moved_mask(kept, coarse, volume.geometry) & ~lung


def _between(lung: Mask, values: npt.NDArray[np.int16]) -> Mask:
    """On the patient's own grid, whose rows run to the back."""
    depth = lung.shape[1]
    places = np.arange(depth)[None, :, None]
    last = np.where(lung, places, -1).max(axis=1)
    behind = (values >= RIB_HU) & (places > last[:, None, :])
    rib = np.where(behind.any(axis=1), behind.argmax(axis=1), depth * 4)
    rib = _least_around(rib, round(RIB_TO_RIB_MM / COARSE_MM), round(RIB_ACROSS_MM / COARSE_MM))
    gap_mm = (rib - last) * COARSE_MM
    is_wide = (last >= 0) & (rib < depth) & (gap_mm >= GAP_MM)
    inside = (places > last[:, None, :]) & (places < (rib - PLEURA_MM / COARSE_MM)[:, None, :])
    # Ribs as they are, for a median takes thin ones away; soft tissue without its noise.
    even = median(values)
    soft = (even >= SOFT_HU[0]) & (even <= SOFT_HU[1])
    return np.asarray(inside & is_wide[:, None, :] & soft)


def _least_around(values: npt.NDArray[np.int64], along: int, across: int) -> npt.NDArray[np.int64]:
    out = values
    for axis, reach in ((0, along), (1, across)):
        padded = np.pad(out, [(reach, reach) if a == axis else (0, 0) for a in range(2)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis)
        out = windows.min(axis=-1)
    return out
