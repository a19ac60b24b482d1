"""Stored integers of a plane -> Hounsfield units or the scanner's own, unmeasured pixels marked.

The modality transform is applied and nothing else: VOI windows and MONOCHROME1
(PS3.3, C.7.6.3.1.2) say how to show a picture. A CT's Hounsfield values are
therefore never inverted. Where the values have no unit and the picture alone
tells bright from dark, MONOCHROME1 is inverted, so that bright means much.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile
from plastinate.model.volume import UNMEASURED_INT16, Quantity
from plastinate.native.load import library, pointer
from plastinate.stages.ingest.decode import Words
from plastinate.stages.ingest.frame import Frame

# Nothing in a patient, and no air around one, is so thin: -1000 HU is vacuum,
# and noise does not reach a further 500 as one constant over the corners.
OUTSIDE_CIRCLE_HU = -1500
# A lossy codec blurs the constant outside the circle by a few dozen units.
LOSSY_BLUR_HU = 64
# A padding value that would mean soft tissue or bone is a mistake of the writer, not padding.
# One that would mean air (0 stored, -1024 HU, is common) also stands in the windpipe,
# where noise was clipped: there it was measured, and only what runs in from the edge was not.
PADDING_CEILING_HU = -500


@dataclass(frozen=True)
class Transform:
    """How the stored integers of one frame become values.

    Attributes:
        slope, intercept: of the linear modality transform, inversion included.
        pad_low, pad_high: stored integers that mean padding, both included; none if low > high.
        edge_low, edge_high: values that mean padding where they run in from the edge; likewise.
        table: the modality look-up table instead, float64, or None.
        table_first: stored integer that the table's first entry stands for.
        is_inverted: True if MONOCHROME1 was turned round.
        has_false_padding: True if the declared padding value was not believed.
    """

    slope: float
    intercept: float
    pad_low: int = 1
    pad_high: int = 0
    edge_low: float = 1.0
    edge_high: float = 0.0
    table: npt.NDArray[np.float64] | None = None
    table_first: int = 0
    is_inverted: bool = False
    has_false_padding: bool = False

    @property
    def is_integral(self) -> bool:
        """True if every value it gives is a whole number."""
        if self.table is not None:
            return bool((self.table == np.rint(self.table)).all())
        return all(
            float(number).is_integer() and abs(number) < 2**31 for number in (self.slope, self.intercept)
        )


@dataclass(frozen=True)
class Extent:
    """Facts of one plane after the transform; lowest > highest where nothing was measured."""

    lowest: float
    highest: float
    unmeasured: int


class OutsideInt16(Exception):
    """A value of this plane does not fit int16; nobody sees it: assembly turns to float32."""


def transform_of(frame: Frame, *, quantity: Quantity) -> Transform:
    """What the header of a frame says its stored integers mean.

    Args:
        frame: the frame.
        quantity: "HU" forbids inversion and gives padding values a meaning to be checked against.

    Raises:
        DamagedFile: a slope of zero or one that is not a number, or an empty table.

    Source: DICOM PS3.3, C.11.1.1.2 (rescale and Modality LUT), C.7.5.1.1.2 (padding).
    """
    slope, intercept = float(frame.slope), float(frame.intercept)
    if not (np.isfinite(slope) and np.isfinite(intercept)) or slope == 0:
        raise DamagedFile(frame.name, f"its rescale slope is {slope} and its intercept {intercept}")
    low, high = _padding(frame)
    is_inverted = frame.photometric == "MONOCHROME1" and quantity != "HU"
    table, first = _table(frame)
    if table is not None:
        if is_inverted:
            table = table.max() + table.min() - table
        return Transform(1.0, 0.0, low, high, table=table, table_first=first, is_inverted=is_inverted)
    edge, is_false = (1.0, 0.0), False
    if quantity == "HU" and low <= high:
        ends = sorted((low * slope + intercept, high * slope + intercept))
        is_false = ends[1] > PADDING_CEILING_HU
        if ends[1] > OUTSIDE_CIRCLE_HU:
            low, high = 1, 0
            edge = edge if is_false else (ends[0], ends[1])
    if is_inverted:
        limits = (
            (-(1 << (frame.bits_stored - 1)), (1 << (frame.bits_stored - 1)) - 1)
            if frame.is_signed
            else (0, (1 << frame.bits_stored) - 1)
        )
        slope, intercept = -slope, intercept + slope * sum(limits)
    return Transform(slope, intercept, low, high, *edge, is_inverted=is_inverted, has_false_padding=is_false)


def _padding(frame: Frame) -> tuple[int, int]:
    """Lowest and highest stored integer that mean padding; (1, 0) for none."""
    if frame.padding_value is None:
        return 1, 0
    ends = [_as_stored(frame.padding_value, frame)]
    if frame.padding_limit is not None:
        ends.append(_as_stored(frame.padding_limit, frame))
    return min(ends), max(ends)


def _as_stored(value: int, frame: Frame) -> int:
    """A padding value in the pixels' own sign: many writers give -2000 as 63536 or the reverse."""
    reach = 1 << frame.bits_allocated
    if frame.is_signed:
        return value - reach if value >= reach // 2 else value
    return value + reach if value < 0 else value


