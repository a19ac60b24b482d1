"""An examined input -> one slice of it to show beside its name, decoded without the rest if that can be."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import PlastinateError
from plastinate.stages.ingest.doctor import Case, Examination
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.stack import Stack

# Larger ones are not shown: a picture beside a name is not worth their memory.
SLICE_PIXELS_MAX = 1 << 25
PICTURE_VOXELS_MAX = 1 << 28
# Slices that are decoded, in vain so far, before the look goes on without a picture.
TRIES_MAX = 3


class Memory(Protocol):
    """Where voxels go."""

    def make(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Allocate the array that is handed over."""


class _PlainMemory:
    """For a file that can only be read whole: the whole is not handed over."""

    def make(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.zeros(shape, dtype)


def glance(examination: Examination, *, shared: Memory, limits: Limits) -> dict[str, Any]:
    """The middle slice of the first series of which one can be shown, as JSON values beside shared memory.

    A slice that cannot be decoded is no reason to fail: the build will say so in words.

    Returns:
        {"array": {"shape", "dtype"}, "quantity", "spacing"} or nothing.
    """
    worth_a_try = [case for case in examination.cases if case.series.is_usable and _is_small(case)]
    for case in worth_a_try[:TRIES_MAX]:
        try:
            plane, quantity = _of_picture(case, limits) if case.picture is not None else _of_stack(case)
        except (PlastinateError, OSError, ValueError, MemoryError):
            continue
        if plane.size:
            return _handed_over(plane, quantity, case, shared)
    return {}


def _is_small(case: Case) -> bool:
    slices, rows, columns = case.series.shape
    # A picture file is read whole.
    is_bearable = case.picture is None or slices * rows * columns <= PICTURE_VOXELS_MAX
    return is_bearable and rows * columns <= SLICE_PIXELS_MAX


def _handed_over(plane: npt.NDArray[Any], quantity: str, case: Case, shared: Memory) -> dict[str, Any]:
    handed = shared.make((1, *plane.shape), plane.dtype)
    handed[0] = plane
    spacing = case.series.spacing_mm or (1.0, 1.0, 1.0)
    return {
        "array": {"shape": [1, *plane.shape], "dtype": plane.dtype.name},
        "quantity": quantity,
        "spacing": [float(spacing[1]), float(spacing[2])],
    }


def _of_stack(case: Case) -> tuple[npt.NDArray[Any], str]:
    from plastinate.stages.ingest.assemble import assemble
    from plastinate.stages.ingest.lattice import lattice_of

    frames = case.stacks[0].frames
    middle = (frames[len(frames) // 2],)
    done = assemble(Stack(middle, lattice_of(middle)[0]))
    return done.array[0], done.quantity


def _of_picture(case: Case, limits: Limits) -> tuple[npt.NDArray[Any], str]:
    from plastinate.stages.ingest.jobs import picture_reader

    assert case.picture is not None  # noqa: S101 (asked before)
    read = picture_reader(case.picture, _PlainMemory(), limits=limits)()
    return read.array[read.array.shape[0] // 2], read.quantity
