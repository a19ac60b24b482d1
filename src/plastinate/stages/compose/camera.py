"""Where the eye stands: LPS millimetres -> pixels and depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Camera:
    """An orthographic eye, so that a millimetre is the same length everywhere in the picture.

    Attributes:
        right, down, forward: (3,) LPS unit vectors of the picture's axes and of the gaze.
        centre_lps_mm: (3,) what lies in the middle of the picture.
        mm_per_px: size of a pixel.
        width, height: pixels.
    """

    right: npt.NDArray[np.float64]
    down: npt.NDArray[np.float64]
    forward: npt.NDArray[np.float64]
    centre_lps_mm: npt.NDArray[np.float64]
    mm_per_px: float
    width: int
    height: int

    def project(self, lps_mm: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(V, 3) LPS mm -> (V, 3): x and y in pixels, depth in pixels along the gaze."""
        axes = np.stack([self.right, self.down, self.forward], axis=1)
        seen = (lps_mm.astype(np.float64) - self.centre_lps_mm) @ axes / self.mm_per_px
        middle = np.array([self.width / 2, self.height / 2, 0.0])
        return np.asarray(seen + middle, dtype=np.float32)

    def turned(self, normals: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(V, 3) LPS directions -> (V, 3): right, up, towards the eye."""
        axes = np.stack([self.right, -self.down, -self.forward], axis=1)
        return np.asarray(normals @ axes, dtype=np.float32)


def camera_for(
    bounds_lps_mm: npt.NDArray[np.float64],
    *,
    azimuth_degrees: float,
    elevation_degrees: float,
    width: int,
    height: int,
    margin: float = 1.08,
) -> Camera:
    """An eye that sees a whole box, the patient's head up.

    Args:
        bounds_lps_mm: (2, 3) lowest and highest corner.
        azimuth_degrees: 0 faces the patient, 90 stands on the patient's left.
        elevation_degrees: 90 looks down on the head.
        width, height: of the picture, pixels.
        margin: how much larger than the box the picture is.
    """
    azimuth, elevation = np.radians(azimuth_degrees), np.radians(elevation_degrees)
    towards_eye = np.array(
        [np.cos(elevation) * np.sin(azimuth), -np.cos(elevation) * np.cos(azimuth), np.sin(elevation)]
    )
    right = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    down = np.cross(-towards_eye, right)
    low, high = bounds_lps_mm
    corners = np.array(
        [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    centre = (low + high) / 2
    across, along = (np.ptp((corners - centre) @ axis) for axis in (right, down))
    mm_per_px = margin * max(across / width, along / height, 1e-3)
    return Camera(right, down, -towards_eye, centre, float(mm_per_px), width, height)
