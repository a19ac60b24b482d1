"""CT volume and body -> bone, without the vessels that contrast agent makes as bright."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import Components, fill_cavities
from plastinate.native.distance import closed, dilate
from plastinate.native.voxels import Mask, bounding_box, threshold
from plastinate.stages.segment.boxes import box_of
from plastinate.stages.segment.contrast import Contrast, find_contrast

# Of a piece of bone, this share at least reaches cortical values.
CORTEX_SHARE = 0.05
# A piece that lies mostly this near to contrast is the contrast's own fringe.
# Measured: 0.5 to 0.72 for what was left of atrium and caval vein, 0.00 to 0.02 for bones.
FRINGE_MM = 6.0
FRINGE_SHARE = 0.35
# Yellow marrow is fat; anything darker is air.
MARROW_ABOVE_HU = -200.0
# A femur's shaft and head together; the inside of a skull holds ten times that.
MARROW_ML = 150.0


def skeleton(
    volume: Volume,
    body: Mask,
    *,
    sure_hu: float = 250.0,
    edge_hu: float = 150.0,
    edge_reach_mm: float = 1.5,
    contrast_above_hu: float = 200.0,
    contrast_depth_mm: float = 4.5,
    rim_rise_hu: float = 100.0,
    cortex_hu: float = 350.0,
    dense_core_hu: float = 1200.0,
    closing_mm: float = 1.5,
    marrow_gap_mm: float = 3.5,
    least_piece_ml: float = 0.3,
) -> Remarked:
    """All bone of the scan, with marrow spaces that bone encloses filled.

    Sure bone, freed of contrast (see `find_contrast`), is grown to its edge. Separate pieces
    must reach cortical values, and values above the blood's where there is contrast.
    Vessels narrower than twice `contrast_depth_mm` that touch bone stay with it, as do
    calcified walls and metal. Cartilage is missing, as in every model of bone from CT.

    Args:
        volume: CT.
        body: the patient; keeps the table out.
        sure_hu: bone for certain where there is no contrast.
        edge_hu: bone next to sure bone.
        edge_reach_mm: how far that edge may lie from sure bone.
        contrast_above_hu, contrast_depth_mm, rim_rise_hu, dense_core_hu: see `find_contrast`.
        cortex_hu: what bone reaches somewhere.
        closing_mm: radius that closes pores of the cortex.
        marrow_gap_mm: marrow counts as enclosed where gaps of the bone around it are under twice this.
        least_piece_ml: smallest piece kept.

    Returns:
        (S, R, C) bool, with a remark where there is contrast: no rule tells all of it from bone.

    Raises:
        EmptyMask: no bone.
        NoMillimetres: the scan never said its pixel size.
    """
    contrast = find_contrast(
        volume,
        body,
        above_hu=contrast_above_hu,
        depth_mm=contrast_depth_mm,
        rim_rise_hu=rim_rise_hu,
        cortex_hu=cortex_hu,
        dense_core_hu=dense_core_hu,
    )
    needed_hu = max(cortex_hu, np.nan_to_num(contrast.blood_hu, nan=cortex_hu) + rim_rise_hu)
    not_contrast = np.greater(body, contrast.mask)
    sure = threshold(volume.array, sure_hu, np.inf)
    sure &= not_contrast
    sure = _without_vessels(volume, sure, contrast.mask, needed_hu, least_piece_ml)
    if bounding_box(sure) is None:
        raise EmptyMask("skeleton", f"nothing like bone above {sure_hu:g} HU")
    bone = threshold(volume.array, edge_hu, np.inf)
    bone &= not_contrast
    remarks = tuple(_remarks(contrast))
    del contrast, not_contrast
    bone &= dilate(sure, edge_reach_mm, volume.geometry.spacing_mm)
    bone = fill_cavities(closed(bone, closing_mm, volume.geometry.spacing_mm))
    bone |= enclosed_marrow(volume, bone, gap_mm=marrow_gap_mm, most_ml=MARROW_ML)
    bone &= body
    parts = Components(bone, connectivity=26)
    return Remarked((parts.mask(parts.sizes * volume.geometry.voxel_ml >= least_piece_ml),), remarks)


def _remarks(contrast: Contrast) -> Iterator[Finding]:
    action = "Told from bone where that is possible; where the two touch, some of it may have stayed."
    if not np.isnan(contrast.blood_hu):
        yield Finding(
            "segment.contrast",
            "warning",
            f"Vessels or bowel hold contrast agent as bright as bone, about {contrast.blood_hu:.0f} HU.",
            action,
            {"contrast_hu": round(contrast.blood_hu)},
        )
    if contrast.is_undiluted:
        yield Finding(
            "segment.contrast",
            "warning",
            "Undiluted contrast agent or metal is denser than any bone.",
            action,
        )


def enclosed_marrow(volume: Volume, bone: Mask, *, gap_mm: float, most_ml: float) -> Mask:
    """Marrow spaces that leak only through narrow gaps of the bone around them.

    The bone is grown until the gaps are shut; what is then cut off from the outside is
    grown back to the wall, which it cannot cross. Air cells and sinuses are not marrow and
    stay open, the spinal canal runs on to the edge of the scan, and the skull's
    inside is too large.

    Args:
        volume: CT.
        bone: what was found so far.
        gap_mm: half the width of the widest gap that is shut.
        most_ml: largest space filled.

    Returns:
        (S, R, C) bool.
    """
    geometry = volume.geometry
    shut = dilate(bone, gap_mm, geometry.spacing_mm)
    inner = fill_cavities(shut)
    np.greater(inner, shut, out=inner)
    del shut
    parts = Components(inner, connectivity=6)
    del inner
    marrow = dilate(parts.mask(parts.sizes * geometry.voxel_ml <= most_ml), gap_mm, geometry.spacing_mm)
    marrow &= threshold(volume.array, MARROW_ABOVE_HU, np.inf)
    return marrow


def _without_vessels(volume: Volume, sure: Mask, contrast: Mask, cortex_hu: float, least_ml: float) -> Mask:
    """The pieces that are large enough, reach cortical values and do not cling to contrast."""
    parts = Components(sure, connectivity=26)
    near = dilate(contrast, FRINGE_MM, volume.geometry.spacing_mm)
    keep = []
    for number in parts.by_size():
        size = int(parts.sizes[number])
        if size * volume.geometry.voxel_ml < least_ml:
            break
        box = box_of(parts.boxes[number])
        # Small boxes may hold part of another piece, so the piece itself is painted.
        piece = parts.mask([int(number)])[box] if parts.count > 1 else sure[box]
        cortical = np.count_nonzero(piece & (volume.array[box] >= cortex_hu))
        fringe = np.count_nonzero(piece & near[box])
        if cortical >= CORTEX_SHARE * size and fringe < FRINGE_SHARE * size:
            keep.append(int(number))
    return parts.mask(keep)
