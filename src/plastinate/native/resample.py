"""A volume on one grid -> the same volume on another: the binding of resample.cpp."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.native.load import integers, library, pointer, thread_count


def resample_affine(
    array: npt.NDArray[Any],
    index_map: npt.NDArray[np.float64],
    shape: Sequence[int],
    *,
    order: int = 1,
    threads: int | None = None,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Sample a volume on another grid.

    A sample that leans on unmeasured voxels, or on what lies beyond the array,
    with more than half its weight is unmeasured; otherwise the measured part
    alone decides. Where the map is diagonal and the order 1 the three
    directions are done apart, which is several times faster.

    Args:
        array: (S, R, C) int16 or float32; with order 0 any type of 1, 2 or 4 bytes.
        index_map: (3, 4) target (slice, row, column, 1) -> source index.
        shape: of the target.
        order: 0 nearest, 1 trilinear, 3 cubic (Catmull-Rom; linear where its
            4x4x4 neighbourhood is not all measured). Cubic overshoots at edges.
        threads: None for all there are. The result does not depend on it.
        out: where to write, of that shape and the type of `array`.

    Returns:
        The samples, same type as `array`. Beyond the array: UNMEASURED_INT16,
        NaN, or 0 for the types that only order 0 takes.

    Raises:
        ValueError: a map that is not finite, or a type or order that is not known.

    >>> line = np.arange(4, dtype=np.float32).reshape(1, 1, 4)
    >>> halves = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.5, 0]])
    >>> resample_affine(line, halves, (1, 1, 7))[0, 0].tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    """
    source = np.ascontiguousarray(array)
    matrix = np.ascontiguousarray(index_map, dtype=np.float64)
    if matrix.shape != (3, 4) or source.ndim != 3 or len(shape) != 3:
        raise ValueError("a (S, R, C) array, a (3, 4) map and three sizes are needed")
    target = np.empty(tuple(shape), dtype=source.dtype) if out is None else out
    if target.shape != tuple(shape) or target.dtype != source.dtype:
        raise ValueError("the place to write does not fit the samples")
    workers = thread_count() if threads is None else threads
    sizes = pointer(integers(*source.shape)), pointer(integers(*target.shape))
    kernels = library("resample")
    if order == 0:
        code = kernels.resample_nearest(
            pointer(source),
            sizes[0],
            pointer(target),
            sizes[1],
            pointer(matrix),
            ctypes.c_int(source.dtype.itemsize),
            ctypes.c_uint32(_outside_bits(source.dtype)),
            ctypes.c_int(workers),
        )
    elif order in (1, 3) and source.dtype in (np.dtype(np.int16), np.dtype(np.float32)):
        kernel = getattr(kernels, f"resample_affine_{source.dtype.name}")
        code = kernel(
            pointer(source),
            sizes[0],
            pointer(target),
            sizes[1],
            pointer(matrix),
            ctypes.c_int(order),
            ctypes.c_int(workers),
        )
    else:
        raise ValueError(f"order {order} on {source.dtype} is not known")
    _check(code)
    return target


def resample_slices(
    array: npt.NDArray[Any],
    pairs: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    displacements: npt.NDArray[np.float64],
    *,
    out: npt.NDArray[Any],
    threads: int | None = None,
) -> None:
    """Make each target slice of two source slices, both displaced alike within the plane.

    Args:
        array: (S, R, C) int16 or float32.
        pairs: (T, 2) source slices of each target slice.
        weights: (T,) weight of the second slice of the pair.
        displacements: (T, 2) (row, column): source index = target index + displacement.
        out: (T, R', C') of the type of `array`; must not overlap it.
        threads: None for all there are. The result does not depend on it.

    Raises:
        ValueError: a pair that names no slice, or types that differ.
    """
    if array.dtype != out.dtype or array.dtype not in (np.dtype(np.int16), np.dtype(np.float32)):
        raise ValueError(f"slices of {array.dtype} cannot become {out.dtype}")
    pair = np.ascontiguousarray(pairs, dtype=np.int64)
    numbers = np.ascontiguousarray(np.column_stack([weights, displacements]), dtype=np.float64)
    if pair.shape != (out.shape[0], 2) or numbers.shape != (out.shape[0], 3):
        raise ValueError("one pair, one weight and two displacements for each target slice")
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0.0) > 1e9:
        raise ValueError("a displacement is not a number")
    kernel = getattr(library("resample"), f"resample_slices_{array.dtype.name}")
    code = kernel(
        pointer(array),
        pointer(integers(*array.shape)),
        pointer(out),
        pointer(integers(*out.shape)),
        pointer(pair),
        pointer(numbers),
        ctypes.c_int(thread_count() if threads is None else threads),
    )
    _check(code)


def _check(code: int) -> None:
    if code == 1:
        raise MemoryError("resampling ran out of memory")
    if code:
        raise ValueError("resampling was asked the impossible")


def _outside_bits(dtype: np.dtype[Any]) -> int:
    if dtype == np.int16:
        return 0x8000
    if dtype == np.float32:
        return 0x7FC00000
    return 0
