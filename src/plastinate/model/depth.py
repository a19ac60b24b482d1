"""How far away each place of a picture is taken to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class DepthMap:
    """Distances along the gaze on a grid laid over a picture: coarser than it, with the same borders.

    Attributes:
        depth: (R, C) float32 above 0, along the optical axis and not along the ray. Only ratios count,
            unless `unit_mm` says how long one unit is.
        confidence: (R, C) float32, 0 to 1: how far the estimate agrees with itself.
        unit_mm: length of a unit of depth; None where the picture alone does not say it.
        facts: what belongs into the evidence, JSON values.
    """

    depth: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    unit_mm: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.depth.ndim != 2 or self.depth.shape != self.confidence.shape:
            raise ValueError("depth and confidence are (R, C)")
        if self.depth.dtype != np.float32 or self.confidence.dtype != np.float32:
            raise ValueError("depth and confidence are float32")
        if not np.isfinite(self.depth).all() or not (self.depth > 0).all():
            raise ValueError("a depth is finite and above 0")

    def at(self, across: float, down: float) -> float:
        """The depth at a place, as a share of the median; 0 to 1 from the left, and from the top.

        >>> flat = np.full((2, 3), 7.0, dtype=np.float32)
        >>> DepthMap(flat, flat * 0).at(0.5, 1.0)
        1.0
        """
        rows, columns = self.depth.shape
        row, column = min(int(down * rows), rows - 1), min(int(across * columns), columns - 1)
        return float(self.depth[row, column] / np.median(self.depth))
