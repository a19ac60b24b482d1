"""Triangles in, pairs of triangles that run through each other out."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from plastinate.native.load import library, pointer, thread_count


def self_crossings(
    vertices: npt.NDArray[np.float32], triangles: npt.NDArray[np.uint32]
) -> tuple[int, npt.NDArray[np.int64]]:
    """Pairs of triangles that meet anywhere but at corners they share.

    Corners at the same place count as shared, whatever their numbers. Two
    triangles with no common corner must not even touch; neighbours must not
    pass through each other nor lie folded flat onto each other. The signs that
    decide are exact, so the answer never depends on rounding.

    Args:
        vertices: (V, 3) float32.
        triangles: (T, 3) uint32, every index below V.

    Returns:
        How many pairs, and the pairs: (N, 2) int64 triangle numbers, the lower first, sorted.

    Source: Shewchuk 1997, "Adaptive precision floating-point arithmetic and
        fast robust geometric predicates", sections 2.4 and 4.4.

    >>> across = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0.5, 0.5, -1], [0.5, 0.5, 1], [9, 9, 0]])
    >>> self_crossings(across.astype(np.float32), np.array([[0, 1, 2], [3, 4, 5]], dtype=np.uint32))
    (1, array([[0, 1]]))
    """
    points = np.ascontiguousarray(vertices, dtype=np.float32)
    corners = np.ascontiguousarray(triangles, dtype=np.uint32)
    if len(corners) == 0:
        return 0, np.empty((0, 2), dtype=np.int64)
    if int(corners.max()) >= len(points):
        raise ValueError("a triangle names a vertex that does not exist")
    kernel = library("crossings")
    kernel.crossings_find.restype = ctypes.c_void_p
    count = np.zeros(1, dtype=np.int64)
    handle = kernel.crossings_find(
        pointer(points), pointer(corners), ctypes.c_int64(len(corners)), thread_count(), pointer(count)
    )
    if not handle:
        raise MemoryError("no memory to look for self-crossings")
    pairs = np.empty((int(count[0]), 2), dtype=np.uint32)
    kernel.crossings_take(ctypes.c_void_p(handle), pointer(pairs))
    return int(count[0]), pairs.astype(np.int64)
