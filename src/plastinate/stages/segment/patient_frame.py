"""The axes of a scan, turned and put in order as the patient's: right, front, head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import lps_affine_to_ras
from plastinate.model.volume import Volume


@dataclass(frozen=True)
class PatientFrame:
    """The scan's own axes, in the order and direction closest to right, front, head.

    Attributes:
        to_index: (3, 3) of 0 and +-1: steps along (right, front, head) -> steps along (slice, row, column).
        origin: (3,) the index where all three begin.
        shape: voxels along (right, front, head).
    """

    to_index: npt.NDArray[np.float64]
    origin: npt.NDArray[np.float64]
    shape: tuple[int, int, int]

    def index_map(
        self, start: Sequence[float], size: Sequence[float], shape: Sequence[int]
    ) -> npt.NDArray[np.float64]:
        """(3, 4) from a grid of that shape over a box of this frame to the scan's index."""
        step = np.array(size, dtype=np.float64) / np.array(shape)
        first = np.array(start, dtype=np.float64) + step / 2 - 0.5
        return np.hstack([self.to_index * step, (self.to_index @ first + self.origin)[:, None]])


def frame_of(volume: Volume) -> PatientFrame:
    """The frame of a scan, however it is stored."""
    # Rows: right, front, head; of each the index axis that runs closest to it, each axis once.
    towards = lps_affine_to_ras(volume.geometry.to_lps_mm)[:3, :3] / np.array(volume.geometry.spacing)
    to_index = np.zeros((3, 3))
    left = np.abs(towards)
    for _ in range(3):
        patient, axis = np.unravel_index(left.argmax(), left.shape)
        to_index[axis, patient] = np.sign(towards[patient, axis])
        left[patient, :] = left[:, axis] = -1
    shape = np.array(volume.geometry.shape)
    origin = np.where(to_index.sum(axis=1) < 0, shape - 1, 0).astype(np.float64)
    x, y, z = (int(n) for n in np.abs(to_index).T @ shape)
    return PatientFrame(to_index, origin, (x, y, z))
