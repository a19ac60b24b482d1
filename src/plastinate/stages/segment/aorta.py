"""CT volume, body, trachea, lungs and bone -> the aorta, from the heart to where it parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.components import fill_cavities, largest_components
from plastinate.native.distance import dilate, opened
from plastinate.native.voxels import Mask, gradient_magnitude
from plastinate.stages.segment.aorta_path import Bead, arch, descending_aorta
from plastinate.stages.segment.ascending_aorta import ascending_aorta, carina_of
from plastinate.stages.segment.boxes import cut_out
from plastinate.stages.segment.flooding import flooded
from plastinate.stages.segment.patient_grid import box_between, moved, moved_mask
from plastinate.stages.segment.trunk import Trunk, trunk
from plastinate.stages.segment.vessel_path import Ring

Floats = npt.NDArray[np.float32]

SMOOTH_MM = 1.2
EDGE_SMOOTH_MM = (0.8, 1.4)
# Blood without contrast is 30 to 50 HU.
CONTRAST_HU = 90.0
# Without, an edge shows only towards fat and lung: the ring that was fitted says more about the rest.
PLAIN_REACH = 0.4
# The way through the arch cuts its outer bend short.
BEND_REACH = 2.0
# Without contrast the root is lost in the heart before its rim is.
PLAIN_RIM = 0.6
SURE_RINGS = 6
# Steps of the relief finer than that are noise, and cost time.
STEP_HU_PER_MM = 1.0
NOT_ROUND = "nothing round runs down in front of the spine"


@dataclass(frozen=True)
class _Edge:
    """How the border is looked for; see `aorta`."""

    core_share: float
    reach_mm: float
    fat_below_hu: float
    opening_mm: float
    wall_mm: float


def aorta(
    volume: Volume,
    body: Mask,
    trachea: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    *,
    least_length_mm: float = 40.0,
    sure_score: float = 0.6,
    core_share: float = 0.55,
    reach_mm: float = 4.5,
    fat_below_hu: float = -25.0,
    opening_mm: float = 3.0,
    wall_mm: float = 0.75,
) -> Remarked:
    """The aorta with its wall, traced by its round rim and bordered by the steepest edge around it.

    In each axial plane in front of the spine the ring that fits best is taken, all together a smooth course;
    the ascending part is traced from the carina down to its root, and the arch is the quickest way
    through thick soft tissue between the two. Branches are left out where they are thinner than twice
    `opening_mm` or run away from that course.

    Limits: a scan that begins below the carina shows no ascending part, and one without a trachea in it
    none of the arch. Not for an aorta wider than 40 mm, a dissection, or an arch on the right. Where its rim
    is lost in the heart, the root ends.

    Args:
        volume: CT.
        body, trachea, lung_left, lung_right, bone: masks of the same scan; trachea and lungs may be empty.
        least_length_mm: a shorter course is not taken for an aorta.
        sure_score: where the rim fits worse on average, a finding says that it is in doubt.
        core_share: of the radius; what lies nearer to the course is aorta.
        reach_mm: what lies that far beyond the radius is not.
        fat_below_hu: darkest blood, with its blur.
        opening_mm: radius that takes off branches.
        wall_mm: soft tissue that close to bright blood is its wall; without contrast the two are one.

    Returns:
        One mask, (S, R, C) bool, with remarks.

    Raises:
        EmptyMask: no spine of a trunk, or no vessel in front of it.
        NoMillimetres: the scan never said its pixel size.

    Source:
        Meyer & Beucher, J. Vis. Commun. Image R. 1 (1990) 21-46: flooding from markers.
    """
    parts = trunk("aorta", volume, body, lung_left, lung_right, bone, smooth_mm=SMOOTH_MM)
    carina = carina_of(moved_mask(trachea, volume.geometry, parts.grid))
    down = descending_aorta(parts, None if carina is None else carina[0])
    if len(down) * parts.step_mm < least_length_mm:
        raise EmptyMask("aorta", NOT_ROUND)
    up = [] if carina is None else ascending_aorta(parts, carina)
    blood_hu = float(np.median([_centre_hu(parts, ring) for ring in (*down, *up)]))
    if blood_hu < CONTRAST_HU:
        up = _while_round(up)
    beads = arch(parts, up[0], down[0], blood_hu=blood_hu) if up else []
    if not beads:
        up = []
    edge = _Edge(core_share, reach_mm, fat_below_hu, opening_mm, wall_mm)
    mask = _bordered(volume, parts, (*down, *up, *beads), bone, blood_hu, edge)
    if not mask.any():
        raise EmptyMask("aorta", NOT_ROUND)
    score = float(np.mean([ring.score for ring in down]))
    is_short = carina is not None and not beads
    return Remarked((mask,), tuple(_remarks(blood_hu, score < sure_score, is_short)))


def _centre_hu(parts: Trunk, ring: Ring) -> float:
    return float(parts.values[ring.plane, round(ring.row), round(ring.column)])


def _while_round(rings: list[Ring]) -> list[Ring]:
    """The rings down to the first, below a few, that is hardly one."""
    for number, ring in enumerate(rings):
        if number >= SURE_RINGS and ring.score < PLAIN_RIM:
            return rings[:number]
    return rings


def _balls(places: Sequence[Ring | Bead], parts: Trunk, *, share: float, more_mm: float) -> Mask:
    """Balls about all places of a course, of a share of its radius and something more."""
    out = np.zeros(parts.grid.shape, dtype=np.bool_)
    step = parts.step_mm
    for at in places:
        radius = share * at.radius_mm + more_mm
        reach = int(radius / step) + 1
        centre = (at.plane, round(at.row), round(at.column))
        low = [max(0, n - reach) for n in centre]
        high = [min(size, n + reach + 1) for n, size in zip(centre, parts.grid.shape, strict=True)]
        s, r, c = (np.arange(a, b) for a, b in zip(low, high, strict=True))
        away = (
            (s[:, None, None] - at.plane) ** 2
            + (r[None, :, None] - at.row) ** 2
            + (c[None, None, :] - at.column) ** 2
        )
        out[low[0] : high[0], low[1] : high[1], low[2] : high[2]] |= away * step**2 <= radius**2
    return out


def _bordered(
    volume: Volume, parts: Trunk, places: Sequence[Ring | Bead], bone: Mask, blood_hu: float, edge: _Edge
) -> Mask:
    """The aorta on the scan's own grid: flooded from its course to the steepest edge."""
    is_plain = blood_hu < CONTRAST_HU
    reach_mm = edge.reach_mm * (PLAIN_REACH if is_plain else 1.0)
    core = _balls(places, parts, share=edge.core_share, more_mm=0.0)
    limit = _balls(places, parts, share=1.0, more_mm=reach_mm)
    if not is_plain:
        bend = [at for at in places if isinstance(at, Bead)]
        limit |= _balls(bend, parts, share=1.0, more_mm=BEND_REACH * reach_mm)
    box = box_between(limit, parts.grid, volume.geometry, margin_mm=3.0)
    part = cut_out(volume, box)
    spacing = part.geometry.spacing_mm
    smooth = filters.gaussian(
        np.ascontiguousarray(part.array), EDGE_SMOOTH_MM[is_plain], spacing, as_float=True
    )
    np.nan_to_num(smooth, copy=False, nan=-1000.0)
    inner, outer = (
        np.nan_to_num(moved(mask.astype(np.float32), parts.grid, part.geometry)) for mask in (core, limit)
    )
    hard = bone[box]
    seeds = np.zeros(part.array.shape, dtype=np.uint8)
    seeds[inner >= 0.5] = 2
    seeds[(outer < 0.5) | (smooth < edge.fat_below_hu) | hard] = 1
    relief = np.rint(gradient_magnitude(smooth, spacing) / STEP_HU_PER_MM)
    found = (flooded(relief, seeds) == 2) & ~hard & (smooth >= edge.fat_below_hu)
    # A cut by the edge of the scan stays as it is.
    margin = [round(edge.opening_mm / step) + 1 for step in spacing]
    padded = opened(np.pad(found, [(m, m) for m in margin], mode="edge"), edge.opening_mm, spacing)
    s, r, c = (slice(m, n - m) for m, n in zip(margin, padded.shape, strict=True))
    found = fill_cavities(largest_components(np.ascontiguousarray(padded[s, r, c])))
    if not is_plain:
        found |= dilate(found, edge.wall_mm, spacing) & (smooth >= edge.fat_below_hu) & ~hard
    mask = np.zeros(volume.geometry.shape, dtype=np.bool_)
    mask[box] = found
    return mask


def _remarks(blood_hu: float, is_unsure: bool, is_short: bool) -> list[Finding]:
    made = []
    if blood_hu < CONTRAST_HU:
        made.append(
            Finding(
                "segment.no-contrast",
                "warning",
                f"The blood in the aorta holds no contrast agent: {blood_hu:.0f} HU.",
                "It was traced by its outline; where it touches muscle or heart, its border is an estimate.",
                {"blood_hu": round(blood_hu)},
            )
        )
    if is_unsure:
        made.append(
            Finding(
                "segment.unsure-organ",
                "warning",
                "What was taken for the aorta is hardly round.",
                "Look at the slices: it may be another vessel, or bowel.",
            )
        )
    if is_short:
        made.append(
            Finding(
                "segment.unsure-border",
                "warning",
                "No way from the ascending to the descending aorta was found.",
                "Only what runs down beside the spine was kept.",
            )
        )
    return made
