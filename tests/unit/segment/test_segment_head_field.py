"""A head is known by the space that its bone encloses; a trunk has none, and is refused."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
import trunk_phantoms
from anatomy_phantoms import grid, positions
from plastinate.model.errors import EmptyMask
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.pipeline.run import RunOptions, run_recipe
from plastinate.recipes.load import load_recipe, recipe_for_organs
from plastinate.stages.segment.head_field import head, lowest_of_cavity
from plastinate.stages.segment.trunk import trunk

HEAD = anatomy_phantoms.head()
CHEST = anatomy_phantoms.chest()
REASON = "nowhere does bone enclose a space as large as a brain's"
QUICK = RunOptions(levels={"full": None}, check=False)


def person(
    *, feet_first: bool = False, gap_mm: float = 0.0, radius_mm: float = 70.0
) -> tuple[Volume, np.ndarray]:
    """A skull on a trunk 280 mm long with a spine; the vault may gape in front. 4 mm voxels."""
    geometry = grid((110, 60, 60), 4.0, feet_first=feet_first)
    x, y, z = positions(geometry)
    z = z - 120
    body = np.hypot(x, y) < 90
    shell = (np.hypot(x, y) < radius_mm + 8) & (np.hypot(x, y) >= radius_mm) & (z > -20) & (z < 80)
    shell &= (np.abs(x) >= gap_mm / 2) | (y > 0)
    spine = (np.hypot(x, y - 60) < 16) & (z < -20)
    values = np.where(body, 40, -1000)
    values[shell | spine] = 800
    return Volume(geometry, values.astype(np.int16), "HU", "CT"), body


def test_a_head_is_kept_whole():
    assert np.array_equal(head(HEAD.volume, HEAD.truth["body"]), HEAD.truth["body"])


def test_a_trunk_has_no_head():
    with pytest.raises(EmptyMask, match=REASON):
        head(CHEST.volume, CHEST.truth["body"])


def test_a_dry_skull_is_a_head_whatever_it_holds():
    values = np.where(HEAD.truth["brain"], -1000, HEAD.volume.array).astype(np.int16)
    assert head(HEAD.volume.with_array(values), HEAD.truth["body"]).any()


@pytest.mark.parametrize("feet_first", [False, True])
def test_a_head_ends_below_the_chin_and_the_trunk_is_left(feet_first: bool):
    volume, body = person(feet_first=feet_first)
    found = head(volume, body)
    z = positions(volume.geometry)[2] - 120
    assert np.array_equal(found, body & (z >= -20 - 150))


def test_sutures_are_no_openings_and_the_mouth_of_a_basin_is_one():
    for gap_mm, is_head in ((8.0, True), (40.0, False)):
        volume, body = person(gap_mm=gap_mm)
        if is_head:
            assert head(volume, body).any()
        else:
            with pytest.raises(EmptyMask):
                head(volume, body)


def test_a_ring_around_marrow_is_none_around_a_brain():
    volume, body = person(radius_mm=30.0)
    with pytest.raises(EmptyMask):
        head(volume, body)


def test_the_edge_of_a_narrow_scan_may_stand_in_for_the_sides_of_a_head_but_not_of_a_trunk():
    volume, body = person()
    narrow = (slice(0, 110), slice(0, 60), slice(14, 46))
    cut = volume.crop((0, 0, 14), (110, 60, 32))
    # Front and back are bone and air, the sides are the edge of the scan.
    assert head(cut, body[narrow]).any()
    values = volume.array.copy()
    values[:, :, :14] = values[:, :, 46:] = UNMEASURED_INT16
    assert head(volume.with_array(values), body & (values != UNMEASURED_INT16)).any()
    chest = CHEST.volume.crop((0, 30, 34), (90, 40, 60))
    inside = np.ascontiguousarray(CHEST.truth["body"][:, 30:70, 34:94])
    with pytest.raises(EmptyMask):
        head(chest, inside)


def test_the_lowest_plane_of_the_cranial_cavity_is_that_of_the_ring():
    volume, _ = person()
    z = positions(volume.geometry)[2] - 120
    lowest = lowest_of_cavity(volume.array > 250, volume.geometry)
    assert -20 < z[lowest].max() <= -16
    assert lowest_of_cavity(CHEST.volume.array > 250, CHEST.volume.geometry) is None


@pytest.mark.slow
def test_skull_base_and_neck_are_no_trunk_to_look_for_organs_in():
    scene = trunk_phantoms.trunk(contrast=False)
    x, y, z = positions(scene.volume.geometry)
    empty = np.zeros(scene.volume.geometry.shape, bool)

    def canal_planes(lowest_mm: float) -> int:
        ring = (np.abs(np.hypot(x, y) - 75) < 4) & (z > lowest_mm) & (z < lowest_mm + 80)
        bone = (scene.volume.array > 250) | ring
        found = trunk("aorta", scene.volume, scene.truth["body"], empty, empty, bone, smooth_mm=1.2)
        return int((found.canal.enclosed > 0.5).sum())

    assert 0 < canal_planes(z.max() - 90) < canal_planes(z.max() + 10)
    with pytest.raises(EmptyMask, match="no spine of a trunk"):
        canal_planes(z.min() + 120)


@pytest.mark.slow
def test_the_recipe_finds_nothing_in_a_chest_and_says_why():
    with pytest.raises(EmptyMask, match=REASON) as refused:
        run_recipe(CHEST.volume, load_recipe("ct-head"), options=QUICK)
    assert refused.value.sentence.count(REASON) == 1
    with pytest.raises(EmptyMask, match=REASON):
        run_recipe(CHEST.volume, recipe_for_organs(["skull"], "CT"), options=QUICK)


@pytest.mark.slow
def test_what_else_was_asked_for_of_a_chest_is_built_without_its_skull():
    result = run_recipe(CHEST.volume, recipe_for_organs(["skull", "lung-left"], "CT"), options=QUICK)
    assert list(result.surfaces) == ["lung-left"]
    assert result.not_found == {"skull": REASON}
    warned = [each for each in result.findings if each.code == "segment.nothing-found"]
    assert [each.sentence for each in warned] == [f"Nothing was found for 'skull': {REASON}."]
    assert "window" not in warned[0].action


@pytest.mark.slow
def test_the_recipe_finds_all_of_a_head_and_no_lungs_in_it():
    result = run_recipe(HEAD.volume, load_recipe("ct-head"), options=QUICK)
    assert list(result.surfaces) == ["skull", "brain", "skin"]
    found = run_recipe(HEAD.volume, load_recipe("ct-body"), options=QUICK)
    assert {"airways", "lung-left", "lung-right"} <= set(found.not_found)
    assert "skeleton" in found.surfaces
