"""Volume and LabelMap -> three slices with the outlines of the organs, the way radiologists hang them."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plastinate.model.labels import LabelMap
from plastinate.model.volume import Volume

Plane = npt.NDArray[np.uint8]

# Soft tissue, wide enough to show lung and bone as well (level 40, width 900).
CT_WINDOW_HU = (-410.0, 490.0)
MR_PERCENTILES = (1.0, 99.5)
PICTURE_SIDE_PX = 768
TINT = 0.10


def slice_pictures(
    volume: Volume, labels: LabelMap, *, colours: Mapping[str, tuple[int, int, int]]
) -> dict[str, Plane]:
    """One axial, one coronal and one sagittal slice through the middle of the organs.

    The patient's right is on the viewer's left, anterior is up in the axial and
    left in the sagittal slice. Oblique grids are shown along their own axes,
    named after the nearest patient axis.

    Returns:
        "axial", "coronal", "sagittal" -> (H, W, 3) uint8 sRGB, square pixels.
    """
    order, flips = towards_patient_axes(volume.geometry.to_lps_mm)
    grey = flipped(volume.array.transpose(order), flips)
    marked = flipped(labels.array.transpose(order), flips)
    spacing = [volume.geometry.spacing[axis] for axis in order]
    low, high = grey_window(volume)
    palette = np.zeros((max(labels.structures, default=0) + 1, 3), dtype=np.uint8)
    for label, structure in labels.structures.items():
        palette[label] = _vivid(colours[structure])
    pictures = {}
    for axis, name in enumerate(("axial", "coronal", "sagittal")):
        index = _widest(marked, axis)
        rows, columns = (other for other in range(3) if other != axis)
        plane = np.take(grey, index, axis=axis).astype(np.float32)
        lit = np.clip((np.nan_to_num(plane, nan=low) - low) / max(high - low, 1e-6), 0, 1) * 255
        pictures[name] = _outlined(
            lit.astype(np.uint8),
            np.take(marked, index, axis=axis),
            palette,
            (spacing[rows], spacing[columns]),
        )
    return pictures


def towards_patient_axes(to_lps_mm: npt.NDArray[np.float64]) -> tuple[list[int], list[bool]]:
    """The order of array axes, and which to turn round, that hang a grid as radiologists do.

    Returns:
        Array axes along head to feet, front to back, right to left; for each, whether it runs the other way.
    """
    # Wanted: first axis head to feet (-z), second front to back (+y), third right to left (+x).
    directions = to_lps_mm[:3, :3] / np.linalg.norm(to_lps_mm[:3, :3], axis=0)
    order: list[int] = []
    for patient_axis in (2, 1, 0):
        free = [axis for axis in range(3) if axis not in order]
        order.append(max(free, key=lambda axis: abs(directions[patient_axis, axis])))
    wanted = ((2, -1.0), (1, 1.0), (0, 1.0))
    flips = [
        bool(directions[patient, axis] * sign < 0)
        for axis, (patient, sign) in zip(order, wanted, strict=True)
    ]
    return order, flips


def flipped(array: npt.NDArray[np.generic], flips: list[bool]) -> npt.NDArray[np.generic]:
    """A view whose marked axes run the other way."""
    return array[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]


def grey_window(volume: Volume) -> tuple[float, float]:
    """The values shown as black and as white."""
    if volume.quantity == "HU":
        return CT_WINDOW_HU
    # Every fourth voxel each way: percentiles of a whole volume cost a sort of all of it.
    some = volume.array[::4, ::4, ::4]
    seen = some[volume.measured[::4, ::4, ::4]]
    low, high = np.percentile(seen, MR_PERCENTILES) if seen.size else (0.0, 1.0)
    return float(low), float(high)


def _widest(marked: npt.NDArray[np.generic], axis: int) -> int:
    others = tuple(other for other in range(3) if other != axis)
    counts = np.count_nonzero(marked, axis=others)
    return int(np.argmax(counts))


def _outlined(
    lit: Plane, marked: npt.NDArray[np.generic], palette: Plane, spacing: tuple[float, float]
) -> Plane:
    from PIL import Image

    height_mm, width_mm = lit.shape[0] * spacing[0], lit.shape[1] * spacing[1]
    scale = PICTURE_SIDE_PX / max(height_mm, width_mm)
    size = (max(1, round(width_mm * scale)), max(1, round(height_mm * scale)))
    grey = np.asarray(Image.fromarray(lit).resize(size, Image.Resampling.BICUBIC))
    label = np.asarray(Image.fromarray(marked.astype(np.uint16)).resize(size, Image.Resampling.NEAREST))
    picture = np.repeat(grey[..., None], 3, axis=2)
    held = (label > 0)[..., None]
    picture = np.where(held, (picture * (1 - TINT) + palette[label] * TINT).astype(np.uint8), picture)
    # Each organ's own rim, drawn inwards: neighbours get a line each and neither hides the other's.
    inner = label.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            inner[np.roll(label, step, axis=axis) != label] = 0
    rim = (label > 0) & (inner == 0)
    picture[rim] = palette[label[rim]]
    return np.ascontiguousarray(picture)


def _vivid(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    # Tissue tones drown in a grey scan: the same hue, at full strength.
    hue, saturation, _ = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    red, green, blue = colorsys.hsv_to_rgb(hue, max(saturation, 0.75), 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
