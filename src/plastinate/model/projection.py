"""Where a point of a model stands in the picture it was made of, and back.

The frame of a picture is held like a patient who faces the viewer, so that every file shows it upright: +x to
the right of the picture, +y away from the viewer, +z up. The middle of the picture is the origin, on the
plane at which one pixel is one unit (or `unit_per_px` units).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Projection:
    """How a picture was taken.

    Attributes:
        shape: (rows, columns) of the picture.
        focal_px: distance of the lens in pixels; 0 for parallel rays, as of a print.
        unit_per_px: length of a pixel on the plane of the origin.
    """

    shape: tuple[int, int]
    focal_px: float = 0.0
    unit_per_px: float = 1.0

    def to_points(self, column: Points | float, row: Points | float, away_px: Points | float) -> Points:
        """Places of the picture and how far they lie behind the origin's plane -> (..., 3) points.

        Args:
            column, row: pixels, 0 at the picture's left and upper border, fractions welcome.
            away_px: distance behind the plane of the origin, pixels, along the optical axis.
        """
        spread = 1.0 + np.asarray(away_px) / self.focal_px if self.focal_px else 1.0
        across = (np.asarray(column) - self.shape[1] / 2.0) * spread
        up = (self.shape[0] / 2.0 - np.asarray(row)) * spread
        return np.stack(np.broadcast_arrays(across, away_px, up), axis=-1) * self.unit_per_px

    def to_places(self, points: npt.NDArray[np.floating]) -> Points:
        """(V, 3) points -> (V, 2) places in the picture: 0 to 1 from its left, and from its top."""
        across, away, up = (np.asarray(points[:, axis], dtype=np.float64) for axis in range(3))
        across, away, up = across / self.unit_per_px, away / self.unit_per_px, up / self.unit_per_px
        spread = np.maximum(1.0 + away / self.focal_px, 1e-6) if self.focal_px else np.ones_like(away)
        column = across / spread + self.shape[1] / 2.0
        row = self.shape[0] / 2.0 - up / spread
        return np.stack([column / self.shape[1], row / self.shape[0]], axis=1)

    def gaze(self, points: npt.NDArray[np.floating]) -> Points:
        """(V, 3) unit vectors from the lens to each point."""
        if not self.focal_px:
            return np.tile(np.array([0.0, 1.0, 0.0]), (len(points), 1))
        ray = np.asarray(points, dtype=np.float64) + np.array([0.0, self.focal_px * self.unit_per_px, 0.0])
        return np.asarray(ray / np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-12))
