"""A scan -> the voxels of a network's card along the card's axes, and likelihoods back to the scan."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.resample import resample_affine

Floats = npt.NDArray[np.float32]
Shape = tuple[int, int, int]

# Whither each letter points, LPS.
TOWARDS = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}
# The same spacing but for rounding: nothing is to be resampled.
SAME = 1e-4


@dataclass(frozen=True)
class CardField:
    """Where the network's voxels lie in a scan.

    The scan's own axes are taken, in the card's order and turned its way, as MONAI's `Orientation` does: a
    head that lies askew in its scan is shown to the network as askew as it was in training.

    Attributes:
        order: scan axis of each of the card's axes.
        is_turned: whether that axis runs the other way.
        scan_shape: (S, R, C) of the scan.
        shape: voxels along the card's axes.
        step: scan voxels for each voxel of the card, along the card's axes.
    """

    order: tuple[int, int, int]
    is_turned: tuple[bool, bool, bool]
    scan_shape: Shape
    shape: Shape
    step: tuple[float, float, float]

    def taken_from(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(S, R, C) voxels of the scan -> the card's, linear, without a blur before it.

        Neither nnU-Net nor MONAI smooths before it makes voxels larger, so a network has learnt from what
        that gives: its noise is part of what it knows.
        """
        turned = self._turned(array.transpose(self.order))
        if self._is_same:
            return turned
        return resample_affine(turned, self._index_map(), self.shape)

    def brought_back(self, values: Floats) -> Floats:
        """Numbers on the card's voxels -> (S, R, C) float32 on the scan's, linear; NaN beyond them."""
        made = values
        if not self._is_same:
            to_scan = np.linalg.inv(np.vstack([self._index_map(), [0, 0, 0, 1]]))[:3]
            made = resample_affine(values, to_scan, tuple(self.scan_shape[axis] for axis in self.order))
        back = self._turned(made).transpose(np.argsort(self.order))
        return np.ascontiguousarray(back)

    @property
    def _is_same(self) -> bool:
        same_size = self.shape == tuple(self.scan_shape[axis] for axis in self.order)
        return same_size and all(abs(step - 1) < SAME for step in self.step)

    def _turned(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return array[tuple(slice(None, None, -1 if is_turned else 1) for is_turned in self.is_turned)]

    def _index_map(self) -> npt.NDArray[np.float64]:
        """(3, 4) card voxel -> scan voxel, both along the card's axes; the two fields share their middle."""
        lengths = np.array([self.scan_shape[axis] for axis in self.order])
        step = np.array(self.step)
        shift = (lengths - 1) / 2 - step * (np.array(self.shape) - 1) / 2
        return np.hstack([np.diag(step), shift[:, None]])


def card_field(geometry: Geometry, axes: str, spacing_mm: tuple[float, float, float]) -> CardField:
    """The network's voxels around the same place as a scan.

    Args:
        geometry: of the scan, however it lies.
        axes: three letters, whither the network's axes run.
        spacing_mm: along them.

    Raises:
        NoMillimetres: the scan never said its pixel size.
    """
    geometry.require_mm("where an organ lies")
    directions = geometry.to_lps_mm[:3, :3] / np.array(geometry.spacing_mm)
    along = np.array([TOWARDS[letter] for letter in axes]) @ directions
    order = max(
        itertools.permutations(range(3)),
        key=lambda each: sum(abs(along[number, axis]) for number, axis in enumerate(each)),
    )
    spacing = [geometry.spacing_mm[axis] for axis in order]
    step = [wanted / given for wanted, given in zip(spacing_mm, spacing, strict=True)]
    shape = [
        max(1, int(np.ceil(geometry.shape[axis] / each - SAME)))
        for axis, each in zip(order, step, strict=True)
    ]
    turned = [bool(along[number, axis] < 0) for number, axis in enumerate(order)]
    return CardField(
        (order[0], order[1], order[2]),
        (turned[0], turned[1], turned[2]),
        geometry.shape,
        (shape[0], shape[1], shape[2]),
        (step[0], step[1], step[2]),
    )
