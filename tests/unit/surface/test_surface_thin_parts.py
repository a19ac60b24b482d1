"""What is thinner than can be printed is made as thick as was asked for, and holds together."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.depth import DepthMap
from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.native.components import Components
from plastinate.native.distance import opened
from plastinate.stages.surface.object_solid import object_solid
from plastinate.stages.verify.measure import thinnest_wall

SIDE = 240
MM_PER_PX = 60.0 / 220.0


def wheel(spoke_px: float) -> np.ndarray:
    """(R, C) 0 or 1: a rim, a hub and seven spokes of one width."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    away = np.hypot(rows, columns)
    drawn = ((away < 110) & (away > 98)) | (away < 16)
    for turn in np.arange(7) * 2 * np.pi / 7 + 0.2:
        along = columns * np.cos(turn) + rows * np.sin(turn)
        beside = rows * np.cos(turn) - columns * np.sin(turn)
        drawn |= (np.abs(beside) < spoke_px / 2) & (along > 0) & (away < 105)
    return drawn.astype(np.float32)


def body(outline: np.ndarray, *, wall_mm: float, back: str = "inflated"):
    picture = Picture(np.full((SIDE, SIDE, 3), 90, np.uint8), None, np.zeros((SIDE, SIDE), np.uint16))
    flat = np.ones((SIDE, SIDE), np.float32)
    return object_solid(
        picture,
        DepthMap(flat, flat),
        outline,
        structure="object",
        levels={"full": None},
        unit_per_px=MM_PER_PX,
        cells=220,
        back=back,
        wall_mm=wall_mm,
    )


@pytest.mark.slow
@pytest.mark.parametrize("back", ["inflated", "mirror", "flat"])
@pytest.mark.parametrize(("spoke_px", "wall_mm"), [(2.0, 1.2), (3.0, 1.6)])
def test_spokes_of_half_a_millimetre_become_walls_that_a_ball_of_the_wall_fits_through(
    spoke_px: float, wall_mm: float, back: str
):
    solid = body(wheel(spoke_px), wall_mm=wall_mm, back=back)
    assert thinnest_wall(solid.surfaces["full"]) > 0.9 * wall_mm
    reach = 0.45 * wall_mm / MM_PER_PX
    held = opened(solid.mask, reach, solid.grid.spacing)
    # Between the spokes there are seven holes: none of them is lost, and no part falls off.
    assert Components(held).count == 1
    flat = held.any(axis=0)
    holes = Components(~np.pad(flat, 1)[None]).count - 1
    assert holes == 7


def test_a_corner_stays_one_and_what_is_thick_is_as_it_was():
    square = np.zeros((SIDE, SIDE), np.float32)
    square[60:180, 40:200] = 1.0
    solid = body(square, wall_mm=3.0)
    cell_px = solid.grid.spacing[1]
    seen = solid.mask.any(axis=0)
    assert seen.sum() * cell_px**2 == pytest.approx(160 * 120, rel=0.01)
    # Its corners are seen as well: a row near the upper border is as wide as the middle.
    rows = np.flatnonzero(seen.any(axis=1))
    assert seen[rows[2]].sum() > 0.97 * seen[rows[len(rows) // 2]].sum()


def test_a_wall_that_would_be_the_thing_itself_is_refused_before_a_grid_is_made_for_it():
    square = np.zeros((SIDE, SIDE), np.float32)
    square[60:180, 40:200] = 1.0
    for wall_mm in (0.6 * 160 * MM_PER_PX, 1e9):
        with pytest.raises(ParameterError, match="too thick for a thing that is 43") as raised:
            body(square, wall_mm=wall_mm)
        assert "--print-mm" in raised.value.hint
