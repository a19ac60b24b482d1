"""A picture and what somebody says lies in it -> two points whose distance is known."""

from __future__ import annotations

from plastinate.model.picture import Picture
from plastinate.model.reference import Coin, Known, Reference, Ruler


def find_reference(picture: Picture, known: Known) -> Reference:
    """Find a coin or a ruler where somebody pointed; two points that were given are the answer themselves.

    Args:
        picture: in which it lies.
        known: what was said.

    Raises:
        NoCoin: no round outline around the place.
        NoRulerMarks: too few marks along the line, or none that are even.
        ParameterError: a point outside the picture, or a length that is none.
    """
    if isinstance(known, Coin):
        from plastinate.stages.scale.coin import find_coin

        return find_coin(picture, known)
    if isinstance(known, Ruler):
        from plastinate.stages.scale.ruler import find_ruler

        return find_ruler(picture, known)
    return known
