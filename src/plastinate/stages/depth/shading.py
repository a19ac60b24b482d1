"""Picture -> DepthMap by its shading: what is bright faces the light, and the light stands by the camera."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from plastinate.model.depth import DepthMap
from plastinate.model.picture import Picture
from plastinate.nets.picture_net import fitted_shape, resized
from plastinate.nets.plane_filters import box_mean

Plane = npt.NDArray[np.float64]

# Steeper than this (80 degrees) a place is as good as dark, and its brightness says nothing of its slope.
STEEPEST = 5.7
BRIGHTEST_PERCENT = 98.0
# Half the width of what smooths creases away, as a share of the longest side.
CREASE_SHARE = 0.025


def _silent(share: float) -> None:
    del share


def shading(picture: Picture, *, side_px: int = 160, progress: Callable[[float], None] = _silent) -> DepthMap:
    """Solve for the heights whose slopes would shine as the picture does.

    A matt surface lit from the camera shines by the cosine of its slope: its brightness says how steep it
    is, and not which way. The brightest places are taken for summits, and every other lies as far below as
    the way down from the nearest of them takes. A pattern painted on the surface is taken for shape.

    Args:
        picture: what was seen.
        side_px: longest side of the map; finer than this, texture would be taken for shape.
        progress: told what share is done.

    Returns:
        Depths in pixels of the map, behind a summit that is one focal length away; no confidence is known.

    Source: the eikonal equation of light that falls along the gaze, |gradient| = sqrt(1 / shine^2 - 1).
    """
    shape = fitted_shape(picture.shape, side_px)
    plane = box_mean(resized(picture.grey, shape), 1).astype(np.float64)
    bright = float(np.percentile(plane, BRIGHTEST_PERCENT))
    shine = np.clip(plane / max(bright, 1e-6), 0.0, 1.0)
    slope = np.minimum(np.sqrt(np.maximum(1.0 / np.maximum(shine, 1e-3) ** 2 - 1.0, 0.0)), STEEPEST)
    below = _way_down(slope, shine >= 0.995)
    # Where the ways down from two summits meet there is a crease, of which the light says nothing.
    radius = max(1, round(CREASE_SHARE * max(shape)))
    below = box_mean(box_mean(below, radius), radius).astype(np.float64)
    progress(1.0)
    focal = picture.focal_px * max(shape) / max(picture.shape)
    depth = (focal + below).astype(np.float32) / np.float32(focal)
    return DepthMap(np.maximum(depth, np.float32(1e-3)), np.zeros(shape, dtype=np.float32))


def _way_down(slope: Plane, summits: npt.NDArray[np.bool_]) -> Plane:
    """(R, C) the least sum of slopes on a way from any summit: |gradient| = slope, 0 on the summits.

    All places at once, until nothing changes: by the upwind rule a place is settled once the places before
    it on its way are.
    """
    if not summits.any():
        return np.zeros_like(slope)
    far = float(slope.sum()) + 1.0
    height = np.where(summits, 0.0, far)
    for _ in range(2 * sum(slope.shape)):
        padded = np.pad(height, 1, constant_values=far)
        across = np.minimum(padded[1:-1, :-2], padded[1:-1, 2:])
        down = np.minimum(padded[:-2, 1:-1], padded[2:, 1:-1])
        low, high = np.minimum(across, down), np.maximum(across, down)
        root = np.maximum(2.0 * slope**2 - (high - low) ** 2, 0.0)
        both = 0.5 * (low + high + np.sqrt(root))
        better = np.minimum(height, np.where(high - low < slope, both, low + slope))
        is_settled = np.allclose(better, height, atol=1e-4)
        height = better
        if is_settled:
            break
    return height
