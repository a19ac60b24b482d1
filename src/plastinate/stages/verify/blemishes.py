"""Mask and scan -> doubts that lie in the scan itself, where the structure is: holes in what was measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Light
from plastinate.model.volume import Volume
from plastinate.native.components import fill_holes_2d
from plastinate.native.voxels import bounding_box

Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]

# What was not measured dims its neighbours in blur and interpolation, and closing bridges a voxel or two.
REACH_VOXELS = 2


def unmeasured(mask: Mask, volume: Volume, *, may_touch_edge: bool) -> Iterator[tuple[Light, str]]:
    """Amber where a structure touches voxels that were never measured.

    What lies outside the scanner's circle is an edge of the scan like its outermost voxels, and judged like
    these: a structure that may touch the one may touch the other. Holes within a slice, and slices without a
    value between such with some, are no edge.

    Args:
        mask: (S, R, C) bool, the structure.
        volume: the grey values, same grid.
        may_touch_edge: whether the structure may reach the edge of the scan.
    """
    box = bounding_box(mask, margin=REACH_VOXELS)
    if box is None:
        return
    unknown = ~_measured(volume, box)
    if not unknown.any():
        return
    if may_touch_edge:
        unknown &= _holes(volume, box[0])[:, box[1], box[2]]
    if (unknown & _grown(mask[box])).any():
        yield "amber", "It touches places where the scan holds no value: its shape there is not known."


def _measured(volume: Volume, box: Box) -> Mask:
    sizes = [span.stop - span.start for span in box]
    return volume.crop((box[0].start, box[1].start, box[2].start), (sizes[0], sizes[1], sizes[2])).measured


def _holes(volume: Volume, planes: slice) -> Mask:
    """(planes, R, C): never measured, and no edge of the scan."""
    count, rows, columns = volume.geometry.shape
    measured = _measured(volume, (planes, slice(0, rows), slice(0, columns)))
    holes = fill_holes_2d(measured) & ~measured
    first, last = (_first_with_value(volume, order) for order in (range(count), range(count - 1, -1, -1)))
    for plane in range(max(first, planes.start), min(last + 1, planes.stop)):
        if not measured[plane - planes.start].any():
            holes[plane - planes.start] = True
    return holes


def _first_with_value(volume: Volume, order: range) -> int:
    whole = slice(0, volume.geometry.shape[1]), slice(0, volume.geometry.shape[2])
    return next((at for at in order if _measured(volume, (slice(at, at + 1), *whole)).any()), order[-1])


def _grown(mask: Mask) -> Mask:
    """The mask, wider by REACH_VOXELS along each axis."""
    grown = mask.copy()
    for axis in range(3):
        line = np.moveaxis(grown, axis, 0)
        was = line.copy()
        for step in range(1, REACH_VOXELS + 1):
            line[step:] |= was[:-step]
            line[:-step] |= was[step:]
    return grown
