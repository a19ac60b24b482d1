"""Lighter surfaces are still closed, still the organ, and say so where they are not as light as wished."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.labels import LabelMap
from plastinate.model.surface import Surface
from plastinate.stages.surface.contour import contour_soft_field
from plastinate.stages.surface.levels import _coarser, _volume_keeping_level, detail_levels
from plastinate.stages.surface.soft_field import soft_field
from voxel_scenes import ball, volume_of

SHAPE = (36, 38, 40)
MIDDLE = (17.3, 18.6, 19.1)
RADIUS = 12.0
TRUE_ML = 4 / 3 * np.pi * RADIUS**3 / 1000


def ball_field(radius: float = RADIUS, *, shape=SHAPE, middle=MIDDLE, spacing=(1.0, 1.0, 1.0)):
    """A ball of 1000 in 0, its edge as soft as a scanner's."""
    away = [((np.arange(n) - m) * step) ** 2 for n, m, step in zip(shape, middle, spacing, strict=True)]
    distance = np.sqrt(away[0][:, None, None] + away[1][None, :, None] + away[2][None, None, :])
    return volume_of((1000 / (1 + np.exp((distance - radius) / 0.4))).astype(np.float32), spacing_mm=spacing)


def volume_ml(surface: Surface) -> float:
    a, b, c = (surface.vertices[surface.triangles[:, k]].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6 / 1000)


@pytest.fixture(scope="module")
def field():
    return ball_field()


@pytest.fixture(scope="module")
def surface(field):
    return contour_soft_field(field, field.array >= 500, structure="ball", low=500.0, high=None)


def levels_of(field, surface, **levels):
    return detail_levels(surface, field.array >= 500, field.geometry, levels=levels, max_error_mm=0.1)


def test_each_level_is_closed_within_its_count_and_of_the_same_size(field, surface):
    made = levels_of(field, surface, full=None, medium=1500, light=300)
    counts = {level: len(each.triangles) for level, each in made.surfaces.items()}
    assert list(counts) == ["full", "medium", "light"]
    assert counts["full"] < len(surface.triangles)
    assert counts["medium"] <= 1500 * 1.1
    assert counts["light"] <= 300 * 1.1
    assert made.notes == ()
    for level, bound in (("full", 0.01), ("medium", 0.01), ("light", 0.04)):
        assert made.surfaces[level].is_closed
        assert made.surfaces[level].structure == "ball"
        assert volume_ml(made.surfaces[level]) == pytest.approx(TRUE_ML, rel=bound)


def test_a_surface_that_is_light_already_stays_as_it_is(field, surface):
    made = levels_of(field, surface, full=None, light=100_000).surfaces
    assert np.array_equal(made["full"].vertices, made["light"].vertices)
    assert np.array_equal(made["full"].triangles, made["light"].triangles)


def test_the_order_asked_for_is_the_order_given(field, surface):
    assert list(levels_of(field, surface, light=300, full=None).surfaces) == ["light", "full"]


def test_a_sponge_is_contoured_again_where_decimation_cannot_help():
    # 27 cells with walls: tunnels in all three directions that no decimation may close.
    shape = (40, 40, 40)
    solid = np.zeros(shape, dtype=bool)
    solid[5:35, 5:35, 5:35] = True
    for start in range(7, 33, 4):
        solid[start : start + 2, :, 7:33:4] = False
        solid[:, start : start + 2, 9:33:4] = False
    field = volume_of(np.where(solid, 1000, 0).astype(np.float32))
    surface = contour_soft_field(field, solid, structure="sponge", low=500.0, high=None)
    target = 1500
    made = detail_levels(
        surface, solid, field.geometry, levels={"full": None, "light": target}, max_error_mm=0.1
    )
    light = made.surfaces["light"]
    assert light.is_closed
    assert len(made.surfaces["full"].triangles) > 4 * target
    assert len(light.triangles) <= target * 1.1 or made.notes
    low, high = light.bounds_lps_mm - made.surfaces["full"].bounds_lps_mm
    assert np.abs([low, high]).max() < 6.0


