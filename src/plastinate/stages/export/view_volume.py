"""Measured values and labels in, files of bricks in several levels of detail out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.labels import LabelMap
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.native.side_by_side import side_by_side
from plastinate.stages.export.view_bricks import (
    Grid,
    Level,
    axes_to_halve,
    cells,
    halved_geometry,
    label_brick,
    value_brick,
    write_bricks,
)

# A level whose longest side is no longer than this is the last: a few bricks, fetched at once.
COARSEST = 96
UNMEASURED = int(UNMEASURED_INT16)
STORED_MAX = 32767
SLAB_SLICES = 16
# The window in which CT is read most often; that of anything else spans nearly all of its values.
SOFT_TISSUE = {"centre": 40.0, "width": 400.0}
WINDOW_SHARES = (0.01, 0.995)


@dataclass(frozen=True, eq=False)
class StoredValues:
    """A volume as 16-bit whole numbers: value = stored * scale + offset.

    Attributes:
        array: (S, R, C) int16; UNMEASURED where nothing was measured.
        counts: (65536,) how many voxels hold each number, from -32768 on.
    """

    volume: Volume
    array: npt.NDArray[np.int16]
    scale: float
    offset: float
    counts: npt.NDArray[np.int64]

    def value(self, stored: float) -> float:
        """In the volume's own quantity."""
        return stored * self.scale + self.offset


def stored_values(volume: Volume) -> StoredValues:
    """The volume as it is written: as it is where its values are such numbers, as those of CT are."""
    scale, offset, array = 1.0, 0.0, volume.array
    if array.dtype != np.int16:
        low, high, is_whole = _ends(array)
        if not is_whole or max(abs(low), abs(high)) > STORED_MAX:
            scale = max(high - low, 1e-30) / (2 * STORED_MAX)
            offset = low + STORED_MAX * scale
        array = np.empty(volume.array.shape, dtype=np.int16)
        for plane, target in zip(volume.array, array, strict=True):
            known = np.isfinite(plane)
            stored = np.rint((np.where(known, plane, low).astype(np.float64) - offset) / scale)
            target[:] = np.where(known, np.clip(stored, -STORED_MAX, STORED_MAX), UNMEASURED)
    counts = np.sum(side_by_side(_slabs(_count, array)), axis=0)
    return StoredValues(volume, array, scale, offset, counts)


def write_values(values: StoredValues, folder: Path) -> tuple[dict[str, Any], dict[Path, str]]:
    """Write every level of a volume.

    Args:
        values: from `stored_values`.
        folder: of the view.

    Returns:
        What the manifest says of it, and the SHA-256 of each file.

    Raises:
        CannotWrite: the system refused.
    """
    levels, digests = _write_levels(
        Level(values.array, values.volume.geometry),
        folder,
        name="volume",
        halve=_mean,
        encode=partial(value_brick, unmeasured=UNMEASURED),
    )
    found = np.flatnonzero(values.counts[1:]) - STORED_MAX
    ends = [values.value(int(end)) for end in (found[0], found[-1])] if found.size else [0.0, 0.0]
    return {
        "quantity": values.volume.quantity,
        "dtype": "int16",
        "range": ends,
        "unmeasured": UNMEASURED if values.counts[0] else None,
        "scale": values.scale,
        "offset": values.offset,
        "window": _window(values),
        "levels": levels,
    }, digests


def write_labels(labels: LabelMap, folder: Path) -> tuple[dict[str, Any], dict[Path, str]]:
    """Write every level of a label map, one byte a voxel where there are few enough labels.

    Raises:
        CannotWrite: the system refused.
    """
    dtype = np.dtype("<u1" if max(labels.structures, default=0) < 256 else "<u2")
    levels, digests = _write_levels(
        Level(labels.array.astype(dtype), labels.geometry),
        folder,
        name="labels",
        halve=_most_frequent,
        encode=label_brick,
    )
    return {"dtype": dtype.name, "levels": levels}, digests


def statistics(labels: LabelMap, values: StoredValues) -> dict[str, dict[str, float | int | None]]:
    """Structure id -> what its voxels hold, in the volume's quantity; where nothing was measured, None."""
    counts: dict[int, npt.NDArray[np.int64]] = {}
    lock = threading.Lock()

    def count(start: int, end: int) -> None:
        found = _count_within(labels.array[start:end], values.array[start:end])
        # Added up at once: of a hundred labels in fifty slabs the counts alone would fill the memory.
        with lock:
            for label, numbers in found.items():
                counts[label] = counts[label] + numbers if label in counts else numbers

    side_by_side([partial(count, *span) for span in _spans(len(labels.array))])
    return {
        name: _figures(counts[label], values) for label, name in labels.structures.items() if label in counts
    }


def _write_levels(
    level: Level,
    folder: Path,
    *,
    name: str,
    halve: Callable[[list[Grid]], Grid],
    encode: Callable[[Grid], tuple[bytes, int, int]],
) -> tuple[list[dict[str, Any]], dict[Path, str]]:
    described, digests = [], {}
    for number in range(32):
        path = folder / f"{name}-{number}.bin"
        told, digests[path] = write_bricks(level, path, encode=encode)
        described.append(told)
        if max(level.array.shape) <= COARSEST:
            break
        level = _next_level(level, halve)
    return described, digests


