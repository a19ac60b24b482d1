"""Grey volume -> mask, counts, sums; mask -> its box: one pass each, in `voxel_values.cpp`."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.native.load import integers, library, pointer, thread_count

Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]

# -32768 marks what was never measured, so no int16 window may start below this.
LEAST_INT16 = -32767
GREATEST_INT16 = 32767


@dataclass(frozen=True)
class Sums:
    """Sums over measured voxels.

    Attributes:
        count: measured voxels looked at.
        mean, deviation: of their values; deviation is that of the population. NaN if there are none.
        low, high: least and greatest value.
    """

    count: int
    mean: float
    deviation: float
    low: float
    high: float


def check(status: int, *, kernel: str) -> None:
    """Turn a kernel's status into an exception.

    Raises:
        MemoryError: status 1.
        ValueError: any other status but 0.
    """
    if status == 1:
        raise MemoryError(f"the kernel {kernel} ran out of memory")
    if status != 0:
        raise ValueError(f"the kernel {kernel} refused its arguments ({status})")


def as_mask(mask: npt.NDArray[Any]) -> Mask:
    """A C-contiguous boolean view of a 3D mask, copied only where it has to be."""
    if mask.ndim != 3:
        raise ValueError(f"a mask has three axes, not {mask.ndim}")
    return np.ascontiguousarray(mask if mask.dtype == np.bool_ else mask != 0)


def as_grey(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], str]:
    """A C-contiguous grey volume and the suffix of the kernels that read it."""
    if array.ndim != 3 or array.dtype not in (np.dtype(np.int16), np.dtype(np.float32)):
        raise ValueError(f"a grey volume is 3D int16 or float32, not {array.ndim}D {array.dtype}")
    return np.ascontiguousarray(array), "int16" if array.dtype == np.int16 else "float32"


def threshold(array: npt.NDArray[Any], low: float, high: float) -> Mask:
    """The voxels with low <= value <= high; unmeasured ones never match.

    Args:
        array: (S, R, C) int16 or float32.
        low: least value that matches; -inf leaves the side open.
        high: greatest value that matches.

    Returns:
        (S, R, C) bool.

    >>> threshold(np.array([[[-32768, 0, 200, 201]]], dtype=np.int16), 0, 200).tolist()
    [[[False, True, True, False]]]
    """
    if math.isnan(low) or math.isnan(high):
        raise ValueError("a window needs two numbers")
    array, kind = as_grey(array)
    out = np.zeros(array.shape, dtype=np.bool_)
    slices, plane = array.shape[0], array.shape[1] * array.shape[2]
    if kind == "int16":
        least = LEAST_INT16 if low <= LEAST_INT16 else math.ceil(min(low, GREATEST_INT16 + 1))
        greatest = GREATEST_INT16 if high >= GREATEST_INT16 else math.floor(max(high, LEAST_INT16 - 1))
        if least > greatest:
            return out
        limits: tuple[Any, Any] = (ctypes.c_int(least), ctypes.c_int(greatest))
    else:
        limits = (ctypes.c_float(low), ctypes.c_float(high))
    run = getattr(library("voxel_values"), f"window_{kind}")
    status = run(
        pointer(array), ctypes.c_int64(slices), ctypes.c_int64(plane), *limits, thread_count(), pointer(out)
    )
    check(status, kernel="threshold")
    return out


def count(mask: Mask) -> int:
    """Voxels that are set."""
    return int(np.count_nonzero(mask))


def bounding_box(mask: Mask, *, margin: int | tuple[int, int, int] = 0) -> Box | None:
    """The smallest box around the set voxels, widened by `margin` voxels and clipped; None if empty.

    >>> m = np.zeros((3, 4, 5), bool); m[1, 2, 3] = True
    >>> bounding_box(m, margin=1)
    (slice(0, 3, None), slice(1, 4, None), slice(2, 5, None))
    """
    mask = as_mask(mask)
    found = np.zeros(6, dtype=np.int64)
    run = library("voxel_runs").mask_box
    check(run(pointer(mask), pointer(integers(*mask.shape)), thread_count(), pointer(found)), kernel="box")
    if found[3] == 0:
        return None
    margins = (margin, margin, margin) if isinstance(margin, int) else margin
    edges = zip(found[:3].tolist(), found[3:].tolist(), margins, mask.shape, strict=True)
    s, r, c = (slice(max(0, a - m), min(n, b + m)) for a, b, m, n in edges)
    return s, r, c


def histogram(array: npt.NDArray[np.int16], mask: Mask | None = None) -> npt.NDArray[np.int64]:
    """How often each int16 value occurs: entry v + 32768 counts value v; unmeasured is left out.

    Args:
        array: (S, R, C) int16.
        mask: count only inside it.

    Returns:
        (65536,) int64.
    """
    if array.dtype != np.int16:
        raise ValueError("this histogram counts int16 values")
    array, _ = as_grey(array)
    inside = None if mask is None else as_mask(mask)
    counts = np.zeros(65536, dtype=np.int64)
    slices, plane = ctypes.c_int64(array.shape[0]), ctypes.c_int64(array.shape[1] * array.shape[2])
    where = None if inside is None else pointer(inside)
    run = library("voxel_values").histogram_int16
    check(run(pointer(array), where, slices, plane, thread_count(), pointer(counts)), kernel="histogram")
    counts[0] = 0
    return counts


def sums(array: npt.NDArray[Any], mask: Mask | None = None) -> Sums:
    """Count, mean, deviation and range of the measured voxels, of those in the mask if one is given."""
    array, kind = as_grey(array)
    inside = None if mask is None else as_mask(mask)
    out = np.zeros(5, dtype=np.float64)
    slices, plane = ctypes.c_int64(array.shape[0]), ctypes.c_int64(array.shape[1] * array.shape[2])
    where = None if inside is None else pointer(inside)
    run = getattr(library("voxel_values"), f"sums_{kind}")
    shift = 0.0
    # Twice: the second time about the mean, where the sum of squares keeps its digits.
    for _ in range(2):
        status = run(
            pointer(array), where, slices, plane, ctypes.c_double(shift), thread_count(), pointer(out)
        )
        check(status, kernel="sums")
        if out[0] == 0:
            return Sums(0, math.nan, math.nan, math.nan, math.nan)
        shift += float(out[1] / out[0])
    variance = max(0.0, float(out[2] / out[0] - (out[1] / out[0]) ** 2))
    return Sums(int(out[0]), shift, math.sqrt(variance), float(out[3]), float(out[4]))


def gradient_magnitude(
    array: npt.NDArray[Any], spacing: tuple[float, float, float]
) -> npt.NDArray[np.float32]:
    """Length of the gradient, value per unit of spacing, by central differences.

    One-sided at the border and beside unmeasured voxels; 0 in unmeasured ones.
    """
    array, kind = as_grey(array)
    out = np.empty(array.shape, dtype=np.float32)
    run = getattr(library("voxel_values"), f"gradient_{kind}")
    steps = np.array(spacing, dtype=np.float64)
    status = run(
        pointer(array), pointer(integers(*array.shape)), pointer(steps), thread_count(), pointer(out)
    )
    check(status, kernel="gradient")
    return out


def paint_label(mask: Mask, label: int, labels: npt.NDArray[np.uint16]) -> tuple[int, int]:
    """Write a label, in place, where the mask is set and the label map is still 0.

    Returns:
        Voxels written, and voxels that already belonged to another label.
    """
    mask = as_mask(mask)
    if labels.dtype != np.uint16 or labels.shape != mask.shape or not 0 < label < 65536:
        raise ValueError("labels are uint16 on the mask's grid, and 0 is background")
    counts = np.zeros((mask.shape[0], 2), dtype=np.int64)
    slices, plane = ctypes.c_int64(mask.shape[0]), ctypes.c_int64(mask.shape[1] * mask.shape[2])
    run = library("voxel_values").paint_label
    status = run(pointer(mask), slices, plane, label, thread_count(), pointer(labels), pointer(counts))
    check(status, kernel="labels")
    won, lost = counts.sum(axis=0).tolist()
    return won, lost
