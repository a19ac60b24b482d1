"""Any grid -> a coarse one along the patient's own axes, and back: finders think in millimetres."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.resample import resample_affine
from plastinate.native.voxels import Box, Mask, bounding_box

# Darker than this is air, or was not measured.
AIR_HU = -1024


def patient_grid(geometry: Geometry, spacing_mm: float) -> Geometry:
    """The grid around the same place whose slices run down, rows to the back, columns to the left.

    Args:
        geometry: of the scan, however it lies.
        spacing_mm: of the new grid, the same in all directions.

    Raises:
        NoMillimetres: the scan never said its pixel size.
    """
    geometry.require_mm("where an organ lies")
    corners = geometry.corners_lps_mm
    low, high = corners.min(axis=0), corners.max(axis=0)
    x, y, z = (max(1, int(np.ceil(length / spacing_mm - 1e-6))) for length in high - low)
    matrix = np.eye(4)
    matrix[:3, :3] = [[0, 0, spacing_mm], [0, spacing_mm, 0], [-spacing_mm, 0, 0]]
    half = np.array([x, y, z]) * spacing_mm / 2 - spacing_mm / 2
    matrix[:3, 3] = (low + high) / 2 + half * (-1, -1, 1)
    return Geometry((z, y, x), matrix)


def moved(array: npt.NDArray[Any], source: Geometry, target: Geometry, *, order: int = 1) -> npt.NDArray[Any]:
    """Grey values of one grid on another; what lies beyond the source is unmeasured.

    Args:
        array: on the source, int16 or float32.
        source: grid of the array.
        target: grid wanted.
        order: 0 nearest, 1 linear.
    """
    index_map = np.linalg.inv(source.to_lps_mm) @ target.to_lps_mm
    return resample_affine(array, index_map[:3], target.shape, order=order)


def averaged(volume: Volume, spacing_mm: float) -> Volume:
    """The volume with blocks of voxels averaged, as large as fit into that spacing: noise goes, places stay.

    What is left over at the far ends and fills no block is dropped. Unmeasured counts as air.

    Args:
        volume: CT.
        spacing_mm: no block is longer than this, unless a voxel is.
    """
    geometry = volume.geometry
    counts = [max(1, int(spacing_mm / step + 1e-6)) for step in geometry.spacing_mm]
    counts = [min(count, size) for count, size in zip(counts, geometry.shape, strict=True)]
    if max(counts) == 1:
        return volume
    shape = [size // count for size, count in zip(geometry.shape, counts, strict=True)]
    r, c = shape[1] * counts[1], shape[2] * counts[2]
    out = np.empty(shape, dtype=np.float32)
    for plane in range(shape[0]):
        slab = volume.array[plane * counts[0] : (plane + 1) * counts[0], :r, :c]
        slab = np.maximum(slab, AIR_HU).astype(np.float32)
        blocks = slab.reshape(counts[0], shape[1], counts[1], shape[2], counts[2])
        out[plane] = blocks.mean(axis=(0, 2, 4))
    matrix = geometry.to_lps_mm.copy()
    matrix[:3, 3] = geometry.index_to_lps((np.array(counts) - 1) / 2)
    matrix[:3, :3] *= counts
    return Volume(Geometry((shape[0], shape[1], shape[2]), matrix), out, volume.quantity, volume.modality)


def moved_mask(mask: Mask, source: Geometry, target: Geometry) -> Mask:
    """A mask of one grid on another, each voxel by the nearest."""
    return np.asarray(moved(mask.view(np.uint8), source, target, order=0) == 1)


def box_between(mask: Mask, source: Geometry, target: Geometry, *, margin_mm: float = 0.0) -> Box:
    """The box of one grid that holds a mask of another.

    Args:
        mask: on the source, not empty.
        source: grid of the mask.
        target: grid in which the box is wanted; the box is clipped to it.
        margin_mm: added on all sides.

    Raises:
        ValueError: the mask is empty.
    """
    found = bounding_box(mask)
    if found is None:
        raise ValueError("an empty mask has no box")
    ends = [(axis.start - 0.5, axis.stop - 0.5) for axis in found]
    corners = np.array([(s, r, c) for s in ends[0] for r in ends[1] for c in ends[2]])
    index = target.lps_to_index(source.index_to_lps(corners))
    margin = margin_mm / np.array(target.spacing_mm)
    low = np.maximum(0, np.floor(index.min(axis=0) - margin)).astype(int)
    high = np.minimum(target.shape, np.ceil(index.max(axis=0) + margin).astype(int) + 1)
    s, r, c = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return s, r, c
