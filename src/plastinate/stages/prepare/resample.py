"""Volume -> the same part of the patient on voxels of another size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from plastinate.model.errors import ParameterError, TooLarge
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.resample import resample_affine

MOST_VOXELS = 1 << 31
# A Gaussian whose full width at half maximum is one new voxel: sigma = width / 2.3548.
WIDTH_TO_SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))


def to_spacing(
    volume: Volume, *, spacing_mm: float | Sequence[float], order: int = 1, is_antialiased: bool = True
) -> Volume:
    """Resample to a chosen voxel size.

    The first voxel edge of the new grid is that of the old one on every axis
    and the directions are the same; the last edges differ by half a new voxel at most.

    Args:
        volume: what to resample.
        spacing_mm: one number for cubes, or three along (slice, row, column).
        order: 0 nearest, 1 linear, 3 cubic.
        is_antialiased: blur along axes that become coarser, so that fine detail cannot turn into
            false patterns. Nearest never blurs.

    Raises:
        ParameterError: a spacing that is not above zero, an unknown order.
        TooLarge: the new grid would have more than 2^31 voxels.
        NoMillimetres: the scan never said its pixel size.
    """
    wanted = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), (3,))
    if not np.isfinite(wanted).all() or wanted.min() <= 0:
        raise ParameterError(f"spacing_mm must be above zero, not {spacing_mm}.")
    if order not in (0, 1, 3):
        raise ParameterError(f"order is 0, 1 or 3, not {order}.")
    ratio = wanted / np.array(volume.geometry.spacing_mm)
    geometry = _grid(volume.geometry, ratio)
    first = (ratio - 1) / 2  # old index of the centre of the first new voxel
    # One voxel of repeated edge: half a voxel belongs to each border voxel beyond its centre, and a
    # sample in the corner there would lean on the outside with more than half its weight.
    index_map = np.hstack([np.diag(ratio), first[:, None] + 1])
    array = volume.array
    if is_antialiased and order > 0 and ratio.max() > 1:
        sigma = np.sqrt(np.maximum(ratio**2 - 1, 0)) * WIDTH_TO_SIGMA
        s, r, c = (1 / np.maximum(sigma, 1e-9)).tolist()
        array = filters.gaussian(array, 1.0, (s, r, c))
    values = resample_affine(np.pad(array, 1, mode="edge"), index_map, geometry.shape, order=order)
    nearest = np.floor(np.arange(geometry.shape[0]) * ratio[0] + first[0] + 0.5).astype(np.int64)
    filled = volume.filled_slices[np.clip(nearest, 0, volume.geometry.shape[0] - 1)]
    return Volume(geometry, values, volume.quantity, volume.modality, filled)


def isotropic(
    volume: Volume, *, spacing_mm: float | None = None, order: int = 1, is_antialiased: bool = True
) -> Volume:
    """Resample to cubes.

    Args:
        volume: what to resample.
        spacing_mm: edge of a cube; None takes the smallest spacing there is, which loses nothing.
        order: 0 nearest, 1 linear, 3 cubic.
        is_antialiased: see `to_spacing`.
    """
    edge = min(volume.geometry.spacing_mm) if spacing_mm is None else spacing_mm
    return to_spacing(volume, spacing_mm=edge, order=order, is_antialiased=is_antialiased)


def _grid(old: Geometry, ratio: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Geometry:
    # Rounded, not rounded up: then the centre of the last voxel still lies in what was measured.
    s, r, c = (max(1, math.floor(n / step + 0.5)) for n, step in zip(old.shape, ratio, strict=True))
    if s * r * c > MOST_VOXELS:
        raise TooLarge("resampling", "the new grid", value=s * r * c, cap=MOST_VOXELS)
    matrix = old.to_lps_mm.copy()
    matrix[:3, 3] = old.index_to_lps((ratio - 1) / 2)
    matrix[:3, :3] *= ratio
    return Geometry((s, r, c), matrix, old.unit)
