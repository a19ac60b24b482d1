"""Masks on a few slices -> a guess for every slice between them: shapes that turn into each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plastinate.native.distance import distance_inside, distance_outside

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

# Within one slice: no other is near.
NO_STEP_MM = 1e6


def signed_distance(mask: Flags, spacing_mm: tuple[float, float]) -> Floats:
    """(R, C) mm to the edge of a mask, positive inside.

    Args:
        mask: (R, C), not empty.
        spacing_mm: of its pixels, down and right.
    """
    spacing = (NO_STEP_MM, *spacing_mm)
    inside = distance_inside(mask[None], spacing)[0]
    outside = distance_outside(mask[None], spacing)[0]
    return np.asarray(np.where(mask, np.minimum(inside, NO_STEP_MM / 2), -outside), dtype=np.float32)


def shape_between(number: int, keys: Mapping[int, Floats]) -> Floats:
    """(R, C) mm to the edge of what is to be expected on a slice between two keys.

    Args:
        number: of the slice, not of a key.
        keys: slice -> `signed_distance` there; at least one on either side.

    Source:
        Shape-based interpolation: S. P. Raya and J. K. Udupa, IEEE Transactions on Medical Imaging 9 (1990)
        32-42.
    """
    before = max(key for key in keys if key < number)
    after = min(key for key in keys if key > number)
    share = (number - before) / (after - before)
    return np.asarray((1 - share) * keys[before] + share * keys[after], dtype=np.float32)
