"""Picture and depth -> a relief of the whole view: its front as seen, its back a shell or a flat plate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plastinate.model.depth import DepthMap
from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.model.projection import Projection
from plastinate.model.solid import Solid
from plastinate.nets.picture_net import fitted_shape, resized
from plastinate.stages.surface.cut_steps import cut_steps, farthest_around, without_needles
from plastinate.stages.surface.picture_grid import PictureGrid, solid_between

Plane = npt.NDArray[np.float32]

BACKS = ("shell", "flat")


def scene_solid(
    picture: Picture,
    depth: DepthMap,
    foreground: Plane | None = None,
    *,
    structure: str,
    levels: Mapping[str, int | None],
    unit_per_px: float | None = None,
    cells: int = 416,
    back: str = "shell",
    believed_percent: float = 99.0,
    step_share: float = 0.06,
    reach_share: float = 0.008,
    plate_share: float = 0.04,
    smooth_iterations: int = 4,
    pass_band: float = 0.5,
    max_error_cell: float = 0.12,
) -> Solid:
    """Put every place of the picture where its depth says, through the lens it was taken with.

    Where near things stand before far ones the relief is cut: a wall along the gaze, which no camera saw,
    stands between them, and nothing of the picture is stretched over it.

    Args:
        picture: what was seen.
        depth: of the whole picture; its median lies on the plane at which a pixel is a unit.
        foreground: not used; a scene is all of the picture.
        structure: id of the surface.
        levels: detail level -> triangles at most.
        unit_per_px: length of a pixel on that plane; None leaves pixels.
        cells: along the longer side of the grid.
        back: "shell" follows the front, "flat" is a plate behind all of it, for a print that stands.
        believed_percent: what lies nearer or farther than these depths, in percent, is put there.
        step_share, reach_share: see `cut_steps`; the reach is a share of the longer side.
        plate_share: thickness, behind a flat back's farthest place, as a share of the longer side.
        smooth_iterations, pass_band, max_error_cell: see `solid_between`.

    Raises:
        ParameterError: percent or share that is none.
    """
    del foreground
    if back not in BACKS:
        raise ParameterError(f"The back of a scene is one of {', '.join(BACKS)}, not {back!r}.")
    if not 50.0 < believed_percent <= 100.0 or not 0.0 < plate_share < 1.0:
        raise ParameterError(
            "Of the depths more than half are believed, and the plate is a share of the width."
        )
    shape = fitted_shape(picture.shape, cells)
    pitch = max(picture.shape) / max(shape)
    values = resized(depth.depth, shape)
    low, high = np.percentile(values, (100.0 - believed_percent, believed_percent))
    values = without_needles(np.clip(values, low, high))
    values = cut_steps(values, reach=max(1, round(reach_share * max(shape))), step_share=step_share)
    away = picture.focal_px * (values / np.float32(np.median(values)) - 1.0)
    away = away.astype(np.float32)
    # So far around each place the shell reaches as deep as its neighbours: a step is a wall, and no gap.
    behind = farthest_around(away, reach=2) if back == "shell" else np.full(shape, away.max(), np.float32)
    behind = behind + np.float32(plate_share * max(picture.shape))
    grid = PictureGrid(
        shape, (0.0, 0.0), pitch, Projection(picture.shape, picture.focal_px, unit_per_px or 1.0)
    )
    return solid_between(
        grid,
        away,
        behind,
        inside=None,
        structure=structure,
        levels=levels,
        smooth_iterations=smooth_iterations,
        pass_band=pass_band,
        max_error_cell=max_error_cell,
    )
