"""Volume -> the same volume with less noise; unmeasured voxels stay unmeasured and have no say."""

from __future__ import annotations

import math

from plastinate.model.errors import ParameterError
from plastinate.model.volume import Volume
from plastinate.native import filters


def gaussian(volume: Volume, *, sigma_mm: float) -> Volume:
    """Blur by a Gaussian of the same width in every direction; small parts shrink and fade.

    Args:
        volume: what to smooth; int16 values are rounded.
        sigma_mm: standard deviation.
    """
    sigma = _positive("sigma_mm", sigma_mm)
    return volume.with_array(filters.gaussian(volume.array, sigma, volume.geometry.spacing_mm))


def median(volume: Volume, *, passes: int = 1) -> Volume:
    """Replace each voxel by the median of its 3x3x3 neighbourhood: specks go, straight edges stay.

    Args:
        volume: what to smooth.
        passes: how often.
    """
    array = volume.array
    for _ in range(int(_positive("passes", passes))):
        array = filters.median(array)
    return volume.with_array(array)


def _positive(name: str, value: float) -> float:
    if not math.isfinite(value) or value <= 0:
        raise ParameterError(f"{name} must be a number above zero, not {value:g}.")
    return float(value)
