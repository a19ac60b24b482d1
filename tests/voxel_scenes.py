"""Small volumes and masks with known answers, for the voxel kernels and the rooms on top of them."""

from __future__ import annotations

import numpy as np

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume


def volume_of(array, *, spacing_mm=(1.0, 1.0, 1.0), quantity="HU", unit="mm"):
    """A standard axial volume: slices run down, rows to the back, columns to the left."""
    s, r, c = spacing_mm
    matrix = np.eye(4)
    matrix[:3, :3] = [[0, 0, c], [0, r, 0], [-s, 0, 0]]
    matrix[:3, 3] = (-11.0, 7.5, 130.0)
    return Volume(Geometry(array.shape, matrix, unit), array, quantity, "CT" if quantity == "HU" else "MR")


def ball(shape, centre, radius, *, spacing=(1.0, 1.0, 1.0)):
    """(S, R, C) bool: voxel centres within `radius` of the centre (an index), in the unit of spacing."""
    away = [
        ((np.arange(n) - middle) * step) ** 2 for n, middle, step in zip(shape, centre, spacing, strict=True)
    ]
    return np.asarray(away[0][:, None, None] + away[1][None, :, None] + away[2][None, None, :] <= radius**2)


def random_shape(rng, *, most=(9, 14, 40)):
    """A shape that often has an axis of one voxel, and columns that do not fill a machine word."""
    return tuple(int(rng.integers(1, n)) for n in most)
