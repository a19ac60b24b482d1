"""Planes of numbers -> their means over windows, and a plane made to follow the edges of a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]


def box_mean(plane: npt.NDArray[np.floating], radius: int) -> Plane:
    """The mean over a square of 2 radius + 1, smaller at the border, in a time that no radius changes.

    >>> box_mean(np.float32([[0, 3, 0]]), 1).round(3).tolist()
    [[1.5, 1.0, 1.5]]
    """
    once = _along_rows(_along_rows(plane.astype(np.float64), radius).T, radius).T
    return np.ascontiguousarray(once, dtype=np.float32)


def _along_rows(plane: npt.NDArray[np.float64], radius: int) -> npt.NDArray[np.float64]:
    count = plane.shape[0]
    sums = np.concatenate([np.zeros((1, plane.shape[1])), np.cumsum(plane, axis=0)])
    high = np.minimum(np.arange(count) + radius + 1, count)
    low = np.maximum(np.arange(count) - radius, 0)
    means: npt.NDArray[np.float64] = (sums[high] - sums[low]) / (high - low)[:, None]
    return means


def guided(guide: Plane, plane: Plane, *, radius: int, evenness: float) -> Plane:
    """Smooth a plane so that it bends where a picture has edges, and nowhere else.

    Within each window the plane becomes a linear function of the picture's colours.

    Args:
        guide: (R, C, 3) float32, 0 to 1.
        plane: (R, C) float32.
        radius: half width of the window.
        evenness: variance of the guide below which a window counts as even, and is only averaged.

    Source: He and Sun, "Fast guided filter", arXiv:1505.00996, equations 1 to 5, with three colours.
    """
    means = [box_mean(guide[..., k], radius) for k in range(3)]
    mean = box_mean(plane, radius)
    covariance = np.empty((*plane.shape, 3), dtype=np.float32)
    matrix = np.empty((*plane.shape, 3, 3), dtype=np.float32)
    for i in range(3):
        covariance[..., i] = box_mean(guide[..., i] * plane, radius) - means[i] * mean
        for j in range(i, 3):
            both = box_mean(guide[..., i] * guide[..., j], radius) - means[i] * means[j]
            matrix[..., i, j] = matrix[..., j, i] = both + (evenness if i == j else 0.0)
    slope = np.linalg.solve(matrix, covariance[..., None])[..., 0]
    level = mean - sum(slope[..., k] * means[k] for k in range(3))
    followed = sum(box_mean(slope[..., k], radius) * guide[..., k] for k in range(3))
    return np.asarray(followed + box_mean(level, radius), dtype=np.float32)