def _table(frame: Frame) -> tuple[npt.NDArray[np.float64] | None, int]:
    entries = frame.tags.get("ModalityLUT")
    if entries is None:
        return None, 0
    table = np.asarray(entries, dtype=np.float64).ravel()
    if table.size == 0:
        raise DamagedFile(frame.name, "its Modality LUT is empty")
    return table, _as_stored(int(frame.tags["ModalityLUTFirst"]), frame)


def store(words: Words, transform: Transform, target: npt.NDArray[Any], *, name: str = "the image") -> Extent:
    """Write one plane of values in its place.

    Args:
        words: pixel cells, not overlapping the target.
        transform: of this frame.
        target: (R, C) int16 or float32, C-contiguous.
        name: what to call the file.

    Raises:
        OutsideInt16: the target is int16 and a value does not fit; it then holds nonsense.
        DamagedFile: a layout that no pixel has.
    """
    if transform.table is not None:
        return _store_by_table(words, transform, target)
    is_whole = target.dtype == np.int16
    facts = np.zeros(3, dtype=np.int64 if is_whole else np.float64)
    kernel = library("pixels").pixels_to_int16 if is_whole else library("pixels").pixels_to_float32
    code = kernel(
        pointer(words.array),
        ctypes.c_int64(words.array.size),
        ctypes.c_int(words.array.dtype.itemsize),
        ctypes.c_int(words.is_swapped),
        ctypes.c_int(words.shift),
        ctypes.c_int(words.bits),
        ctypes.c_int(words.is_signed),
        *_padding_arguments(transform, words),
        *_line(transform, is_whole=is_whole),
        pointer(target),
        pointer(facts),
    )
    if code == 1:
        raise OutsideInt16
    if code:
        raise DamagedFile(name, f"{words.bits} bits above {words.shift} do not fit its pixels")
    return Extent(float(facts[0]), float(facts[1]), int(facts[2]))


def _line(transform: Transform, *, is_whole: bool) -> tuple[Any, Any]:
    if is_whole:
        return ctypes.c_int64(int(transform.slope)), ctypes.c_int64(int(transform.intercept))
    return ctypes.c_double(transform.slope), ctypes.c_double(transform.intercept)


