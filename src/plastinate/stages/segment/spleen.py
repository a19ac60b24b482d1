"""CT volume, body, lungs and bone -> the spleen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.components import fill_cavities, largest_components
from plastinate.native.distance import dilate, erode, opened
from plastinate.native.voxels import Mask, gradient_magnitude
from plastinate.stages.segment.boxes import cut_out, put_back
from plastinate.stages.segment.flooding import flooded
from plastinate.stages.segment.patient_grid import AIR_HU, box_between, moved
from plastinate.stages.segment.settle_edge import (
    EdgeRules,
    Spacing,
    grey_model,
    joined,
    ring,
    settle_edge,
    smoothed,
)
from plastinate.stages.segment.spleen_finder import find_spleen
from plastinate.stages.segment.trunk import trunk
from plastinate.stages.segment.votes import counted_votes

Floats = npt.NDArray[np.float32]

SMOOTH_MM = 2.0
VOTE_BLUR_MM = 1.0
# Pulp with contrast takes up at least 30 HU over its 45 to 50 HU without.
CONTRAST_HU = 80.0
# The grey values learnt: well inside against close around, in bins over what soft tissue may have.
WELL_INSIDE_MM, AROUND_MM = 4.0, (5.0, 14.0)
GREY_RANGE_HU, GREY_STEP_HU = (-150.0, 350.0), 5.0
CHANCE_MM = 1.2
SURE_VOTE, LIKELY_VOTE = 0.5, 0.3
EDGE_BLUR_MM = 1.2
# Steps of the relief finer than that are noise, and cost time.
STEP_HU_PER_MM = 1.0
NOT_LIKELY = "none of the bodies under the left lung looks enough like a spleen"


@dataclass(frozen=True)
class _Border:
    """How the border is drawn; see `spleen`."""

    smooth_mm: float
    core_mm: float
    flood_mm: float
    fat_below_hu: float
    opening_mm: float
    edge: EdgeRules


def spleen(
    volume: Volume,
    body: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    *,
    least_score: float = 0.3,
    sure_score: float = 0.45,
    smooth_mm: float = 0.8,
    core_mm: float = 3.0,
    flood_mm: float = 7.0,
    reach_mm: float = 2.5,
    trust: float = 1.0,
    grey: float = 0.6,
    coupling: float = 8.0,
    contrast_hu: float = 15.0,
    fat_below_hu: float = -20.0,
    opening_mm: float = 3.0,
) -> Remarked:
    """The spleen, found by place, size and evenness and bordered by its grey values and the edges around it.

    Bodies on a coarse grid (see `find_spleen`) vote; from the core of what they agree on the gradient is
    flooded, and within a band around that edge each voxel weighs its grey value and its neighbours. Vessels
    at the hilum are taken off, a second small spleen is left out.

    Limits: one that lies elsewhere, or of which the scan shows neither the part under the lung nor 15 ml, is
    not found; cysts, tumours and old infarcts at its border stay out. In the first half minute of contrast
    its pulp is mottled, and it may be missed.

    Args:
        volume: CT.
        body, lung_left, lung_right, bone: masks of the same scan; the lungs may be empty.
        least_score: what a body must reach to be taken for a spleen.
        sure_score: below it, a finding says that it is in doubt.
        smooth_mm: blur before grey values are compared.
        core_mm: what lies that deep in the voted body is spleen.
        flood_mm: what lies that far outside of it is not; between the two, the steepest edge is the border.
        reach_mm: how far single voxels may then move it.
        trust, grey, coupling, contrast_hu: see `EdgeRules`.
        fat_below_hu: darkest pulp, with its blur.
        opening_mm: radius that takes off vessels at the hilum.

    Returns:
        One mask, (S, R, C) bool, with the likelihood of each voxel, and remarks.

    Raises:
        EmptyMask: no spine of a trunk, or nothing like a spleen under the left lung.
        NoMillimetres: the scan never said its pixel size.
    """
    parts = trunk("spleen", volume, body, lung_left, lung_right, bone, smooth_mm=SMOOTH_MM)
    found = find_spleen(parts)
    if not found or found[0].score < least_score:
        raise EmptyMask("spleen", NOT_LIKELY)
    votes = counted_votes(found, parts.grid)
    edge = EdgeRules(reach_mm, trust, grey, coupling, contrast_hu)
    median_hu = float(np.median(parts.values[votes >= 0.5]))
    box = box_between(votes > 0, parts.grid, volume.geometry, margin_mm=AROUND_MM[1] + flood_mm)
    part = cut_out(volume, box)
    blurred = filters.gaussian(votes, VOTE_BLUR_MM, parts.grid.spacing_mm, as_float=True)
    likelihood = np.nan_to_num(moved(blurred, parts.grid, part.geometry))
    mask, levels = _bordered(
        part, likelihood, bone[box], _Border(smooth_mm, core_mm, flood_mm, fat_below_hu, opening_mm, edge)
    )
    if not mask.any():
        raise EmptyMask("spleen", NOT_LIKELY)
    whole = np.zeros(volume.geometry.shape, dtype=np.float16)
    whole[box] = levels
    remarks = tuple(_remarks(median_hu, found[0].score < sure_score))
    return Remarked((put_back(mask, box, volume.geometry.shape),), remarks, (whole,))


def _bordered(part: Volume, votes: Floats, bone: Mask, border: _Border) -> tuple[Mask, Floats]:
    """The spleen in its box of the scan, and how likely each voxel there belongs to it."""
    spacing = part.geometry.spacing_mm
    measured = part.measured
    array = np.where(measured, part.array, part.array.dtype.type(AIR_HU))
    values = smoothed(array, border.smooth_mm, spacing)
    is_soft = (values > border.fat_below_hu) & ~bone & measured
    first = _flooded_to_edge(values, votes, is_soft, spacing, border)
    deep = erode(first, WELL_INSIDE_MM, spacing)
    model = grey_model(
        values[deep if deep.any() else first],
        values[ring(first, *AROUND_MM, spacing)],
        low=GREY_RANGE_HU[0],
        high=GREY_RANGE_HU[1],
        step=GREY_STEP_HU,
    )
    likelihood = smoothed(first.astype(np.float32), EDGE_BLUR_MM, spacing)
    settled = settle_edge(values, likelihood, spacing, model=model, rules=border.edge)
    even = (smoothed(settled, CHANCE_MM, spacing) > 0.5) & is_soft
    # A cut by the edge of the scan stays as it is.
    margin = [round(border.opening_mm / step) + 1 for step in spacing]
    tidy = opened(np.pad(even, [(m, m) for m in margin], mode="edge"), border.opening_mm, spacing)
    s, r, c = (slice(m, n - m) for m, n in zip(margin, tidy.shape, strict=True))
    mask = fill_cavities(largest_components(np.ascontiguousarray(tidy[s, r, c]), connectivity=6))
    agreed = joined(likelihood, settled)
    return mask, np.where(mask, np.maximum(agreed, 0.5), np.minimum(agreed, 0.499))


def _flooded_to_edge(values: Floats, votes: Floats, is_soft: Mask, spacing: Spacing, border: _Border) -> Mask:
    """What the steepest edge around the core of the vote encloses."""
    seeds = np.zeros(values.shape, dtype=np.uint8)
    seeds[~dilate(votes >= LIKELY_VOTE, border.flood_mm, spacing) | ~is_soft] = 1
    seeds[erode(votes >= SURE_VOTE, border.core_mm, spacing) & is_soft] = 2
    relief = np.rint(gradient_magnitude(values, spacing) / STEP_HU_PER_MM)
    return np.asarray(flooded(relief, seeds) == 2)


def _remarks(median_hu: float, is_unsure: bool) -> list[Finding]:
    made = []
    if median_hu < CONTRAST_HU:
        made.append(
            Finding(
                "segment.no-contrast",
                "warning",
                f"The spleen holds no contrast agent: {median_hu:.0f} HU.",
                "Where it touches stomach, bowel, liver or muscle, its border is an estimate.",
                {"spleen_hu": round(median_hu)},
            )
        )
    if is_unsure:
        made.append(
            Finding(
                "segment.unsure-organ",
                "warning",
                "What was taken for the spleen is unusual in place, size or evenness.",
                "Look at the slices: it may be another organ, or only part of one.",
            )
        )
    return made
