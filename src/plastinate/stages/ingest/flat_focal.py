"""What a camera wrote about its lens -> the focal length in pixels."""

from __future__ import annotations

import math
from typing import Any

from plastinate.model.picture import FIELD_DEGREES, FRAME_DIAGONAL_MM, field_of_focal

EXIF_IFD = 0x8769
FOCAL_LENGTH, FOCAL_LENGTH_35MM = 0x920A, 0xA405
FOCAL_PLANE_X_RESOLUTION, FOCAL_PLANE_UNIT = 0xA20E, 0xA210
MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}


def focal_in_exif(exif: Any, *, longest_side: int, diagonal: float) -> float:
    """The focal length in pixels of the picture as stored, 0 where its file does not say it or says nonsense.

    Args:
        exif: the file's EXIF tags by number, as Pillow reads them.
        longest_side: pixels.
        diagonal: pixels.

    Source: CIPA DC-008 (Exif 2.32), sections 4.6.5 FocalLength and FocalLengthIn35mmFilm.
    """
    try:
        tags = exif.get_ifd(EXIF_IFD)
        focal = _number(tags.get(FOCAL_LENGTH_35MM)) / FRAME_DIAGONAL_MM * diagonal
        if not focal > 0:
            mm, per_unit = _number(tags.get(FOCAL_LENGTH)), _number(tags.get(FOCAL_PLANE_X_RESOLUTION))
            focal = mm * per_unit / MM_PER_UNIT.get(int(_number(tags.get(FOCAL_PLANE_UNIT)) or 2), 25.4)
    except (ArithmeticError, KeyError, TypeError, ValueError, SyntaxError, OSError):
        return 0.0
    if not math.isfinite(focal) or focal <= 0:
        return 0.0
    low, high = FIELD_DEGREES
    return focal if low <= field_of_focal((longest_side,), focal) <= high else 0.0


def focal_of_35mm(equivalent_mm: float, *, diagonal: float) -> float:
    """The focal length in pixels of a lens that a person states as its equivalent on 36 x 24 mm.

    >>> round(focal_of_35mm(43.2666, diagonal=500.0))
    500
    """
    return equivalent_mm / FRAME_DIAGONAL_MM * diagonal


def _number(value: Any) -> float:
    return 0.0 if value is None else float(value)
