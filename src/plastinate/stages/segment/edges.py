"""Volume -> where the grey values change: strong edges, or a contour pulled onto them from a first mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.volume import Volume
from plastinate.native import distance, filters, voxels
from plastinate.stages.segment.checks import Mask, found, require_masks, require_positive


def gradient_edges(volume: Volume, *inside: Mask, min_gradient_per_mm: float, sigma_mm: float = 1.0) -> Mask:
    """Voxels where the blurred grey values change at least so much in a millimetre.

    Args:
        volume: what to look at.
        inside: at most one mask, outside of which nothing matches.
        min_gradient_per_mm: in the volume's quantity per mm.
        sigma_mm: of the blur.

    Raises:
        ParameterError: a parameter without meaning.
        EmptyMask: no edge is so strong.
    """
    require_masks(volume, inside, least=0)
    least = require_positive("min_gradient_per_mm", min_gradient_per_mm)
    spacing = volume.geometry.spacing_mm
    smooth = filters.gaussian(volume.array, require_positive("sigma_mm", sigma_mm), spacing, as_float=True)
    mask = voxels.gradient_magnitude(smooth, spacing) >= np.float32(least)
    for other in inside:
        mask &= other
    return found(mask, "the edges", f"no gradient reaches {least:g} per mm")


def geodesic_contour(
    volume: Volume,
    initial: Mask,
    *,
    edge_per_mm: float,
    sigma_mm: float = 1.0,
    propagation: float = 1.0,
    curvature: float = 1.0,
    advection: float = 1.0,
    iterations: int = 200,
    margin_mm: float = 15.0,
) -> Mask:
    """Let the outline of a first mask move until it rests on edges and is smooth.

    Args:
        volume: what to look at.
        initial: where to start, inside the structure for a positive propagation.
        edge_per_mm: gradient at which the outline slows to half its speed.
        sigma_mm: blur before the gradient.
        propagation: outward pressure; negative shrinks, 0 leaves it to the edges.
        curvature: weight of smoothness.
        advection: weight of the pull onto edges.
        iterations: at most; ends earlier when the outline rests.
        margin_mm: how far outside the first mask's box the outline may go.

    Raises:
        ParameterError: a parameter without meaning.
        EmptyMask: the outline vanished.

    Source:
        Caselles, Kimmel, Sapiro, Int J Comput Vis 22 (1997) 61-79, in SimpleITK's implementation;
        the speed is 1 / (1 + (gradient / edge)^2), their equation 22.
    """
    import SimpleITK as Sitk

    require_masks(volume, (initial,))
    for name, value in (("edge_per_mm", edge_per_mm), ("sigma_mm", sigma_mm)):
        require_positive(name, value)
    require_positive("margin_mm", margin_mm, or_zero=True)
    if iterations < 1 or not all(map(math.isfinite, (propagation, curvature, advection))):
        raise ParameterError("iterations is 1 or more, and the three weights are finite numbers.")
    spacing = volume.geometry.spacing_mm
    s, r, c = (round(margin_mm / step) for step in spacing)
    box = voxels.bounding_box(initial, margin=(s, r, c))
    if box is None:
        raise EmptyMask("the first mask", "an outline cannot start from nothing")
    smooth = filters.gaussian(np.ascontiguousarray(volume.array[box]), sigma_mm, spacing, as_float=True)
    slope = voxels.gradient_magnitude(smooth, spacing) / np.float32(edge_per_mm)
    speed = np.float32(1) / (np.float32(1) + slope * slope)
    start = np.ascontiguousarray(initial[box])
    level = distance.distance_outside(start, spacing) - distance.distance_inside(start, spacing)
    moving = Sitk.GeodesicActiveContourLevelSetImageFilter()
    moving.SetPropagationScaling(float(propagation))
    moving.SetCurvatureScaling(float(curvature))
    moving.SetAdvectionScaling(float(advection))
    moving.SetNumberOfIterations(int(iterations))
    moving.SetMaximumRMSError(0.002)
    moving.SetNumberOfThreads(1)
    moved = Sitk.GetArrayFromImage(moving.Execute(_image(Sitk, level, spacing), _image(Sitk, speed, spacing)))
    mask = np.zeros(volume.geometry.shape, dtype=np.bool_)
    # SimpleITK keeps the inside negative.
    mask[box] = moved < 0
    return found(mask, "the contour", "the outline vanished")


def _image(sitk: Any, array: npt.NDArray[np.float32], spacing: tuple[float, float, float]) -> Any:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array, dtype=np.float32))
    image.SetSpacing(spacing[::-1])
    return image
