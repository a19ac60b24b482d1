"""A picture and a place in it -> ellipses around that place which lie on edges of the picture.

Rays leave the place in all directions, and what changes along them is an edge. Closed ways around the place,
from edge to edge, are found one after another, each the best that is left; then an ellipse that most of a way
lies on, by fives of its points, as RANSAC does (Fischler and Bolles 1981), from a fixed generator.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from plastinate.stages.scale.ellipse import Ellipse, ellipse_of_conic

Levels = list[npt.NDArray[np.float32]]
Plane = npt.NDArray[np.float64]

RAYS = 90
NEAREST_PX = 4.0
STEP = 1.025
# From ray to ray a way goes so many steps in or out at most: a coin at 70 degrees, from beside its middle.
LEAP = 3
# Ways that are looked for, and fives that are tried on each.
WAYS, TRIES = 14, 400
# A coin seen more aslant than this has a rim that hides too much of it: its short axis by its long one.
FLATTEST = 0.3
# A way that has left an edge's own direction by a step pays so much of an edge's worth.
STRAY = 0.08


def halved(rgb: npt.NDArray[np.uint8]) -> Levels:
    """The picture, 0 to 1, and the same at a half, a quarter and so on of its size."""
    levels = [rgb.astype(np.float32) / np.float32(255.0)]
    while min(levels[-1].shape[:2]) >= 64:
        big = levels[-1]
        rows, columns = big.shape[0] // 2 * 2, big.shape[1] // 2 * 2
        even = big[:rows, :columns]
        levels.append((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)
    return levels


def sampled(levels: Levels, column: Plane, row: Plane, *, level: int) -> npt.NDArray[np.float32]:
    """Colours at places of the picture, linear between pixels; beyond the border those of the border."""
    plane = levels[level]
    x = np.clip(column / 2**level - 0.5, 0.0, plane.shape[1] - 1.001)
    y = np.clip(row / 2**level - 0.5, 0.0, plane.shape[0] - 1.001)
    left, top = x.astype(np.int64), y.astype(np.int64)
    across, down = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    right, below = np.minimum(left + 1, plane.shape[1] - 1), np.minimum(top + 1, plane.shape[0] - 1)
    upper = plane[top, left] * (1 - across) + plane[top, right] * across
    lower = plane[below, left] * (1 - across) + plane[below, right] * across
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)


def level_for(levels: Levels, step_px: float) -> int:
    """The level whose pixels are about so large."""
    return int(np.clip(np.floor(np.log2(max(step_px, 1.0))), 0, len(levels) - 1))


def round_outlines(levels: Levels, column: float, row: float) -> Iterator[Ellipse]:
    """Ellipses that hold a place and lie on edges, none twice; whether they do so all round is not looked at.

    Args:
        levels: of `halved`.
        column, row: the place, pixels.
    """
    turn = np.arange(RAYS) * 2.0 * np.pi / RAYS
    directions = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    reach = float(max(levels[0].shape[:2]))
    count = max(8, int(np.log(reach / NEAREST_PX) / np.log(STEP)) + 1)
    radii: Plane = NEAREST_PX * np.power(STEP, np.arange(count, dtype=np.float64))
    strength, slope = _edges(levels, column, row, directions, radii)
    taken: list[Ellipse] = []
    for _ in range(WAYS):
        way = _way(strength, slope)
        points = directions * radii[way, None]
        for found in _ellipses(points):
            placed = Ellipse(found.column + column, found.row + row, found.long, found.short, found.angle)
            if not any(_alike(placed, other) for other in taken):
                taken.append(placed)
                yield placed
        near = np.abs(np.arange(strength.shape[1])[None] - way[:, None]) <= 2
        strength = np.where(near, 0.3 * strength, strength)


def _alike(one: Ellipse, other: Ellipse) -> bool:
    apart = np.hypot(one.column - other.column, one.row - other.row)
    return bool(
        apart < 0.06 * other.long
        and abs(one.long - other.long) < 0.06 * other.long
        and abs(one.short - other.short) < 0.06 * other.long
    )


def _edges(levels: Levels, column: float, row: float, directions: Plane, radii: Plane) -> tuple[Plane, Plane]:
    """(rays, radii) how strong an edge is there, 0 to 1, and its steps outwards from a ray to the next."""
    values = np.empty((len(directions), len(radii), 3), dtype=np.float32)
    within = np.empty(values.shape[:2], dtype=bool)
    rows, columns = levels[0].shape[:2]
    for number, radius in enumerate(radii):
        x, y = column + radius * directions[:, 0], row + radius * directions[:, 1]
        within[:, number] = (x >= 0) & (x <= columns) & (y >= 0) & (y <= rows)
        level = level_for(levels, radius * (STEP - 1.0) * 2.0)
        values[:, number] = sampled(levels, x, y, level=level)
    values[:, 1:-1] = (values[:, :-2] + 2 * values[:, 1:-1] + values[:, 2:]) / 4
    values[:] = (np.roll(values, 1, 0) + 2 * values + np.roll(values, -1, 0)) / 4
    outwards = np.zeros_like(values)
    outwards[:, 2:-2] = values[:, 4:] - values[:, :-4]
    onwards = np.roll(values, -1, 0) - np.roll(values, 1, 0)
    outwards[~within] = 0.0
    square = (outwards**2).sum(axis=2)
    # Over four steps outwards and over two rays onwards: where both are alike, the edge moves in by two.
    slope = -2.0 * (outwards * onwards).sum(axis=2) / np.maximum(square, 1e-6)
    change = np.sqrt(square)
    usual = max(float(np.percentile(change[within], 85)), 0.04)
    return np.asarray(change / (change + usual), dtype=np.float64), np.clip(slope, -LEAP, LEAP)


def _way(strength: Plane, slope: Plane) -> npt.NDArray[np.int64]:
    """(rays,) the step at which each ray is crossed by the closed way that meets the strongest edges."""
    rays, steps = strength.shape
    at = np.arange(steps)
    best, start = strength[0].copy(), None
    # Twice around: the second time from where the first one ended, so that the ends meet.
    for _ in range(2):
        if start is not None:
            best = np.where(np.abs(at - start) <= 1, strength[0], -np.inf)
        came = np.empty((rays, steps), dtype=np.int64)
        for ray in range(1, rays + 1):
            options = np.full((2 * LEAP + 1, steps), -np.inf)
            for number, leap in enumerate(range(-LEAP, LEAP + 1)):
                source = at - leap
                sound = (source >= 0) & (source < steps)
                held = source[sound]
                stray = np.abs(slope[ray - 1, held] - leap)
                options[number, sound] = best[held] - STRAY * np.minimum(stray, 3.0)
            chosen = np.argmax(options, axis=0)
            came[ray - 1] = at - (chosen - LEAP)
            best = options[chosen, at] + (strength[ray] if ray < rays else 0.0)
        if start is None:
            start = int(np.argmax(best))
        else:
            best = np.where(np.abs(at - start) <= 1, best, -np.inf)
    way = np.empty(rays, dtype=np.int64)
    here = int(np.argmax(best))
    for ray in range(rays, 0, -1):
        here = int(np.clip(came[ray - 1, here], 0, steps - 1))
        way[ray - 1] = here
    return way


def _ellipses(points: Plane) -> Iterator[Ellipse]:
    """At most three ellipses on which many of the points lie, the one with the most first."""
    generator = np.random.default_rng(0)
    count = len(points)
    fifth = count // 5
    start = generator.integers(0, count, TRIES)
    chosen = (
        start[:, None] + np.arange(5)[None] * fifth + generator.integers(-fifth // 2, fifth // 2, (TRIES, 5))
    ) % count
    scale = float(np.median(np.linalg.norm(points, axis=1)))
    x, y = points[chosen, 0] / scale, points[chosen, 1] / scale
    rows = np.stack([x * x, x * y, y * y, x, y], axis=2)
    rows = rows[np.abs(np.linalg.det(rows)) > 1e-7]
    if not len(rows):
        return
    conics = np.linalg.solve(rows, np.ones((len(rows), 5, 1)))[..., 0]
    px, py = points[:, 0] / scale, points[:, 1] / scale
    radius = np.hypot(px, py)
    cosine, sine = px / radius, py / radius
    a, b, c, d, e = (conics[:, [number]] for number in range(5))
    square = a * cosine**2 + b * cosine * sine + c * sine**2
    linear = d * cosine + e * sine
    with np.errstate(all="ignore"):
        fitted = (np.sqrt(linear**2 + 4.0 * square) - linear) / (2.0 * square)
        met = (np.abs(np.log(fitted / radius)) < 1.5 * np.log(STEP)) & (square > 0)
    scores = np.where((square > 0).all(axis=1), met.mean(axis=1), 0.0)
    taken: list[Ellipse] = []
    for index in np.argsort(-scores, kind="stable")[:40]:
        if len(taken) == 3 or scores[index] < 0.4:
            return
        found = ellipse_of_conic(np.append(conics[index], -1.0))
        if found is None or found.short < FLATTEST * found.long:
            continue
        found = Ellipse(
            found.column * scale, found.row * scale, found.long * scale, found.short * scale, found.angle
        )
        if not any(_alike(found, other) for other in taken):
            taken.append(found)
            yield found
