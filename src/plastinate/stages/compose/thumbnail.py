"""A slice or a large picture -> the small PNG that stands beside a case's name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.volume import UNMEASURED_INT16
from plastinate.stages.compose.slices import CT_WINDOW_HU, MR_PERCENTILES

SIDE_PX = 480
# A picture is looked at before its model is chosen.
SMALL_PICTURE_PX = 640


def render_thumbnail(
    plane: npt.NDArray[Any], *, quantity: str, spacing: tuple[float, float], side_px: int = SIDE_PX
) -> bytes:
    """One slice in a window that shows soft tissue and bone, with square pixels.

    Args:
        plane: (R, C) int16 or float32 grey values, unmeasured ones marked.
        quantity: "HU" takes the window of CT, anything else the middle of the values that occur.
        spacing: (row, column) distances.
        side_px: the longer side.

    Returns:
        PNG bytes.
    """
    from PIL import Image

    values = plane.astype(np.float32)
    measured = plane != UNMEASURED_INT16 if plane.dtype == np.int16 else np.isfinite(plane)
    low, high = CT_WINDOW_HU
    if quantity != "HU":
        seen = values[measured]
        low, high = np.percentile(seen, MR_PERCENTILES) if seen.size else (0.0, 1.0)
    values[~measured] = low
    lit = (np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    size_mm = (lit.shape[1] * spacing[1], lit.shape[0] * spacing[0])
    scale = side_px / max(size_mm)
    size = (max(1, round(size_mm[0] * scale)), max(1, round(size_mm[1] * scale)))
    return _png(Image.fromarray(lit).resize(size, Image.Resampling.BICUBIC))


def render_small_picture(
    rgb: npt.NDArray[np.uint8], opacity: npt.NDArray[np.uint8] | None, *, side_px: int = SMALL_PICTURE_PX
) -> bytes:
    """A picture in colour, no larger than that; what is nothing in it stays nothing.

    Args:
        rgb: (R, C, 3) sRGB.
        opacity: (R, C), or None.
        side_px: the longer side.

    Returns:
        PNG bytes.
    """
    from PIL import Image

    image = Image.fromarray(rgb)
    if opacity is not None:
        image.putalpha(Image.fromarray(opacity))
    image.thumbnail((side_px, side_px))
    return _png(image)


def shrink_picture(picture: bytes, *, side_px: int = SIDE_PX) -> bytes:
    """A PNG of ours, no larger than that.

    Args:
        picture: PNG bytes.
        side_px: the longer side.
    """
    from PIL import Image

    with Image.open(io.BytesIO(picture), formats=["PNG"]) as image:
        image.thumbnail((side_px, side_px))
        return _png(image)


def _png(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()
