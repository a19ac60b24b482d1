"""A surface with dust around it becomes one without: specks go, cavities go with their solid."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import ParameterError
from plastinate.model.surface import Surface
from plastinate.native.load import library, pointer
from plastinate.native.topology import pieces_of


def drop_specks(
    surface: Surface,
    *,
    min_volume_ml: float = 0.0,
    min_share: float = 0.0,
    keeps_cavities: bool = True,
) -> Surface:
    """Remove closed pieces that are too small to mean anything.

    A cavity below the limit is filled. A cavity within a removed piece goes
    with it: it encloses less than the piece around it, so the same limit takes
    both. The largest piece always stays. What stays keeps its order.

    Args:
        surface: closed pieces, wound outward (cavities therefore inward).
        min_volume_ml: pieces and cavities that enclose less go.
        min_share: the same, as a share of the largest piece's volume, 0 to 1.
        keeps_cavities: False fills every cavity.

    Returns:
        The surface itself if nothing was removed.

    Raises:
        ParameterError: a negative limit or a share above 1.
    """
    if min_volume_ml < 0 or not 0 <= min_share <= 1:
        raise ParameterError(f"Specks below {min_volume_ml} ml or a share of {min_share} cannot be meant.")
    pieces = pieces_of(surface)
    if len(pieces) == 0:
        return surface
    size = np.abs(pieces.volume_ml)
    largest = int(np.argmax(pieces.volume_ml))
    stays = size >= max(min_volume_ml, min_share * float(size[largest]))
    stays[largest] = True
    if not keeps_cavities:
        stays &= pieces.volume_ml >= 0
    if stays.all():
        return surface
    return keep_triangles(surface, stays[pieces.of_triangle])


def keep_triangles(surface: Surface, keep: npt.NDArray[np.bool_]) -> Surface:
    """The surface of the triangles kept, without the vertices only others used.

    Args:
        surface: any triangles.
        keep: (T,) bool.
    """
    if keep.shape != (len(surface.triangles),):
        raise ValueError("one choice for each triangle")
    kernel = library("topology")
    kernel.mesh_keep.restype = ctypes.c_int64
    stays = np.ascontiguousarray(keep, dtype=np.bool_)
    vertices = np.empty_like(surface.vertices)
    triangles = np.empty((int(np.count_nonzero(stays)), 3), dtype=np.uint32)
    count = kernel.mesh_keep(
        pointer(surface.vertices),
        ctypes.c_int64(len(surface.vertices)),
        pointer(surface.triangles),
        ctypes.c_int64(len(surface.triangles)),
        pointer(stays),
        pointer(vertices),
        pointer(triangles),
    )
    if count < 0:
        raise MemoryError(f"no memory to part {surface.structure!r}")
    return Surface(vertices[:count].copy(), triangles, surface.structure)
