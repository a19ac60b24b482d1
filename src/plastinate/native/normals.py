"""Triangles in, one unit normal for each vertex out."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from plastinate.native.load import library, pointer


def vertex_normals(
    vertices: npt.NDArray[np.float32], triangles: npt.NDArray[np.uint32]
) -> npt.NDArray[np.float32]:
    """Angle-weighted normals, never zero.

    Args:
        vertices: (V, 3) float32, any unit.
        triangles: (T, 3) uint32, counter-clockwise seen from outside.

    Returns:
        (V, 3) float32 of length 1. A vertex without a triangle that has an
        area, or whose triangles cancel out, gets (0, 0, 1).

    Raises:
        MemoryError: no room for the sums.

    Source: Thürmer and Wüthrich, "Computing vertex normals from polygonal
    facets", Journal of Graphics Tools 3(1), 1998.
    """
    vertices = np.ascontiguousarray(vertices, dtype=np.float32)
    triangles = np.ascontiguousarray(triangles, dtype=np.uint32)
    if triangles.size and int(triangles.max()) >= len(vertices):
        raise ValueError("a triangle names a vertex that does not exist")
    normals = np.empty_like(vertices)
    status = library("vertex_normals").plastinate_vertex_normals(
        pointer(vertices),
        ctypes.c_int64(len(vertices)),
        pointer(triangles),
        ctypes.c_int64(len(triangles)),
        pointer(normals),
    )
    if status != 0:
        raise MemoryError("no room for the vertex normals")
    return normals
