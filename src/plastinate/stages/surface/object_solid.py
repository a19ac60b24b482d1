"""Picture, depth and outline -> the thing in front, closed all round; its far side is invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.depth import DepthMap
from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.picture import Picture
from plastinate.model.projection import Projection
from plastinate.model.solid import Solid
from plastinate.native.components import Components
from plastinate.native.distance import dilate, distance_squared, opened
from plastinate.nets.picture_net import resized
from plastinate.nets.plane_filters import box_mean
from plastinate.stages.surface.inflate import inflated, outline_distance
from plastinate.stages.surface.picture_grid import PictureGrid, solid_between

Plane = npt.NDArray[np.float32]

BACKS = ("mirror", "flat", "inflated")
MARGIN_CELLS = 3
# The surface is smoothed, and a wall loses width by it: with this, spokes of drawn wheels that were to be
# 1.2 mm thick came out at 1.16 to 1.25.
ROUNDED_CELLS = 0.35
# The middle line of a corner of 50 degrees, up to where a disc fits in, is so many radii long.
CORNER_SHARE = 1.4
# Pieces smaller than this share of the largest are dust.
PIECE_SHARE = 0.05
# Beyond this share of the thing a least wall is no wall any more, but would be the shape itself. It bounds
# the grid as well, whose margin grows with the wall.
WALL_SHARE_MAX = 0.5
# The thing may lean so far, and its front be so rough, as shares of its extent and of its thickness: a slip
# of the network must not become a spike.
LEAN_SHARE, ROUGH_SHARE = 0.15, 0.35


@dataclass(frozen=True)
class _Outline:
    """Where the thing stands on its grid."""

    grid: PictureGrid
    soft: Plane
    mask: npt.NDArray[np.bool_]


def object_solid(
    picture: Picture,
    depth: DepthMap,
    foreground: Plane | None,
    *,
    structure: str,
    levels: Mapping[str, int | None],
    unit_per_px: float | None = None,
    cells: int = 320,
    back: str = "inflated",
    roundness: float = 0.7,
    trust: float = 0.6,
    wall_share: float = 0.02,
    wall_mm: float = 1.2,
    smooth_iterations: int = 8,
    pass_band: float = 0.3,
    max_error_cell: float = 0.12,
) -> Solid:
    """Blow the outline up to a body, and lay the depth that was estimated over its front.

    Towards the outline the surface turns away from the gaze, as that of every round thing does: there the
    outline alone decides, and the depth, which is blurred at edges, has no say.

    Args:
        picture: what was seen.
        depth: of the whole picture.
        foreground: (R, C) 0 to 1, how far each place belongs to the thing, on any grid over the picture.
        structure: id of the surface.
        levels: detail level -> triangles at most.
        unit_per_px: length of a pixel on the plane of the thing, mm; None leaves pixels.
        cells: along the longer side of the thing.
        back: "inflated" is smooth, "mirror" repeats the front, "flat" lies on a table.
        roundness: thickness of a disc, as a share of the ball's.
        trust: how much of the estimated depth is laid over the front, 0 to 1.
        wall_share: least thickness, as a share of the longer side, where no length is known.
        wall_mm: least thickness where one is.
        smooth_iterations, pass_band, max_error_cell: see `solid_between`.

    Raises:
        EmptyMask: nothing stands out.
        ParameterError: no such back, a share that is none, or a wall thicker than half of the thing.
    """
    if back not in BACKS:
        raise ParameterError(f"The back of an object is one of {', '.join(BACKS)}, not {back!r}.")
    if not 0 < roundness <= 2 or not 0 <= trust <= 1 or not 0 < wall_share < 1 or not wall_mm > 0:
        raise ParameterError("Roundness lies above 0 up to 2, trust from 0 to 1, and a wall has a thickness.")
    if foreground is None:
        raise EmptyMask(structure, "nothing in the picture stands out from the rest")
    unit = unit_per_px or 1.0
    least = wall_mm / unit if unit_per_px else None
    found = _outlined(picture, foreground, structure, cells, unit, wall_px=least)
    pitch = found.grid.pitch_px
    wall_px = least or wall_share * pitch * cells
    front, behind = _sheets(
        picture, depth, found, back=back, roundness=roundness, trust=trust, wall_px=wall_px
    )
    return solid_between(
        found.grid,
        front,
        behind,
        inside=_thickened(found, wall_px),
        structure=structure,
        levels=levels,
        smooth_iterations=smooth_iterations,
        pass_band=pass_band,
        max_error_cell=max_error_cell,
    )


def _outlined(
    picture: Picture, foreground: Plane, structure: str, cells: int, unit: float, *, wall_px: float | None
) -> _Outline:
    rows, columns = np.nonzero(foreground >= 0.5)
    if not rows.size:
        raise EmptyMask(structure, "nothing in the picture stands out from the rest")
    scale = (picture.shape[0] / foreground.shape[0], picture.shape[1] / foreground.shape[1])
    top, bottom = rows.min() * scale[0], (rows.max() + 1) * scale[0]
    left, right = columns.min() * scale[1], (columns.max() + 1) * scale[1]
    extent = max(bottom - top, right - left)
    if wall_px is not None and wall_px > WALL_SHARE_MAX * extent:
        raise _wall_too_thick(wall_px * unit, extent * unit)
    pitch = extent / cells
    # What is too thin grows by half a wall, at the rim too.
    margin_cells = MARGIN_CELLS + int(np.ceil(0.5 * (wall_px or 0.0) / pitch))
    margin = margin_cells * pitch
    shape = (
        int(np.ceil((bottom - top) / pitch)) + 2 * margin_cells,
        int(np.ceil((right - left) / pitch)) + 2 * margin_cells,
    )
    grid = PictureGrid(
        shape, (top - margin, left - margin), pitch, Projection(picture.shape, picture.focal_px, unit)
    )
    soft = _with_thin_parts(_onto(foreground, grid, picture, outside=0.0), foreground, grid, picture)
    return _Outline(grid, soft, soft >= 0.5)


def _wall_too_thick(wall_mm: float, extent_mm: float) -> ParameterError:
    error = ParameterError(
        f"A wall of {wall_mm:.3g} mm is too thick for a thing that is {extent_mm:.3g} mm long."
    )
    error.hint = "Ask for a thinner wall (--wall-mm), or say how large to print the thing (--print-mm)."
    return error


def _with_thin_parts(soft: Plane, foreground: Plane, grid: PictureGrid, picture: Picture) -> Plane:
    """The outline with those parts that are thinner than a cell, whose mean never reaches a half."""
    touched = _onto((foreground >= 0.5).astype(np.float32), grid, picture, outside=0.0) > 0.05
    inside = soft >= 0.5
    near = dilate(inside[None], 2.0, (1.0, 1.0, 1.0))[0] if inside.any() else inside
    return np.where(touched & ~near, np.maximum(soft, np.float32(0.6)), soft).astype(np.float32)


def _onto(plane: Plane, grid: PictureGrid, picture: Picture, *, outside: float | None) -> Plane:
    """A plane over the whole picture, sampled linearly at the centres of the grid's cells."""
    row = (grid.origin_px[0] + (np.arange(grid.shape[0]) + 0.5) * grid.pitch_px) / picture.shape[0]
    column = (grid.origin_px[1] + (np.arange(grid.shape[1]) + 0.5) * grid.pitch_px) / picture.shape[1]
    # A grid coarser than the plane takes means, so that no thin part falls between its samples.
    factor = grid.pitch_px * max(plane.shape) / max(picture.shape)
    if factor > 1.5:
        plane = resized(
            plane, (max(1, round(plane.shape[0] / factor)), max(1, round(plane.shape[1] / factor)))
        )
    r, c = row * plane.shape[0] - 0.5, column * plane.shape[1] - 0.5
    sampled = _linear(_linear(plane, r).T, c).T
    if outside is not None:
        sampled[(row < 0) | (row > 1), :] = outside
        sampled[:, (column < 0) | (column > 1)] = outside
    return np.ascontiguousarray(sampled, dtype=np.float32)


