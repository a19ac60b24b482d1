"""CT volume, body, lungs and bone -> left kidney and right kidney."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.geometry import Geometry
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.components import fill_cavities, largest_components
from plastinate.native.distance import closed, dilate, erode, opened
from plastinate.native.voxels import Box, Mask, gradient_magnitude
from plastinate.stages.segment.border_doubt import EdgeSense, border_doubt
from plastinate.stages.segment.boxes import cut_out
from plastinate.stages.segment.flooding import flooded
from plastinate.stages.segment.kidney_finder import find_kidneys
from plastinate.stages.segment.patient_grid import box_between, moved
from plastinate.stages.segment.trunk import trunk
from plastinate.stages.segment.votes import counted_votes

Floats = npt.NDArray[np.float32]

SMOOTH_MM = 2.0
SURE_VOTE = 0.5
LIKELY_VOTE = (0.35, 0.5)
# With contrast, parenchyma takes up at least 50 HU over its 30 HU without. Without, noise would
# drown the border to other organs, so it is smoothed more.
CONTRAST_HU = 80.0
EDGE_SMOOTH_MM = (0.8, 1.2)
PLAIN_REACH = 0.6
PLAIN_OPENING = 2.0
NOT_LIKELY = "none of the bodies beside the spine looks enough like a kidney"
# What an edge of the kidney tells: half of the step from fat to parenchyma without contrast is clear, and
# where nothing differs the flood may be off by its whole reach.
SENSE = EdgeSense(clear_hu=60.0, clear_mm=1.2, blind_mm=6.0)
SIDES = ("left", "right")


@dataclass(frozen=True)
class _Edge:
    """How the border is looked for."""

    core_mm: float
    reach_mm: float
    fat_below_hu: float
    opening_mm: float


def kidneys(
    volume: Volume,
    body: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    *,
    least_score: float = 0.2,
    sure_score: float = 0.3,
    core_mm: float = 3.0,
    reach_mm: float = 6.0,
    fat_below_hu: float = -25.0,
    opening_mm: float = 2.5,
) -> Remarked:
    """Both kidneys, each found by place, size and shape and bordered by the steepest edge around it.

    Candidates on a coarse grid (see `find_kidney`) vote; from the core of what they agree on the
    gradient is flooded. Fat in the sinus stays out, cysts mostly too, the collecting system is
    in as far as parenchyma encloses it. A kidney that lies elsewhere (pelvic, horseshoe,
    transplanted) is not found; a large tumour may hide one.

    Args:
        volume: CT.
        body, lung_left, lung_right, bone: masks of the same scan; the lungs may be empty.
        least_score: what a candidate must reach to be taken for a kidney.
        sure_score: below it, a finding says that it is in doubt.
        core_mm: what lies that deep in the voted body is kidney.
        reach_mm: what lies that far outside is not.
        fat_below_hu: darkest parenchyma, with its blur.
        opening_mm: radius that takes off vessels at the hilum.

    Returns:
        Left and right kidney, (S, R, C) bool, with likelihoods; one may be empty. Remarks where there is no
        contrast, doubt, or only one.

    Raises:
        EmptyMask: no spine of a trunk, or nothing like a kidney beside it.
        NoMillimetres: the scan never said its pixel size.

    Source:
        Meyer & Beucher, J. Vis. Commun. Image R. 1 (1990) 21-46: flooding from markers.
    """
    parts = trunk("kidneys", volume, body, lung_left, lung_right, bone, smooth_mm=SMOOTH_MM)
    grid = parts.grid
    shape = volume.geometry.shape
    masks, likelihoods, scores, likely_hu = [], [], [], []
    for found in find_kidneys(parts):
        mask, likelihood = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.float16)
        if found and found[0].score >= least_score:
            votes = counted_votes(found, grid)
            hu = float(np.median(parts.values[votes >= SURE_VOTE]))
            edge = _Edge(core_mm, reach_mm, fat_below_hu, opening_mm)
            box, mask[box], likelihood[box] = _bordered(volume, votes, grid, hu, edge)
            scores.append(found[0].score)
            likely_hu.append(hu)
        masks.append(mask)
        likelihoods.append(likelihood if mask.any() else None)
    if not scores:
        raise EmptyMask("kidneys", NOT_LIKELY)
    sides = [side for side, mask in zip(SIDES, masks, strict=True) if mask.any()]
    remarks = _remarks(min(scores), sure_score, min(likely_hu), sides)
    return Remarked(tuple(masks), tuple(remarks), tuple(likelihoods))


def _remarks(score: float, sure_score: float, hu: float, sides: list[str]) -> list[Finding]:
    made = []
    if hu < CONTRAST_HU:
        made.append(
            Finding(
                "segment.no-contrast",
                "warning",
                f"The kidneys hold no contrast agent: {hu:.0f} HU.",
                "Where they touch liver, spleen, bowel or muscle, their border is an estimate.",
                {"kidney_hu": round(hu)},
            )
        )
    if score < sure_score:
        made.append(
            Finding(
                "segment.unsure-organ",
                "warning",
                "What was taken for a kidney is unusual in place, size or shape.",
                "Look at the slices: it may be another organ, or only part of one.",
                {"score": round(score, 2)},
            )
        )
    if len(sides) == 1:
        made.append(
            Finding(
                "segment.one-kidney",
                "warning",
                "Only the left kidney was found."
                if sides == ["left"]
                else "Only the right kidney was found.",
                "The other may lie outside of the scan, be taken out, or be hidden by a tumour or metal.",
                {"side": sides[0]},
            )
        )
    return made


def _bordered(
    volume: Volume, votes: Floats, grid: Geometry, hu: float, edge: _Edge
) -> tuple[Box, Mask, Floats]:
    """The kidney on the scan's own grid, flooded from its core to the steepest edge; and its likelihood."""
    box = box_between(votes > 0, grid, volume.geometry, margin_mm=edge.reach_mm + 4)
    part = cut_out(volume, box)
    spacing = part.geometry.spacing_mm
    fine = moved(votes, grid, part.geometry)
    np.nan_to_num(fine, copy=False)
    is_plain = hu < CONTRAST_HU
    sigma = EDGE_SMOOTH_MM[is_plain]
    reach_mm = edge.reach_mm * (PLAIN_REACH if is_plain else 1.0)
    opening_mm = edge.opening_mm * (PLAIN_OPENING if is_plain else 1.0)
    smooth = filters.gaussian(np.ascontiguousarray(part.array), sigma, spacing, as_float=True)
    np.nan_to_num(smooth, copy=False, nan=-1000.0)
    seeds = np.zeros(fine.shape, dtype=np.uint8)
    seeds[~dilate(fine >= LIKELY_VOTE[is_plain], reach_mm, spacing)] = 1
    seeds[smooth < edge.fat_below_hu - 30] = 1
    seeds[erode(fine >= SURE_VOTE, edge.core_mm, spacing) & (smooth > edge.fat_below_hu)] = 2
    relief = gradient_magnitude(smooth, spacing)
    kidney = flooded(relief, seeds) == 2
    kidney &= smooth > edge.fat_below_hu
    tidy = _tidied(fill_cavities(kidney), opening_mm, spacing)
    # Clefts that noise cut are closed; the sinus, where fat is, stays open.
    whole = fill_cavities(closed(tidy, edge.opening_mm, spacing) & ((smooth > edge.fat_below_hu) | tidy))
    return box, whole, border_doubt(smooth, whole, spacing, sense=SENSE).likelihood


def _tidied(mask: Mask, opening_mm: float, spacing: tuple[float, float, float]) -> Mask:
    """Without vessels at the hilum; a cut by the edge of the scan stays as it is."""
    margin = [round(opening_mm / step) + 1 for step in spacing]
    padded = np.pad(mask, [(m, m) for m in margin], mode="edge")
    tidy = opened(padded, opening_mm, spacing)
    inner = tuple(slice(m, n - m) for m, n in zip(margin, padded.shape, strict=True))
    return fill_cavities(largest_components(np.ascontiguousarray(tidy[inner])))
