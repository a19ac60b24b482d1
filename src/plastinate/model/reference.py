"""What says how large a thing in a picture is: two points, a coin or a ruler that lies beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plastinate.model.coins import diameter_of_coin
from plastinate.model.errors import ParameterError

if TYPE_CHECKING:
    from plastinate.model.depth import DepthMap
    from plastinate.model.picture import Picture

# Closer together than this, a slip of a pixel is half the length.
APART_PX_MIN = 2.0
# Nobody points better than at one pixel of a file, and nothing says how well it was done.
POINTED_PX = 1.0
# Shorter than this nothing is told apart on a photograph.
SHORTEST_MM = 0.01
LONGEST_MM = 1e7
Place = tuple[float, float]


def may_be_a_length(length_mm: float) -> bool:
    """Whether something of a picture can be so long: a reference, a coin, or from one mark to the next."""
    return SHORTEST_MM <= length_mm <= LONGEST_MM


@dataclass(frozen=True)
class Coin:
    """A coin in a picture, which is still to be found there.

    Attributes:
        at: (column, row) of the file, anywhere on the coin.
        diameter_mm: of the coin.
        name: of the coin, "" where only its diameter was said.
    """

    at: Place
    diameter_mm: float
    name: str = ""

    @classmethod
    def called(cls, name: str, at: Place) -> Coin:
        """A coin by its name, or by its diameter in mm as text.

        Raises:
            ParameterError: no coin of that name, and no diameter.

        >>> Coin.called("1-euro", (620.0, 400.0)).diameter_mm
        23.25
        """
        try:
            return cls(at, float(name))
        except ValueError:
            return cls(at, diameter_of_coin(name), name)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"coin": self.name or self.diameter_mm, "at": list(self.at)}


@dataclass(frozen=True)
class Ruler:
    """A line across the marks of a ruler, which are still to be counted.

    Attributes:
        first, second: (column, row) of the file, the ends of the line.
        tick_mm: from one of the marks that the line crosses to the next.
    """

    first: Place
    second: Place
    tick_mm: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"ruler_mm": self.tick_mm, "line": [*self.first, *self.second]}


@dataclass(frozen=True)
class Reference:
    """Two points of a picture, in the pixels of its file, and how far they are apart.

    Attributes:
        first, second: (column, row), from the upper left corner of the picture as it is looked at.
        length_mm: between them.
        found_by: what they are the ends of: "two points" of a person, "a coin" or "a ruler" found there.
        doubt_share: half the width of the interval that should hold the true distance of the points in the
            picture, as a share of it; None where a person pointed.
        is_level: both are equally far away, as the ends of a coin's long axis are.
        facts: what was found, JSON values.
    """

    first: Place
    second: Place
    length_mm: float
    found_by: str = "two points"
    doubt_share: float | None = None
    is_level: bool = False
    facts: tuple[tuple[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"first": list(self.first), "second": list(self.second), "length_mm": self.length_mm}

    @property
    def doubt(self) -> float:
        """Half the interval as a share of the length; of two points, as if each were right to a pixel."""
        if self.doubt_share is not None:
            return self.doubt_share
        return math.sqrt(2.0) * POINTED_PX / max(math.dist(self.first, self.second), POINTED_PX)

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
        if not may_be_a_length(self.length_mm):
            raise ParameterError("The length of a reference is 0.01 mm at the least, and 10 km at the most.")
        rows, columns = picture.shape
        ends = [place_in(picture, place) for place in (self.first, self.second)]
        if math.dist(*ends) < APART_PX_MIN:
            raise ParameterError("The two points of a reference lie in one place.")
        if depth is None:
            return self.length_mm / math.dist(*ends)
        from plastinate.model.projection import Projection

        projection = Projection(picture.shape, picture.focal_px)
        middle = ((ends[0][0] + ends[1][0]) / 2.0, (ends[0][1] + ends[1][1]) / 2.0)
        points = []
        for column, row in ends:
            seen = middle if self.is_level else (column, row)
            away = picture.focal_px * (depth.at(seen[0] / columns, seen[1] / rows) - 1.0)
            points.append(projection.to_points(column, row, away))
        return self.length_mm / max(math.dist(points[0], points[1]), 1e-9)


# What a person can say of the size of a thing.
Known = Reference | Coin | Ruler


def place_in(picture: Picture, place: Place) -> Place:
    """A place of the file -> (column, row) of the picture, which may be smaller.

    Raises:
        ParameterError: it lies outside.
    """
    column, row = place[0] * picture.shrunk, place[1] * picture.shrunk
    if not (0 <= column <= picture.shape[1] and 0 <= row <= picture.shape[0]):
        raise ParameterError(f"The point {place[0]:g},{place[1]:g} lies outside the picture.")
    return column, row


def known_of(words: str) -> Known:
    """What says how large a thing is, as people write it.

    Raises:
        ParameterError: it says nothing of the kind, or of a coin that is not known.

    >>> known_of("120,80,620,90,150").length_mm
    150.0
    >>> known_of("coin:1-euro,620,400").diameter_mm
    23.25
    >>> known_of("ruler:1,412,980,1630,992").second
    (1630.0, 992.0)
    """
    kind, _, rest = words.rpartition(":")
    parts = [part.strip() for part in rest.split(",")]
    if kind == "coin" and len(parts) == 3:
        column, row = _numbers(parts[1:])
        return Coin.called(parts[0], (column, row))
    if kind == "ruler" and len(parts) == 5:
        tick, x1, y1, x2, y2 = _numbers(parts)
        return Ruler((x1, y1), (x2, y2), tick)
    if not kind and len(parts) == 5:
        x1, y1, x2, y2, length = _numbers(parts)
        return Reference((x1, y1), (x2, y2), length)
    raise _not_understood()


def wished(known: Known) -> list[float] | dict[str, Any]:
    """What says how large a thing is -> JSON values, as `known_in` reads them."""
    if isinstance(known, Reference):
        return [*known.first, *known.second, known.length_mm]
    return known.as_dict()


def _numbers(parts: list[str]) -> list[float]:
    try:
        return [float(part) for part in parts]
    except ValueError:
        raise _not_understood() from None


def _not_understood() -> ParameterError:
    return ParameterError(
        "A reference is X1,Y1,X2,Y2,MM, or coin:NAME,X,Y, or ruler:MM,X1,Y1,X2,Y2; "
        "for example 120,80,620,90,150, or coin:1-euro,620,400."
    )