def _linear(plane: npt.NDArray[np.floating], at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    at = np.clip(at, 0.0, len(plane) - 1.0)
    low = np.minimum(at.astype(np.int64), max(len(plane) - 2, 0))
    share = (at - low)[:, None]
    high = np.minimum(low + 1, len(plane) - 1)
    return np.asarray(plane[low] * (1.0 - share) + plane[high] * share)


def _sheets(
    picture: Picture,
    depth: DepthMap,
    found: _Outline,
    *,
    back: str,
    roundness: float,
    trust: float,
    wall_px: float,
) -> tuple[Plane, Plane]:
    """How far front and back lie behind the plane of the origin, pixels."""
    mask, pitch = found.mask, found.grid.pitch_px
    half = np.maximum(roundness * pitch * inflated(mask), wall_px / 2.0)
    lean, rough = _estimated(picture, depth, found, trust=trust)
    # The front's own roughness dies away towards the outline.
    rough = np.clip(rough, -ROUGH_SHARE * half, ROUGH_SHARE * half)
    front = np.maximum(half + rough, wall_px / 2.0)
    if back == "flat":
        # It lies on its back: what leans is part of the front.
        front = np.maximum(front + (lean[mask].max() - lean), wall_px / 2.0)
        return (-front).astype(np.float32), np.full_like(front, wall_px / 2.0)
    behind = front if back == "mirror" else half
    return (lean - front).astype(np.float32), (lean + behind).astype(np.float32)


def _estimated(picture: Picture, depth: DepthMap, found: _Outline, *, trust: float) -> tuple[Plane, Plane]:
    """How far the thing leans away, and how far its front rises out of that, pixels."""
    mask = found.mask
    values = _onto(depth.depth, found.grid, picture, outside=None)
    middle = float(np.median(values[mask]))
    away = picture.focal_px * (values / np.float32(middle) - 1.0) * np.float32(trust)
    extent = found.grid.pitch_px * max(mask.shape)
    away = np.clip(away, -LEAN_SHARE * extent, LEAN_SHARE * extent)
    radius = max(2, round(0.12 * max(mask.shape)))
    weight = mask.astype(np.float32)
    total = np.maximum(box_mean(weight, radius), 1e-6)
    lean = away * weight
    for _ in range(2):
        lean = box_mean(lean * weight, radius) / total
    # Outside the outline nothing is seen: what lies there must not pull at the rim.
    return lean, ((lean - away) * weight).astype(np.float32)


def _thickened(found: _Outline, wall_px: float) -> Plane:
    """Signed distance to the outline, cells; parts thinner than the least wall are grown to it."""
    distance = outline_distance(found.soft)
    reach = wall_px / found.grid.pitch_px / 2.0
    if reach >= 0.5:
        ridge = _ridge_of_thin(found.mask, reach)
        if ridge.any():
            # As many balls as the ridge has places: each part is as wide as a ball, and has no corners.
            away = np.sqrt(distance_squared(ridge[None], (1.0, 1.0, 1.0)))[0]
            distance = np.maximum(distance, np.float32(reach + ROUNDED_CELLS) - away)
    # Hairs that the outline has cut off would fall from the print.
    pieces = Components((distance >= 0)[None])
    dust = pieces.mask(np.flatnonzero(pieces.sizes < PIECE_SHARE * pieces.sizes.max()))[0]
    return np.where(dust, np.float32(-1.0), distance).astype(np.float32)


def _ridge_of_thin(mask: npt.NDArray[np.bool_], reach: float) -> npt.NDArray[np.bool_]:
    """The middle lines of those parts of an outline that a disc of this radius does not fit into."""
    flat = mask[None]
    thin = flat & ~opened(flat, reach, (1.0, 1.0, 1.0))
    inner = np.pad(np.sqrt(distance_squared(~np.pad(flat, ((0, 0), (1, 1), (1, 1))), (1.0, 1.0, 1.0)))[0], 1)
    around = [np.roll(inner, (down, across), (0, 1)) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    ridge = thin & (inner >= np.max(around, axis=0) - 0.01)[None, 2:-2, 2:-2]
    # The tips of corners are left over too, and are no walls: their middle lines are shorter than the disc.
    pieces = Components(thin)
    large = np.flatnonzero(pieces.sizes >= max(3.0, CORNER_SHARE * reach)).tolist()
    walls = [each for each in large if (pieces.mask([each]) & ridge).sum() >= CORNER_SHARE * reach]
    return np.asarray((ridge & pieces.mask(walls))[0]) if walls else np.zeros_like(mask)
