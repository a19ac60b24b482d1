"""Masks, as they are found -> one small picture from the front, long before there are surfaces.

Each organ's nearest voxels are looked for along lines from the front, between voxels where the mask's edge
lies; whatever is nearer hides what is behind. No mesh, no graphics driver: a tenth of a second for a lung.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.render import ambient_openness
from plastinate.native.resample import resample_affine
from plastinate.native.voxels import Mask, bounding_box
from plastinate.stages.compose.shading import BACKGROUND_BOTTOM, BACKGROUND_TOP, lit

Floats = npt.NDArray[np.float32]

SIDE_PX = 360
# Half and full of a mask on the scale of int16, which the resampling kernel takes.
HALF, FULL = 128, 256
# Steeper than this no line from the front says how steep.
SLOPE_MAX = 5.0
OCCLUSION_SHARE = 0.035


class Glimpse:
    """A picture of a patient from the front, to which organs are added.

    Args:
        geometry: grid of all masks, in millimetres.

    Raises:
        NoMillimetres: the scan never said its pixel size.
    """

    def __init__(self, geometry: Geometry) -> None:
        geometry.require_mm("how an organ looks")
        corners = geometry.corners_lps_mm
        low, high = corners.min(axis=0), corners.max(axis=0)
        self._source = geometry
        self._step_mm = float(max(high[0] - low[0], high[2] - low[2]) / SIDE_PX)
        # Rows run down, depth from the front to the back, columns to the patient's left: x, y, z of a corner.
        self._origin_lps_mm = np.array([low[0], low[1], high[2]]) + self._step_mm / 2 * np.array([1, 1, -1])
        x, y, z = np.maximum(1, np.ceil((high - low) / self._step_mm)).astype(int)
        self._shape = (int(z), int(y), int(x))
        self._depth_mm = np.full((self._shape[0], self._shape[2]), np.inf, dtype=np.float32)
        self._picture = self._ground()

    def add(self, mask: Mask, colour: tuple[int, int, int]) -> None:
        """Show one more organ.

        Args:
            mask: (S, R, C) bool on the grid.
            colour: sRGB.
        """
        box = bounding_box(mask)
        if box is None:
            return
        rows, depths, columns, nearest = self._nearest(mask, box)
        del depths
        seen = np.isfinite(nearest)
        normal = _normals(nearest / self._step_mm)[seen]
        radius = OCCLUSION_SHARE * SIDE_PX
        openness = ambient_openness(nearest, radius_px=radius, depth_px=self._step_mm)[seen]
        here = self._depth_mm[rows, columns]
        wins = nearest < here
        shown = np.zeros((*nearest.shape, 3), dtype=np.float32)
        shown[seen] = lit(normal, openness, colour)
        self._picture[rows, columns][wins] = shown[wins]
        here[wins] = nearest[wins]

    def png(self) -> bytes:
        """The picture as it is now."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray((self._picture * 255 + 0.5).astype(np.uint8)).save(buffer, "PNG", compress_level=6)
        return buffer.getvalue()

    def _ground(self) -> Floats:
        down = np.linspace(0, 1, self._shape[0], dtype=np.float32)[:, None, None]
        column = BACKGROUND_TOP * (1 - down) + BACKGROUND_BOTTOM * down
        return np.repeat(column, self._shape[2], axis=1).astype(np.float32)

    def _nearest(self, mask: Mask, box: tuple[slice, slice, slice]) -> tuple[slice, slice, slice, Floats]:
        """Where in the picture the organ lies, and how far behind the front its nearest edge is, mm."""
        corners = np.array(
            [
                (s, r, c)
                for s in (box[0].start - 1, box[0].stop)
                for r in (box[1].start - 1, box[1].stop)
                for c in (box[2].start - 1, box[2].stop)
            ],
            dtype=np.float64,
        )
        place = (self._source.index_to_lps(corners) - self._origin_lps_mm) / self._step_mm
        ends = []
        for values, size in zip((-place[:, 2], place[:, 1], place[:, 0]), self._shape, strict=True):
            first = min(size - 1, max(0, int(np.floor(values.min()))))
            ends.append(slice(first, max(first + 1, min(size, int(np.ceil(values.max())) + 1))))
        part = np.zeros([axis.stop - axis.start + 2 for axis in box], dtype=np.int16)
        part[1:-1, 1:-1, 1:-1] = mask[box]
        part *= FULL
        to_lps = np.eye(4)
        to_lps[:3, :3] = self._step_mm * np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
        starts = np.array([axis.start for axis in ends])
        to_lps[:3, 3] = self._origin_lps_mm + to_lps[:3, :3] @ starts
        index_map = np.linalg.inv(self._source.to_lps_mm) @ to_lps
        index_map[:3, 3] -= np.array([axis.start - 1 for axis in box])
        values = resample_affine(part, index_map[:3], [axis.stop - axis.start for axis in ends])
        first = (values >= HALF).argmax(axis=1)[:, None]
        there = np.take_along_axis(values, first, axis=1)[:, 0].astype(np.float32)
        before = np.take_along_axis(values, np.maximum(first - 1, 0), axis=1)[:, 0].astype(np.float32)
        before = np.where(first[:, 0] > 0, np.maximum(before, 0), there - FULL)
        back = (there - HALF) / np.maximum(there - before, 1)
        depth = self._step_mm * (first[:, 0] + starts[1] - back)
        return ends[0], ends[1], ends[2], np.where(there >= HALF, depth, np.inf).astype(np.float32)


def _normals(depth_px: Floats) -> Floats:
    """(H, W, 3): right, up, towards the eye; beside what is not there the slope of the other side counts."""
    measured = np.where(np.isfinite(depth_px), depth_px, np.nan)
    right, down = (_slope(measured, axis) for axis in (1, 0))
    normal = np.stack([right, -down, np.ones_like(right)], axis=-1)
    return np.asarray(normal / np.linalg.norm(normal, axis=-1, keepdims=True), dtype=np.float32)


def _slope(depth: Floats, axis: int) -> Floats:
    steps = np.diff(depth, axis=axis)
    none = np.full_like(np.take(depth, [0], axis=axis), np.nan)
    both = np.stack([np.concatenate([none, steps], axis), np.concatenate([steps, none], axis)])
    known = np.isfinite(both)
    mean = np.where(known, both, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.asarray(np.clip(mean, -SLOPE_MAX, SLOPE_MAX), dtype=np.float32)
