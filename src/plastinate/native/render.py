"""The rasteriser kernel: triangles in, depth and normals out."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from plastinate.native.load import library, pointer, thread_count

Floats = npt.NDArray[np.float32]


def rasterise(
    vertices: Floats, normals: Floats, triangles: npt.NDArray[np.uint32], *, width: int, height: int
) -> tuple[Floats, Floats]:
    """Draw triangles orthographically; the nearest surface wins each pixel.

    Args:
        vertices: (V, 3) float32, x and y in pixels from the top left, depth away from the eye in any unit.
        normals: (V, 3) float32, unit vectors.
        triangles: (T, 3) uint32.
        width, height: of the picture, pixels.

    Returns:
        depth (H, W), infinite where nothing was hit, and normals (H, W, 3), not normalised.

    Raises:
        MemoryError: the kernel ran out of memory.
    """
    depth = np.full((height, width), np.inf, dtype=np.float32)
    normal = np.zeros((height, width, 3), dtype=np.float32)
    corners, directions, faces = (np.ascontiguousarray(part) for part in (vertices, normals, triangles))
    status = library("render").plastinate_rasterise(
        pointer(corners),
        pointer(directions),
        pointer(faces),
        ctypes.c_int64(len(faces)),
        ctypes.c_int64(width),
        ctypes.c_int64(height),
        pointer(depth),
        pointer(normal),
        thread_count(),
    )
    if status:
        raise MemoryError("the rasteriser ran out of memory")
    return depth, normal


def ambient_openness(depth: Floats, *, radius_px: float, depth_px: float) -> Floats:
    """How open each pixel is to light from all around: 1 on a free plane, less in folds.

    Args:
        depth: (H, W) as `rasterise` gives it.
        radius_px: how far around a pixel to look.
        depth_px: size of a pixel in the unit of depth.

    Raises:
        MemoryError: the kernel ran out of memory.
    """
    height, width = depth.shape
    openness = np.empty((height, width), dtype=np.float32)
    status = library("render").plastinate_ambient_openness(
        pointer(depth),
        ctypes.c_int64(width),
        ctypes.c_int64(height),
        ctypes.c_float(radius_px),
        ctypes.c_float(depth_px),
        pointer(openness),
        thread_count(),
    )
    if status:
        raise MemoryError("ambient occlusion ran out of memory")
    return openness
