"""Lungs on a patient grid -> how far each place lies outside the cage that ribs make around them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.native.voxels import Mask

Floats = npt.NDArray[np.float32]

DIRECTIONS = 24
# Above the lungs there is no cage.
FAR_MM = 999.0


def beyond_cage_mm(lung: Mask, step_mm: float) -> Floats:
    """How far each voxel lies outside the hull of both lungs in its axial plane; inside is negative.

    Ribs slope down to the front, below the lungs that they belong to, and the trunk below is no narrower:
    the hull of a plane is the widest of those above it.

    Args:
        lung: (S, R, C) bool, both lungs, slices running down.
        step_mm: spacing of the grid.

    Returns:
        (S, R, C) float32 mm, `FAR_MM` above the lungs.
    """
    rows, columns = np.indices(lung.shape[1:], dtype=np.float32)
    beyond = np.full(lung.shape, -np.inf, dtype=np.float32)
    planes = np.flatnonzero(lung.any(axis=(1, 2)))
    if planes.size == 0:
        return np.full(lung.shape, FAR_MM, dtype=np.float32)
    for angle in np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS:
        along: Floats = (rows * np.sin(angle) + columns * np.cos(angle)).astype(np.float32) * np.float32(
            step_mm
        )
        widest = np.full(lung.shape[0], -np.inf, dtype=np.float32)
        for plane in planes:
            widest[plane] = along[lung[plane]].max()
        widest = np.maximum.accumulate(widest)
        np.maximum(beyond, along[None] - widest[:, None, None], out=beyond)
    beyond[: planes[0]] = FAR_MM
    return np.minimum(beyond, FAR_MM)
