"""LabelMap -> closed surfaces whose neighbours share their walls triangle for triangle."""

from __future__ import annotations

from collections.abc import Mapping

from plastinate.model.labels import LabelMap
from plastinate.model.surface import SurfaceSet
from plastinate.model.volume import Volume
from plastinate.stages.surface.shared_net import contour_labels


def shared_net(
    volume: Volume,
    labels: LabelMap,
    *,
    structures: tuple[str, ...],
    levels: Mapping[str, int | None],
    smooth_iterations: int = 40,
    pass_band: float = 0.01,
) -> SurfaceSet:
    """Surface all the structures at once on one net, smoothed and decimated once, then split.

    Args:
        volume: not used; here so that every surface method is called alike.
        labels: which voxel belongs to what.
        structures: which of them to surface.
        levels: detail level -> triangles at most for each structure; None keeps all.
        smooth_iterations: windowed-sinc passes over the net.
        pass_band: of the smoothing.

    Returns:
        The surfaces, and the promises that could not be kept.
    """
    del volume
    result = contour_labels(
        labels, structures=structures, iterations=smooth_iterations, pass_band=pass_band, targets=levels
    )
    return SurfaceSet(result.surfaces, tuple(result.notes))
