"""The vertices of all organs in, whole numbers on one fine grid out: shared walls stay shared.

Two rules hold over the whole scene, not for each mesh apart: vertices at the same
place get the same numbers, and vertices at different places get different ones.
So neighbours still meet exactly, and no reader that welds equal positions can
collapse a triangle and open a closed organ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

GRID_MAX = 65535
Positions = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class SharedGrid:
    """Positions of several meshes as whole numbers: position = origin + step * number.

    Attributes:
        origin: (3,) in the unit of the positions, a multiple of the step.
        step: a power of two, so that readers who calculate in float32 lose nothing more.
        numbers: one (V, 3) uint16 array for each mesh.
        error: the largest distance any vertex moved, in the unit of the positions.
        moved_apart: vertices that took a neighbouring grid point to stay distinct.
    """

    origin: npt.NDArray[np.float64]
    step: float
    numbers: tuple[Numbers, ...]
    error: float
    moved_apart: int


def shared_grid(meshes: Sequence[Positions]) -> SharedGrid:
    """Put the vertices of all meshes on one grid of at most 65 536 steps per axis.

    Args:
        meshes: (V, 3) float64 positions each, at least one vertex in all.

    Returns:
        The grid; a step is between 1/65 535 and 1/32 767 of the longest side.
    """
    positions = np.concatenate(meshes)
    low, high = positions.min(axis=0), positions.max(axis=0)
    longest = max(float((high - low).max()), 1e-9)
    # One step is kept free at either end, for the origin's rounding and for moving apart.
    step = float(2.0 ** np.ceil(np.log2(longest / (GRID_MAX - 4))))
    origin = (np.floor(low / step) - 1) * step
    numbers = np.rint((positions - origin) / step).astype(np.int64)
    moved = _keep_distinct(positions, numbers, origin, step)
    numbers16 = numbers.astype(np.uint16)
    away = positions - (origin + step * numbers16)
    error = float(np.sqrt(np.einsum("ij,ij->i", away, away).max()))
    ends = np.cumsum([len(mesh) for mesh in meshes])[:-1]
    return SharedGrid(origin, step, tuple(np.split(numbers16, ends)), error, moved)


def _key(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    key: npt.NDArray[np.int64] = (numbers[:, 0] << 32) | (numbers[:, 1] << 16) | numbers[:, 2]
    return key


def _keep_distinct(
    positions: Positions, numbers: npt.NDArray[np.int64], origin: npt.NDArray[np.float64], step: float
) -> int:
    """Give different places that fell on one grid point a free neighbour each, in place."""
    keys = _key(numbers)
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    apart = (positions[order][1:] != positions[order][:-1]).any(axis=1)
    if not (same & apart).any():
        return 0
    crowded = np.unique(keys[order][1:][same & apart])
    taken: set[int] = set()
    moved = 0
    ordered_keys = keys[order]
    for key in crowded:
        members = order[np.searchsorted(ordered_keys, key) : np.searchsorted(ordered_keys, key, side="right")]
        places, which = np.unique(positions[members], axis=0, return_inverse=True)
        # The place nearest to the grid point keeps it; the others move.
        wanted = (places - origin) / step
        nearest_first = np.argsort(((wanted - numbers[members[0]]) ** 2).sum(axis=1), kind="stable")
        for place in nearest_first[1:]:
            free = _free_neighbour(wanted[place], numbers[members[0]], ordered_keys, taken)
            taken.add(int(_key(free[None])[0]))
            chosen = members[which.ravel() == place]
            numbers[chosen] = free
            moved += len(chosen)
    return moved


def _free_neighbour(
    wanted: npt.NDArray[np.float64],
    centre: npt.NDArray[np.int64],
    used: npt.NDArray[np.int64],
    taken: set[int],
) -> npt.NDArray[np.int64]:
    """The grid point nearest to `wanted` that nothing stands on."""
    for reach in range(1, 32):
        offsets = np.array(list(product(range(-reach, reach + 1), repeat=3)), dtype=np.int64)
        candidates = centre + offsets
        candidates = candidates[((candidates >= 0) & (candidates <= GRID_MAX)).all(axis=1)]
        keys = _key(candidates)
        at = np.minimum(np.searchsorted(used, keys), len(used) - 1)
        for index in np.argsort(((candidates - wanted) ** 2).sum(axis=1), kind="stable"):
            if used[at[index]] != keys[index] and int(keys[index]) not in taken:
                free: npt.NDArray[np.int64] = candidates[index]
                return free
    raise ValueError("thousands of vertices crowd around one point")