def test_a_count_that_cannot_be_reached_is_told(field, surface):
    made = levels_of(field, surface, light=3)
    assert made.surfaces["light"].is_closed
    assert any("light" in note and "3 were asked for" in note for note in made.notes)


@pytest.mark.parametrize(("factor", "bound"), [(2, 0.06), (3, 0.12)])
def test_a_coarser_grid_keeps_size_and_place(field, factor, bound):
    coarse = _coarser(field.array >= 500, field.geometry, "ball", factor=factor)
    assert coarse is not None
    assert coarse.is_closed
    assert volume_ml(coarse) == pytest.approx(TRUE_ML, rel=bound)
    middle = coarse.bounds_lps_mm.mean(axis=0)
    assert middle == pytest.approx(field.geometry.index_to_lps(np.array(MIDDLE)), abs=0.5)


def test_nothing_stays_nothing_on_a_coarser_grid(field):
    assert _coarser(np.zeros(SHAPE, dtype=bool), field.geometry, "ball", factor=2) is None


def test_a_shell_thinner_than_a_block_does_not_vanish():
    shell = ball(SHAPE, MIDDLE, 12) & ~ball(SHAPE, MIDDLE, 11)
    field = volume_of(shell.astype(np.float32))
    coarse = _coarser(shell, field.geometry, "shell", factor=3)
    assert coarse is not None
    assert np.ptp(coarse.bounds_lps_mm, axis=0) == pytest.approx([24, 24, 24], abs=4)


def test_the_level_keeps_as_many_blocks_as_the_mask_fills():
    share = np.array([0.0, 0.1, 0.2, 0.3, 0.6, 1.0], dtype=np.float32).reshape(1, 2, 3)
    assert _volume_keeping_level(share, 2.2) == pytest.approx(0.6)
    assert _volume_keeping_level(share, 0.0) == pytest.approx(0.95)
    assert _volume_keeping_level(share, 99.0) == pytest.approx(0.05)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.8, 0.9)])
def test_a_soft_field_finds_the_edge_between_the_voxels(spacing):
    shape = tuple(round(38 / step) for step in spacing)
    field = ball_field(shape=shape, middle=[n / 2 - 0.4 for n in shape], spacing=spacing)
    labels = LabelMap(field.geometry, (field.array >= 500).astype(np.uint16), {1: "ball"})
    made = soft_field(field, labels, structures=("ball",), levels={"full": None}, low=500.0)
    full = made.surfaces["ball"]["full"]
    assert full.is_closed
    assert volume_ml(full) == pytest.approx(TRUE_ML, rel=0.01)
    assert made.notes == ()


def test_a_window_with_two_ends_is_a_shell(field):
    inside = (field.array >= 300) & (field.array <= 700)
    labels = LabelMap(field.geometry, inside.astype(np.uint16), {1: "shell"})
    raw = soft_field(
        field,
        labels,
        structures=("shell",),
        levels={"full": None},
        low=300.0,
        high=700.0,
        smooth_iterations=0,
    )
    shell = raw.surfaces["shell"]["full"]
    assert shell.is_closed
    assert 0 < volume_ml(shell) < 0.4 * TRUE_ML


def test_two_structures_keep_their_names_and_their_notes(field):
    array = (field.array >= 500).astype(np.uint16)
    array[:, :, 20:] *= 2
    labels = LabelMap(field.geometry, array, {1: "right", 2: "left"})
    made = soft_field(
        field, labels, structures=("left", "right"), levels={"full": None, "light": 3}, low=500.0
    )
    assert list(made.surfaces) == ["left", "right"]
    assert {note.split(",")[0] for note in made.notes} == {"left", "right"}
    # The patient's left is at higher x.
    left, right = (made.surfaces[name]["full"].bounds_lps_mm.mean(axis=0)[0] for name in ("left", "right"))
    assert left > right
