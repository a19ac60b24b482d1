"""CT volume, body, trachea, lungs and bone -> the heart with the pulmonary trunk, without the aorta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.components import Components, fill_cavities, largest_components
from plastinate.native.distance import dilate, distance_inside, erode, opened
from plastinate.native.voxels import Box, Mask, threshold
from plastinate.stages.segment.ascending_aorta import ascending_aorta, carina_of
from plastinate.stages.segment.border_doubt import BorderDoubt, EdgeSense, border_doubt
from plastinate.stages.segment.boxes import cut_out
from plastinate.stages.segment.diaphragm import diaphragm, lung_floor
from plastinate.stages.segment.flooding import flooded
from plastinate.stages.segment.patient_grid import box_between, moved, moved_mask
from plastinate.stages.segment.trunk import Trunk, trunk
from plastinate.stages.segment.vessel_path import Ring, discs

Floats = npt.NDArray[np.float32]

SMOOTH_MM = 1.2
# Holes in soft tissue up to this size are noise or fat within the heart.
HOLE_ML = 0.3
# Between these distances from the spinal canal lies the middle of the heart: to the left, and in front.
MIDDLE_LEFT_MM = (-20.0, 80.0)
MIDDLE_BACK_MM = (-160.0, -50.0)
# A plane belongs to the chest if both lungs are cut this large in it.
LUNG_CM2 = 20.0
# The heart holds a ball of this radius; nothing else between the lungs does. Smaller balls found the aorta
# and the pulmonary trunk together in its place (18 mm).
BALL_MM = 22.0
MARK_MM = 40.0
# Farther to the right than this, or under the lungs behind the heart, all thick tissue is abdomen.
ABDOMEN_RIGHT_MM = -60.0
ABDOMEN_BEHIND_MM = -55.0
ABDOMEN_ASIDE_MM = 25.0
ABDOMEN_DEEP_MM = 110.0
# What a ball of this radius reaches is heart; chest wall, oesophagus and veins are thinner.
CORE_MM = 15.0
REACH_MM = 20.0
TIDY_MM = 10.0
# The aorta's wall lies outside the steepest edge of its rim.
AORTA_WALL_MM = 2.5
# The pulmonary trunk and its first branches lie left of the ascending aorta and behind it, and reach 10 mm
# above the carina, where the left one arches over the main bronchus.
LUNG_ARTERY_ABOVE_MM = 10.0
LUNG_ARTERY_BELOW_MM = 60.0
LUNG_ARTERY_MM = 6.0
# Its branches part from it near the carina; deeper down only the trunk is left, not behind the aorta's back:
# what lies there is a vein of the lung or the left auricle.
LUNG_BRANCHES_BELOW_MM = 25.0
LUNG_TRUNK_BEHIND_MM = 20.0
CONTRAST_HU = 120.0
EVEN_MM = 1.5
LEAST_ML = 60.0
CONTACT_MM = 10.0
# Lung, fat and blood with contrast differ by more than this from what they touch; where nothing differs, the
# border came from shape alone, which on one chest CT was 4 to 8 mm off at such places.
SENSE = EdgeSense(clear_hu=60.0, clear_mm=1.2, blind_mm=6.0)


@dataclass(frozen=True)
class _Rim:
    """How the border is drawn on the scan's own grid."""

    least_hu: float
    wall_share: float
    wall_mm: float


