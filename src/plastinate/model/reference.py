"""Two points of a picture whose distance is known: the only way from its pixels to millimetres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plastinate.model.errors import ParameterError

if TYPE_CHECKING:
    from plastinate.model.depth import DepthMap
    from plastinate.model.picture import Picture

# Closer together than this, a slip of a pixel is half the length.
APART_PX_MIN = 2.0


@dataclass(frozen=True)
class Reference:
    """Two points of a picture, in the pixels of its file, and how far they are apart.

    Attributes:
        first, second: (column, row), from the upper left corner of the picture as it is looked at.
        length_mm: between them.
    """

    first: tuple[float, float]
    second: tuple[float, float]
    length_mm: float

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"first": list(self.first), "second": list(self.second), "length_mm": self.length_mm}

    def mm_per_px(self, picture: Picture, depth: DepthMap | None) -> float:
        """Length of a pixel on the plane of the model's origin, mm.

        Args:
            picture: of which the points are.
            depth: how far away the points lie, its median on that plane; None where the thing that they
                lie on is on that plane itself.

        Raises:
            ParameterError: a point outside the picture, both in one place, or no length.
        """
        if not all(math.isfinite(number) for number in (*self.first, *self.second, self.length_mm)):
            raise ParameterError("A reference is two points of the picture and a length.")
        if not self.length_mm > 0:
            raise ParameterError("The length of a reference is above 0.")
        rows, columns = picture.shape
        ends = [(column * picture.shrunk, row * picture.shrunk) for column, row in (self.first, self.second)]
        for (column, row), stated in zip(ends, (self.first, self.second), strict=True):
            if not (0 <= column <= columns and 0 <= row <= rows):
                raise ParameterError(f"The point {stated[0]:g},{stated[1]:g} lies outside the picture.")
        if math.dist(*ends) < APART_PX_MIN:
            raise ParameterError("The two points of a reference lie in one place.")
        if depth is None:
            return self.length_mm / math.dist(*ends)
        from plastinate.model.projection import Projection

        projection = Projection(picture.shape, picture.focal_px)
        points = [
            projection.to_points(
                column, row, picture.focal_px * (depth.at(column / columns, row / rows) - 1.0)
            )
            for column, row in ends
        ]
        return self.length_mm / max(math.dist(points[0], points[1]), 1e-9)
