"""Volume -> float volume on a stated scale: a CT window, MR percentiles, or a learnt standard histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.volume import Volume

Floats = npt.NDArray[np.float64]

# Nyul, Udupa & Zhang 2000, section III: the deciles between the 0th and the 99.8th percentile.
LANDMARK_PERCENTS = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.8)
STANDARD_RANGE = (0.0, 100.0)


def ct_window(volume: Volume, *, low_hu: float, high_hu: float) -> Volume:
    """Map a Hounsfield window to 0..1; what lies outside is clipped, unmeasured becomes NaN.

    Args:
        volume: a CT.
        low_hu: becomes 0.
        high_hu: becomes 1.

    Raises:
        ParameterError: an empty window, or a volume that is not in Hounsfield units.
    """
    if volume.quantity != "HU":
        raise ParameterError("A Hounsfield window needs a volume in Hounsfield units.")
    if not low_hu < high_hu or not math.isfinite(high_hu - low_hu):
        raise ParameterError(f"The window {low_hu:g}:{high_hu:g} is empty: the lower bound comes first.")
    return _mapped(volume, (low_hu, high_hu), (0.0, 1.0), is_clipped=True)


def mr_percentiles(volume: Volume, *, low_percent: float = 1.0, high_percent: float = 99.0) -> Volume:
    """Map the range between two percentiles of the measured values to 0..1, clipped.

    Args:
        volume: of any modality.
        low_percent: this percentile becomes 0.
        high_percent: this one becomes 1.

    Raises:
        ParameterError: percentiles out of order, or all values are equal.
        EmptyMask: nothing was measured.
    """
    if not 0 <= low_percent < high_percent <= 100:
        raise ParameterError(f"Percentiles run from 0 to 100, not {low_percent:g} to {high_percent:g}.")
    low, high = _percentiles(_measured(volume), (low_percent, high_percent))
    if low == high:
        raise ParameterError(f"The percentiles {low_percent:g} and {high_percent:g} are the same value.")
    return _mapped(volume, (low, high), (0.0, 1.0), is_clipped=True)


def standard_histogram(volume: Volume, *, standard: Sequence[float]) -> Volume:
    """Bend the histogram so that its landmarks fall on those of a learnt standard.

    After it the same tissue has about the same value in scans of the same
    sequence. Values beyond the outer landmarks continue the outermost pieces.

    Args:
        volume: an MR.
        standard: the 11 landmarks that `learn_standard` gives.

    Returns:
        float32 volume.

    Raises:
        ParameterError: the standard is not 11 rising numbers.
        EmptyMask: nothing was measured.

    Source:
        Nyul, Udupa, Zhang, IEEE Trans Med Imaging 19 (2000) 143-150, section III (the deciles, L4).
    """
    wanted = np.asarray(standard, dtype=np.float64)
    if wanted.shape != (len(LANDMARK_PERCENTS),) or not (np.diff(wanted) > 0).all():
        raise ParameterError(f"A standard is {len(LANDMARK_PERCENTS)} rising numbers.")
    own, kept = _rising(landmarks(volume))
    return _mapped(volume, tuple(own), tuple(wanted[kept]), is_clipped=False)


def learn_standard(volumes: Sequence[Volume]) -> tuple[float, ...]:
    """Mean landmarks of several scans of one sequence, each brought to 0..100 first.

    Source:
        Nyul, Udupa, Zhang 2000, section III, training.
    """
    rows = []
    for volume in volumes:
        own = landmarks(volume)
        rows.append(np.interp(own, [own[0], own[-1]], STANDARD_RANGE))
    return tuple(np.mean(rows, axis=0).tolist())


def landmarks(volume: Volume) -> Floats:
    """(11,) percentiles of the voxels above the mean, which leaves the air around the head out."""
    measured = _measured(volume)
    return _percentiles(measured[measured > measured.mean(dtype=np.float64)], LANDMARK_PERCENTS)


def _measured(volume: Volume) -> npt.NDArray[Any]:
    measured = volume.array[volume.measured]
    if measured.size == 0:
        raise EmptyMask("the volume", "nothing was measured")
    return measured


def _percentiles(values: npt.NDArray[Any], percents: Sequence[float]) -> Floats:
    if values.size == 0:
        raise ParameterError("All values are equal, so there is no histogram to go by.")
    return np.asarray(np.percentile(values, percents), dtype=np.float64)


def _rising(own: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Landmarks without repeats: a flat stretch of the histogram has no slope to map."""
    kept = np.concatenate([[0], np.flatnonzero(np.diff(own) > 0) + 1])
    if kept.size < 2:
        raise ParameterError("All values are equal, so there is no histogram to go by.")
    return own[kept], kept


def _mapped(volume: Volume, source: Sequence[float], target: Sequence[float], *, is_clipped: bool) -> Volume:
    """Piecewise linear, slice by slice, so that no double-precision volume is ever made."""
    x, y = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    first, last = (y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2])
    out = np.empty(volume.geometry.shape, dtype=np.float32)
    for s, values in enumerate(volume.array):
        exact = values.astype(np.float64)
        mapped = np.interp(exact, x, y)
        if not is_clipped:
            mapped += np.minimum(exact - x[0], 0) * first + np.maximum(exact - x[-1], 0) * last
        gap = values == np.int16(-32768) if values.dtype == np.int16 else np.isnan(values)
        mapped[gap] = np.nan
        out[s] = mapped
    return Volume(volume.geometry, out, "a.u.", volume.modality, volume.filled_slices)