def heart(
    volume: Volume,
    body: Mask,
    trachea: Mask,
    lung_left: Mask,
    lung_right: Mask,
    bone: Mask,
    *,
    soft_above_hu: float = 0.0,
    least_hu: float = 10.0,
    wall_share: float = 0.55,
    wall_mm: float = 2.5,
    sure_share: float = 0.3,
    least_contact: float = 0.08,
    sure_contact: float = 0.18,
    most_estimated: float = 0.15,
) -> Remarked:
    """Chambers, heart muscle and pulmonary trunk, as the large soft body between the lungs.

    Above the diaphragm, which is stretched between the lungs' bases and drawn to the fat that parts
    heart and abdomen, the heart is what holds a thick ball and its surroundings. The ascending
    aorta is traced from the carina and taken out, up to where its rim is lost in the root.
    Venae cavae and pulmonary veins are left out as far as they are thin. Where blood is
    bright, walls thinner than twice `wall_mm` cannot be told from the pericardium and stay out.

    Limits: a scan that begins below the carina keeps the aortic root; fluid in the pericardium
    counts as heart; without contrast so does the pericardium itself, and a liver that
    touches the heart without fat between is parted by shape alone.

    Args:
        volume: CT.
        body, trachea, lung_left, lung_right, bone: masks of the same scan; the trachea may be empty.
        soft_above_hu: soft tissue for the finder.
        least_hu: darkest heart muscle on the scan's own grid, blurred by 0.8 mm.
        wall_share: of the blood's brightness; what is darker must be thick to count.
        wall_mm: half of that thickness.
        sure_share: where less of the underside than this rests on more than the stretched sheet, a
            finding says that the border to the abdomen is in doubt.
        least_contact, sure_contact: how much of its surroundings must be lung: less than the first is
            no heart, less than the second is in doubt.
        most_estimated: share of the border without a clear edge, beyond which a finding says so.

    Returns:
        One mask, (S, R, C) bool, with its likelihood and remarks.

    Raises:
        EmptyMask: no heart between two lungs.
        NoMillimetres: the scan never said its pixel size.
    """
    parts = trunk("heart", volume, body, lung_left, lung_right, bone, smooth_mm=SMOOTH_MM)
    carina = carina_of(moved_mask(trachea, volume.geometry, parts.grid))
    soft = _soft(parts, soft_above_hu)
    rings: list[Ring] = []
    if carina is not None:
        rings = ascending_aorta(parts, carina)
        soft[: max(0, carina[0] - round(LUNG_ARTERY_ABOVE_MM / parts.step_mm))] = False
    found, told = _found(parts, soft, is_open=carina is None)
    contact = _lung_contact(parts, found)
    if contact < least_contact:
        raise EmptyMask("heart", "the soft body nearest to its place does not lie between the lungs")
    if rings and carina is not None:
        found = _with_lung_artery(parts, found, soft, rings, carina[0])
    if np.count_nonzero(found) * parts.grid.voxel_ml < LEAST_ML:
        raise EmptyMask("heart", "no soft body between two lungs is thick enough")
    box, part, blood_hu, doubt = _bordered(volume, parts, found, _Rim(least_hu, wall_share, wall_mm))
    shape = volume.geometry.shape
    mask, likelihood = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.float16)
    mask[box], likelihood[box] = part, doubt.likelihood
    remarks = _remarks(blood_hu, told < sure_share, contact < sure_contact)
    if doubt.estimated_share > most_estimated:
        remarks.append(_estimated(doubt.estimated_share))
    return Remarked((mask,), tuple(remarks), (likelihood,))


def _soft(parts: Trunk, above_hu: float) -> Mask:
    soft = threshold(parts.values, above_hu, np.inf)
    soft &= parts.inner
    holes = Components(parts.inner & ~soft, connectivity=6)
    return soft | holes.mask(holes.sizes * parts.grid.voxel_ml < HOLE_ML)


def _padded(mask: Mask, step_mm: float, *, is_open: bool) -> tuple[Mask, slice]:
    """The mask with its end planes repeated, not above a heart whose top is in view; and where it lies."""
    planes = round((CORE_MM + REACH_MM) / step_mm)
    padded = np.pad(mask, [(planes, planes), (0, 0), (0, 0)], mode="edge")
    if not is_open:
        padded[:planes] = False
    return padded, slice(planes, planes + mask.shape[0])


def _found(parts: Trunk, soft: Mask, *, is_open: bool) -> tuple[Mask, float]:
    """The heart on the coarse grid, and how much of its underside rests on more than shape."""
    spacing, step = parts.grid.spacing_mm, parts.step_mm
    padded, scan = _padded(soft, step, is_open=is_open)
    depth = distance_inside(padded, spacing)[scan]
    mark = _mark(parts, depth)
    seeds = np.where(soft, 0, 3).astype(np.uint8)
    seeds[_abdomen(parts, soft, depth, mark)] = 2
    seeds[mark] = 1
    chest = (flooded(-depth, seeds) == 1) & soft
    padded, scan = _padded(chest, step, is_open=is_open)
    guess = _thick(padded, spacing, step)[scan]
    _, row, column = (float(axis.mean()) for axis in np.nonzero(mark))
    border, told = diaphragm(parts, guess, chest, (row, column))
    over = soft & (np.arange(soft.shape[0])[:, None, None] < border[None])
    padded, scan = _padded(over, step, is_open=is_open)
    whole = opened(_thick(padded, spacing, step), TIDY_MM, spacing)
    return largest_components(whole)[scan], told


