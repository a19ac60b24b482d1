"""One flat picture: what a camera saw, or an X-ray's shadow, upright and in sRGB."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

# A lens wider than this is a fisheye, one longer a telescope; a file that says so is not believed.
FIELD_DEGREES = (1.0, 140.0)
DEFAULT_FIELD_DEGREES = 60.0
FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)

FocalSource = Literal["file", "person", "guess"]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it is looked at.

    Attributes:
        rgb: (R, C, 3) uint8 sRGB, the first row on top.
        opacity: (R, C) uint8, 0 where the file says that nothing is there; None where all is opaque.
        grey: (R, C) uint16, brightness at the depth of the file.
        name: what to call it in sentences.
        kind: "photo", or "x-ray", "ultrasound" or "slice" where a DICOM file says so: their brightness is no
            light.
        focal_px: distance of the lens in pixels, across the longer side of this picture.
        focal_source: who said so: the file, a person, or nobody.
        spacing_mm: (row, column) size of a pixel in the plane of a detector, None where none is stated.
        shrunk: how many pixels of this picture stand for one of its file, at most 1.
    """

    rgb: npt.NDArray[np.uint8]
    opacity: npt.NDArray[np.uint8] | None
    grey: npt.NDArray[np.uint16]
    name: str = "picture"
    kind: Literal["photo", "x-ray", "ultrasound", "slice"] = "photo"
    focal_px: float = 0.0
    focal_source: FocalSource = "guess"
    spacing_mm: tuple[float, float] | None = None
    shrunk: float = 1.0

    def __post_init__(self) -> None:
        shape = self.rgb.shape[:2]
        if self.rgb.shape != (*shape, 3) or self.rgb.dtype != np.uint8:
            raise ValueError("a picture is (R, C, 3) uint8")
        if self.grey.shape != shape or self.grey.dtype != np.uint16:
            raise ValueError("its brightness is (R, C) uint16")
        if self.opacity is not None and (self.opacity.shape != shape or self.opacity.dtype != np.uint8):
            raise ValueError("its opacity is (R, C) uint8")
        if not self.focal_px > 0:
            object.__setattr__(self, "focal_px", focal_of_field(shape, DEFAULT_FIELD_DEGREES))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.rgb.shape[:2]
        return rows, columns

    @property
    def focal_35mm(self) -> float:
        """The focal length as its equivalent on 36 x 24 mm: diagonals are compared."""
        return round(self.focal_px / math.hypot(*self.shape) * FRAME_DIAGONAL_MM, 1)

    @property
    def has_holes(self) -> bool:
        """Whether the file itself says that parts of it are nothing."""
        return self.opacity is not None and bool((self.opacity < 128).any())


def focal_of_field(shape: tuple[int, ...], degrees: float) -> float:
    """Focal length in pixels of a lens that sees so many degrees along the longer side.

    >>> round(focal_of_field((600, 800), 90.0))
    400
    """
    return float(max(shape[:2]) / 2.0 / np.tan(np.radians(degrees) / 2.0))


def field_of_focal(shape: tuple[int, ...], focal_px: float) -> float:
    """Degrees that a lens of this focal length sees along the longer side."""
    return float(np.degrees(2.0 * np.arctan(max(shape[:2]) / 2.0 / focal_px)))
