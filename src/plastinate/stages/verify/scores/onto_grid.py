"""Voxels on one grid -> the nearest of them at each voxel of another grid, however it lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry

# Cosines in files have five or six digits; over 1000 voxels that is less than a hundredth of one.
STRAIGHT = 1e-5


def onto_grid(
    array: npt.NDArray[Any], source: Geometry, target: Geometry, *, outside: int | float = 0
) -> npt.NDArray[Any]:
    """Take the value of the nearest voxel; nothing is mixed, so labels stay labels.

    Exact where the two grids hold the same voxels in another order, as when a file runs from the feet up.

    Args:
        array: (S, R, C) on the source grid.
        source, target: both in mm.
        outside: value where the source has no voxel.

    Returns:
        The target's shape, the array's dtype.
    """
    source.require_mm("where a voxel lies")
    target.require_mm("where a voxel lies")
    matrix = np.linalg.inv(source.to_lps_mm) @ target.to_lps_mm
    order = np.abs(matrix[:3, :3]).argmax(axis=0)
    rest = matrix[:3, :3].copy()
    rest[order, range(3)] = 0
    if sorted(order.tolist()) == [0, 1, 2] and np.abs(rest).max() < STRAIGHT:
        return _straight(array, matrix, order, target.shape, outside)
    out = np.full(target.shape, outside, dtype=array.dtype)
    rows, columns = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in target.shape[1:]), indexing="ij")
    for number, plane in enumerate(out):
        place = [m[0] * number + m[1] * rows + m[2] * columns + m[3] for m in matrix[:3]]
        index = [np.rint(along).astype(np.int64) for along in place]
        held = np.ones(plane.shape, dtype=np.bool_)
        for along, length in zip(index, array.shape, strict=True):
            held &= (along >= 0) & (along < length)
        plane[held] = array[tuple(along[held] for along in index)]
    return out


def _straight(
    array: npt.NDArray[Any],
    matrix: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    shape: tuple[int, int, int],
    outside: int | float,
) -> npt.NDArray[Any]:
    """Axes only swapped, turned round and stretched: one index for each of them, at the grid's middle."""
    turned = array.transpose(order)
    middle = (np.array(shape, dtype=np.float64) - 1) / 2
    out = np.full(shape, outside, dtype=array.dtype)
    taken, held = [], []
    for axis, along in enumerate(order):
        offset = matrix[along, 3] + sum(matrix[along, a] * middle[a] for a in range(3) if a != axis)
        index = np.rint(matrix[along, axis] * np.arange(shape[axis]) + offset).astype(np.int64)
        inside = (index >= 0) & (index < turned.shape[axis])
        taken.append(index[inside])
        held.append(np.flatnonzero(inside))
    out[np.ix_(*held)] = turned[np.ix_(*taken)]
    return out
