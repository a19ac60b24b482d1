"""An examined input -> a slice of each series to show beside its name, decoded alone if that can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import PlastinateError
from plastinate.model.volume import UNMEASURED_INT16
from plastinate.stages.ingest.doctor import Case, Examination
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.picture_volume import Memory, PlainMemory, read_picture
from plastinate.stages.ingest.stack import Stack
from plastinate.stages.ingest.upright import Upright, upright

# Of all slices together, and of all files read for them: pictures beside names are not worth more memory.
SLICE_PIXELS_MAX = 1 << 25
PICTURE_VOXELS_MAX = 1 << 28
# A page shows so many series with their pictures; the others are there without.
SLICES_MAX = 12
# Slices that are decoded in vain before the look goes on without further pictures.
TRIES_MAX = 3


def glance(examination: Examination, *, shared: Memory, limits: Limits) -> dict[str, Any]:
    """The middle slice of each series that can be built, as JSON values beside shared memory.

    It stands as people look at it: the front of the patient up, or the head.
    A slice that cannot be decoded is no reason to fail: the build will say so in words.

    Returns:
        {"array": {"shape", "dtype"}, "slices": [{"series", "shape", "quantity", "spacing"}, ...]}, where the
        array holds one slice behind the other, in float32 with NaN for what was not measured; or nothing.
    """
    shown: list[tuple[int, Upright, str]] = []
    pixels, voxels, in_vain = SLICE_PIXELS_MAX, PICTURE_VOXELS_MAX, 0
    for case in examination.cases:
        if len(shown) == SLICES_MAX or in_vain == TRIES_MAX:
            break
        slices, rows, columns = case.series.shape
        # A picture file is read whole.
        read = slices * rows * columns if case.picture is not None else 0
        if not case.series.is_usable or rows * columns > pixels or read > voxels:
            continue
        voxels -= read
        try:
            seen, quantity = _of_picture(case, limits) if case.picture is not None else _of_stack(case)
        except (PlastinateError, OSError, ValueError, MemoryError):
            in_vain += 1
            continue
        if seen.plane.size:
            pixels -= seen.plane.size
            shown.append((case.series.number, seen, quantity))
    return _handed_over(shown, shared) if shown else {}


def _handed_over(shown: list[tuple[int, Upright, str]], shared: Memory) -> dict[str, Any]:
    planes = [_in_float(seen.plane) for _, seen, _ in shown]
    shape = (1, 1, sum(plane.size for plane in planes))
    shared.make(shape, np.float32)[0, 0] = np.concatenate([plane.ravel() for plane in planes])
    return {
        "array": {"shape": list(shape), "dtype": "float32"},
        "slices": [
            {
                "series": number,
                "shape": list(seen.plane.shape),
                "quantity": quantity,
                "spacing": [float(each) for each in seen.spacing],
            }
            for number, seen, quantity in shown
        ],
    }


def _in_float(plane: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    values = plane.astype(np.float32)
    if plane.dtype == np.int16:
        values[plane == UNMEASURED_INT16] = np.nan
    return values


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
