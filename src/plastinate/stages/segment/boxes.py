"""Volume and masks -> the part that matters, and back: the cheapest speed and memory there is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from plastinate.model.volume import Volume
from plastinate.native.voxels import Box, Mask


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


def cut_out(volume: Volume, box: Box) -> Volume:
    """The part of the volume in a box, as a view."""
    start = (box[0].start, box[1].start, box[2].start)
    s, r, c = (part.stop - part.start for part in box)
    return volume.crop(start, (s, r, c))


def put_back(part: Mask, box: Box, shape: tuple[int, int, int]) -> Mask:
    """A mask of the whole volume with `part` in its box and nothing outside."""
    whole = np.zeros(shape, dtype=np.bool_)
    whole[box] = part
    return whole
