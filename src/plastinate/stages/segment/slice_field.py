"""One slice of a volume, in any plane -> the square picture that a network is shown, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.components import largest_components
from plastinate.native.distance import opened
from plastinate.native.resample import resample_affine
from plastinate.native.voxels import bounding_box

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

# Down and to the right on a picture, as axes of the patient with their signs (LPS): what radiologists see.
TOWARDS = {2: ((1, 1), (0, 1)), 1: ((2, -1), (0, 1)), 0: ((2, -1), (1, 1))}
# Skin against air, and what is thinner than a table's sheet or a sleeve.
BODY_HU, BODY_SHARE, THIN_MM = -300.0, 0.1, 4.0
MARGIN_MM = 4.0
# A step that leads to no other slice, for what is done within one.
NO_STEP_MM = 1e6


@dataclass(frozen=True, eq=False)
class SliceField:
    """Where the pixels of a picture lie in the volume: square in millimetres, upright as on a screen.

    Attributes:
        axis, number: which slice.
        down, right: index axes along its columns and its rows.
        first: index along (down, right) of the middle of its first pixel.
        step: of index from pixel to pixel along (down, right); negative where the index runs the other way.
        step_mm: from pixel to pixel.
        side: pixels.
    """

    axis: int
    number: int
    down: int
    right: int
    first: tuple[float, float]
    step: tuple[float, float]
    step_mm: float
    side: int

    def to_pixels(self, points: Points) -> Points:
        """(N, 2) x and y on the picture, of index coordinates along the slice's two axes in their order."""
        places = {axis: points[:, at] for at, axis in enumerate(self._others)}
        x = (places[self.right] - self.first[1]) / self.step[1]
        y = (places[self.down] - self.first[0]) / self.step[0]
        return np.stack([x, y], axis=1)

    def holds(self, points: Points) -> bool:
        """Whether all those places lie on the picture."""
        pixels = self.to_pixels(points)
        return bool((pixels >= -0.5).all() and (pixels <= self.side - 0.5).all())

    def taken_from(self, volume: Volume) -> Floats:
        """(side, side) float32 grey values; NaN where nothing was measured."""
        index_map = np.zeros((3, 4))
        index_map[self.axis, 3] = self.number
        index_map[self.down, 1], index_map[self.down, 3] = self.step[0], self.first[0]
        index_map[self.right, 2], index_map[self.right, 3] = self.step[1], self.first[1]
        one = [slice(None)] * 3
        one[self.axis] = slice(self.number, self.number + 1)
        index_map[self.axis, 3] = 0
        values = volume.array[tuple(one)]
        floats = np.where(volume_measured(values), values, np.nan).astype(np.float32)
        return np.asarray(resample_affine(floats, index_map, (1, self.side, self.side))[0])

    def brought_back(self, values: Floats, shape: tuple[int, int, int], *, beyond: float) -> Floats:
        """The picture on the slice's own pixels, along its two axes in their order.

        Args:
            values: (side, side).
            shape: of the volume.
            beyond: what to put where the picture does not reach.
        """
        others = self._others
        index_map = np.zeros((3, 4))
        index_map[0, 0] = 1
        for at, axis in enumerate(others):
            row = 1 if axis == self.down else 2
            which = row - 1
            index_map[row, at + 1] = 1 / self.step[which]
            index_map[row, 3] = -self.first[which] / self.step[which]
        sizes = (1, shape[others[0]], shape[others[1]])
        made = resample_affine(np.ascontiguousarray(values, dtype=np.float32)[None], index_map, sizes)[0]
        made[np.isnan(made)] = beyond
        return np.asarray(made)

    @property
    def _others(self) -> tuple[int, int]:
        a, b = (axis for axis in range(3) if axis != self.axis)
        return a, b


def slice_field(volume: Volume, *, axis: int, number: int, side: int, whole: bool = False) -> SliceField:
    """The picture of a slice: of what the body fills of it, for the network sees no finer than its pixels.

    Args:
        volume: CT or MR.
        axis, number: which slice.
        side: of the picture, in pixels.
        whole: of all of the slice.
    """
    geometry = volume.geometry
    down, right, signs = _upright(geometry, axis)
    spacing = geometry.spacing
    sizes = np.array([geometry.shape[down], geometry.shape[right]])
    steps = np.array([spacing[down], spacing[right]])
    low, high = np.zeros(2), sizes.astype(np.float64)
    if not whole and (found := _body(volume, axis, number, down, right)) is not None:
        low, high = found
    wide_mm = float(((high - low) * steps).max())
    step_mm = wide_mm / side
    first, step = [], []
    for at in range(2):
        stride = signs[at] * step_mm / steps[at]
        edge = low[at] - 0.5 if signs[at] > 0 else high[at] - 0.5
        first.append(float(edge + stride / 2))
        step.append(float(stride))
    return SliceField(axis, number, down, right, (first[0], first[1]), (step[0], step[1]), step_mm, side)


def volume_measured(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Where something was measured, of a part of a volume."""
    if values.dtype == np.int16:
        return np.asarray(values != np.int16(-32768))
    return np.asarray(~np.isnan(values))


def _upright(geometry: Geometry, axis: int) -> tuple[int, int, tuple[int, int]]:
    # Rows: patient axes x, y, z; columns: index axes. Each index axis runs closest to one of the patient's.
    towards = geometry.to_lps_mm[:3, :3] / np.array(geometry.spacing)
    others = [other for other in range(3) if other != axis]
    patient = [int(np.abs(towards[:, axis]).argmax())]
    (down_axis, down_sign), (right_axis, right_sign) = TOWARDS[patient[0]]
    down = max(others, key=lambda other: abs(towards[down_axis, other]))
    right = next(other for other in others if other != down)
    signs = (
        int(np.sign(towards[down_axis, down]) or 1) * down_sign,
        int(np.sign(towards[right_axis, right]) or 1) * right_sign,
    )
    return down, right, signs


def _body(volume: Volume, axis: int, number: int, down: int, right: int) -> tuple[Points, Points] | None:
    """First and one past the last index along (down, right) of what the body fills, or None."""
    values = np.take(volume.array, number, axis=axis)
    if down > right:
        values = values.T
    measured = volume_measured(values)
    if not measured.any():
        return None
    least = BODY_HU
    if volume.quantity != "HU":
        least = BODY_SHARE * float(np.percentile(values[measured], 99.5))
    spacing = volume.geometry.spacing
    steps = (NO_STEP_MM, spacing[down], spacing[right])
    mask = opened(np.ascontiguousarray((values > least) & measured)[None], THIN_MM, steps)
    box = bounding_box(largest_components(mask))
    if box is None:
        return None
    margin = MARGIN_MM / np.array(steps[1:])
    low = np.maximum(0, np.floor([part.start for part in box[1:]] - margin))
    high = np.minimum(values.shape, np.ceil([part.stop for part in box[1:]] + margin))
    return low, high
