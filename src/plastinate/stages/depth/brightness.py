"""Picture -> DepthMap that is nothing but its brightness: bright is near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastinate.model.depth import DepthMap
from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.nets.picture_net import fitted_shape, resized
from plastinate.nets.plane_filters import box_mean

# Marks, dead pixels and glints are not what the picture is of.
SHOWN_PERCENTILES = (0.5, 99.5)


def _silent(share: float) -> None:
    del share


def brightness(
    picture: Picture,
    *,
    side_px: int = 512,
    smooth_share: float = 0.002,
    span: float = 0.25,
    progress: Callable[[float], None] = _silent,
) -> DepthMap:
    """Take brightness for nearness, as a drawing, an X-ray or a lithophane wants it.

    Args:
        picture: what was seen.
        side_px: longest side of the map.
        smooth_share: radius of a blur, as a share of that side; 0 for none.
        span: how far the darkest lies behind the brightest, as a share of the distance of the brightest.
        progress: told what share is done.

    Returns:
        Depths from 1 to 1 + span; with no confidence, for nothing was measured by it.

    Raises:
        ParameterError: a span that is not above 0.
    """
    if not span > 0:
        raise ParameterError("The span of a relief is above 0.")
    shape = fitted_shape(picture.shape, side_px)
    plane = resized(picture.grey, shape)
    radius = round(smooth_share * max(shape))
    if radius:
        plane = box_mean(box_mean(plane, radius), radius)
    low, high = np.percentile(plane, SHOWN_PERCENTILES)
    share = np.clip((plane - low) / max(float(high - low), 1e-6), 0.0, 1.0) if high > low else np.zeros(shape)
    if picture.opacity is not None:
        share = share * (resized(picture.opacity, shape) / 255.0)
    progress(1.0)
    depth = (1.0 + span * (1.0 - share)).astype(np.float32)
    return DepthMap(depth, np.zeros(shape, dtype=np.float32), facts={"is_even": bool(high <= low)})