def _next_level(level: Level, halve: Callable[[list[Grid]], Grid]) -> Level:
    """Two voxels in one along each axis that is not yet twice as coarse as the finest."""
    halved = axes_to_halve(level.geometry)
    # In slabs of whole cells: a large scan is wider than int16 while it is summed.
    slabs = [
        partial(_halved, level.array[start:end], halved, halve) for start, end in _spans(len(level.array))
    ]
    return Level(np.concatenate(side_by_side(slabs)), halved_geometry(level.geometry, halved))


def _halved(slab: Grid, halved: tuple[bool, bool, bool], halve: Callable[[list[Grid]], Grid]) -> Grid:
    return halve(cells(slab, halved))


def _mean(voxels: list[Grid]) -> Grid:
    """The mean of what was measured, halves rounded up."""
    is_known = [voxel != UNMEASURED for voxel in voxels]
    if all(known.all() for known in is_known):
        total = voxels[0].astype(np.int32)
        for voxel in voxels[1:]:
            total += voxel
        shift = len(voxels).bit_length() - 1
        return ((total + (len(voxels) >> 1)) >> shift).astype(np.int16)
    total, count = np.zeros((2, *voxels[0].shape), dtype=np.int32)
    for voxel, known in zip(voxels, is_known, strict=True):
        total += np.where(known, voxel, 0)
        count += known
    divisor = np.maximum(count, 1)
    return np.where(count > 0, (total + (divisor >> 1)) // divisor, UNMEASURED).astype(np.int16)


def _most_frequent(voxels: list[Grid]) -> Grid:
    """The label that most of the voxels have; of equals, the smaller one that is not background."""
    first = voxels[0].copy()
    is_mixed = np.zeros(first.shape, dtype=bool)
    for voxel in voxels[1:]:
        is_mixed |= voxel != first
    if not is_mixed.any():
        return first
    # Only at borders is there anything to count.
    mixed = np.sort(np.stack([voxel[is_mixed] for voxel in voxels], axis=1), axis=1)
    counts = np.stack([(mixed == mixed[:, [each]]).sum(axis=1) for each in range(len(voxels))], axis=1)
    # Sorted, so the first of equals is the smallest; background gives way to any of them.
    best = np.argmax(2 * counts - (mixed == 0), axis=1)
    first[is_mixed] = np.take_along_axis(mixed, best[:, None], axis=1)[:, 0]
    return first


def _count(slab: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    return np.bincount(slab.ravel().view(np.uint16) ^ 0x8000, minlength=65536)


def _count_within(labels: Grid, values: npt.NDArray[np.int16]) -> dict[int, npt.NDArray[np.int64]]:
    present = np.flatnonzero(np.bincount(labels.ravel()))
    return {int(label): _count(values[labels == label]) for label in present if label}


def _figures(counts: npt.NDArray[np.int64], values: StoredValues) -> dict[str, float | int | None]:
    voxels = int(counts.sum())
    measured = counts.copy()
    measured[0] = 0
    total = int(measured.sum())
    if total == 0:
        return {"voxels": voxels, **dict.fromkeys(("mean", "sd", "min", "max", "p05", "median", "p95"))}
    stored = np.flatnonzero(measured)
    weights = measured[stored]
    known = (stored - 32768) * values.scale + values.offset
    mean = float(np.average(known, weights=weights))
    ranks = np.cumsum(weights)

    def at(share: float) -> float:
        return round(float(known[np.searchsorted(ranks, share * total)]), 6)

    return {
        "voxels": voxels,
        "mean": round(mean, 4),
        "sd": round(float(np.sqrt(np.average((known - mean) ** 2, weights=weights))), 4),
        "min": round(float(known[0]), 6),
        "max": round(float(known[-1]), 6),
        "p05": at(0.05),
        "median": at(0.5),
        "p95": at(0.95),
    }


def _window(values: StoredValues) -> dict[str, float]:
    measured = values.counts[1:]
    total = int(measured.sum())
    if values.volume.quantity == "HU" or total == 0:
        return SOFT_TISSUE
    ranks = np.cumsum(measured)
    low, high = (
        values.value(int(np.searchsorted(ranks, share * total)) - STORED_MAX) for share in WINDOW_SHARES
    )
    return {"centre": round((low + high) / 2, 6), "width": round(max(high - low, values.scale), 6)}


def _ends(array: Grid) -> tuple[float, float, bool]:
    """Lowest and highest value that was measured, and whether all of them are whole numbers."""
    low, high, is_whole = np.inf, -np.inf, True
    for plane in array:
        known = plane[np.isfinite(plane)]
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
            is_whole = is_whole and bool((np.rint(known) == known).all())
    return (low, high, is_whole) if low <= high else (0.0, 0.0, True)


def _spans(length: int) -> list[tuple[int, int]]:
    return [(start, min(start + SLAB_SLICES, length)) for start in range(0, length, SLAB_SLICES)]


def _slabs(
    work: Callable[[npt.NDArray[np.int16]], npt.NDArray[np.int64]], array: npt.NDArray[np.int16]
) -> list[Callable[[], npt.NDArray[np.int64]]]:
    return [partial(work, array[start:end]) for start, end in _spans(len(array))]
