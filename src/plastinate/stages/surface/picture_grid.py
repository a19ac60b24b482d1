"""Front and back of a body, as a picture sees them -> a closed surface of it.

The cells lie along the rays of the picture. Across they are as wide as a step over the picture, and along the
ray they count the nearness, one over the distance: so the step from the grid into the room is a projective
map. Straight lines stay straight, flat triangles stay flat, and no two that do not cross on the grid can
cross in the room. On the grid the body is contoured by the kernel that contours organs, so it is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.projection import Projection
from plastinate.model.solid import Solid
from plastinate.model.surface import Surface
from plastinate.model.volume import Volume
from plastinate.nets.plane_filters import box_mean
from plastinate.stages.surface.contour import contour_soft_field
from plastinate.stages.surface.levels import detail_levels
from plastinate.stages.surface.smooth import windowed_sinc

Plane = npt.NDArray[np.float32]

# Cells along the rays at most: the memory of a body grows with them, and its front lies between them anyway.
SLICES_MAX = 192
# A wall thinner than this may fall between two cells.
LEAST_CELLS = 1.25
MARGIN = 2
# So often both sheets are averaged over three cells where a surface of them could not be mended. As contoured
# it crosses nowhere, but it is ten times as heavy, and lightened it crossed itself again.
EVENED_MOST = 4


@dataclass(frozen=True)
class PictureGrid:
    """Columns of cells behind a part of a picture.

    Attributes:
        shape: rows and columns of cells.
        origin_px: (row, column) of the picture at the border of the first cell.
        pitch_px: width of a cell, picture pixels.
        projection: how the picture sees the room.
    """

    shape: tuple[int, int]
    origin_px: tuple[float, float]
    pitch_px: float
    projection: Projection

    def nearness(self, away_px: npt.NDArray[np.floating] | float) -> npt.NDArray[np.float64]:
        """How near something lies that is so far behind the plane of the origin; grows towards the lens.

        One step of it is a pixel there, where the origin lies.
        """
        focal = self.projection.focal_px
        away = np.asarray(away_px, dtype=np.float64)
        return np.asarray(-away if not focal else -away / (1.0 + away / focal))

    def away_px(self, nearness: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """The way back from `nearness`."""
        focal = self.projection.focal_px
        near = np.asarray(nearness, dtype=np.float64)
        return np.asarray(-near if not focal else -near / (1.0 + near / focal))


def solid_between(
    grid: PictureGrid,
    front_px: Plane,
    back_px: Plane,
    *,
    inside: Plane | None,
    structure: str,
    levels: Mapping[str, int | None],
    smooth_iterations: int,
    pass_band: float,
    max_error_cell: float,
) -> Solid:
    """The body between two sheets, closed along the outline.

    Args:
        grid: where the cells lie.
        front_px, back_px: (R, C) how far each column's front and back lie behind the origin's plane.
        inside: (R, C) signed distance to the outline, cells, positive inside; None for the whole grid.
        structure: id of the surface.
        levels: detail level -> triangles at most; None is bounded by the error alone.
        smooth_iterations, pass_band: of the smoothing that organs get; 0 iterations for none.
        max_error_cell: how far decimation may move a surface that has no count, in cells.

    Returns:
        A closed 2-manifold for every input.
    """
    near, far = grid.nearness(front_px), grid.nearness(back_px)
    for evened in range(EVENED_MOST + 1):
        body = _contoured(grid, near, far, inside, structure)
        lighten = partial(
            detail_levels,
            mask=body.mask,
            geometry=body.geometry,
            levels=levels,
            max_error_mm=max_error_cell * grid.pitch_px,
        )
        surface = body.contour
        if smooth_iterations:
            surface = windowed_sinc(surface, iterations=smooth_iterations, pass_band=pass_band)
        made = lighten(surface)
        if evened == EVENED_MOST or not any(note.startswith("full:") for note in made.notes):
            break
        # A depth map of nothing but noise: smoothed and lightened, its needles run through each other.
        near, far = (box_mean(sheet, 1).astype(np.float64) for sheet in (near, far))
    placed = {level: _in_room(each, grid, first_px=body.first_px) for level, each in made.surfaces.items()}
    return Solid(placed, made.surfaces, body.mask, body.geometry, grid.projection, made.notes)


@dataclass(frozen=True, eq=False)
class _Body:
    """What lies between two sheets.

    Attributes:
        contour: its surface, on the grid.
        mask: (S, R, C) the cells in it.
        geometry: of the mask.
        first_px: nearness of the first slice.
    """

    contour: Surface
    mask: npt.NDArray[np.bool_]
    geometry: Geometry
    first_px: float


def _contoured(
    grid: PictureGrid,
    near: npt.NDArray[np.float64],
    far: npt.NDArray[np.float64],
    inside: Plane | None,
    structure: str,
) -> _Body:
    within = np.ones(near.shape, dtype=bool) if inside is None else inside > -1.5
    low, high = float(far[within].min()), float(near[within].max())
    step = max(grid.pitch_px, (high - low) / (SLICES_MAX - 2 * MARGIN))
    first = low / step - MARGIN
    slices = int(np.ceil(high / step - first)) + MARGIN + 1
    field = _field(near / step - first, far / step - first, inside, slices)
    geometry = Geometry(field.shape, _matrix(grid.pitch_px, step), "px")
    mask = field >= 0.0
    contour = contour_soft_field(
        Volume(geometry, field, "a.u."), mask, structure=structure, low=0.0, high=None
    )
    return _Body(contour, mask, geometry, first * step)


def _matrix(pitch: float, step: float) -> npt.NDArray[np.float64]:
    """Slices count towards the viewer, rows down, columns to the right: right-handed."""
    matrix = np.eye(4)
    matrix[:3, :3] = [[0.0, 0.0, pitch], [-step, 0.0, 0.0], [0.0, -pitch, 0.0]]
    return matrix


def _field(
    near: npt.NDArray[np.float64], far: npt.NDArray[np.float64], inside: Plane | None, slices: int
) -> Plane:
    """(S, R, C) distance of each cell's centre to the nearest sheet, in cells; positive inside."""
    # A sheet of less than a cell would vanish between two of them.
    lacking = np.maximum(0.0, LEAST_CELLS - (near - far)) / 2.0
    near, far = (near + lacking).astype(np.float32), (far - lacking).astype(np.float32)
    field = np.empty((slices, *near.shape), dtype=np.float32)
    for number in range(slices):
        np.minimum(near - np.float32(number), np.float32(number) - far, out=field[number])
        if inside is not None:
            np.minimum(field[number], inside, out=field[number])
    return field


def _in_room(surface: Surface, grid: PictureGrid, *, first_px: float) -> Surface:
    x, y, z = (surface.vertices[:, axis].astype(np.float64) for axis in range(3))
    # A cell's centre lies half a cell from its border.
    column = grid.origin_px[1] + x + 0.5 * grid.pitch_px
    row = grid.origin_px[0] - z + 0.5 * grid.pitch_px
    away = grid.away_px(first_px - y)
    points = grid.projection.to_points(column, row, away)
    return Surface(points.astype(np.float32), surface.triangles, surface.structure)
