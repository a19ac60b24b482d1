"""Clicks, lines and outlines on a picture -> pixels, and the region of their grey values around them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from plastinate.native import filters
from plastinate.native.components import components_at_seeds
from plastinate.native.distance import dilate, erode
from plastinate.nets.lite_medsam import PICTURE

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]

FLAT = (1e6, 1.0, 1.0)
# What a mark says about grey values: those within so many pixels of it.
NEAR_PX = 4.0
# Normal deviations that are still the same tissue, and the least that noise is taken for, of the window.
DEVIATIONS, LEAST_DEVIATION = 2.5, 0.02
# Half the widths of bridges that are cut, one after another where the narrower did not help.
BRIDGES_PX = (1.0, 2.0, 3.0, 4.5, 6.0, 8.0, 11.0)
SMOOTH_PX = 1.0


def filled_polygon(points: Points, side: int) -> Flags:
    """(side, side) the pixels whose middles lie within an outline.

    Args:
        points: (N, 2) x and y; the last is joined with the first.
        side: of the picture.
    """
    y, x = np.mgrid[:side, :side].astype(np.float64)
    inside = np.zeros((side, side), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def drawn_line(points: Points, side: int) -> Flags:
    """(side, side) the pixels that a line of straight parts passes through; a point is a line too.

    Args:
        points: (N, 2) x and y.
        side: of the picture.
    """
    made = np.zeros((side, side), dtype=np.bool_)
    places = [points[:1]]
    for a, b in pairwise(points):
        count = int(np.ceil(2 * np.abs(b - a).max())) + 1
        places.append(a + np.linspace(0, 1, count + 1)[1:, None] * (b - a))
    at = np.clip(np.floor(np.concatenate(places) + 0.5).astype(int), 0, side - 1)
    made[at[:, 1], at[:, 0]] = True
    return made


def union(masks: Iterable[Flags]) -> Flags:
    """(side, side) where any of the masks is set; nowhere if there are none."""
    made = np.zeros((PICTURE, PICTURE), dtype=np.bool_)
    for mask in masks:
        made |= mask
    return made


def grown_region(picture: Floats, marks: Flags, *, barred: Flags) -> Flags:
    """What hangs together with marks and has their grey values, without what is barred.

    Where it leaks into what is barred, ever wider bridges are cut until it does not.

    Args:
        picture: (side, side), 0 to 1.
        marks: pixels inside.
        barred: pixels that are not.

    Returns:
        (side, side), with the marks; more than them only where the picture lets it.
    """
    smooth = filters.gaussian(picture[None], SMOOTH_PX, FLAT, as_float=True)[0]
    near = dilate(marks[None], NEAR_PX, FLAT)[0] & ~barred
    values = smooth[near]
    if values.size == 0:
        return marks
    # A line may pass through several tissues; what most of its surroundings are is meant.
    middle = float(np.median(values))
    deviation = max(1.4826 * float(np.median(np.abs(values - middle))), LEAST_DEVIATION)
    alike = np.abs(smooth - middle) <= DEVIATIONS * deviation
    for thin in BRIDGES_PX:
        core = erode(alike[None], thin, FLAT)
        seeds = [(0, int(y), int(x)) for y, x in np.argwhere(near & core[0])]
        if not seeds:
            break
        grown = dilate(components_at_seeds(core, seeds), thin, FLAT)[0] & alike
        if not (grown & barred).any():
            return np.asarray(grown | marks)
    return marks
