"""Twenty things, drawn here: each becomes closed, 2-manifold and textured, whatever its outline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from drawn_pictures import sphere
from plastinate.model.depth import DepthMap
from plastinate.model.errors import EmptyMask
from plastinate.native.crossings import self_crossings
from plastinate.native.topology import topology_of
from plastinate.stages.compose.skin import paint_skins
from plastinate.stages.surface.cut_steps import without_needles
from plastinate.stages.surface.object_solid import object_solid
from plastinate.stages.surface.plate_solid import plate_solid
from plastinate.stages.surface.scene_solid import scene_solid

SHAPE = (150, 200)
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]
X, Y = COLUMNS - 100.0, ROWS - 75.0
R, A = np.hypot(X, Y), np.arctan2(Y, X)
RNG = np.random.default_rng(7)

OUTLINES: dict[str, npt.NDArray[np.bool_]] = {
    "disc": R < 50,
    "ring": (R < 55) & (R > 30),
    "thin ring": (R < 55) & (R > 53),
    "star": 35 + 25 * np.cos(5 * A) > R,
    "flower of nine": 40 + 18 * np.cos(9 * A) > R,
    "spiral": np.abs((R - 8 * (A + np.pi)) % 50 - 25) < 5,
    "comb": (np.abs(X) < 70) & (Y > -50) & (Y < 40) & ((COLUMNS % 12 < 6) | (Y > 20)),
    "hair": (np.abs(Y - 20 * np.sin(X / 9)) < 0.8) & (np.abs(X) < 90),
    "two that touch at a corner": ((X < 0) & (Y < 0) & (R < 60)) | ((X >= 0) & (Y >= 0) & (R < 60)),
    "chessboard": ((COLUMNS // 15 + ROWS // 15) % 2 == 0) & (R < 70),
    "sieve": (R < 60) & ~((COLUMNS % 10 < 4) & (ROWS % 10 < 4)),
    "crescent": (R < 55) & (np.hypot(X - 25, Y) > 50),
    "letter": ((np.abs(X) < 50) & (np.abs(Y) < 8)) | ((np.abs(X) < 8) & (np.abs(Y) < 60)),
    "to the border": X > -20,
    "the whole": np.ones(SHAPE, dtype=bool),
    "all but a hole": R > 12,
    "one pixel": (ROWS == 75) & (COLUMNS == 100),
    "two pixels apart": ((ROWS == 75) & (COLUMNS == 100)) | ((ROWS == 75) & (COLUMNS == 102)),
    "noise": RNG.random(SHAPE) < 0.5,
    "islands": (np.sin(X / 7) * np.sin(Y / 7) > 0.3) & (R < 70),
}
DEPTHS = {
    "even": np.full(SHAPE, 5.0),
    "rough": 5.0 + RNG.random(SHAPE) * 3,
    "wild": np.where(RNG.random(SHAPE) < 0.1, 0.5, 5.0),
}


def is_sound(solid: object) -> bool:
    for surface in solid.surfaces.values():  # type: ignore[attr-defined]
        topology = topology_of(surface)
        if not (topology.is_closed and topology.is_manifold and surface.is_closed and surface.volume_ml > 0):
            return False
    full = solid.surfaces["full"]  # type: ignore[attr-defined]
    return self_crossings(full.vertices, full.triangles)[0] == 0


def depth_of(name: str) -> DepthMap:
    values = DEPTHS[name].astype(np.float32)
    return DepthMap(values, np.full(SHAPE, 0.5, dtype=np.float32))


@pytest.mark.parametrize("outline", OUTLINES)
def test_an_object_of_any_outline_is_closed(outline: str):
    depth = list(DEPTHS)[list(OUTLINES).index(outline) % len(DEPTHS)]
    back = ("inflated", "mirror", "flat")[list(OUTLINES).index(outline) % 3]
    picture = sphere(SHAPE).picture
    mask = OUTLINES[outline].astype(np.float32)
    solid = object_solid(
        picture,
        depth_of(depth),
        mask,
        structure="object",
        levels={"full": None, "medium": 3000},
        cells=80,
        back=back,
    )
    assert is_sound(solid)
    skin = paint_skins(picture, depth_of(depth), solid, foreground=mask)["full"]
    assert skin.places.min() >= 0
    assert skin.places.max() <= 1
    assert 0 < skin.is_invented.mean() < 1


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("back", ["shell", "flat"])
def test_a_scene_of_any_depth_is_closed(depth: str, back: str):
    solid = scene_solid(
        sphere(SHAPE).picture, depth_of(depth), structure="scene", levels={"full": None}, cells=80, back=back
    )
    assert is_sound(solid)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["three in ten", "all"])
def test_a_depth_map_of_needles_makes_a_body_that_does_not_cross_itself(noise: str):
    rng = np.random.default_rng(1)
    values = np.where(rng.random(SHAPE) < 0.3, 1.0, 5.0)
    if noise == "all":
        values = np.exp(rng.normal(1.5, 1.0, SHAPE))
    depth = DepthMap(values.astype(np.float32), np.full(SHAPE, 0.5, dtype=np.float32))
    solid = scene_solid(
        sphere(SHAPE).picture,
        depth,
        structure="scene",
        levels={"full": None},
        cells=64,
        believed_percent=100.0,
    )
    assert is_sound(solid)


def test_a_needle_goes_and_a_wire_a_corner_and_a_slope_stay():
    slope = np.add.outer(np.arange(20.0), np.arange(30.0)).astype(np.float32) + 10
    assert np.array_equal(without_needles(slope)[1:-1, 1:-1], slope[1:-1, 1:-1])
    flat = np.full((20, 30), 9.0, dtype=np.float32)
    wire, corner, needle = flat.copy(), flat.copy(), flat.copy()
    wire[10, 3:27] = 5.0
    corner[5:15, 5:25] = 5.0
    needle[4, 4] = needle[12, 12:14] = 2.0
    # A wire loses a cell at each end in each pass.
    assert np.array_equal(without_needles(wire)[:, 5:25], wire[:, 5:25])
    assert np.array_equal(without_needles(corner), corner)
    assert np.array_equal(without_needles(needle), flat)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_plate_of_any_picture_is_closed_and_as_large_as_was_said(depth: str):
    solid = plate_solid(
        sphere(SHAPE).picture,
        depth_of(depth),
        structure="lithophane",
        levels={"full": None},
        width_mm=60,
        pitch_mm=0.5,
        frame_mm=2.0,
    )
    assert is_sound(solid)
    size = np.ptp(solid.surfaces["full"].bounds_lps_mm, axis=0)
    assert size[0] == pytest.approx(64.0, abs=0.6)
    assert size[2] == pytest.approx(49.0, abs=0.6)
    assert size[1] == pytest.approx(4.0, abs=0.1)


def test_nothing_in_front_is_no_object():
    with pytest.raises(EmptyMask):
        object_solid(
            sphere(SHAPE).picture,
            depth_of("even"),
            np.zeros(SHAPE, dtype=np.float32),
            structure="object",
            levels={"full": None},
        )
