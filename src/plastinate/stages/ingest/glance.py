"""An examined input -> one slice of it to show beside its name, decoded without the rest if that can be."""

from __future__ import annotations

from typing import Any

import numpy as np

from plastinate.model.errors import PlastinateError
from plastinate.stages.ingest.doctor import Case, Examination
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.picture_volume import Memory, PlainMemory, read_picture
from plastinate.stages.ingest.stack import Stack
from plastinate.stages.ingest.upright import Upright, upright

# Larger ones are not shown: a picture beside a name is not worth their memory.
SLICE_PIXELS_MAX = 1 << 25
PICTURE_VOXELS_MAX = 1 << 28
# Slices that are decoded, in vain so far, before the look goes on without a picture.
TRIES_MAX = 3


def glance(examination: Examination, *, shared: Memory, limits: Limits) -> dict[str, Any]:
    """The middle slice of the first series of which one can be shown, as JSON values beside shared memory.

    It stands as people look at it: the front of the patient up, or the head.
    A slice that cannot be decoded is no reason to fail: the build will say so in words.

    Returns:
        {"array": {"shape", "dtype"}, "quantity", "spacing"} or nothing.
    """
    worth_a_try = [case for case in examination.cases if case.series.is_usable and _is_small(case)]
    for case in worth_a_try[:TRIES_MAX]:
        try:
            shown, quantity = _of_picture(case, limits) if case.picture is not None else _of_stack(case)
        except (PlastinateError, OSError, ValueError, MemoryError):
            continue
        if shown.plane.size:
            return _handed_over(shown, quantity, shared)
    return {}


def _is_small(case: Case) -> bool:
    slices, rows, columns = case.series.shape
    # A picture file is read whole.
    is_bearable = case.picture is None or slices * rows * columns <= PICTURE_VOXELS_MAX
    return is_bearable and rows * columns <= SLICE_PIXELS_MAX


def _handed_over(shown: Upright, quantity: str, shared: Memory) -> dict[str, Any]:
    handed = shared.make((1, *shown.plane.shape), shown.plane.dtype)
    handed[0] = shown.plane
    return {
        "array": {"shape": [1, *shown.plane.shape], "dtype": shown.plane.dtype.name},
        "quantity": quantity,
        "spacing": [float(each) for each in shown.spacing],
    }


def _of_stack(case: Case) -> tuple[Upright, str]:
    from plastinate.stages.ingest.assemble import assemble
    from plastinate.stages.ingest.lattice import lattice_of

    frames = case.stacks[0].frames
    middle = (frames[len(frames) // 2],)
    done = assemble(Stack(middle, lattice_of(middle)[0]))
    return _upright(done.array[0], done.to_lps_mm), done.quantity


def _of_picture(case: Case, limits: Limits) -> tuple[Upright, str]:
    assert case.picture is not None  # noqa: S101 (asked before)
    read = read_picture(case.picture, PlainMemory(), limits=limits)
    return _upright(read.array[read.array.shape[0] // 2], read.to_lps_mm), read.quantity


def _upright(plane: Any, to_lps_mm: Any) -> Upright:
    rows, columns = to_lps_mm[:3, 1], to_lps_mm[:3, 2]
    spacing = (float(np.linalg.norm(rows)), float(np.linalg.norm(columns)))
    return upright(plane, row_step=rows, column_step=columns, spacing=spacing)
