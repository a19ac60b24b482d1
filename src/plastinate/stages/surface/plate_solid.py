"""Picture and brightness -> a plate as thick as the picture is dark, or bright, in millimetres."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plastinate.model.depth import DepthMap
from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.model.plate_bounds import BORDER_MM, THICKNESS_MM, WIDTH_MM
from plastinate.model.projection import Projection
from plastinate.model.solid import Solid
from plastinate.nets.picture_net import resized
from plastinate.stages.surface.picture_grid import PictureGrid, solid_between

Plane = npt.NDArray[np.float32]

# A plate of more cells than these on a side is finer than a printer and slower than a person waits.
CELLS_MAX = 900


def plate_solid(
    picture: Picture,
    depth: DepthMap,
    foreground: Plane | None = None,
    *,
    structure: str,
    levels: Mapping[str, int | None],
    unit_per_px: float | None = None,
    is_dark_thick: bool = True,
    width_mm: float = 100.0,
    thinnest_mm: float = 0.8,
    thickest_mm: float = 3.0,
    base_mm: float = 0.0,
    frame_mm: float = 3.0,
    frame_height_mm: float = 4.0,
    pitch_mm: float = 0.2,
    max_error_cell: float = 0.08,
) -> Solid:
    """Make brightness thickness, on a base, within a frame. Its millimetres are those of the print.

    Args:
        picture: what was seen.
        depth: nearness is height, or its opposite.
        foreground: not used; a plate shows all of the picture.
        structure: id of the surface.
        levels: detail level -> triangles at most.
        unit_per_px: not used; the width says how large a pixel is.
        is_dark_thick: as a lithophane is; else bright is high.
        width_mm: of the picture's longer side, frame not counted.
        thinnest_mm, thickest_mm: what the brightest and the darkest become.
        base_mm: added everywhere.
        frame_mm, frame_height_mm: width of a frame around the picture, and its height; 0 for none.
        pitch_mm: size of a cell.
        max_error_cell: see `solid_between`.

    Raises:
        ParameterError: a length that cannot be printed.
    """
    del foreground, unit_per_px
    _check(width_mm, thinnest_mm, thickest_mm, base_mm, frame_mm, frame_height_mm, pitch_mm)
    pitch = max(pitch_mm, width_mm / CELLS_MAX)
    share = width_mm / max(picture.shape)
    shape = (max(2, round(picture.shape[0] * share / pitch)), max(2, round(picture.shape[1] * share / pitch)))
    low, high = float(depth.depth.min()), float(depth.depth.max())
    # Beside an edge the resampling swings beyond what was there; the thinnest place is that of the brightest.
    far = np.clip(resized(depth.depth, shape), low, high)
    dark = (far - low) / (high - low) if high > low else np.zeros(shape, dtype=np.float32)
    height = base_mm + thinnest_mm + (thickest_mm - thinnest_mm) * (dark if is_dark_thick else 1.0 - dark)
    frame = round(frame_mm / pitch)
    height = np.pad(height, frame, constant_values=max(frame_height_mm, base_mm + thinnest_mm))
    # The back lies on the plane of the origin; the grid is as the picture's, in pixels of it.
    rows, columns = (int(side) for side in height.shape)
    origin = -frame * pitch / share
    grid = PictureGrid(
        (rows, columns), (origin, origin), pitch / share, Projection(picture.shape, 0.0, share)
    )
    return solid_between(
        grid,
        (-height / share).astype(np.float32),
        np.zeros_like(height, dtype=np.float32),
        inside=None,
        structure=structure,
        levels=levels,
        smooth_iterations=0,
        pass_band=0.5,
        max_error_cell=max_error_cell,
    )


def _check(
    width: float,
    thinnest: float,
    thickest: float,
    base: float,
    frame: float,
    frame_height: float,
    pitch: float,
) -> None:
    if not WIDTH_MM[0] <= width <= WIDTH_MM[1]:
        raise ParameterError(f"A plate is 5 to 1000 mm wide, not {width:g}.")
    if not THICKNESS_MM[0] <= thinnest < thickest <= THICKNESS_MM[1]:
        raise ParameterError(
            f"The thinnest place is at least 0.2 mm and thinner than the thickest, of at most 50 mm; "
            f"not {thinnest:g} and {thickest:g}."
        )
    if not all(BORDER_MM[0] <= each <= BORDER_MM[1] for each in (base, frame, frame_height)):
        raise ParameterError("Base and frame are 0 to 50 mm.")
    if not 0.05 <= pitch <= 2:
        raise ParameterError(f"A cell is 0.05 to 2 mm, not {pitch:g}.")
