"""Volume -> classes of brightness, with thresholds found from the histogram alone."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import ParameterError
from plastinate.model.volume import Volume
from plastinate.native import voxels
from plastinate.stages.segment.checks import Mask, found, require_masks, require_window

Floats = npt.NDArray[np.float64]

# Bins of a float volume, and of any volume before the search over several thresholds.
BINS = 1024
COARSE_BINS = 256
MOST_CLASSES = 5


def otsu(
    volume: Volume,
    *inside: Mask,
    is_bright: bool = True,
    low: float = -math.inf,
    high: float = math.inf,
) -> Mask:
    """The brighter (or darker) of the two classes that Otsu's threshold parts.

    Args:
        volume: what to look at.
        inside: at most one mask; only its voxels are counted and can match.
        is_bright: take the voxels above the threshold, else those at or below it.
        low: values below it are neither counted nor matched.
        high: values above it are neither counted nor matched.

    Raises:
        ParameterError: the window is empty, or holds less than two different values.
        EmptyMask: nothing is left.

    Source:
        Otsu, IEEE Trans Syst Man Cybern 9 (1979), equation 14.
    """
    require_masks(volume, inside, least=0)
    cut = otsu_thresholds(volume, *inside, classes=2, low=low, high=high)[0]
    window = (_above(cut, volume), high) if is_bright else (low, cut)
    mask = voxels.threshold(volume.array, *window)
    for other in inside:
        mask &= other
    return found(mask, f"the {'bright' if is_bright else 'dark'} side of {cut:g}")


def multi_otsu(
    volume: Volume, *inside: Mask, classes: int = 3, low: float = -math.inf, high: float = math.inf
) -> tuple[Mask, ...]:
    """All classes of brightness, darkest first, parted by the thresholds that separate them best.

    Args:
        volume: what to look at.
        inside: at most one mask; only its voxels are counted and can match.
        classes: 2 to 5.
        low: values below it are neither counted nor matched.
        high: values above it are neither counted nor matched.

    Raises:
        ParameterError: an impossible number of classes, or too few different values.

    Source:
        Liao, Chen, Chung, J Inf Sci Eng 17 (2001), section 3: the class table; here searched by
        dynamic programming, which gives the same optimum.
    """
    require_masks(volume, inside, least=0)
    cuts = otsu_thresholds(volume, *inside, classes=classes, low=low, high=high)
    starts = [low, *(_above(cut, volume) for cut in cuts)]
    made = []
    for start, end in zip(starts, [*cuts, high], strict=True):
        mask = voxels.threshold(volume.array, start, end)
        for other in inside:
            mask &= other
        made.append(mask)
    return tuple(made)


def otsu_thresholds(
    volume: Volume, *inside: Mask, classes: int = 2, low: float = -math.inf, high: float = math.inf
) -> tuple[float, ...]:
    """The thresholds themselves: the greatest value of each class but the last.

    Two classes of an int16 volume are parted exactly; otherwise to one bin of the histogram
    (1024 bins for two classes, 256 for more, between the least and greatest value counted).
    """
    require_window(low, high)
    if not 2 <= classes <= MOST_CLASSES:
        raise ParameterError(f"Otsu parts 2 to {MOST_CLASSES} classes, not {classes}.")
    values, counts = _histogram(volume, inside[0] if inside else None, low, high)
    if np.count_nonzero(counts) < classes:
        raise ParameterError(f"There are fewer than {classes} different values to part.")
    if classes == 2:
        return (float(values[_best_cut(values, counts)]),)
    values, counts = _coarser(values, counts)
    if np.count_nonzero(counts) < classes:
        raise ParameterError(f"The values lie too close together to part {classes} classes.")
    return tuple(float(values[cut]) for cut in _best_cuts(values, counts, classes))


def _above(cut: float, volume: Volume) -> float:
    if volume.array.dtype == np.int16:
        return math.floor(cut) + 1
    return float(np.nextafter(np.float32(cut), np.float32(np.inf)))


def _histogram(volume: Volume, inside: Mask | None, low: float, high: float) -> tuple[Floats, Floats]:
    """Greatest value of each bin, and the count."""
    if volume.array.dtype == np.int16:
        counts = voxels.histogram(volume.array, inside)
        values = np.arange(-32768, 32768, dtype=np.float64)
        kept = (values >= low) & (values <= high)
        seen = np.flatnonzero(kept & (counts > 0))
        if seen.size == 0:
            return values[:0], values[:0]
        part = slice(int(seen[0]), int(seen[-1]) + 1)
        return values[part], counts[part].astype(np.float64)
    window = voxels.threshold(volume.array, low, high)
    if inside is not None:
        window &= inside
    spread = voxels.sums(volume.array, window)
    if spread.count == 0:
        return np.zeros(0), np.zeros(0)
    edges = np.linspace(spread.low, spread.high, BINS + 1)
    total = np.zeros(BINS, dtype=np.float64)
    for values, chosen in zip(volume.array, window, strict=True):
        total += np.histogram(values[chosen], bins=edges)[0]
    return edges[1:], total


def _best_cut(values: Floats, counts: Floats) -> int:
    weight = np.cumsum(counts)
    moment = np.cumsum(counts * values)
    rest = weight[-1] - weight
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * weight / weight[-1] - moment) ** 2 / (weight * rest)
    return int(np.argmax(np.where((weight > 0) & (rest > 0), between, -1.0)))


def _coarser(values: Floats, counts: Floats) -> tuple[Floats, Floats]:
    if values.size <= COARSE_BINS:
        return values, counts
    ends = np.linspace(0, values.size, COARSE_BINS + 1).round().astype(np.int64)
    return values[ends[1:] - 1], np.add.reduceat(counts, ends[:-1])


def _best_cuts(values: Floats, counts: Floats, classes: int) -> list[int]:
    """Cuts that maximise the sum of moment^2 / weight over the classes."""
    bins = values.size
    weight = np.concatenate([[0.0], np.cumsum(counts)])
    moment = np.concatenate([[0.0], np.cumsum(counts * values)])
    mass = weight[None, :] - weight[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = (moment[None, :] - moment[:, None]) ** 2 / mass
    # A class without a voxel is no class.
    gain = np.where(mass > 0, gain, -np.inf)
    best, came = gain[0].copy(), []
    for _ in range(1, classes):
        total = best[:, None] + gain
        came.append(total.argmax(axis=0))
        best = total.max(axis=0)
    cuts, end = [], bins
    for step in reversed(came):
        end = int(step[end])
        cuts.append(end - 1)
    return cuts[::-1]