def _padding_arguments(transform: Transform, words: Words) -> tuple[ctypes.c_int64, ctypes.c_int64]:
    """The padding range cut to what these words can hold: the kernel compares in 32 bits."""
    reach = 1 << words.bits
    floor = -(reach // 2) if words.is_signed else 0
    low, high = max(transform.pad_low, floor), min(transform.pad_high, floor + reach - 1)
    if transform.pad_low > transform.pad_high or low > high:
        low, high = 1, 0
    return ctypes.c_int64(low), ctypes.c_int64(high)


def _store_by_table(words: Words, transform: Transform, target: npt.NDArray[Any]) -> Extent:
    table = transform.table
    if table is None:
        raise ValueError("no table to look up")
    stored = words.integers()
    padded = (stored >= transform.pad_low) & (stored <= transform.pad_high)
    values = table[np.clip(stored - transform.table_first, 0, table.size - 1)]
    known = values[~padded]
    lowest, highest = (float(known.min()), float(known.max())) if known.size else (0.0, -1.0)
    if target.dtype == np.int16:
        if known.size and (lowest <= UNMEASURED_INT16 or highest > 32767):
            raise OutsideInt16
        values[padded] = UNMEASURED_INT16
    else:
        values[padded] = np.nan
    target[...] = values
    return Extent(lowest, highest, int(padded.sum()))


def erase_outside_circle(plane: npt.NDArray[Any], *, lowest: float, is_lossy: bool = False) -> int:
    """Mark what a CT wrote outside its reconstruction circle; return how many pixels.

    The plane's lowest value counts as such if it lies below OUTSIDE_CIRCLE_HU
    and stands in a corner: streaks beside metal may be as dark, but are not
    constant and do not fill corners.

    Args:
        plane: (R, C) int16 or float32 HU, changed in place.
        lowest: its lowest value.
        is_lossy: True if a codec may have blurred the constant.
    """
    if not lowest <= OUTSIDE_CIRCLE_HU:
        return 0
    ceiling = min(lowest + (LOSSY_BLUR_HU if is_lossy else 0), OUTSIDE_CIRCLE_HU)
    corners = plane[[0, 0, -1, -1], [0, -1, 0, -1]]
    if not ((corners >= lowest) & (corners <= ceiling)).any():
        return 0
    outside = (plane >= lowest) & (plane <= ceiling)
    plane[outside] = UNMEASURED_INT16 if plane.dtype == np.int16 else np.nan
    return int(outside.sum())


def erase_from_edges(plane: npt.NDArray[Any], *, low: float, high: float) -> int:
    """Mark padding that means air, where it runs in straight from an edge; return how many pixels.

    Args:
        plane: (R, C) int16 or float32 HU, changed in place.
        low: lowest value that means padding.
        high: highest such value.
    """
    padding = (plane >= low - 1e-3) & (plane <= high + 1e-3)
    border = padding[0].any() or padding[-1].any() or padding[:, 0].any() or padding[:, -1].any()
    if not border:
        return 0
    run = np.logical_and.accumulate
    reached = run(padding, axis=0) | run(padding, axis=1)
    reached |= run(padding[::-1], axis=0)[::-1] | run(padding[:, ::-1], axis=1)[:, ::-1]
    plane[reached] = UNMEASURED_INT16 if plane.dtype == np.int16 else np.nan
    return int(reached.sum())


def erase_outside_circles(array: npt.NDArray[Any]) -> int:
    """`erase_outside_circle` on every slice of a volume that proved to be a CT; return how many voxels.

    Args:
        array: (S, R, C) int16 or float32 HU, changed in place.
    """
    erased = 0
    for plane in array:
        known = plane[plane != UNMEASURED_INT16] if plane.dtype == np.int16 else plane[~np.isnan(plane)]
        if known.size:
            erased += erase_outside_circle(plane, lowest=float(known.min()))
    return erased


def quantity_of(frames: Sequence[Frame]) -> Quantity:
    """Hounsfield units for a CT whose rescale leads there (RescaleType HU, US or absent)."""
    for frame in frames:
        kind = str(frame.tags.get("RescaleType") or "").strip().upper()
        if frame.modality != "CT" or kind not in ("", "HU", "US"):
            return "a.u."
        is_plain = frame.slope == 1.0 and frame.intercept == 0.0 and "ModalityLUT" not in frame.tags
        if is_plain and kind != "HU" and not frame.is_signed:
            return "a.u."  # unsigned, and nothing brings air below zero: these are not Hounsfield units
    return "HU"
