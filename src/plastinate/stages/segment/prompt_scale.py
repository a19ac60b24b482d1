"""Grey values of a slice -> 0 to 1, as the promptable network was taught to see them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from plastinate.model.volume import Volume
from plastinate.stages.segment.slice_field import volume_measured

Floats = npt.NDArray[np.float32]
Look = Literal["soft", "lung", "grey"]

# Of CT it was shown a window for each kind of tissue: level 40 and width 400 for organs, -160 and 1500 for
# lungs. Of everything else, what lies between two percentiles of what is not black.
WINDOWS_HU = {"soft": (-160.0, 240.0), "lung": (-910.0, 590.0)}
PERCENT = (0.5, 99.5)
# Half way from air to soft tissue: darker is lung or gas, of which the window for organs shows nothing.
LUNG_HU = -500.0
# Percentiles need no more values than this.
VALUES_ENOUGH = 2_000_000


def look_for(volume: Volume, values: Floats) -> Look:
    """Which window shows what was marked.

    Args:
        volume: CT or MR.
        values: grey values of what was marked; NaN where nothing was measured.
    """
    if volume.quantity != "HU":
        return "grey"
    known = values[~np.isnan(values)]
    return "lung" if known.size and float(np.median(known)) < LUNG_HU else "soft"


def grey_ends(volume: Volume) -> tuple[float, float]:
    """The two percentiles of an MR volume that become black and white."""
    values = volume.array[volume_measured(volume.array) & (volume.array > 0)]
    values = values[:: max(1, values.size // VALUES_ENOUGH)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, PERCENT)
    return float(low), float(high)


def scaled(values: Floats, ends: tuple[float, float]) -> Floats:
    """0 to 1 between the ends, then stretched so that this picture has both; unmeasured is 0.

    Args:
        values: (side, side); NaN where nothing was measured.
        ends: what becomes black, and white.
    """
    low, high = ends
    clipped = np.clip(np.where(np.isnan(values), low, values), low, high)
    darkest, brightest = float(clipped.min()), float(clipped.max())
    if not brightest > darkest:
        return np.zeros_like(clipped, dtype=np.float32)
    return np.asarray((clipped - darkest) / (brightest - darkest), dtype=np.float32)
