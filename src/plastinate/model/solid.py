"""The body that was made of a picture, as it lies in the room and as it lies on its grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.projection import Projection
from plastinate.model.surface import Surface


@dataclass(frozen=True, eq=False)
class Solid:
    """Surfaces of one body, triangle by triangle the same on the grid and in the room.

    The grid of a photograph narrows towards the lens: its cells are cubes only as long as they are not put
    into the room. What can be measured against the cells is measured there.

    Attributes:
        surfaces: detail level -> surface in the frame of the picture.
        on_grid: detail level -> the same, where the cells are boxes.
        mask: (S, R, C) bool, the cells inside.
        grid: of the mask.
        projection: how the picture sees the surfaces.
        notes: promises that could not be kept, in words.
    """

    surfaces: Mapping[str, Surface]
    on_grid: Mapping[str, Surface]
    mask: npt.NDArray[np.bool_]
    grid: Geometry
    projection: Projection
    notes: tuple[str, ...] = ()
