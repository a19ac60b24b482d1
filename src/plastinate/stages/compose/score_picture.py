"""Our mask and a reference's over a scan -> the slice where they differ most, with both outlines."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.volume import Volume
from plastinate.native.voxels import Mask, bounding_box
from plastinate.stages.compose.slices import flipped, grey_window, towards_patient_axes

SIDE_PX = 420
MARGIN_MM = 25.0
# Apart for every kind of colour vision, and in brightness: blue of the reference, orange of ours.
REFERENCE_RGB = (86, 180, 233)
OURS_RGB = (240, 150, 30)
TINT = 0.28


@dataclass(frozen=True)
class WorstSlice:
    """The axial slice where the two differ by the largest area.

    Attributes:
        png: the picture; patient's right on the viewer's left, anterior up.
        number: index along the grid's axial axis.
        missed_cm2: area that only the reference holds. extra_cm2: only we.
    """

    png: bytes
    number: int
    missed_cm2: float
    extra_cm2: float


def worst_slice(volume: Volume, ours: Mask, reference: Mask) -> WorstSlice | None:
    """Draw the axial slice where most is missed and added; None where both are empty.

    Args:
        volume: grey values on the grid of both masks.
        ours, reference: (S, R, C) bool.
    """
    either = ours | reference
    if bounding_box(either) is None:
        return None
    order, flips = towards_patient_axes(volume.geometry.to_lps_mm)
    grey, own, other = (flipped(each.transpose(order), flips) for each in (volume.array, ours, reference))
    wrong = np.count_nonzero(own != other, axis=(1, 2))
    # Where nothing differs, the fullest slice shows that.
    number = int(wrong.argmax()) if wrong.any() else int(np.count_nonzero(other, axis=(1, 2)).argmax())
    rows_mm, columns_mm = (volume.geometry.spacing[axis] for axis in order[1:])
    pixel_cm2 = rows_mm * columns_mm / 100.0
    plane, own, other = grey[number].astype(np.float32), own[number], other[number]
    box = _around(own | other, rows_mm, columns_mm)
    picture = _drawn(plane[box], own[box], other[box], (rows_mm, columns_mm), grey_window(volume))
    length = ours.shape[order[0]]
    return WorstSlice(
        png=_png(picture),
        number=length - 1 - number if flips[0] else number,
        missed_cm2=float(np.count_nonzero(other & ~own)) * pixel_cm2,
        extra_cm2=float(np.count_nonzero(own & ~other)) * pixel_cm2,
    )


def _around(shown: npt.NDArray[np.generic], rows_mm: float, columns_mm: float) -> tuple[slice, slice]:
    """A square about what is shown, in mm, with a margin, kept within the slice."""
    rows, columns = (np.flatnonzero(shown.any(axis=axis)) for axis in (1, 0))
    spans = [(rows, rows_mm, shown.shape[0]), (columns, columns_mm, shown.shape[1])]
    side_mm = max((found[-1] - found[0] + 1) * step for found, step, _ in spans) + 2 * MARGIN_MM
    box = []
    for found, step, length in spans:
        count = min(length, round(side_mm / step))
        first = round((found[0] + found[-1] + 1) / 2 - count / 2)
        first = min(max(first, 0), length - count)
        box.append(slice(first, first + count))
    return box[0], box[1]


def _drawn(
    plane: npt.NDArray[np.float32],
    own: npt.NDArray[np.generic],
    other: npt.NDArray[np.generic],
    spacing: tuple[float, float],
    window: tuple[float, float],
) -> npt.NDArray[np.uint8]:
    from PIL import Image

    low, high = window
    lit = (np.clip((np.nan_to_num(plane, nan=low) - low) / max(high - low, 1e-6), 0, 1) * 255).astype(
        np.uint8
    )
    scale = SIDE_PX / max(lit.shape[0] * spacing[0], lit.shape[1] * spacing[1])
    size = (round(lit.shape[1] * spacing[1] * scale), round(lit.shape[0] * spacing[0] * scale))
    grey = np.asarray(Image.fromarray(lit).resize(size, Image.Resampling.BICUBIC))
    picture = np.repeat(grey[..., None], 3, axis=2)
    large_own, large_other = (
        np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)) > 0
        for mask in (own, other)
    )
    for only, colour in ((large_other & ~large_own, REFERENCE_RGB), (large_own & ~large_other, OURS_RGB)):
        picture[only] = (picture[only] * (1 - TINT) + np.array(colour) * TINT).astype(np.uint8)
    # The reference's line lies outside its area and ours inside, so that neither hides the other.
    picture[_rim(~large_other)] = REFERENCE_RGB
    picture[_rim(large_own)] = OURS_RGB
    return np.ascontiguousarray(picture)


def _rim(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """What lies in the mask within two pixels of its edge; the picture's own border is no edge."""
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, 2):
            for ahead, behind in (
                (slice(step, None), slice(None, -step)),
                (slice(None, -step), slice(step, None)),
            ):
                here = (ahead, slice(None)) if axis == 0 else (slice(None), ahead)
                there = (behind, slice(None)) if axis == 0 else (slice(None), behind)
                inner[here] &= mask[there]
    return mask & ~inner


def _png(picture: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    # Sixty-four tones are plenty under two coloured lines, and make a third of the bytes.
    Image.fromarray(picture).quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