def _lung_contact(parts: Trunk, found: Mask) -> float:
    """Share of what lies within 10 mm of the body found that is lung."""
    around = dilate(found, CONTACT_MM, parts.grid.spacing_mm) & ~found
    touching = int(np.count_nonzero(around & (parts.lung_left | parts.lung_right)))
    return touching / max(1, int(np.count_nonzero(around)))


def _thick(mask: Mask, spacing: tuple[float, float, float], step_mm: float) -> Mask:
    core = largest_components(erode(mask, CORE_MM, spacing))
    return dilate(core, REACH_MM, spacing) & mask


def _mark(parts: Trunk, depth: Floats) -> Mask:
    """The upper part of the thickest soft body between the lungs."""
    step = parts.step_mm
    pixel_cm2 = step**2 / 100
    is_chest = np.minimum(
        np.count_nonzero(parts.lung_left, axis=(1, 2)), np.count_nonzero(parts.lung_right, axis=(1, 2))
    )
    left, back = parts.left_mm, parts.back_mm
    place: Mask = (left > MIDDLE_LEFT_MM[0]) & (left < MIDDLE_LEFT_MM[1])
    place &= (back > MIDDLE_BACK_MM[0]) & (back < MIDDLE_BACK_MM[1])
    place &= (is_chest * pixel_cm2 >= LUNG_CM2)[:, None, None]
    mark: Mask = place & (depth >= BALL_MM)
    planes = np.flatnonzero(mark.any(axis=(1, 2)))
    if planes.size == 0:
        raise EmptyMask("heart", "no soft body between two lungs is thick enough")
    mark[planes[0] + round(MARK_MM / step) :] = False
    return largest_components(mark)


def _abdomen(parts: Trunk, soft: Mask, depth: Floats, mark: Mask) -> Mask:
    """Soft tissue that belongs to the abdomen for certain: under the lungs, far to the right, or far down."""
    step = parts.step_mm
    middle = int(np.nonzero(mark)[0].mean())
    floor, has_lung = lung_floor(parts)
    left, back = parts.left_mm[middle], parts.back_mm[middle]
    behind = (back > ABDOMEN_BEHIND_MM) & (np.abs(left) > ABDOMEN_ASIDE_MM)
    tells = has_lung & (floor < soft.shape[0] - 2) & (behind | (left < ABDOMEN_RIGHT_MM))
    planes = np.arange(soft.shape[0])[:, None, None]
    abdomen = (planes > floor + 2) & tells
    abdomen |= planes >= middle + round(ABDOMEN_DEEP_MM / step)
    return np.asarray(abdomen & soft & ~mark)


def _with_lung_artery(parts: Trunk, found: Mask, soft: Mask, rings: list[Ring], carina: int) -> Mask:
    """Without the aorta, and with the pulmonary trunk, which is thinner than the heart."""
    step, shape = parts.step_mm, parts.grid.shape
    aorta = discs(rings, shape, step, wall_mm=AORTA_WALL_MM)
    free = largest_components(opened(found & ~aorta, TIDY_MM, parts.grid.spacing_mm))
    planes = np.arange(shape[0])
    at = [ring.plane for ring in rings]
    row = np.interp(planes, at, [ring.row for ring in rings])[:, None, None]
    column = np.interp(planes, at, [ring.column for ring in rings])[:, None, None]
    radius = np.interp(planes, at, [ring.radius_mm for ring in rings])[:, None, None]
    rows, columns = np.ogrid[: shape[1], : shape[2]]
    ahead_mm, left_mm = (rows - row) * step, (columns - column) * step
    zone = (left_mm >= -0.3 * radius) & (left_mm <= 50) & (ahead_mm >= -25) & (ahead_mm <= 55)
    upper = max(0, carina - round(LUNG_ARTERY_ABOVE_MM / step))
    zone &= ((planes >= upper) & (planes <= carina + round(LUNG_ARTERY_BELOW_MM / step)))[:, None, None]
    branches = planes <= carina + round(LUNG_BRANCHES_BELOW_MM / step)
    zone &= (ahead_mm <= LUNG_TRUNK_BEHIND_MM) | branches[:, None, None]
    artery = opened(soft & ~aorta & zone, LUNG_ARTERY_MM, parts.grid.spacing_mm)
    return largest_components(free | artery, connectivity=6)


