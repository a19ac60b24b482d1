"""A stepped surface becomes a smooth one of the same volume: windowed sinc filter."""

from __future__ import annotations

import ctypes
import math
from functools import cache

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import ParameterError
from plastinate.model.surface import Surface
from plastinate.native.load import library, pointer, thread_count


def windowed_sinc(
    surface: Surface,
    *,
    iterations: int = 20,
    pass_band: float = 0.05,
    max_shift_mm: float | None = None,
    keep_volume: bool = True,
    volume_ml: float | None = None,
) -> Surface:
    """Smooth a surface without shrinking it.

    Waves longer than the pass band stay as they are, shorter ones (the steps
    of a voxel mask) vanish; the triangles stay the same. Right for surfaces of
    bare masks. Large shifts can push thin walls through each other: limit them
    to a share of the voxel where that matters.

    Args:
        surface: any triangles; borders, if there are any, move too.
        iterations: order of the polynomial; more cut the spectrum more sharply.
        pass_band: 0 to 2, the eigenvalue of the graph Laplacian up to which
            waves are kept; 0.05 keeps waves of about 28 edges and more.
        max_shift_mm: longest way one vertex may go, in the surface's unit; None for no limit.
        keep_volume: undo what the filter's ripple does to the volume (0.5 % on a sphere of
            10 voxels) by one tiny step along the normals. Meaningless on an open surface.
        volume_ml: the volume to end with instead of the surface's own. The half-way surface of
            a bare mask cuts every convex corner and so encloses less than its voxels do (0.5 %
            on a sphere of 10 voxels): pass the voxels' volume to mend that as well.

    Raises:
        ParameterError: iterations below 2, the pass band outside (0, 2), or a limit not above 0.

    Source: Taubin, Zhang, Golub 1996, "Optimal surface smoothing as filter
        design", ECCV, section 4 (Hamming window).
    """
    if max_shift_mm is not None and not max_shift_mm > 0:
        raise ParameterError(f"A vertex cannot be limited to a shift of {max_shift_mm} mm.")
    weights = chebyshev_weights(iterations, pass_band)
    if len(surface.vertices) == 0:
        return surface
    moved = np.empty_like(surface.vertices)
    status = library("smooth").windowed_sinc(
        pointer(surface.vertices),
        ctypes.c_int64(len(surface.vertices)),
        pointer(surface.triangles),
        ctypes.c_int64(len(surface.triangles)),
        pointer(np.array(weights, dtype=np.float64)),
        iterations,
        ctypes.c_double(max_shift_mm or 0.0),
        int(keep_volume or volume_ml is not None),
        ctypes.c_double(math.nan if volume_ml is None else volume_ml * 1000.0),
        thread_count(),
        pointer(moved),
    )
    if status != 0:
        raise MemoryError(f"no memory to smooth {surface.structure!r}")
    return Surface(moved, surface.triangles, surface.structure)


@cache
def chebyshev_weights(iterations: int, pass_band: float) -> tuple[float, ...]:
    """Weights of the Chebyshev polynomials of the filter, scaled to add up to 1.

    Their sum is the gain at frequency zero: were it not exactly 1, the whole
    surface would be scaled about the origin.

    Raises:
        ParameterError: iterations below 2 or the pass band outside (0, 2).

    Source: Taubin, Zhang, Golub 1996, section 4.
    """
    if iterations < 2:
        raise ParameterError(f"The smoothing filter needs at least 2 iterations, not {iterations}.")
    if not 0 < pass_band < 2:
        raise ParameterError(f"The pass band lies between 0 and 2, {pass_band} does not.")
    edge = float(np.arccos(1 - pass_band / 2))
    # A truncated, windowed sinc falls to half at its nominal edge. The edge is
    # moved up until the wanted pass band itself is kept in full; 0.999 because
    # short filters never quite reach 1.
    for widening in np.linspace(0, np.pi - edge, 2000):
        weights = _windowed(iterations, edge + float(widening))
        if float(weights @ np.cos(np.arange(iterations + 1) * edge)) >= 0.999:
            break
    return tuple((weights / weights.sum()).tolist())


def _windowed(iterations: int, cut: float) -> npt.NDArray[np.float64]:
    order = np.arange(1, iterations + 1)
    hamming = 0.54 + 0.46 * np.cos(order * np.pi / (iterations + 1))
    sinc = 2 * np.sin(order * cut) / (order * np.pi)
    return np.concatenate([[cut / np.pi], hamming * sinc])
