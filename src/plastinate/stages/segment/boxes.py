"""Corners of a component -> the slices that cut it out of the volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from plastinate.native.voxels import Box


def box_of(
    corners: npt.NDArray[np.int64], *, margin: Sequence[int] = (0, 0, 0), shape: Sequence[int] | None = None
) -> Box:
    """The box between first index and one past the last, widened and clipped to the volume.

    Args:
        corners: (2, 3), as `Components.boxes` gives them.
        margin: voxels added on both sides of (slice, row, column).
        shape: of the volume; needed with a margin.

    >>> box_of(np.array([[1, 0, 4], [3, 2, 5]]), margin=(1, 1, 1), shape=(9, 9, 5))
    (slice(0, 4, None), slice(0, 3, None), slice(3, 5, None))
    """
    first, last = corners.tolist()
    ends = last if shape is None else shape
    edges = zip(first, last, margin, ends, strict=True)
    s, r, c = (slice(max(0, a - m), min(n, b + m)) for a, b, m, n in edges)
    return s, r, c
