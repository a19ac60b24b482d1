"""Spacing -> how much surface passes between eight voxels, for each of the 256 ways to set them."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Corner = tuple[int, int, int]
Point = tuple[float, float, float]
Triangle = tuple[Point, Point, Point]

CORNERS: tuple[Corner, ...] = tuple((s, r, c) for s in (0, 1) for r in (0, 1) for c in (0, 1))


def corner_areas(spacing_mm: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """(256,) mm2 of surface between eight voxel centres; bit 7 of the index is the first of them.

    The surface is that of marching cubes on a mask: it cuts every edge between a set and an unset
    voxel in the middle. On a face where it could run two ways it cuts off the corners of the
    fewer kind (the set ones at four each), and of the ways to fill a loop with triangles
    it takes the one with the largest area on a cube.

    Args:
        spacing_mm: along (slice, row, column).

    Source:
        Lorensen & Cline, SIGGRAPH 1987, 163-169, for the surface. The two choices are those that
        reproduce the table of DeepMind's `surface-distance`, so that figures can be compared with those
        published with it; a test compares all 256.
    """
    scale = np.array(spacing_mm, dtype=np.float64)
    return np.array([sum(_area(each, scale) for each in _triangles(code)) for code in range(256)])


def _area(triangle: Triangle, scale: npt.NDArray[np.float64]) -> float:
    a, b, c = (np.array(point) * scale for point in triangle)
    return float(np.linalg.norm(np.cross(b - a, c - a)) / 2)


@cache
def _triangles(code: int) -> tuple[Triangle, ...]:
    is_set = {corner: bool(code >> (7 - bit) & 1) for bit, corner in enumerate(CORNERS)}
    found: list[Triangle] = []
    for loop in _loops(_segments(is_set)):
        ways = [[(loop[a], loop[b], loop[c]) for a, b, c in way] for way in _fillings(0, len(loop) - 1)]
        unit: npt.NDArray[Any] = np.ones(3)
        found += max(ways, key=lambda way: round(sum(_area(each, unit) for each in way), 9))
    return tuple(found)


def _segments(is_set: dict[Corner, bool]) -> list[tuple[Point, Point]]:
    """Where the surface crosses the six faces, as lines between middles of edges."""
    cut_off = sum(is_set.values()) <= 4
    segments: list[tuple[Point, Point]] = []
    for axis, end in itertools.product(range(3), (0, 1)):
        ring = [_on_face(axis, end, place) for place in ((0, 0), (0, 1), (1, 1), (1, 0))]
        crossed = [i for i in range(4) if is_set[ring[i]] != is_set[ring[(i + 1) % 4]]]
        if len(crossed) == 2:
            first, second = (_middle(ring[i], ring[(i + 1) % 4]) for i in crossed)
            segments.append((first, second))
        elif len(crossed) == 4:
            segments += [
                (_middle(ring[i - 1], ring[i]), _middle(ring[i], ring[(i + 1) % 4]))
                for i in range(4)
                if is_set[ring[i]] == cut_off
            ]
    return segments


def _on_face(axis: int, end: int, place: tuple[int, int]) -> Corner:
    left = iter(place)
    a, b, c = (end if a == axis else next(left) for a in range(3))
    return a, b, c


def _middle(one: Corner, other: Corner) -> Point:
    a, b, c = ((x + y) / 2 for x, y in zip(one, other, strict=True))
    return a, b, c


def _loops(segments: list[tuple[Point, Point]]) -> list[list[Point]]:
    """Each point ends exactly two segments, so they close into loops."""
    left, loops = list(segments), []
    while left:
        start, at = left.pop(0)
        loop = [start]
        while at != start:
            loop.append(at)
            following = next(segment for segment in left if at in segment)
            left.remove(following)
            at = following[1] if following[0] == at else following[0]
        loops.append(loop)
    return loops


def _fillings(first: int, last: int) -> list[list[tuple[int, int, int]]]:
    """Every way to fill the loop's stretch from first to last with triangles."""
    if last - first < 2:
        return [[]]
    return [
        [*before, (first, middle, last), *after]
        for middle in range(first + 1, last)
        for before in _fillings(first, middle)
        for after in _fillings(middle, last)
    ]
