"""An outline -> how thick the thing within it may be, by blowing it up; and distances to the outline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.native.distance import distance_squared

Plane = npt.NDArray[np.float32]

SWEEPS = 40
# Over-relaxation: twice as fast a way to the same answer.
RELAXATION = 1.8


def outline_distance(inside: Plane) -> Plane:
    """(R, C) signed distance to where a soft mask is a half, cells, positive within.

    Near the outline its own slope tells the place between two cells; farther off, whole cells do.

    Args:
        inside: (R, C) 0 to 1.
    """
    mask = inside >= 0.5
    spacing = (1.0, 1.0, 1.0)
    if not mask.any():
        return np.full(inside.shape, -1e3, dtype=np.float32)
    outer = np.sqrt(distance_squared(mask[None], spacing))[0]
    inner = np.sqrt(distance_squared(~mask[None], spacing))[0] if not mask.all() else np.full(mask.shape, 1e3)
    whole = np.where(mask, inner - 0.5, 0.5 - outer)
    # Along the border of the grid nothing lies outside, but the thing ends there.
    slope = np.hypot(*np.gradient(inside.astype(np.float32)))
    finer = (inside - 0.5) / np.maximum(slope, 0.05)
    near = np.abs(whole) < 1.5
    return np.where(near, np.clip(finer, whole - 0.5, whole + 0.5), whole).astype(np.float32)


def inflated(mask: npt.NDArray[np.bool_]) -> Plane:
    """(R, C) half thickness, cells: a disc becomes a ball, a band a lying cylinder, ending at the outline.

    The root of the solution of Poisson's equation with a load of 4, which for a disc of radius R is
    R^2 - r^2. Solved from a coarse grid to the fine one.

    Args:
        mask: what is inside.

    >>> disc = np.hypot(*np.mgrid[-20:21, -20:21]) < 15
    >>> round(float(inflated(disc)[20, 20]))
    15
    """
    return np.sqrt(np.maximum(_solved(mask), 0.0)).astype(np.float32)


def _solved(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    if min(mask.shape) > 12:
        coarse = _solved(_halved(mask))
        start = 4.0 * np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[: mask.shape[0], : mask.shape[1]]
    else:
        start = np.zeros(mask.shape)
    padded = np.pad(start * mask, 1)
    inner = np.pad(mask, 1)
    rows, columns = np.indices(padded.shape)
    colours = [inner & ((rows + columns) % 2 == parity) for parity in (0, 1)]
    for _ in range(SWEEPS):
        for colour in colours:
            around = np.zeros_like(padded)
            around[1:-1, 1:-1] = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
            better = (around + 4.0) / 4.0
            padded[colour] += RELAXATION * (better[colour] - padded[colour])
    return padded[1:-1, 1:-1]


def _halved(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    even = np.pad(mask, [(0, size % 2) for size in mask.shape])
    blocks = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).sum(axis=(1, 3))
    return np.asarray(blocks >= 2)
