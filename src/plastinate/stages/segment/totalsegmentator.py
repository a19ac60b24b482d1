"""A scan -> the labels of one of TotalSegmentator's tasks, by that program itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, MemoryShort, ParameterError
from plastinate.model.geometry import LPS_TO_RAS
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.native.load import thread_count
from plastinate.native.spare_memory import spare_memory_bytes
from plastinate.native.voxels import Mask
from plastinate.nets.sliding_patch import untold
from plastinate.nets.totalsegmentator.program import ask, has_gpu, limits_here
from plastinate.nets.totalsegmentator.weights import (
    Weights,
    bring,
    licence_key,
    look,
    require_key,
    weights_folder,
)

# What scanners themselves write where they measured nothing.
AIR_HU = -1024
# What asking takes of the method's time; the rest is writing and reading.
ASKING_SHARE = 0.95
# Nibabel's (column, row, slice) from Plastinate's (slice, row, column).
TURNED = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


def totalsegmentator(
    volume: Volume,
    *,
    task: str,
    classes: Sequence[str],
    mode: str = "",
    is_licensed: bool = False,
    progress: Callable[[float], None] = untold,
) -> tuple[Mask, ...]:
    """What TotalSegmentator finds, on the scan's own voxels.

    Args:
        volume: CT or MR, as the task asks.
        task: the package's own name of it, "total".
        classes: which of its classes, by its own names, in the order of the masks. Where they are not all
            of a task for the whole body, only the networks for them are run, on the part that holds them.
        mode: "", "fast" (3 mm) or "fastest" (6 mm), where the task has them.
        is_licensed: the task needs a licence key.
        progress: told what share is done, patch by patch; what it raises ends the program.

    Returns:
        A mask for each class, (S, R, C) bool; one that is nowhere has an empty one.

    Raises:
        EmptyMask: it finds none of them.
        ExtraAbsent, KeyAbsent, ModelAbsent, DownloadFailed: the program or its weights are not to be had.
        NetworkUnsound: the program fails.
        MemoryShort: there is not enough memory.
        NoMillimetres: the scan never said its pixel size.

    Source:
        Wasserthal et al., Radiology: Artificial Intelligence 5 (2023), doi 10.1148/ryai.230024; run by
        nnU-Net, Isensee et al., Nature Methods 18 (2021) 203-211.
    """
    volume.geometry.require_mm("a network that was trained in millimetres")
    require_key(task, is_licensed=is_licensed)
    needed = look(task, mode=mode, classes=classes)
    strange = [name for name in classes if name not in needed.classes]
    if strange:
        raise ParameterError(
            f"TotalSegmentator {needed.version} has no class {strange[0]!r} in its task {task!r}."
        )
    bring(needed)
    numbers, known = _labelled(volume, needed, classes if needed.is_part else (), progress)
    progress(1.0)
    counts = np.bincount(numbers.ravel(), minlength=256)
    found = sum(counts[known[name]] > 0 for name in classes)
    if not found:
        raise EmptyMask(", ".join(classes[:5]), "TotalSegmentator recognises none in this scan")
    if found * numbers.size > spare_memory_bytes():
        raise MemoryShort(f"the masks of {found} structures")
    # An empty mask that nobody has written to takes no memory, and a chest lacks half of a whole body.
    empty = np.zeros(numbers.shape, dtype=np.bool_)
    return tuple(numbers == known[name] if counts[known[name]] else empty for name in classes)


def _labelled(
    volume: Volume, needed: Weights, classes: Sequence[str], progress: Callable[[float], None]
) -> tuple[npt.NDArray[np.uint8], Mapping[str, int]]:
    """(S, R, C) numbers, and which number is which class."""
    with tempfile.TemporaryDirectory(prefix="plastinate-labels-") as folder:
        array, labels = Path(folder) / "scan.npy", Path(folder) / "labels.npy"
        np.save(array, _as_scanned(volume))
        on_gpu = has_gpu()
        answer = ask(
            {
                "do": "predict",
                "task": needed.task,
                "mode": needed.mode,
                "classes": list(classes),
                "device": "gpu" if on_gpu else "cpu",
                "threads": thread_count(),
                "array": str(array),
                "labels": str(labels),
                "to_ras_mm": (LPS_TO_RAS @ volume.geometry.to_lps_mm @ TURNED).tolist(),
            },
            weights=weights_folder(),
            key=licence_key(),
            limits=limits_here(is_on_gpu=on_gpu),
            told=_Networks(len(needed.networks), progress).told,
        )
        numbers: npt.NDArray[np.uint8] = np.load(labels, allow_pickle=False)
    if numbers.shape != volume.geometry.shape or numbers.dtype != np.uint8:
        raise ParameterError(f"TotalSegmentator gave labels of {numbers.shape} for {volume.geometry.shape}.")
    return numbers, answer["classes"]


def _as_scanned(volume: Volume) -> npt.NDArray[Any]:
    """The voxels with air, or the lowest value, where nothing was measured."""
    if volume.array.dtype == np.int16:
        return np.where(volume.array == UNMEASURED_INT16, np.int16(AIR_HU), volume.array)
    lowest = np.float32(AIR_HU if volume.quantity == "HU" else np.nanmin(volume.array, initial=0))
    return np.where(np.isnan(volume.array), lowest, volume.array)


class _Networks:
    """Patches of several networks, one after the other -> the share of all."""

    def __init__(self, count: int, progress: Callable[[float], None]) -> None:
        self._count = count
        self._done = 0
        self._last = 0.0
        self._progress = progress

    def told(self, message: Mapping[str, Any]) -> None:
        """Take one line of the child; an empty one only asks whether to go on."""
        if message.get("unit") == "patches":
            share = message["at"] / max(message["of"], 1)
            self._done += share < self._last
            self._last = share
        self._progress(ASKING_SHARE * min(1.0, (self._done + self._last) / self._count))
