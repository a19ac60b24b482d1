"""T1-weighted MR of a head -> head and brain, by a sphere that swells until it meets the dark rim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.geometry import Geometry
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import Components, fill_cavities, fill_holes_2d, largest_components
from plastinate.native.distance import closed, opened
from plastinate.native.voxels import Mask, threshold
from plastinate.stages.segment.brain_any_contrast import white_is_brighter
from plastinate.stages.segment.orientation import axial_axis, planes_from_the_top
from plastinate.stages.segment.sphere import Points, Sphere, enclosed, refine, sphere

# Smith 2002, section 2: depth of the search for the darkest and the brightest value below a
# point, and the radii of curvature between which smoothing rises from weak to strong.
DARK_DEPTH_MM, BRIGHT_DEPTH_MM = 20, 10
LEAST_RADIUS_MM, GREATEST_RADIUS_MM = 10.0 / 3.0, 10.0
STEP_SHARE = 0.05
# Two numbers within it, whatever their signs, are no farther apart than float32 reaches.
FLOAT32_HALF = float(np.finfo(np.float32).max) / 2

# From a head's top, its widest section lies within that; shoulders do not.
CROWN_MM = 100.0

# Block size on which the grey values are read.
COARSE_MM = 1.5

# (fineness of the sphere, iterations): large strokes on few points first.
SCHEDULE = ((3, 300), (4, 120))
NOT_T1 = Finding(
    "segment.other-contrast",
    "warning",
    "White matter is not the brighter one: the scan is not T1-weighted, for which the rule was made.",
    "Choose the recipe mr-brain, whose networks know other contrasts.",
)


@dataclass(frozen=True)
class _Intensities:
    """Robust grey levels: of nothing, of the darkest head tissue, of the typical brain."""

    nothing: float
    head: float
    brain: float


def head_mr(
    volume: Volume,
    *,
    head_share: float = 0.1,
    least_piece_ml: float = 0.5,
    closing_mm: float = 5.0,
    opening_mm: float = 4.0,
    most_section_cm2: float = 400.0,
) -> Mask:
    """The head as one solid: everything brighter than noise, with bone, air and fluid inside it filled.

    Args:
        volume: MR of a head, any weighting with a dark background.
        head_share: of the range between the 2nd and the 98th percentile; above it is head.
        least_piece_ml: smaller bright pieces are noise or ghosts.
        closing_mm: radius that bridges dark bone, a speckled scalp and air near the skin.
        opening_mm: radius that takes off ghosts and wrap-around from the solid.
        most_section_cm2: across its upper part, what is larger is no head but a trunk.

    Returns:
        (S, R, C) bool.

    Raises:
        EmptyMask: nothing is brighter than the background, or it is no head.
    """
    spacing = volume.geometry.spacing_mm
    low, high = _robust_range(volume.array)
    if not high > low:
        raise EmptyMask("skin", "the scan holds one value only")
    bright = threshold(volume.array, low + head_share * (high - low), np.inf)
    parts = Components(bright, connectivity=6)
    bright = parts.mask(parts.sizes * volume.geometry.voxel_ml >= least_piece_ml)
    if not bright.any():
        raise EmptyMask("skin", "nothing is brighter than the background")
    solid = fill_holes_2d(closed(bright, closing_mm, spacing), axis=axial_axis(volume.geometry))
    head = largest_components(opened(fill_cavities(solid), opening_mm, spacing), connectivity=6)
    section_cm2 = _crown_section_cm2(head, volume.geometry)
    if section_cm2 > most_section_cm2:
        raise EmptyMask("skin", f"across it is {section_cm2:.0f} cm2, more than any head")
    return head


def _crown_section_cm2(head: Mask, geometry: Geometry) -> float:
    """The largest axial section of the uppermost part."""
    axis = axial_axis(geometry)
    voxels = np.count_nonzero(head, axis=tuple(other for other in range(3) if other != axis))
    from_the_top = voxels[list(planes_from_the_top(geometry))]
    from_the_top = from_the_top[np.argmax(from_the_top > 0) :]
    crown = from_the_top[: max(1, round(CROWN_MM / geometry.spacing_mm[axis]))]
    return float(crown.max(initial=0)) * geometry.voxel_ml * 10.0 / geometry.spacing_mm[axis]


def brain_mr(
    volume: Volume, head: Mask, *, darkness: float = 0.5, height_mm: float = 150.0, head_share: float = 0.1
) -> Remarked:
    """Brain with the fluid in and close around it, from a T1-weighted head.

    A sphere set into the middle of the upper head swells, and each of its points stops
    where what lies beneath is darker than a share of the brain's own brightness: at the fluid and
    bone around it. Smoothness keeps it from slipping along nerves and vessels. Made for T1: in T2,
    fluid is bright and the sphere goes too far. Strong bias fields want N4 first. Dura, sinuses and the
    eyes' nerves may cling to it; thin gyri may be cut by a millimetre or two.

    Args:
        volume: T1-weighted MR of a head.
        head: the head as a solid.
        darkness: where between nothing and brain the wall is; higher gives a smaller brain.
        height_mm: the brain lies within that distance of the head's top; a neck below is not looked at.
        head_share: as in `head_mr`.

    Returns:
        One mask, (S, R, C) bool, with a remark where the scan is of another contrast.

    Raises:
        EmptyMask: the sphere collapsed.

    Source:
        Smith, Human Brain Mapping 17 (2002) 143-155, sections 2.1 to 2.4.
    """
    whole, whole_head = volume, head
    volume, head = _coarser(volume, head)
    upper = _upper_head(volume, head, height_mm)
    low, high = _robust_range(volume.array[upper] if upper.any() else volume.array)
    head_level = low + head_share * (high - low)
    centre, radius = _start(volume, upper, head_level)
    around = _ball(volume, centre, radius)
    level = _Intensities(
        low, head_level, float(np.median(volume.array[around & (volume.array > head_level)]))
    )
    points = centre + 0.5 * radius * sphere(SCHEDULE[0][0]).points
    for fineness, iterations in SCHEDULE:
        if len(points) != len(sphere(fineness).points):
            points = refine(points, fineness - 1)
        points = _swell(volume, points, sphere(fineness), level, darkness, iterations)
    inside = enclosed(points, sphere(SCHEDULE[-1][0]).triangles, whole.geometry)
    inside &= whole_head
    if not inside.any():
        raise EmptyMask("brain", "the search for its wall collapsed; is this a T1-weighted head?")
    brain = largest_components(inside, connectivity=6)
    findings = () if white_is_brighter(whole, brain) else (NOT_T1,)
    return Remarked((brain,), findings)


def _robust_range(values: npt.NDArray[Any]) -> tuple[float, float]:
    sample = values.ravel()[:: max(1, values.size // 2_000_000)]
    sample = sample[sample > -32768] if sample.dtype == np.int16 else sample[np.isfinite(sample)]
    if sample.dtype == np.float32 and sample.size and float(np.abs(sample).max()) > FLOAT32_HALF:
        # Between such values lies more than float32 reaches.
        sample = sample.astype(np.float64)
    low, high = np.percentile(sample, [2.0, 98.0])
    return float(low), float(high)


def _coarser(volume: Volume, head: Mask) -> tuple[Volume, Mask]:
    """The volume as means over blocks of about COARSE_MM: the darkest of twenty noisy values is noise."""
    factor = [max(1, round(COARSE_MM / step)) for step in volume.geometry.spacing_mm]
    blocks = [n // f for n, f in zip(volume.array.shape, factor, strict=True)]
    cut = tuple(slice(0, b * f) for b, f in zip(blocks, factor, strict=True))
    shape = [size for pair in zip(blocks, factor, strict=True) for size in pair]
    means = np.stack(
        [
            slab.reshape(shape[1:]).mean(axis=(0, 2, 4), dtype=np.float32)
            for slab in volume.array[cut].reshape(blocks[0], factor[0], *volume.array[cut].shape[1:])
        ]
    )
    matrix = volume.geometry.to_lps_mm.copy()
    matrix[:3, 3] = volume.geometry.index_to_lps((np.array(factor, dtype=np.float64) - 1) / 2)
    matrix[:3, :3] *= np.array(factor, dtype=np.float64)
    geometry = Geometry(means.shape, matrix)
    coarse = Volume(geometry, means, volume.quantity, volume.modality)
    return coarse, head[tuple(slice(f // 2, b * f, f) for b, f in zip(blocks, factor, strict=True))]


def _upper_head(volume: Volume, head: Mask, height_mm: float) -> Mask:
    """The head above a plane `height_mm` under its top, measured along the patient's axis, not the grid's."""
    up = volume.geometry.to_lps_mm[2, :3]
    ramps = [
        up[axis] * np.arange(n, dtype=np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        for axis, n in enumerate(head.shape)
    ]
    height = (ramps[0] + ramps[1] + ramps[2]).astype(np.float32)
    top = float(height[head].max()) if head.any() else 0.0
    return np.asarray(head & (height > top - height_mm))


def _start(volume: Volume, upper: Mask, head_level: float) -> tuple[Points, float]:
    """Centre of the bright voxels, weighted by value, and the radius of a ball of their volume, mm."""
    chosen = upper & (volume.array > head_level)
    index = np.argwhere(chosen)
    if len(index) == 0:
        raise EmptyMask("brain", "the upper head is empty")
    weight = np.minimum(volume.array[chosen], np.percentile(volume.array[chosen], 98)).astype(np.float64)
    centre = volume.geometry.index_to_lps(np.average(index, axis=0, weights=weight))
    radius = float((len(index) * volume.geometry.voxel_ml * 1000.0 * 3.0 / (4.0 * np.pi)) ** (1.0 / 3.0))
    return centre, radius


def _ball(volume: Volume, centre: Points, radius_mm: float) -> Mask:
    grid: Any = np.indices(volume.array.shape, sparse=True)
    at = volume.geometry.lps_to_index(centre)
    squared = sum(
        ((axis - position) * step) ** 2
        for axis, position, step in zip(grid, at, volume.geometry.spacing_mm, strict=True)
    )
    return np.asarray(squared <= radius_mm**2)


def _swell(
    volume: Volume, points: Points, mesh: Sphere, level: _Intensities, darkness: float, iterations: int
) -> Points:
    """Move the points until neighbours, curvature and grey values agree (Smith 2002, equations 5 to 13)."""
    strong, weak = 1.0 / LEAST_RADIUS_MM, 1.0 / GREATEST_RADIUS_MM
    middle, steep = (strong + weak) / 2.0, 6.0 / (strong - weak)
    count = 5.0 + mesh.is_sixth
    for _ in range(iterations):
        around = points[mesh.neighbours]
        around[:, 5] *= mesh.is_sixth[:, None]
        to_mean = around.sum(axis=1) / count[:, None] - points
        normal = _normals(points, mesh.triangles)
        along = (to_mean * normal).sum(axis=1)
        edge_mm = float(np.linalg.norm(points[mesh.neighbours[:, 0]] - points, axis=1).mean())
        curvature = 2.0 * np.abs(along) / edge_mm**2
        smoothing = (1.0 + np.tanh(steep * (curvature - middle))) / 2.0
        push = STEP_SHARE * edge_mm * _pull(volume, points, normal, level, darkness)
        sideways = to_mean - along[:, None] * normal
        points = points + 0.5 * sideways + (smoothing * along + push)[:, None] * normal
    return points


def _normals(points: Points, triangles: npt.NDArray[np.int64]) -> Points:
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    face = np.cross(b - a, c - a)
    normal = np.stack(
        [sum(np.bincount(triangles[:, k], face[:, d], len(points)) for k in range(3)) for d in range(3)],
        axis=1,
    )
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12))


def _pull(volume: Volume, points: Points, normal: Points, level: _Intensities, darkness: float) -> Points:
    """From -2 (shrink) to 2 (swell): the darkest value beneath each point against the local threshold."""
    inverse = np.linalg.inv(volume.geometry.to_lps_mm)[:3, :3]
    start = volume.geometry.lps_to_index(points)
    step = normal @ inverse.T
    depth = np.arange(DARK_DEPTH_MM + 1, dtype=np.float64)
    index = np.rint(start[:, None, :] - depth[None, :, None] * step[:, None, :]).astype(np.int64)
    last = np.array(volume.array.shape) - 1
    is_inside = ((index >= 0) & (index <= last)).all(axis=2)
    np.clip(index, 0, last, out=index)
    values = volume.array[index[..., 0], index[..., 1], index[..., 2]].astype(np.float64)
    values = np.where(is_inside & np.isfinite(values), values, level.nothing)
    darkest = np.clip(values.min(axis=1), level.nothing, level.brain)
    brightest = np.clip(values[:, : BRIGHT_DEPTH_MM + 1].max(axis=1), level.head, level.brain)
    local = (brightest - level.nothing) * darkness + level.nothing
    return np.asarray(2.0 * (darkest - local) / np.maximum(brightest - level.nothing, 1e-9))
