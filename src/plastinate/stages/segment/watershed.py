"""Volume and marker masks -> one region for each marker, meeting where the grey values change most."""

from __future__ import annotations

import numpy as np

from plastinate.model.errors import EmptyMask
from plastinate.model.volume import Volume
from plastinate.native import filters, voxels
from plastinate.stages.segment.checks import Mask, require_masks, require_positive


def watershed(
    volume: Volume, *markers: Mask, sigma_mm: float = 1.0, margin_mm: float = 10.0
) -> tuple[Mask, ...]:
    """Flood the gradient from markers until the floods meet.

    Every voxel of the box around the markers goes to one of them, so one
    marker should be the background. Where markers overlap the earlier has the voxel.

    Args:
        volume: what to look at.
        markers: two masks or more, one for each region; none of them empty.
        sigma_mm: blur before the gradient, against basins made of noise.
        margin_mm: around the markers' box; nothing outside it is given to any region.

    Returns:
        One mask for each marker, in their order; together they fill the box.

    Raises:
        ParameterError: fewer than two markers, or a parameter without meaning.
        EmptyMask: a marker without a voxel.

    Source:
        Beucher & Meyer, "The morphological approach to segmentation: the watershed transformation"
        (1993), in SimpleITK's implementation.
    """
    import SimpleITK as Sitk

    require_masks(volume, markers, least=2)
    require_positive("sigma_mm", sigma_mm)
    require_positive("margin_mm", margin_mm, or_zero=True)
    for number, marker in enumerate(markers, start=1):
        if not marker.any():
            raise EmptyMask(f"marker {number}", "a region cannot grow from nothing")
    spacing = volume.geometry.spacing_mm
    together = np.logical_or.reduce(markers)
    s, r, c = (round(margin_mm / step) for step in spacing)
    box = voxels.bounding_box(together, margin=(s, r, c))
    if box is None:
        raise EmptyMask("the markers")
    smooth = filters.gaussian(np.ascontiguousarray(volume.array[box]), sigma_mm, spacing, as_float=True)
    relief = voxels.gradient_magnitude(smooth, spacing)
    seeds = np.zeros(relief.shape, dtype=np.uint16)
    for label, marker in enumerate(markers, start=1):
        voxels.paint_label(np.ascontiguousarray(marker[box]), label, seeds)
    flooded = Sitk.MorphologicalWatershedFromMarkers(
        Sitk.GetImageFromArray(relief), Sitk.GetImageFromArray(seeds), False, False
    )
    regions = Sitk.GetArrayFromImage(flooded)
    made = []
    for label in range(1, len(markers) + 1):
        mask = np.zeros(volume.geometry.shape, dtype=np.bool_)
        mask[box] = regions == label
        made.append(mask)
    return tuple(made)
