"""A depth map with blurred steps and needles -> the same with each step in one place, and without needles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]


def cut_steps(depth: Plane, *, reach: int, step_share: float, passes: int = 2) -> Plane:
    """Let every cell of a ramp between near and far belong to one of the two.

    A ramp is a step, and no slope, where most of what the depth changes in a wide window happens in a narrow
    one. There each cell takes the nearest or the farthest depth around it, whichever is closer.

    Args:
        depth: (R, C), above 0.
        reach: cells from the middle of a ramp to its end.
        step_share: least step, as a share of the depth.
        passes: a ramp wider than the reach needs several.

    Returns:
        (R, C) float32; cells elsewhere are as they were.
    """
    out = depth.astype(np.float32)
    for _ in range(passes):
        low, high = _extremes(out, reach)
        wide_low, wide_high = _extremes(out, 3 * reach)
        is_step = (high - low > step_share * low) & (high - low > 0.6 * (wide_high - wide_low))
        out = np.where(is_step, np.where(out - low < high - out, low, high), out)
    return out


def without_needles(depth: Plane, *, passes: int = 2) -> Plane:
    """Put each cell between the second least and the second greatest of its eight neighbours.

    One cell that alone is nearer or farther than all around it is a slip of the estimate: nothing is as wide
    as a cell in both directions. A line of single cells has two neighbours of its own, and a corner three:
    both stay.

    Args:
        depth: (R, C).
        passes: two cells side by side take two.

    >>> needle = np.ones((3, 5), dtype=np.float32)
    >>> needle[1, 2] = 9.0
    >>> float(without_needles(needle).max())
    1.0
    """
    out = depth.astype(np.float32)
    for _ in range(passes):
        rows, columns = out.shape
        wide = np.pad(out, 1, mode="edge")
        around = np.stack(
            [
                wide[row : row + rows, column : column + columns]
                for row in range(3)
                for column in range(3)
                if (row, column) != (1, 1)
            ]
        )
        ranked = np.partition(around, (1, 6), axis=0)
        out = np.clip(out, ranked[1], ranked[6])
    return out


def farthest_around(depth: Plane, *, reach: int) -> Plane:
    """(R, C) the greatest depth in a square of 2 reach + 1 about each cell."""
    return _extremes(depth, reach)[1]


def _extremes(plane: Plane, reach: int) -> tuple[Plane, Plane]:
    """Least and greatest value in a square of 2 reach + 1 about each cell."""
    low = high = plane
    for axis in (0, 1):
        low, high = _along(low, reach, axis, np.minimum), _along(high, reach, axis, np.maximum)
    return low, high


def _along(plane: Plane, reach: int, axis: int, choose: np.ufunc) -> Plane:
    edges = [(reach, reach) if each == axis else (0, 0) for each in (0, 1)]
    padded = np.pad(plane, edges, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis)
    chosen: Plane = choose.reduce(windows, axis=-1)
    return chosen
