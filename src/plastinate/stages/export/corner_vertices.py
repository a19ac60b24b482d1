"""A surface and its skin in, one vertex for each pair of place in space and place in the texture out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.skin import Skin
from plastinate.model.surface import Surface


@dataclass(frozen=True, eq=False)
class CornerVertices:
    """A surface as graphics cards want it: split along the seams of its texture.

    Attributes:
        source: (N,) which vertex of the surface each is.
        places: (N, 2) float32 in the texture.
        triangles: (T, 3) uint32 into them.
    """

    source: npt.NDArray[np.int64]
    places: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.uint32]


def corner_vertices(surface: Surface, skin: Skin) -> CornerVertices:
    """Split the vertices that lie on a seam; those at the same place stay at exactly the same place."""
    count = np.int64(len(skin.places))
    key = surface.triangles.astype(np.int64) * count + skin.corners.astype(np.int64)
    pairs, number = np.unique(key, return_inverse=True)
    return CornerVertices(pairs // count, skin.places[pairs % count], number.reshape(-1, 3).astype(np.uint32))
