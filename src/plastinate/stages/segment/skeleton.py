"""CT volume and body -> bone, told from blood that carries contrast by depth, rim and density."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.volume import Volume
from plastinate.native.components import Components, fill_cavities
from plastinate.native.distance import closed, dilate, distance_inside
from plastinate.native.voxels import Box, Mask, bounding_box, threshold


def skeleton(
    volume: Volume,
    body: Mask,
    *,
    sure_hu: float = 250.0,
    edge_hu: float = 150.0,
    edge_reach_mm: float = 1.5,
    contrast_above_hu: float = 200.0,
    contrast_depth_mm: float = 4.5,
    contrast_core_ml: float = 0.5,
    rim_rise_hu: float = 100.0,
    cortex_hu: float = 350.0,
    dense_core_hu: float = 1400.0,
    closing_mm: float = 1.5,
    least_piece_ml: float = 0.3,
) -> Mask:
    """All bone of the scan, with marrow spaces that bone encloses filled.

    Sure bone is grown to its edge. Blood and organs with contrast are as bright as bone;
    they are told apart by three facts: deep inside them the value is even and the rim is
    no brighter than the core, while bone wears a cortex; no bone is both as thick and as
    dense as undiluted contrast in a vein; and a separate piece without any cortical value
    is no bone. Vessels thinner than twice `contrast_depth_mm` that touch bone stay with it, as
    do calcified walls and metal thinner than that. Cartilage is missing, as in all CT bone models.

    Args:
        volume: CT.
        body: the patient; keeps the table out.
        sure_hu: bone for certain where there is no contrast.
        edge_hu: bone next to sure bone; about half way between soft tissue and cortex thin enough to blur.
        edge_reach_mm: how far that edge may lie from sure bone.
        contrast_above_hu: blood or organ with contrast.
        contrast_depth_mm: depth from which a region is looked at as possible contrast.
        contrast_core_ml: smallest such region.
        rim_rise_hu: how much brighter than its core bone's rim is.
        cortex_hu: what bone reaches somewhere, in its brightest twentieth.
        dense_core_hu: brighter than bone of that thickness.
        closing_mm: radius that closes pores of the cortex.
        least_piece_ml: smallest piece kept.

    Returns:
        (S, R, C) bool.

    Raises:
        EmptyMask: no bone.
    """
    geometry = volume.geometry
    sure = threshold(volume.array, sure_hu, np.inf)
    sure &= body
    contrast = contrast_regions(
        volume,
        body,
        above_hu=contrast_above_hu,
        depth_mm=contrast_depth_mm,
        core_ml=contrast_core_ml,
        rim_rise_hu=rim_rise_hu,
        cortex_hu=cortex_hu,
        dense_core_hu=dense_core_hu,
    )
    sure &= ~contrast
    sure = _pieces_with_cortex(volume, sure, cortex_hu, least_piece_ml)
    if bounding_box(sure) is None:
        raise EmptyMask("skeleton", f"nothing like bone above {sure_hu:g} HU")
    bone = threshold(volume.array, edge_hu, np.inf)
    bone &= body
    bone &= ~contrast
    bone &= dilate(sure, edge_reach_mm, geometry.spacing_mm)
    bone = closed(bone, closing_mm, geometry.spacing_mm)
    parts = Components(fill_cavities(bone), connectivity=26)
    return parts.mask(parts.sizes * geometry.voxel_ml >= least_piece_ml)


def contrast_regions(
    volume: Volume,
    body: Mask,
    *,
    above_hu: float = 200.0,
    depth_mm: float = 4.5,
    core_ml: float = 0.5,
    rim_rise_hu: float = 100.0,
    cortex_hu: float = 350.0,
    dense_core_hu: float = 1400.0,
) -> Mask:
    """Thick bright regions that wear no cortex: heart, great vessels, kidneys, dense contrast in veins.

    Args:
        volume: CT.
        body: the patient.
        above_hu, depth_mm, core_ml, rim_rise_hu, cortex_hu, dense_core_hu: see `skeleton`.

    Returns:
        (S, R, C) bool.
    """
    geometry = volume.geometry
    bright = threshold(volume.array, above_hu, np.inf)
    bright &= body
    cores = distance_inside(bright, geometry.spacing_mm, cap=depth_mm + 1.0) > depth_mm
    parts = Components(cores, connectivity=6)
    margin = [int(np.ceil((depth_mm + 2.0) / step)) for step in geometry.spacing_mm]
    found = np.zeros(geometry.shape, dtype=np.bool_)
    for number in parts.by_size():
        if parts.sizes[number] * geometry.voxel_ml < core_ml:
            break
        box = _widened(parts.boxes[number], margin, geometry.shape)
        core = np.ascontiguousarray(parts.mask([int(number)])[box])
        whole = dilate(core, depth_mm + 1.0, geometry.spacing_mm)
        whole &= bright[box]
        rim = whole & ~dilate(core, depth_mm * 0.4, geometry.spacing_mm)
        values = volume.array[box]
        core_hu = float(np.median(values[core]))
        rim_hu = float(np.percentile(values[rim], 90)) if rim.any() else core_hu
        wears_cortex = rim_hu >= max(core_hu + rim_rise_hu, cortex_hu)
        if core_hu >= dense_core_hu or not wears_cortex:
            found[box] |= whole
    return found


def _pieces_with_cortex(volume: Volume, sure: Mask, cortex_hu: float, least_ml: float) -> Mask:
    """The pieces large enough whose brightest twentieth reaches cortical values."""
    parts = Components(sure, connectivity=26)
    needed = np.ceil(parts.sizes / 20.0)
    bright = threshold(volume.array, cortex_hu, np.inf)
    bright &= sure
    reached = np.bincount(parts.labels()[bright], minlength=parts.count + 1)
    keep = (reached >= needed) & (parts.sizes * volume.geometry.voxel_ml >= least_ml)
    return parts.mask(keep)


def _widened(corners: npt.NDArray[np.int64], margin: list[int], shape: tuple[int, int, int]) -> Box:
    first, last = corners.tolist()
    s, r, c = (
        slice(max(0, a - m), min(n, b + m)) for a, b, m, n in zip(first, last, margin, shape, strict=True)
    )
    return s, r, c
