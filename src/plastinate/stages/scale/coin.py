"""A picture and a place on a coin in it -> the coin's outline, whose long axis is its diameter.

Seen aslant a disc becomes an ellipse, and its longest diameter is the one that lies across the gaze: no
shorter than the coin, whatever its tilt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.model.picture_errors import NoCoin
from plastinate.model.reference import Coin, Reference, may_be_a_length, place_in
from plastinate.stages.scale.ellipse import Ellipse, Fit, refined
from plastinate.stages.scale.round_outlines import (
    FLATTEST,
    Levels,
    halved,
    level_for,
    round_outlines,
    sampled,
)

# A coin less wide than twice this is as small as its shadow's blur: a ring is taken for its rim.
SMALLEST_PX = 20.0
# Of the outline so much has to be an edge that runs along it: on a rim a shadow or a shine may hide a part.
SEEN_SHARE = 0.7
# An outline with less of it after a first look will not come to that.
HOPELESS_SHARE = 0.35
# So near the ellipse, as a share of its long half axis, an edge belongs to it.
NEAR = 0.01
# One outline within another: the gaps of the same line, of a shadow at most, of the innermost ring.
NEXT_SHARE = (0.015, 0.15, 0.45)
EVEN_SHARE = 0.5
# Refined on pixels as large as make the coin this wide: a tenth of one is then a part in three thousand.
FINEST_PX = 200.0
# An edge changes by so much from a pixel to the next, of 1 from black to white.
FAINTEST = 0.008
# Over the strip that is taken together, noise changes by a quarter of its deviation; four times that is seen.
GRAIN = 1.1
# A coin's rim is at least so clear as the clearest of its rings.
CLEAR_SHARE = 0.25
# What shares a side with the clearest outline is the rim beside its shadow only where it is whole itself.
BESIDE_SEEN = 0.85
# A rim has a bevel, a side that is seen when it is tilted, and a shadow. Of 47 drawn coins with all of these,
# 60 to 250 pixels wide, at 0 to 60 degrees, nine in ten came out within this, half of them within 0.8 %; the
# others had a hard shadow on white ground, which was taken for the rim: 5 to 6 % too wide.
RIM_SHARE, EDGE_PX = 0.02, 0.25


@dataclass(frozen=True)
class _Outline:
    """An outline as it was found.

    Attributes:
        fit: the ellipse, in pixels of the picture.
        seen: share of it along which an edge runs.
        strength: how much the picture changes across it, a pixel, by the median of all places.
        pixel: size of the pixels it was found on, in those of the picture.
    """

    fit: Fit
    seen: float
    strength: float
    pixel: float


def find_coin(picture: Picture, coin: Coin) -> Reference:
    """The ends of a coin's long axis, and its diameter between them.

    Args:
        picture: in which it lies.
        coin: a place on it, and its diameter.

    Raises:
        NoCoin: no round outline around the place.
        ParameterError: the place lies outside, or the diameter is none.
    """
    if not (np.isfinite(coin.at).all() and may_be_a_length(coin.diameter_mm)):
        raise ParameterError("A coin has a place in the picture and a diameter above 0.")
    column, row = place_in(picture, coin.at)
    levels = halved(picture.rgb)
    settle = partial(_settled, levels, column=column, row=row, grain=GRAIN * _grain(levels[0]))
    found = [each for each in map(settle, round_outlines(levels, column, row)) if each is not None]
    if not found:
        raise NoCoin(*coin.at, "no round outline of 40 pixels or more runs around it")
    clearest = max(found, key=_clearness).fit.ellipse
    found += [each for each in map(settle, _wider(clearest)) if each is not None]
    clearest = max(found, key=_clearness).fit.ellipse
    found += [each for each in map(settle, _beside_shadow(clearest)) if each is not None]
    return _reference(picture, coin, _rim(found))


def _reference(picture: Picture, coin: Coin, outline: _Outline) -> Reference:
    ellipse = outline.fit.ellipse
    edge = np.hypot(1.96 * outline.fit.long_deviation, EDGE_PX * outline.pixel) / ellipse.long
    doubt = np.hypot(edge, RIM_SHARE)
    first, second = ((x / picture.shrunk, y / picture.shrunk) for x, y in ellipse.ends)
    return Reference(
        first,
        second,
        coin.diameter_mm,
        found_by="a coin",
        doubt_share=float(doubt),
        is_level=True,
        facts=(
            ("coin", coin.name),
            ("long_axis_px", round(2.0 * ellipse.long / picture.shrunk, 2)),
            ("short_axis_px", round(2.0 * ellipse.short / picture.shrunk, 2)),
            ("tilt_degrees", round(float(np.degrees(np.arccos(ellipse.short / ellipse.long))), 1)),
            ("outline_seen_share", round(outline.seen, 3)),
        ),
    )


def _rim(found: list[_Outline]) -> _Outline:
    """Of all outlines the coin's own: the outermost of those that share their centre, without its shadow.

    The rings and the raised border of a coin leave a gap to its rim that is as wide all round. A shadow, or
    the side of a thick coin, leaves one on one side only.
    """
    rim = max(found, key=_clearness)
    clear = [each for each in found if each.strength > CLEAR_SHARE * rim.strength]
    inner = [each for each in clear if each.seen > BESIDE_SEEN and _gap(each, rim) == "one-sided"]
    if inner:
        rim = max(inner, key=_clearness)
    outer = [each for each in clear if _gap(rim, each) == "even"]
    return max(outer, key=lambda each: each.fit.ellipse.long) if outer else rim


def _wider(ellipse: Ellipse) -> Iterator[Ellipse]:
    """Where the rim may be if this is a ring within it."""
    for number in range(20):
        by = 1.04 * 1.025**number
        yield replace(ellipse, long=ellipse.long * by, short=ellipse.short * by)


def _beside_shadow(ellipse: Ellipse) -> Iterator[Ellipse]:
    """Where the rim may be if this goes around coin and shadow: it shares one side, and is smaller."""
    for by in (0.03, 0.055, 0.08):
        places, _ = replace(ellipse, long=by * ellipse.long, short=by * ellipse.short).around(12)
        for column, row in places:
            long, short = (1.0 - by) * ellipse.long, (1.0 - by) * ellipse.short
            yield replace(ellipse, column=float(column), row=float(row), long=long, short=short)


def _clearness(outline: _Outline) -> float:
    return outline.seen**2 * outline.strength


def _gap(inner: _Outline, outer: _Outline) -> str:
    """How one outline lies within another: "even", "one-sided", or "" where it does not."""
    places, _ = inner.fit.ellipse.around(72)
    gaps = outer.fit.ellipse.distance_within(places) / outer.fit.ellipse.long
    mean, least = float(gaps.mean()), float(np.percentile(gaps, 10))
    if not NEXT_SHARE[0] < mean:
        return ""
    if least > EVEN_SHARE * mean and mean < NEXT_SHARE[2]:
        return "even"
    return "one-sided" if -0.02 < least < 0.25 * mean and mean < NEXT_SHARE[1] else ""


def _settled(levels: Levels, start: Ellipse, *, column: float, row: float, grain: float) -> _Outline | None:
    """The outline that an ellipse falls on, to a part of a pixel; None where it falls on none."""
    level = level_for(levels, start.long / FINEST_PX)
    pixel = float(2**level)
    faintest = max(FAINTEST, grain / pixel) / pixel
    fit, ellipse, seen, strength = None, start, 0.0, 0.0
    for reach in (0.08, 0.05, 0.03, 0.02):
        if ellipse.long < SMALLEST_PX or ellipse.short < FLATTEST * ellipse.long:
            return None
        points, strengths = _edge_points(levels, ellipse, max(2.5 * pixel, reach * ellipse.short), level)
        edge = strengths > faintest
        if edge.sum() < 12:
            return None
        fit = refined(ellipse, points[edge], apart_px=1.5 * pixel)
        if fit is None:
            return None
        ellipse = fit.ellipse
        near = np.abs(ellipse.distance_within(points)) < max(0.6 * pixel, NEAR * ellipse.long)
        seen = float((near & edge).mean())
        if seen < HOPELESS_SHARE:
            return None
        strength = float(np.median(np.where(near & edge, strengths, 0.0)))
    if fit is None or seen < SEEN_SHARE or fit.residual > max(0.4 * pixel, 0.6 * NEAR * ellipse.long):
        return None
    rows, columns = levels[0].shape[:2]
    is_whole = 0 <= ellipse.column <= columns and 0 <= ellipse.row <= rows
    return _Outline(fit, seen, strength, pixel) if is_whole and ellipse.holds(column, row) else None


def _grain(plane: npt.NDArray[np.float32]) -> float:
    """How much of a change from pixel to pixel is noise: what four in a row differ from a parabola by."""
    bent = plane[:, :-3] - 3 * plane[:, 1:-2] + 3 * plane[:, 2:-1] - plane[:, 3:]
    return float(np.median(np.abs(bent)) / 0.6745 / np.sqrt(20.0))


def _edge_points(
    levels: Levels, ellipse: Ellipse, width: float, level: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(N, 2) the strongest edge across the outline at N places, and (N,) its change per pixel, or 0."""
    pixel = float(2**level)
    step = 0.5 * pixel
    count = int(np.clip(np.pi * (ellipse.long + ellipse.short) / (1.5 * pixel), 48, 480))
    places, normals = ellipse.around(count)
    tangents = np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    offsets = np.arange(-np.ceil(width / step) - 3, np.ceil(width / step) + 4) * step
    # Along the outline five places are taken together, as far as it is straight: grain averages out.
    strip = np.arange(-2, 3) * min(pixel, ellipse.short / 20.0)
    at = (
        places[:, None, None]
        + normals[:, None, None] * offsets[None, None, :, None]
        + tangents[:, None, None] * strip[None, :, None, None]
    )
    colours = sampled(levels, at[..., 0], at[..., 1], level=level)
    along = (colours[:, 3:].sum(axis=1) - colours[:, :2].sum(axis=1)) / (6.0 * strip[3])
    profile = colours.mean(axis=1)
    profile[:, 1:-1] = (profile[:, :-2] + 2 * profile[:, 1:-1] + profile[:, 2:]) / 4
    slope = (profile[:, 4:] - profile[:, :-4]) / (4.0 * step)
    across = np.linalg.norm(slope, axis=2).astype(np.float64)
    beside = np.linalg.norm(along[:, 2:-2], axis=2)
    offsets = offsets[2:-2]
    middle = 1.0 - 0.4 * np.abs(offsets) / np.abs(offsets).max()
    is_peak = np.zeros(across.shape, dtype=bool)
    is_peak[:, 1:-1] = (across[:, 1:-1] >= across[:, :-2]) & (across[:, 1:-1] > across[:, 2:])
    best = np.clip(np.argmax(across * middle * is_peak, axis=1), 1, len(offsets) - 2)
    each = np.arange(count)
    left, peak, right = (across[each, best + number] for number in (-1, 0, 1))
    bend = left - 2.0 * peak + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    points = places + normals * (offsets[best] + np.clip(shift, -1.0, 1.0) * step)[:, None]
    rows, columns = levels[0].shape[:2]
    edge = is_peak[each, best] & (beside[each, best] < 0.8 * peak)
    edge &= (points >= 0).all(axis=1) & (points[:, 0] <= columns) & (points[:, 1] <= rows)
    return points, np.where(edge, peak, 0.0)
