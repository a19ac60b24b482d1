"""One structure as we and as a reference have it -> its figures."""

from __future__ import annotations

import numpy as np

from plastinate.model.geometry import Geometry
from plastinate.model.scores import StructureScore
from plastinate.native.voxels import Mask, bounding_box
from plastinate.stages.verify.scores.surface_pair import SurfacePair
from plastinate.stages.verify.scores.surfaces import by_surface_area, by_surface_voxels


def score_masks(
    ours: Mask, reference: Mask, *, geometry: Geometry, is_cut_surface: bool = False
) -> StructureScore:
    """Score one structure; see `StructureScore` for what each figure is, also where one is empty.

    Args:
        ours, reference: (S, R, C) bool on the same grid.
        geometry: of that grid; spacing may differ along each axis.
        is_cut_surface: count where the edge of the scan cuts the organ as surface. Most packages do;
            it is a plane that both have in common, and makes every figure look better than it is.

    Raises:
        NoMillimetres: the grid has no size.
    """
    sizes = int(np.count_nonzero(ours)), int(np.count_nonzero(reference))
    ours_ml, reference_ml = (voxels * geometry.voxel_ml for voxels in sizes)
    if not all(sizes):
        return _without_surface(ours_ml, reference_ml)
    box = bounding_box(ours | reference, margin=1)
    shared = int(np.count_nonzero(ours[box] & reference[box]))
    area, voxels = (
        distances(ours, reference, spacing_mm=geometry.spacing_mm, is_cut_surface=is_cut_surface)
        for distances in (by_surface_area, by_surface_voxels)
    )
    return StructureScore(
        outcome="found",
        ours_ml=ours_ml,
        reference_ml=reference_ml,
        dice=2 * shared / sum(sizes),
        volume_error_percent=100 * (sizes[0] - sizes[1]) / sizes[1],
        nsd_1mm=_within(area, 1.0),
        nsd_3mm=_within(area, 3.0),
        nsd_1mm_voxels=_within(voxels, 1.0),
        nsd_3mm_voxels=_within(voxels, 3.0),
        hd95_mm=area.percentile_mm(95) if area.is_measured else None,
        assd_mm=voxels.mean_mm() if voxels.is_measured else None,
        mssd_mm=voxels.largest_mm() if voxels.is_measured else None,
    )


def _within(pair: SurfacePair, tolerance_mm: float) -> float | None:
    return pair.within(tolerance_mm) if pair.is_measured else None


def _without_surface(ours_ml: float, reference_ml: float) -> StructureScore:
    if ours_ml == reference_ml:
        return StructureScore("absent", ours_ml, reference_ml)
    return StructureScore(
        outcome="missed" if reference_ml else "invented",
        ours_ml=ours_ml,
        reference_ml=reference_ml,
        dice=0.0,
        volume_error_percent=-100.0 if reference_ml else None,
        nsd_1mm=0.0,
        nsd_3mm=0.0,
        nsd_1mm_voxels=0.0,
        nsd_3mm_voxels=0.0,
    )
