"""Two pictures, taken side by side -> DepthMap by how far things stand apart in them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.depth import DepthMap
from plastinate.model.errors import ParameterError, PartMissing
from plastinate.model.picture import Picture
from plastinate.nets.picture_net import resized, resized_rgb
from plastinate.stages.depth.in_line import PLACES_MIN, brought_in_line, not_a_pair

Plane = npt.NDArray[np.float32]

# Left and right may disagree by so much about one place.
AGREE_PX = 1.0
# What stands less apart than this has no depth that could be told.
APART_MIN_PX = 0.25
# The matcher counts in sixteenths of a pixel, and its range in steps of sixteen.
FRACTION, STEP = 16.0, 16
# Wider pictures are matched at this size: the time grows with the cube of it.
WIDEST = 1024


def _silent(share: float) -> None:
    del share


def stereo(
    picture: Picture,
    *,
    second: Picture | None = None,
    baseline_mm: float | None = None,
    offset_px: float = 0.0,
    are_in_line: bool = False,
    range_share: float = 0.13,
    window: int = 3,
    progress: Callable[[float], None] = _silent,
) -> DepthMap:
    """Match every place of the left picture with the right one, along rows, both ways.

    Where the two ways agree the depth is measured; where they do not, mostly where one camera saw what the
    other could not, it is taken from the farther of its neighbours, and has no confidence.

    Args:
        picture: the left one.
        second: the right one, of the same size.
        baseline_mm: how far apart the cameras stood; None gives depths without a unit.
        offset_px: how much farther to the right the second picture's middle lies than the first's.
        are_in_line: rows of both are known to show the same things; else that is looked at, and mended.
        range_share: the nearest thing stands at most so far apart, as a share of the width.
        window: of the matcher, odd.
        progress: told what share is done.

    Raises:
        ParameterError: no second picture, one of another size, of another thing or from the same place, or a
            length that is none.
        PartMissing: OpenCV is not installed.

    Source: semi-global matching, as OpenCV has it (StereoSGBM).
    """
    if second is None or second.shape != picture.shape:
        raise ParameterError("Stereo takes two pictures of the same size.")
    if baseline_mm is not None and not 0 < baseline_mm < 1e6:
        raise ParameterError("The distance of the two cameras is above 0 mm.")
    if not 0.01 <= range_share <= 0.5 or window < 1 or window % 2 == 0:
        raise ParameterError("The range is a share of the width up to a half, and the window an odd number.")
    scale = min(1.0, WIDEST / picture.shape[1])
    shape = (max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale)))
    left, right = (resized_rgb(each.rgb, shape) for each in (picture, second))
    turned = None if are_in_line else brought_in_line(_opencv(), left, right, picture.focal_px * scale)
    if turned is not None:
        left, right = turned.left, turned.right
    most = int(np.ceil(range_share * shape[1] / STEP)) * STEP
    there = _matched(left, right, most, window)
    progress(0.45)
    back = _matched(_mirrored(right), _mirrored(left), most, window)[:, ::-1]
    progress(0.9)
    agrees = _agreement(there, back)
    apart = _filled(there, agrees) + np.float32(offset_px * scale)
    if int((agrees & (apart > APART_MIN_PX)).sum()) < PLACES_MIN:
        raise not_a_pair()
    depth = _depth(apart, picture.focal_px * scale, baseline_mm)
    if turned is not None:
        depth, agrees = turned.seen_from_before(depth, agrees)
    progress(1.0)
    facts = {
        "turned_degrees": 0.0 if turned is None else turned.degrees,
        "measured_share": float(agrees.mean()),
    }
    return DepthMap(depth, agrees.astype(np.float32), None if baseline_mm is None else 1.0, facts)


def disparity_px(picture: Picture, second: Picture, **params: Any) -> Plane:
    """(R, C) how far apart each place stands in the two pictures, pixels; for measuring the method."""
    found = stereo(picture, second=second, baseline_mm=1.0, **params)
    scale = min(1.0, WIDEST / picture.shape[1])
    return resized(picture.focal_px * scale / found.depth, picture.shape) / np.float32(scale)


def _opencv() -> Any:
    try:
        # Its own type hints lack the matcher.
        return importlib.import_module("cv2")
    except ImportError as error:
        raise PartMissing("OpenCV", "stereo") from error


def _matched(left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8], most: int, window: int) -> Plane:
    """(R, C) disparities in pixels, below 0 where nothing fits."""
    cv2 = _opencv()
    matcher = cv2.StereoSGBM_create(
        minDisparity=0,
        numDisparities=most,
        blockSize=window,
        P1=8 * window * window,
        P2=32 * window * window,
        disp12MaxDiff=1,
        preFilterCap=0,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_HH,
    )
    # What stands at the left border would have no room to be looked for: 17 % of a picture had no answer.
    wide = (cv2.copyMakeBorder(each, 0, 0, most, 0, cv2.BORDER_REPLICATE) for each in (left, right))
    found = np.asarray(matcher.compute(*wide), dtype=np.float32) / np.float32(FRACTION)
    return np.ascontiguousarray(found[:, most:])


def _mirrored(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(rgb[:, ::-1])


def _agreement(there: Plane, back: Plane) -> npt.NDArray[np.bool_]:
    rows, width = np.arange(len(there))[:, None], there.shape[1]
    target = np.arange(width)[None] - np.rint(there).astype(np.int64)
    is_inside = (there > 0) & (target >= 0)
    seen = np.where(is_inside, back[rows, np.clip(target, 0, width - 1)], np.float32(-1e3))
    return np.asarray(is_inside & (np.abs(seen - there) <= AGREE_PX))


def _filled(apart: Plane, is_known: npt.NDArray[np.bool_]) -> Plane:
    """The gaps from the farther of their two neighbours along the row: what is hidden lies behind."""
    width = apart.shape[1]
    rows, columns = np.arange(len(apart))[:, None], np.arange(width)
    before = np.maximum.accumulate(np.where(is_known, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(is_known, columns, width)[:, ::-1], axis=1)[:, ::-1]
    left = np.where(before >= 0, apart[rows, before.clip(0)], np.inf)
    right = np.where(after < width, apart[rows, after.clip(max=width - 1)], np.inf)
    nearest = np.minimum(left, right)
    known = apart[is_known]
    lowest = float(known.min()) if known.size else 1.0
    whole = np.where(is_known, apart, np.where(np.isfinite(nearest), nearest, lowest)).astype(np.float32)
    return np.asarray(_opencv().medianBlur(whole, 5), dtype=np.float32)


def _depth(apart: Plane, focal_px: float, baseline_mm: float | None) -> Plane:
    # A thing that stands nowhere apart is infinitely far; it is put where a quarter of a pixel would be.
    return np.asarray((baseline_mm or 1.0) * focal_px / np.maximum(apart, APART_MIN_PX), dtype=np.float32)