def _bordered(volume: Volume, parts: Trunk, found: Mask, rim: _Rim) -> tuple[Box, Mask, float, BorderDoubt]:
    """The heart on the scan's own grid, its box, how bright its blood is, and how sure its border."""
    box = box_between(found, parts.grid, volume.geometry, margin_mm=8.0)
    part = cut_out(volume, box)
    spacing = part.geometry.spacing_mm
    blurred = filters.gaussian(found.astype(np.float32), 1.5, parts.grid.spacing_mm)
    near = moved(blurred, parts.grid, part.geometry)
    np.nan_to_num(near, copy=False)
    array = np.ascontiguousarray(part.array)
    smooth = filters.gaussian(array, 0.8, spacing, as_float=True)
    mask: Mask = (near > 0.45) & (smooth > rim.least_hu)
    blood_hu = float(np.median(smooth[near > 0.9])) if (near > 0.9).any() else 0.0
    if blood_hu > CONTRAST_HU:
        dim = mask & (filters.gaussian(array, 1.2, spacing, as_float=True) < rim.wall_share * blood_hu)
        mask &= ~dim
        mask |= dilate(opened(dim, rim.wall_mm, spacing), rim.wall_mm, spacing) & dim
    tidy = _tidied(mask, rim.wall_mm, spacing)
    if not tidy.any():
        raise EmptyMask("heart", "no soft body between two lungs is thick enough")
    return box, tidy, blood_hu, border_doubt(np.nan_to_num(smooth, nan=-1000.0), tidy, spacing, sense=SENSE)


def _tidied(mask: Mask, opening_mm: float, spacing: tuple[float, float, float]) -> Mask:
    margin = [round(opening_mm / step) + 1 for step in spacing]
    padded = np.pad(mask, [(m, m) for m in margin], mode="edge")
    inner = tuple(slice(m, n - m) for m, n in zip(margin, padded.shape, strict=True))
    tidy = np.ascontiguousarray(opened(padded, opening_mm, spacing)[inner])
    # Noise along the border, finer than any of the heart's own relief, is evened out.
    even = filters.gaussian(tidy.astype(np.float32), EVEN_MM, spacing) > 0.5
    return fill_cavities(largest_components(even))


def _estimated(share: float) -> Finding:
    return Finding(
        "segment.estimated-border",
        "warning",
        f"{share:.0%} of the heart's border lies where hardly any edge shows.",
        "There it is an estimate; the range of the volume holds both ways in which it may be wrong.",
        {"share": round(share, 2)},
    )


def _remarks(blood_hu: float, is_border_unsure: bool, is_unsure: bool) -> list[Finding]:
    made = []
    if blood_hu <= CONTRAST_HU:
        made.append(
            Finding(
                "segment.no-contrast",
                "warning",
                f"The blood in the heart holds no contrast agent: {blood_hu:.0f} HU.",
                "The heart was found by its outline; where it touches the liver, its border is an estimate.",
                {"blood_hu": round(blood_hu)},
            )
        )
    if is_border_unsure:
        made.append(
            Finding(
                "segment.unsure-border",
                "warning",
                "Under the heart hardly anything shows where the abdomen begins.",
                "It was stretched between the bases of the lungs; look at the lowest slices of the heart.",
            )
        )
    if is_unsure:
        made.append(
            Finding(
                "segment.unsure-organ",
                "warning",
                "What was taken for the heart touches less lung than a heart does.",
                "Look at the slices: the scan may hold only part of it, or it may be another organ.",
            )
        )
    return made
