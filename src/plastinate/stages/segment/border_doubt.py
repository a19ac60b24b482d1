"""Mask and grey values -> how likely each voxel near its border is inside, and how much of it is estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.native import filters
from plastinate.native.distance import distance_inside, distance_outside, erode
from plastinate.native.voxels import Mask

Floats = npt.NDArray[np.float32]

# Inside and outside are compared over so wide a bell: two or three voxels of a body CT.
NEAR_MM = 2.5
VOXEL_SHARE = 0.75
HALF, LESS_THAN_HALF = 0.5, 0.49
# Likelihood 0.9 lies where ln odds are ln 9.
SURE_ODDS = float(np.log(9.0))


@dataclass(frozen=True)
class EdgeSense:
    """What an edge says about where a border lies.

    Attributes:
        clear_hu: difference of grey values across the border at which it is known to `clear_mm`.
        clear_mm: how far off a clear border is at most, nine times in ten.
        blind_mm: how far off it may be where nothing differs.
    """

    clear_hu: float
    clear_mm: float
    blind_mm: float


@dataclass(frozen=True, eq=False)
class BorderDoubt:
    """What is known about a border.

    Attributes:
        likelihood: (S, R, C) float32, 0 to 1, at least 0.5 in the mask and less outside of it.
        estimated_share: of the border, where grey values differ by less than half of a clear edge.
    """

    likelihood: Floats
    estimated_share: float


def border_doubt(
    values: Floats, mask: Mask, spacing_mm: tuple[float, float, float], *, sense: EdgeSense
) -> BorderDoubt:
    """How likely each voxel belongs to a mask: sure but for a rim, the wider the fainter the edge is.

    Args:
        values: (S, R, C) grey values, a little smoothed, without NaN.
        mask: (S, R, C) bool, not empty; where it reaches the end of the array it is cut there, and sure.
        spacing_mm: of the grid.
        sense: what an edge tells.
    """
    inside = _mean_near(values, mask, spacing_mm)
    outside = _mean_near(values, ~mask, spacing_mm)
    difference = np.abs(inside - outside)
    blind = np.clip(1 - difference / sense.clear_hu, 0, 1)
    # No border is known better than a voxel is large.
    voxel = VOXEL_SHARE * float(np.prod(spacing_mm)) ** (1 / 3)
    width = np.maximum(sense.clear_mm + (sense.blind_mm - sense.clear_mm) * blind, voxel)
    # From the border, which runs half a voxel beyond the last centre.
    half = 0.5 * min(spacing_mm)
    depth = np.where(
        mask, distance_inside(mask, spacing_mm) - half, half - distance_outside(mask, spacing_mm)
    )
    odds = np.clip(SURE_ODDS * depth / width, -12, 12)
    likelihood = (1 / (1 + np.exp(-odds))).astype(np.float32)
    likelihood = np.where(mask, np.maximum(likelihood, HALF), np.minimum(likelihood, LESS_THAN_HALF))
    likelihood[np.abs(depth) > 2 * sense.blind_mm] = mask[np.abs(depth) > 2 * sense.blind_mm]
    rim = mask & ~erode(mask, 1.01 * max(spacing_mm[1:]), spacing_mm)
    share = float((blind[rim] > HALF).mean()) if rim.any() else 0.0
    return BorderDoubt(np.asarray(likelihood, dtype=np.float32), share)


def _mean_near(values: Floats, part: Mask, spacing_mm: tuple[float, float, float]) -> Floats:
    """Mean of the values of a part near each voxel; of all values where the part is far."""
    weight = filters.gaussian(part.astype(np.float32), NEAR_MM, spacing_mm)
    total = filters.gaussian(np.where(part, values, np.float32(0)), NEAR_MM, spacing_mm, as_float=True)
    return np.asarray(total / np.maximum(weight, 1e-3), dtype=np.float32)
