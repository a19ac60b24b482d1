"""Scenes with known depth come out where they are, cut where they are cut, and closed."""

from __future__ import annotations

import numpy as np
import pytest

from drawn_pictures import DrawnScene, sphere, steps, tilted_plane
from plastinate.model.depth import DepthMap
from plastinate.model.solid import Solid
from plastinate.native.crossings import self_crossings
from plastinate.native.topology import topology_of
from plastinate.stages.compose.skin import paint_skins
from plastinate.stages.depth.shading import shading
from plastinate.stages.segment.foreground import foreground_by_colour
from plastinate.stages.surface.cut_steps import cut_steps
from plastinate.stages.surface.object_solid import object_solid
from plastinate.stages.surface.scene_solid import scene_solid

FULL = {"full": None}


def as_scene(drawn: DrawnScene, depth: DepthMap | None = None, **more: object) -> Solid:
    return scene_solid(
        drawn.picture,
        depth or drawn.map,
        structure="scene",
        levels=FULL,
        cells=200,
        **{"believed_percent": 100.0, **more},
    )


def seen_points(drawn: DrawnScene, solid: Solid) -> np.ndarray:
    """Vertices of the triangles that the picture shows, in units of the drawn scene's depth."""
    skin = paint_skins(drawn.picture, drawn.map, solid)["full"]
    surface = solid.surfaces["full"]
    used = np.unique(surface.triangles[~skin.is_invented])
    points = surface.vertices[used].astype(np.float64)
    return (points + np.array([0, drawn.focal_px, 0])) * float(np.median(drawn.depth)) / drawn.focal_px


def is_sound(solid: Solid) -> bool:
    surface = solid.surfaces["full"]
    topology = topology_of(surface)
    return (
        topology.is_closed
        and topology.is_manifold
        and self_crossings(surface.vertices, surface.triangles)[0] == 0
        and surface.volume_ml > 0
    )


def test_a_tilted_plane_is_flat_and_stands_at_its_slope():
    drawn = tilted_plane()
    solid = as_scene(drawn)
    assert is_sound(solid)
    points = seen_points(drawn, solid)
    # 1 / depth = (1 + slope y / 0.375) / 10 is the plane 10 = depth + slope / 0.375 * down.
    off = points[:, 1] - 0.4 / 0.375 * points[:, 2] - 10.0
    inside = (np.abs(points[:, [0, 2]] / points[:, [1]]) < [0.46, 0.33]).all(axis=1)
    assert np.abs(off[inside]).max() < 0.06
    assert np.sqrt((off[inside] ** 2).mean()) < 0.02


def test_a_ball_keeps_its_radius_on_the_side_that_is_seen():
    drawn = sphere()
    solid = as_scene(drawn)
    assert is_sound(solid)
    points = seen_points(drawn, solid)
    near = points[points[:, 1] < 9.0]
    radius = np.linalg.norm(near - [0, 10.0, 0], axis=1)
    assert len(near) > 500
    inner = np.hypot(near[:, 0], near[:, 2]) < 2.0
    # Towards the rim the ball falls away faster than cells can follow, and the step to the wall is cut there.
    assert np.abs(radius[inner] - 2.5).max() < 0.02
    assert np.abs(radius - 2.5).max() < 0.25


def test_steps_are_cut_and_nothing_of_the_picture_is_stretched_over_them():
    drawn = steps()
    for back in ("shell", "flat"):
        solid = as_scene(drawn, back=back)
        assert is_sound(solid)
        away = seen_points(drawn, solid)[:, 1]
        nearest = np.abs(away[:, None] - [5.0, 8.0, 12.0]).min(axis=1)
        assert np.mean(nearest < 0.1) > 0.97
        assert nearest.max() < 0.9, "nothing hangs between two boards"


def test_a_blurred_step_is_cut_in_one_place_and_a_slope_is_left_alone():
    from plastinate.nets.plane_filters import box_mean

    blurred = box_mean(steps().depth, 4)
    cut = cut_steps(blurred, reach=5, step_share=0.06)
    assert np.mean(np.abs(cut[:, :, None] - [5.0, 8.0, 12.0]).min(axis=2) < 0.01) > 0.99
    slope = tilted_plane().depth
    assert np.array_equal(cut_steps(slope, reach=3, step_share=0.06), slope)


@pytest.mark.parametrize("back", ["inflated", "mirror", "flat"])
def test_an_object_is_as_wide_as_it_was_seen_and_closed_all_round(back: str):
    drawn = sphere()
    solid = object_solid(
        drawn.picture, drawn.map, drawn.soft_mask, structure="object", levels=FULL, cells=160, back=back
    )
    assert is_sound(solid)
    size = np.ptp(solid.surfaces["full"].bounds_lps_mm, axis=0)
    columns = np.nonzero(drawn.mask.any(axis=0))[0]
    # Seen through the lens on the plane of the thing; parts of it lie before and behind that.
    assert size[0] == pytest.approx(len(columns), rel=0.08)
    assert 0.4 < size[1] / size[0] < 1.1


def test_a_thin_rod_is_grown_to_the_least_wall_where_a_length_is_known():
    mask = np.zeros((240, 320), dtype=np.float32)
    mask[60:180, 60:180] = 1
    mask[118:122, 180:300] = 1
    drawn = sphere()
    solid = object_solid(
        drawn.picture, drawn.map, mask, structure="object", levels=FULL, unit_per_px=0.25, wall_mm=3.0
    )
    assert is_sound(solid)
    surface = solid.surfaces["full"]
    rod = surface.vertices[surface.vertices[:, 0] > (240 - 160) * 0.25]
    assert len(rod) > 20
    # 4 pixels are 1 mm: the rod is grown to the wall, and by no more than two cells and the lens beyond.
    assert 2.9 < np.ptp(rod[:, 2]) < 3.9
    assert np.ptp(rod[:, 1]) >= 2.5


def test_shading_finds_the_ball_that_shines_like_one():
    drawn = sphere()
    plain = foreground_by_colour(drawn.picture, side_px=320)
    both = (plain >= 0.5) & drawn.mask
    assert both.sum() / ((plain >= 0.5) | drawn.mask).sum() > 0.9
    found = shading(drawn.picture, side_px=160).depth
    truth = drawn.depth[::2, ::2][: found.shape[0], : found.shape[1]]
    inner = np.hypot(*np.mgrid[-60:60, -80:80]) < 28
    assert np.corrcoef(found[inner], truth[inner])[0, 1] > 0.9
