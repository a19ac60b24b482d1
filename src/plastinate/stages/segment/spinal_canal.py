"""Bone on a patient grid -> the course of the spinal canal, the landmark that every trunk has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.components import fill_holes_2d
from plastinate.native.distance import closed
from plastinate.native.voxels import Mask

Floats = npt.NDArray[np.float64]

# Rays of this length from inside the canal meet bone: at the fifth lumbar vertebra, where it is widest, it is
# 15.6 +- 2.1 mm deep and 28.2 +- 3.1 wide (CT of 196 people: Cook & Baker, Int. J. Spine Surg. 15 (2021)
# 1072-1081, table 6).
RAY_MM = 17.0
RAYS = 16
# The vertebral body, in front of the canal, is 36 +- 4 mm deep there (same table), higher up less; femur and
# skull have far less bone in front of what they enclose.
BODY_MM = (6.0, 40.0)
FULL_BODY_MM = 22.0
OFF_MIDDLE_MM = 60.0
# What a step to the side costs: a spine is straight where nothing speaks for a bend.
LEAN = 0.1
LEAST_ENCLOSED = 0.65
LEAST_LENGTH_MM = 20.0
# Thick slices show the cortex of a vertebral body in pieces, and its marrow is no bone: gaps up to 20 mm are
# bridged in each plane, and holes as large as a body's marrow filled, before the bone in front is counted.
# Holes no larger than a canal stay open; a skull's is larger than a body's. Without this, scans with slices
# of 5 mm lost the canal to the gutter beside the spinous processes.
GAPS_MM = (5.0, 10.0)
CANAL_CM2, MARROW_CM2 = 4.0, 20.0
# What lies that near to the canal is the spine, the same on both sides whatever the roll; beyond this, arms.
MIRROR_MM = (20.0, 160.0)
MOST_ROLL_DEG = 40.0
MIRROR_BLUR_DEG = 3.0


@dataclass(frozen=True, eq=False)
class Canal:
    """Where the spinal canal runs.

    Attributes:
        rows, columns: (S,) its centre in each axial plane of the grid.
        enclosed: (S,) share of rays that meet bone there, 0 to 1.
    """

    rows: Floats
    columns: Floats
    enclosed: Floats


def spinal_canal(bone: Mask, grid: Geometry, *, middle_column: float) -> Canal | None:
    """The path through all planes that bone encloses best, with a vertebral body in front of it.

    Args:
        bone: (S, R, C) bool on a patient grid (`patient_grid`).
        grid: that grid.
        middle_column: column of the body's middle.

    Returns:
        The canal, or None where no stretch of 20 mm looks like one.
    """
    step = grid.spacing_mm[0]
    reach = round(RAY_MM / step)
    enclosed = np.zeros(bone.shape, dtype=np.float32)
    for angle in np.arange(RAYS) * 2 * np.pi / RAYS:
        hit = np.zeros(bone.shape, dtype=np.bool_)
        for length in range(1, reach + 1):
            hit |= _shifted(bone, round(length * np.sin(angle)), round(length * np.cos(angle)))
        enclosed += hit
    enclosed /= RAYS
    enclosed[bone] = 0
    enclosed *= np.minimum(1, _bone_in_front_mm(_bridged(bone, step), step) / FULL_BODY_MM)
    columns = np.arange(bone.shape[2])
    enclosed[:, :, np.abs(columns - middle_column) * step > OFF_MIDDLE_MM] = 0
    # The middle of the canal is enclosed like its edge: what lies deeper inside is worth a little more.
    smooth = enclosed + 0.25 * _box_mean(enclosed)
    rows_at, columns_at = _best_path(smooth)
    share = enclosed[np.arange(bone.shape[0]), rows_at, columns_at].astype(np.float64)
    if np.count_nonzero(share >= LEAST_ENCLOSED) * step < LEAST_LENGTH_MM:
        return None
    return Canal(_mended(rows_at, share), _mended(columns_at, share), share)


def roll_of(bone: Mask, canal: Canal, grid: Geometry) -> float:
    """The angle (rad) by which the front of the skeleton is turned to the patient's left.

    Spine and ribs, added up along the canal, are most like their own mirror image about the line
    that runs straight forward. Turned by 15 degrees either way, three scans gave 14 to 16.5.

    Args:
        bone: (S, R, C) bool on a patient grid.
        canal: of the same grid.
        grid: that grid.
    """
    step = grid.spacing_mm[0]
    reach = round(MIRROR_MM[1] / step)
    sections = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float64)
    padded = np.pad(bone, [(0, 0), (reach, reach), (reach, reach)])
    for plane, (row, column) in enumerate(zip(canal.rows, canal.columns, strict=True)):
        r, c = round(row), round(column)
        sections += padded[plane, r : r + 2 * reach + 1, c : c + 2 * reach + 1]
    radii = np.arange(round(MIRROR_MM[0] / step), reach)
    angles = np.deg2rad(np.arange(360))
    around = sections[
        np.rint(reach + radii[:, None] * np.sin(angles)).astype(int),
        np.rint(reach + radii[:, None] * np.cos(angles)).astype(int),
    ]
    # A circle's arc counts by its length, and many planes of one rib not much more than one.
    around = np.sqrt(around * radii[:, None])
    bell = np.exp(-0.5 * (np.minimum(np.arange(360), 360 - np.arange(360)) / MIRROR_BLUR_DEG) ** 2)
    spectrum = np.fft.fft(around, axis=1) * np.fft.fft(bell / bell.sum())
    # What lies at an angle meets, mirrored about the angle a, what lies at 2 a less that angle.
    alike = np.fft.ifft(spectrum**2, axis=1).real.sum(axis=0)
    tried = np.arange(-2 * MOST_ROLL_DEG, 2 * MOST_ROLL_DEG + 1) / 2
    ahead = np.rint(2 * (270 + tried)).astype(int) % 360
    return float(np.deg2rad(tried[alike[ahead].argmax()]))


def _bridged(bone: Mask, step: float) -> Mask:
    """Bone with the gaps of each plane closed and the marrow of vertebral bodies filled, the canal open."""
    near, far = (_closed_in_plane(bone, gap, step) for gap in GAPS_MM)
    lumen = fill_holes_2d(near, axis=0, max_voxels=round(CANAL_CM2 * 100 / step**2)) & ~near
    filled = fill_holes_2d(far, axis=0, max_voxels=round(MARROW_CM2 * 100 / step**2))
    return np.asarray(filled & ~lumen)


def _closed_in_plane(bone: Mask, radius_mm: float, step: float) -> Mask:
    margin = round(radius_mm / step) + 1
    padded = np.pad(bone, [(0, 0), (margin, margin), (margin, margin)])
    # Planes so far apart do not see each other.
    whole = closed(padded, radius_mm, (10 * radius_mm, step, step))
    return np.ascontiguousarray(whole[:, margin:-margin, margin:-margin])


def _mended(at: npt.NDArray[np.int64], share: Floats) -> Floats:
    """Positions where bone encloses them well, joined by straight lines where discs and foramina open."""
    planes = np.arange(at.size)
    sure = share >= LEAST_ENCLOSED
    line = np.interp(planes, planes[sure], at[sure].astype(np.float64))
    padded = np.pad(line, 4, mode="edge")
    return np.convolve(padded, np.full(9, 1 / 9), mode="valid")


def _shifted(mask: Mask, rows: int, columns: int) -> Mask:
    """out[:, r, c] = mask[:, r + rows, c + columns]; False beyond the border."""
    out = np.zeros_like(mask)
    height, width = mask.shape[1:]
    r, c = max(0, -rows), max(0, -columns)
    r_end, c_end = min(height, height - rows), min(width, width - columns)
    if r < r_end and c < c_end:
        out[:, r:r_end, c:c_end] = mask[:, r + rows : r_end + rows, c + columns : c_end + columns]
    return out


def _bone_in_front_mm(bone: Mask, step: float) -> npt.NDArray[np.float32]:
    """Bone (mm) between 6 and 40 mm in front of each voxel, counted over 7.5 mm of height and width."""
    near, far = round(BODY_MM[0] / step), round(BODY_MM[1] / step)
    thick = np.zeros(bone.shape, dtype=np.float32)
    for length in range(near, far + 1):
        thick += _shifted(bone, -length, 0)
    return _box_mean(thick) * step


def _box_mean(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean of 3 x 3 x 3 voxels, edges repeated."""
    for axis in range(3):
        padded = np.pad(values, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        low, middle, high = (
            np.take(padded, range(start, start + values.shape[axis]), axis=axis) for start in range(3)
        )
        values = (low + middle + high) / np.float32(3)
    return values


def _best_path(worth: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """One (row, column) for each plane: the greatest sum of worth, moving at most one voxel at a time."""
    planes, height, width = worth.shape
    moves = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)]
    came = np.zeros(worth.shape, dtype=np.int8)
    total = worth[0].astype(np.float64)
    for plane in range(1, planes):
        padded = np.pad(total, 1, constant_values=-np.inf)
        options = np.stack(
            [
                padded[1 + r : 1 + r + height, 1 + c : 1 + c + width] - LEAN * (abs(r) + abs(c))
                for r, c in moves
            ]
        )
        came[plane] = options.argmax(axis=0)
        total = options.max(axis=0) + worth[plane]
    rows, columns = np.zeros(planes, dtype=np.int64), np.zeros(planes, dtype=np.int64)
    rows[-1], columns[-1] = np.unravel_index(int(total.argmax()), total.shape)
    for plane in range(planes - 1, 0, -1):
        r, c = moves[came[plane, rows[plane], columns[plane]]]
        rows[plane - 1], columns[plane - 1] = rows[plane] + r, columns[plane] + c
    return rows, columns
