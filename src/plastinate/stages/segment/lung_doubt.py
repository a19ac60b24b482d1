"""Lungs and what of them is solid -> how likely each voxel is lung, and what to say of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding
from plastinate.model.volume import Volume
from plastinate.native.distance import dilate, erode
from plastinate.native.voxels import Mask, bounding_box
from plastinate.stages.segment.boxes import cut_out

# Aerated lung and chest wall: a voxel half of each is as likely the one as the other.
LUNG_HU, WALL_HU = -850.0, 50.0
# A mass within the lungs' shape is lung's more likely than not, and not surely.
MASS_LIKELIHOOD = 0.7
# Soft tissue behind a lung may be lung without air, and is fluid more often.
FLUID_LIKELIHOOD = 0.3
HALF, LESS_THAN_HALF = 0.5, 0.49


def lung_likelihood(
    volume: Volume, lung: Mask, *, masses: Mask, fluid: Mask, airways: Mask
) -> npt.NDArray[np.float16]:
    """How likely each voxel belongs to a lung.

    Along the edge it is the share of lung that the voxel's value tells, so the volume is known no better
    than the edge is sharp. Solid masses are likely and not sure; fluid, which may be lung without air, is
    unlikely and not excluded; the rest is 1 inside and 0 outside.

    Args:
        volume: CT.
        lung: (S, R, C) bool, one lung, its masses with it.
        masses: of both lungs.
        fluid: behind this lung, nothing of it in the lung.
        airways: are no lung.

    Returns:
        (S, R, C) float16, at least 0.5 in the lung and less outside it.
    """
    likelihood = np.zeros(lung.shape, dtype=np.float16)
    step = 1.01 * max(volume.geometry.spacing_mm)
    margin = [int(np.ceil(step / spacing)) + 1 for spacing in volume.geometry.spacing_mm]
    box = bounding_box(lung | fluid, margin=(margin[0], margin[1], margin[2]))
    if box is None:
        return likelihood
    part, inside = cut_out(volume, box), np.ascontiguousarray(lung[box])
    spacing = part.geometry.spacing_mm
    sure = erode(inside, step, spacing)
    near = dilate(inside, step, spacing) & ~sure
    share = np.clip((WALL_HU - part.array[near].astype(np.float32)) / (WALL_HU - LUNG_HU), 0, 1)
    found = inside.astype(np.float32)
    found[near] = np.where(inside[near], np.maximum(share, HALF), np.minimum(share, LESS_THAN_HALF))
    found[masses[box] & inside] = np.minimum(found[masses[box] & inside], MASS_LIKELIHOOD)
    found[fluid[box]] = FLUID_LIKELIHOOD
    found[airways[box] & ~inside] = 0
    found[~part.measured & ~inside] = 0
    likelihood[box] = found
    return likelihood


def lung_findings(volume: Volume, masses: Mask, fluid: Mask) -> tuple[Finding, ...]:
    """What to say where solid tissue was counted as lung, and where soft tissue lies behind one.

    Args:
        volume: CT.
        masses: counted as lung.
        fluid: not counted.
    """
    solid_ml, fluid_ml = (
        float(np.count_nonzero(mask)) * volume.geometry.voxel_ml for mask in (masses, fluid)
    )
    findings = []
    if solid_ml:
        findings.append(
            Finding(
                "segment.lung-mass",
                "warning",
                f"Solid tissue of {solid_ml:.0f} ml lies within the shape of the lungs.",
                "It was counted as lung. The range of the volume leaves it out at its lower end.",
                {"solid_ml": round(solid_ml, 1)},
            )
        )
    if fluid_ml:
        findings.append(
            Finding(
                "segment.lung-fluid",
                "warning",
                f"Fluid or lung without air lies behind a lung: at least {fluid_ml:.0f} ml.",
                "It was not counted as lung. The range of the volume holds it at its upper end.",
                {"fluid_ml": round(fluid_ml, 1)},
            )
        )
    return tuple(findings)
