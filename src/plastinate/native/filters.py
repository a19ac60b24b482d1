"""Grey volume -> smoothed grey volume on the same grid (`voxel_filters.cpp`, `voxel_denoise.cpp`)."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.native.load import integers, library, pointer, thread_count
from plastinate.native.voxels import as_grey, check

Spacing = tuple[float, float, float]


def gaussian(
    array: npt.NDArray[Any], sigma: float, spacing: Spacing = (1.0, 1.0, 1.0), *, as_float: bool = False
) -> npt.NDArray[Any]:
    """Blur by a Gaussian; unmeasured voxels and the outside have no say, and unmeasured stay unmeasured.

    Args:
        array: (S, R, C) int16 or float32.
        sigma: in the unit of `spacing`; the bell is cut off at four times it.
        spacing: along (slice, row, column).
        as_float: give float32 also for an int16 volume; else values are rounded.
    """
    array, kind = as_grey(array)
    voxels = np.array([max(sigma / step, 1e-6) for step in spacing], dtype=np.float64)
    name = "int16_to_float32" if as_float and kind == "int16" else kind
    out = np.empty(array.shape, dtype=np.float32 if as_float else array.dtype)
    run = getattr(library("voxel_filters"), f"gaussian_{name}")
    status = run(
        pointer(array), pointer(integers(*array.shape)), pointer(voxels), thread_count(), pointer(out)
    )
    check(status, kernel="gaussian")
    return out


def median(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The median of each 3x3x3 neighbourhood; edges repeat, unmeasured voxels have no say and stay so.

    Where an even number of voxels was measured, the lower of the two in the middle.
    """
    array, kind = as_grey(array)
    out = np.empty_like(array)
    run = getattr(library("voxel_filters"), f"median_{kind}")
    check(run(pointer(array), pointer(integers(*array.shape)), thread_count(), pointer(out)), kernel="median")
    return out


def diffuse(
    array: npt.NDArray[Any], spacing: Spacing, *, edge: float, time_step: float, iterations: int
) -> npt.NDArray[Any]:
    """Curvature diffusion: noise goes, edges stay where they are.

    Args:
        array: (S, R, C) int16 or float32.
        spacing: along (slice, row, column).
        edge: gradient, in values per unit of spacing, above which smoothing fades.
        time_step: in the unit of spacing, squared; stable up to a sixth of the smallest spacing squared.
        iterations: steps. Memory and time grow with slabs whose halo is twice as deep.

    Source:
        Whitaker & Xue, "Variable-conductance, level-set curvature for image denoising", ICIP 2001.
    """
    array, kind = as_grey(array)
    out = np.empty_like(array)
    status = getattr(library("voxel_denoise"), f"diffuse_{kind}")(
        pointer(array),
        pointer(integers(*array.shape)),
        pointer(np.array(spacing, dtype=np.float64)),
        ctypes.c_double(edge),
        ctypes.c_double(time_step),
        ctypes.c_int64(iterations),
        thread_count(),
        pointer(out),
    )
    check(status, kernel="diffusion")
    return out


def non_local_means(array: npt.NDArray[Any], *, strength: float, search: int = 2) -> npt.NDArray[Any]:
    """Mean of the voxels nearby whose 3x3x3 patches look alike.

    Args:
        array: (S, R, C) int16 or float32.
        strength: root mean square difference, in values, at which two patches have nothing in common.
        search: half width of the window looked through, voxels; time grows with its cube.

    Source:
        Buades, Coll, Morel, CVPR 2005; bisquare weights after Goossens et al., LNLA 2008.
    """
    array, kind = as_grey(array)
    out = np.empty_like(array)
    status = getattr(library("voxel_denoise"), f"non_local_{kind}")(
        pointer(array),
        pointer(integers(*array.shape)),
        ctypes.c_double(strength),
        ctypes.c_int64(search),
        thread_count(),
        pointer(out),
    )
    check(status, kernel="non-local means")
    return out
