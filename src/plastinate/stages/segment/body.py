"""CT volume -> the patient without the table, and the table without the patient."""

from __future__ import annotations

import numpy as np

from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.components import Components, fill_cavities, fill_holes_2d, largest_components
from plastinate.native.distance import closed, dilate, erode, opened
from plastinate.native.voxels import LEAST_INT16, Mask, sums, threshold
from plastinate.stages.segment.orientation import axial_axis

# Between fat (-100 HU) and dense bone; foam lies below, plastic and metal shells rarely fill a solid.
SOFT_MEAN_HU = (-150.0, 400.0)

# A chest in full breath keeps about a third of its filled volume after erosion, a skull phantom a fortieth.
HOLLOW_RATIO = 8


def body(
    volume: Volume,
    *,
    tissue_above_hu: float = -300.0,
    opening_mm: float = 6.0,
    regain_mm: float = 9.0,
    least_share: float = 0.05,
) -> Mask:
    """The patient as one solid: tissue and all air that it encloses, without table, sheets and tubes.

    Tissue is eroded until thin things (table shell, blanket, cables) are gone; the largest
    solid is the trunk or head, and other solids of tissue density and of `least_share` of its
    size are limbs. What was eroded is then put back within `regain_mm` of them. Air is
    filled in each axial plane, so that lungs and airways belong to the body even where
    the scan cuts them open; air that reaches the outside within a plane (open mouth) does not.

    Args:
        volume: CT.
        tissue_above_hu: darkest tissue.
        opening_mm: half the thickness of the thickest thing that is not the patient.
        regain_mm: how far beyond its thick parts the patient reaches: nose, ears, folds.
        least_share: size of a limb against the trunk.

    Returns:
        (S, R, C) bool.

    Raises:
        EmptyMask: nothing solid is there.
        NoMillimetres: the scan never said its pixel size.
    """
    spacing = volume.geometry.spacing_mm
    tissue = threshold(volume.array, tissue_above_hu, np.inf)
    core = _core(tissue, opening_mm, volume.geometry)
    parts = Components(core, connectivity=6)
    if parts.count == 0:
        raise EmptyMask("body", f"nothing solid above {tissue_above_hu:g} HU")
    order = parts.by_size()
    chosen = [int(order[0])]
    for number in order[1:]:
        if parts.sizes[number] < least_share * parts.sizes[order[0]]:
            break
        mean = sums(volume.array, parts.mask([int(number)])).mean
        if SOFT_MEAN_HU[0] <= mean <= SOFT_MEAN_HU[1]:
            chosen.append(int(number))
    near = dilate(parts.mask(chosen), regain_mm, spacing)
    near &= tissue
    solid = Components(near, connectivity=6)
    large = solid.sizes >= least_share * solid.sizes.max()
    return fill_cavities(fill_holes_2d(solid.mask(large), axis=axial_axis(volume.geometry)))


def skin(volume: Volume, body: Mask, *, smoothing_mm: float = 2.0) -> Mask:
    """The body's outside as one solid, freed of creases and of what clings to it.

    Args:
        volume: CT.
        body: the patient.
        smoothing_mm: threads up to twice as thick are taken off, creases up to twice as wide are closed.

    Returns:
        (S, R, C) bool.
    """
    spacing = volume.geometry.spacing_mm
    smooth = closed(largest_components(opened(body, smoothing_mm, spacing)), smoothing_mm, spacing)
    return fill_cavities(smooth)


def _core(tissue: Mask, opening_mm: float, geometry: Geometry) -> Mask:
    """What is left of the solids once everything thin is gone."""
    core = erode(tissue, opening_mm, geometry.spacing_mm)
    filled = fill_holes_2d(tissue, axis=axial_axis(geometry))
    # Filling first would also join the patient with the table where the two enclose air,
    # so it is done only for what is nearly all hollow: a skull phantom, a shell.
    if np.count_nonzero(core) * HOLLOW_RATIO < np.count_nonzero(filled):
        return erode(filled, opening_mm, geometry.spacing_mm)
    return core


def table(
    volume: Volume, body: Mask, *, above_hu: float = -700.0, gap_mm: float = 3.0, least_ml: float = 20.0
) -> Mask:
    """What was scanned and is not the patient: table, cushions, cables; for pictures of the set-up only.

    Args:
        volume: CT.
        body: the patient.
        above_hu: darkest material counted; foam is near -950 HU and left out.
        gap_mm: skin-near voxels left out, whose value is half air and half skin.
        least_ml: smallest piece kept.

    Returns:
        (S, R, C) bool.
    """
    others = threshold(volume.array, max(above_hu, LEAST_INT16), np.inf)
    others &= ~dilate(body, gap_mm, volume.geometry.spacing_mm)
    parts = Components(others, connectivity=26)
    return parts.mask(parts.sizes * volume.geometry.voxel_ml >= least_ml)
