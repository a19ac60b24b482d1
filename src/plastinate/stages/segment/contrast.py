"""CT volume and body -> regions bright with contrast agent, told from bone by depth, rim and density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plastinate.model.volume import Volume
from plastinate.native.components import Components, components_at_seeds
from plastinate.native.distance import dilate, erode
from plastinate.native.voxels import Mask, bounding_box, threshold
from plastinate.stages.segment.boxes import box_of

# Smallest core of either kind.
EVEN_CORE_ML = 2.0
DENSE_CORE_ML = 0.1
# Mixed blood stays below; what is brighter and even may be sclerotic bone, and is left alone.
EVEN_BELOW_HU = 600.0
# The rim is what lies beyond this share of the core's depth on the way out.
RIM_STARTS_AT = 0.4
REACH_MM = 1.0
# Half the width of a caval vein, as a multiple of the depth, and its blur.
UNDILUTED_DEPTHS = 2.5

# An arm vein full of agent runs on, thinner, with values that cortex hardly reaches over any length.
DENSE_RUN_HU = 1500.0
DENSE_RUN_REACH_MM = 2.0

# Denser than any bone but enamel: petrous bone and femoral cortex end near 2000 HU. Near undiluted agent
# that is a side branch of its vein, whose less dense surroundings go with it. Measured on an arm vein:
# 6.5 ml more of it, at the cost of 0.3 ml of the bones it touches.
SIDE_BRANCH_HU = 2200.0
SIDE_BRANCH_NEAR_MM = 60.0
SIDE_BRANCH_REACH_MM = 4.0

# Once the blood's own brightness is known, vessels down to 4 mm are found by it. Around their cores lies
# soft tissue or fat (medians -100 to 110 HU measured), around evenly bright marrow more bone (160 to 300).
BLOOD_SPAN = (0.8, 1.25)
VESSEL_DEPTH_MM = 1.5
VESSEL_CORE_ML = 0.05
VESSEL_RING_MM = (0.8, 3.5)
VESSEL_RING_HU = 120.0
VESSEL_RING_BONE_SHARE = 0.025


@dataclass(frozen=True)
class Contrast:
    """Where contrast agent is, and how bright the blood that carries it.

    Attributes:
        mask: (S, R, C) bool.
        blood_hu: median of the largest even region; NaN if there is none.
        is_undiluted: some of it is denser than bone.
    """

    mask: Mask
    blood_hu: float
    is_undiluted: bool = False


def find_contrast(
    volume: Volume,
    body: Mask,
    *,
    above_hu: float,
    depth_mm: float,
    rim_rise_hu: float,
    cortex_hu: float,
    dense_core_hu: float,
) -> Contrast:
    """Thick bright regions that wear no cortex: heart, great vessels, bowel with contrast, dense veins.

    What lies deeper than `depth_mm` inside bright matter is a core. Bone wears a cortex, so
    the brightest tenth of the rim around its core is well above the core; blood and bowel
    are even and fade outwards. A core of `dense_core_hu` is undiluted agent or metal: no bone
    is as dense over twice that depth.

    Measured on three scans (core, then the rim's 90th percentile, HU): heart and aorta 400, 475;
    colon 286, 308; vertebrae 358, 516 and 850, 1033. Cores of vertebrae under 1 ml can
    be as even as blood (302, 356), hence EVEN_CORE_ML.

    Args:
        volume: CT.
        body: the patient.
        above_hu: least value of blood with contrast.
        depth_mm: half the width of the narrowest vessel found.
        rim_rise_hu: how much brighter than its core bone's rim is.
        cortex_hu: what bone's rim reaches at least.
        dense_core_hu: brighter than bone of that thickness.
    """
    geometry = volume.geometry
    bright = threshold(volume.array, above_hu, np.inf)
    bright &= body
    parts = Components(erode(bright, depth_mm, geometry.spacing_mm), connectivity=6)
    margin = [int(np.ceil((depth_mm + 2 * REACH_MM) / step)) for step in geometry.spacing_mm]
    found = np.zeros(geometry.shape, dtype=np.bool_)
    dense_cores: list[tuple[int, int, int]] = []
    blood_hu = float("nan")
    for number in parts.by_size():
        core_ml = parts.sizes[number] * geometry.voxel_ml
        if core_ml < DENSE_CORE_ML:
            break
        box = box_of(parts.boxes[number], margin=margin, shape=geometry.shape)
        values = volume.array[box]
        core = np.ascontiguousarray(parts.mask([int(number)])[box])
        core_hu = float(np.median(values[core]))
        is_dense = core_hu >= dense_core_hu
        if not is_dense and (core_ml < EVEN_CORE_ML or core_hu > EVEN_BELOW_HU):
            continue
        whole = dilate(core, depth_mm + REACH_MM, geometry.spacing_mm)
        whole &= bright[box]
        rim = whole & ~dilate(core, depth_mm * RIM_STARTS_AT, geometry.spacing_mm)
        # Where undiluted agent in a vein touches an artery, its brightness is no cortex of the artery's.
        undiluted = core & (values >= dense_core_hu)
        if not is_dense and undiluted.any():
            rim &= ~dilate(undiluted, UNDILUTED_DEPTHS * depth_mm, geometry.spacing_mm)
        rim_hu = float(np.percentile(values[rim], 90)) if rim.any() else core_hu
        if is_dense or rim_hu < max(core_hu + rim_rise_hu, cortex_hu):
            found[box] |= whole
            if is_dense:
                inside = np.argwhere(core)[0] + [axis.start for axis in box]
                dense_cores.append((int(inside[0]), int(inside[1]), int(inside[2])))
            elif np.isnan(blood_hu):
                blood_hu = core_hu
    if dense_cores:
        _add_dense_runs(volume, found, bright, dense_cores)
        _add_side_branches(volume, found, bright, dense_core_hu)
    if not np.isnan(blood_hu):
        _add_vessels(volume, body, found, bright, blood_hu)
    return Contrast(found, blood_hu, bool(dense_cores))


def _add_dense_runs(
    volume: Volume, found: Mask, bright: Mask, dense_cores: list[tuple[int, int, int]]
) -> None:
    """Add, in place, the thinner stretches of the veins that hold the dense cores."""
    run = threshold(volume.array, DENSE_RUN_HU, np.inf)
    run &= bright
    run = components_at_seeds(run, dense_cores, connectivity=6)
    run = dilate(run, DENSE_RUN_REACH_MM, volume.geometry.spacing_mm)
    run &= bright
    found |= run


def _add_side_branches(volume: Volume, found: Mask, bright: Mask, dense_hu: float) -> None:
    """Add, in place, what lies apart from the dense veins, near them, and is denser than bone."""
    spacing = volume.geometry.spacing_mm
    veins = threshold(volume.array, dense_hu, np.inf)
    veins &= found
    box = bounding_box(veins, margin=_voxels(SIDE_BRANCH_NEAR_MM, spacing))
    if box is None:
        return
    branches = threshold(np.ascontiguousarray(volume.array[box]), SIDE_BRANCH_HU, np.inf)
    branches &= bright[box]
    branches &= dilate(np.ascontiguousarray(veins[box]), SIDE_BRANCH_NEAR_MM, spacing)
    branches = dilate(branches, SIDE_BRANCH_REACH_MM, spacing)
    branches &= bright[box]
    found[box] |= branches


def _voxels(length_mm: float, spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    slices, rows, columns = (int(np.ceil(length_mm / step)) for step in spacing)
    return slices, rows, columns


def _add_vessels(volume: Volume, body: Mask, found: Mask, bright: Mask, blood_hu: float) -> None:
    """Add, in place, narrower vessels: as bright as the blood, with something darker all round."""
    geometry = volume.geometry
    spacing = geometry.spacing_mm
    like_blood = threshold(volume.array, blood_hu * BLOOD_SPAN[0], blood_hu * BLOOD_SPAN[1])
    np.greater(like_blood, found, out=like_blood)
    like_blood &= body
    parts = Components(erode(like_blood, VESSEL_DEPTH_MM, spacing), connectivity=6)
    del like_blood
    margin = [int(np.ceil((VESSEL_DEPTH_MM + VESSEL_RING_MM[1]) / step)) for step in spacing]
    for number in parts.by_size():
        if parts.sizes[number] * geometry.voxel_ml < VESSEL_CORE_ML:
            break
        box = box_of(parts.boxes[number], margin=margin, shape=geometry.shape)
        values = volume.array[box]
        core = np.ascontiguousarray(parts.mask([int(number)])[box])
        inner, outer = (dilate(core, VESSEL_DEPTH_MM + reach, spacing) for reach in VESSEL_RING_MM)
        # Contrast found already is the same vessel further on, and says nothing about what lies around it.
        ring = values[outer & ~inner & ~found[box]]
        bone_share = float((ring > blood_hu * BLOOD_SPAN[1]).mean()) if ring.size else 1.0
        if bone_share <= VESSEL_RING_BONE_SHARE and float(np.median(ring)) < VESSEL_RING_HU:
            found[box] |= inner & bright[box]
