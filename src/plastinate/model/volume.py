"""A grid of measured values in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry

Quantity = Literal["HU", "a.u."]

# What was not measured: below every Hounsfield value a scanner writes, so that
# no intensity window ever matches it; float volumes use NaN for the same end.
UNMEASURED_INT16 = np.int16(-32768)


@dataclass(frozen=True, eq=False)
class Volume:
    """Measured values on a grid, in Hounsfield units or arbitrary ones.

    Attributes:
        geometry: where the grid lies.
        array: (S, R, C), int16 or float32. Voxels that were never measured
            (padding, outside the circle) hold UNMEASURED_INT16 or NaN.
        quantity: "HU" for CT, "a.u." for the rest.
        modality: DICOM modality, "" if unknown.
        filled_slices: (S,) bool, True where a whole slice was interpolated
            across a gap and not measured.
    """

    geometry: Geometry
    array: npt.NDArray[Any]
    quantity: Quantity
    modality: str = ""
    filled_slices: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape:
            raise ValueError(f"the array is {self.array.shape}, the geometry {self.geometry.shape}")
        if self.array.dtype not in (np.dtype(np.int16), np.dtype(np.float32)):
            raise ValueError(f"a volume is int16 or float32, not {self.array.dtype}")
        if self.filled_slices.size == 0:
            object.__setattr__(self, "filled_slices", np.zeros(self.geometry.shape[0], dtype=bool))
        if self.filled_slices.shape != (self.geometry.shape[0],):
            raise ValueError("one filled_slices entry for each slice")

    @property
    def measured(self) -> npt.NDArray[np.bool_]:
        """(S, R, C) bool: True where the scanner measured something."""
        if self.array.dtype == np.int16:
            return np.asarray(self.array != UNMEASURED_INT16)
        return np.asarray(~np.isnan(self.array))

    def with_array(self, array: npt.NDArray[Any]) -> Volume:
        """The same place with other values."""
        return Volume(self.geometry, array, self.quantity, self.modality, self.filled_slices)

    def crop(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Volume:
        """A box of this volume, as a view."""
        box = tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))
        return Volume(
            self.geometry.crop(start, shape),
            self.array[box],
            self.quantity,
            self.modality,
            self.filled_slices[box[0]],
        )
