"""Mask and grey values become a closed surface: topology from the mask, position from the values."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, ParameterError, TooLarge
from plastinate.model.geometry import Geometry
from plastinate.model.surface import Surface
from plastinate.model.volume import Volume
from plastinate.native.load import integers, library, pointer, thread_count
from plastinate.native.voxels import bounding_box

# Nearest a vertex may come to a voxel centre, as a share of the voxel. Six
# vertices can surround one voxel: closer than this and float32 would merge them.
LEAST_SHARE = 1.0 / 256.0
# A share must span this many float32 steps, or rounding would tilt the sliver.
LEAST_STEPS = 16.0


def contour_soft_field(
    volume: Volume,
    mask: npt.NDArray[np.bool_],
    *,
    structure: str,
    low: float | None,
    high: float | None,
) -> Surface:
    """Surface of the mask, its vertices placed where the grey values cross a bound.

    Closed and 2-manifold for every mask (also after merging equal positions),
    wound outward. Voxels that touch along an edge are joined. Where a wall was
    made by the mask and not by the grey values (a filled cavity, a table taken
    away, a neighbour not measured, the edge of the scan), it stands half-way
    between the two voxel centres.

    Args:
        volume: grey values, int16 or float32.
        mask: (S, R, C) bool on the volume's grid; what is inside.
        structure: structure id of the surface.
        low: lower end of the closed window that made the mask, in the volume's
            quantity; None leaves that side open. With whole-number values the
            wall stands at low - 0.5, half-way between the first value inside
            and the last outside.
        high: upper end of the window, or None; the wall stands at high + 0.5.

    Raises:
        EmptyMask: no voxel is set.
        ParameterError: low is above high.
        TooLarge: more vertices than 32 bits can number.

    Source: Lorensen & Cline 1987, SIGGRAPH; row passes as in Schroeder,
        Maynard, Geveci 2015 (Flying Edges), IEEE LDAV, section 3.
    """
    if low is not None and high is not None and low > high:
        raise ParameterError(f"The window {low} to {high} is empty.")
    if mask.shape != volume.array.shape:
        raise ValueError(f"the mask is {mask.shape}, the volume {volume.array.shape}")
    whole_numbers = volume.array.dtype == np.int16
    below = -math.inf if low is None else math.ceil(low) - 0.5 if whole_numbers else low
    above = math.inf if high is None else math.floor(high) + 0.5 if whole_numbers else high
    return _contour(mask, volume.geometry, structure, volume.array, below, above)


def contour_mask(mask: npt.NDArray[np.bool_], geometry: Geometry, *, structure: str) -> Surface:
    """Surface of a bare mask: every vertex half-way between a voxel inside and one outside.

    Closed and 2-manifold as `contour_soft_field` is, but stepped: smooth it
    (`windowed_sinc`) before showing or measuring it.

    Args:
        mask: (S, R, C) bool.
        geometry: where the grid lies.
        structure: structure id of the surface.

    Raises:
        EmptyMask: no voxel is set.
        TooLarge: more vertices than 32 bits can number.

    >>> one = contour_mask(np.ones((1, 1, 1), bool), Geometry((1, 1, 1), np.eye(4)), structure="dot")
    >>> len(one.triangles), one.is_closed
    (8, True)
    """
    if mask.shape != geometry.shape:
        raise ValueError(f"the mask is {mask.shape}, the geometry {geometry.shape}")
    return _contour(mask, geometry, structure, None, -math.inf, math.inf)


def _contour(
    mask: npt.NDArray[np.bool_],
    geometry: Geometry,
    structure: str,
    values: npt.NDArray[Any] | None,
    below: float,
    above: float,
) -> Surface:
    mask = _rows_adjacent(mask)
    box = bounding_box(mask)
    if box is None:
        raise EmptyMask(structure)
    part = mask[box].view(np.uint8)
    kernel = library("contour")
    kernel.contour_plan.restype = ctypes.c_void_p
    counts = np.zeros(2, dtype=np.int64)
    handle = kernel.contour_plan(
        ctypes.c_void_p(part.ctypes.data),
        pointer(integers(*part.shape)),
        pointer(integers(*part.strides)),
        thread_count(),
        pointer(counts),
    )
    if not handle:
        raise MemoryError(f"no memory to contour {structure!r}")
    plan = ctypes.c_void_p(handle)
    try:
        if counts[0] > 2**32 - 1:
            raise TooLarge(structure, "the number of vertices", value=float(counts[0]), cap=float(2**32 - 1))
        vertices = np.empty((int(counts[0]), 3), dtype=np.float32)
        triangles = np.empty((int(counts[1]), 3), dtype=np.uint32)
        values = None if values is None else _rows_adjacent(values)
        status = kernel.contour_write(
            plan,
            0 if values is None else 1 if values.dtype == np.int16 else 2,
            None if values is None else ctypes.c_void_p(values.ctypes.data),
            pointer(integers(*mask.shape)),
            None if values is None else pointer(integers(*(s // values.itemsize for s in values.strides))),
            pointer(integers(*(edge.start for edge in box))),
            ctypes.c_double(below),
            ctypes.c_double(above),
            ctypes.c_double(_least_share(geometry)),
            pointer(geometry.to_lps_mm),
            pointer(vertices),
            pointer(triangles),
        )
    finally:
        kernel.contour_free(plan)
    if status != 0:
        raise MemoryError(f"no memory to contour {structure!r}")
    return Surface(vertices, triangles, structure)


def _rows_adjacent(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself if neighbouring columns are neighbours in memory, else a copy."""
    return array if array.strides[2] == array.itemsize else np.ascontiguousarray(array)


def _least_share(geometry: Geometry) -> float:
    """LEAST_SHARE, or more where the patient lies so far from the origin that float32 is coarse."""
    farthest = float(np.abs(geometry.corners_lps_mm).max())
    step = float(np.spacing(np.float32(farthest)))
    return min(0.25, max(LEAST_SHARE, LEAST_STEPS * step / min(geometry.spacing)))
