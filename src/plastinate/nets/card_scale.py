"""A card's scale and a scan -> the function that turns voxels into the network's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.depot import Scale
from plastinate.model.volume import UNMEASURED_INT16, Volume

Floats = npt.NDArray[np.float32]


def scale_for(volume: Volume, scale: Scale, *, padding: float) -> Callable[[npt.NDArray[Any]], Floats]:
    """How a network's numbers are made of this scan's.

    Args:
        volume: the whole scan: its own mean, deviation or percentiles are those of all that was measured.
        scale: as the card says it.
        padding: the network's number for what was not measured.

    Returns:
        Voxels of any shape, int16 or float32 -> float32.
    """
    low, high, shift, factor, after = _linear(volume, scale)

    def scaled(values: npt.NDArray[Any]) -> Floats:
        unmeasured = values == UNMEASURED_INT16 if values.dtype == np.int16 else np.isnan(values)
        made = values.astype(np.float32)
        if low < high:
            np.clip(made, low, high, out=made)
        made -= np.float32(shift)
        made *= np.float32(factor)
        made += np.float32(after)
        made[unmeasured] = padding
        return made

    return scaled


def _linear(volume: Volume, scale: Scale) -> tuple[float, float, float, float, float]:
    """(low, high, shift, factor, after): clip where low is below high, then (v - shift) * factor + after."""
    if scale.kind == "none":
        return 0.0, 0.0, 0.0, 1.0, 0.0
    if scale.kind == "clip-and-standardise":
        return scale.low, scale.high, scale.mean, 1 / scale.deviation, 0.0
    if scale.kind == "window":
        return _between(scale.low, scale.high, scale.to)
    measured = volume.array[volume.measured]
    if not measured.size:
        return 0.0, 0.0, 0.0, 1.0, 0.0
    if scale.kind == "z-score":
        deviation = float(measured.std(dtype=np.float64))
        return 0.0, 0.0, float(measured.mean(dtype=np.float64)), 1 / max(deviation, 1e-8), 0.0
    ends = np.percentile(measured, [scale.low_percent, scale.high_percent])
    return _between(float(ends[0]), float(ends[1]), scale.to)


def _between(low: float, high: float, to: tuple[float, float]) -> tuple[float, float, float, float, float]:
    if high <= low:
        # A scan of one grey value.
        return 0.0, 0.0, low, 0.0, to[0]
    return low, high, low, (to[1] - to[0]) / (high - low), to[0]
