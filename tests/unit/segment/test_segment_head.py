"""Skull and brain from CT, head and brain from MR."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from anatomy_phantoms import dice
from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.stages.segment.brain_ct import brain_ct
from plastinate.stages.segment.brain_mr import brain_mr, head_mr
from plastinate.stages.segment.head import skull
from plastinate.stages.segment.orientation import (
    axial_axis,
    body_middle_mm,
    left_mm,
    planes_from_the_top,
)
from plastinate.stages.segment.sphere import enclosed, sphere

HEAD = anatomy_phantoms.head()
MR = anatomy_phantoms.mr_head()


def test_the_skull_is_bone_and_the_head_rest_is_not():
    found = skull(HEAD.volume, HEAD.truth["body"])
    assert dice(found, HEAD.truth["skull"]) > 0.97
    assert not (found & HEAD.truth["rest"]).any()


def test_the_brain_fills_the_skull_and_stops_at_the_foramen():
    found = brain_ct(HEAD.volume, HEAD.truth["body"], HEAD.truth["skull"]).masks[0]
    z = anatomy_phantoms.positions(HEAD.volume.geometry)[2]
    assert dice(found, HEAD.truth["brain"]) > 0.97
    assert not (found & (z < -75)).any()
    assert not (found & HEAD.truth["skull"]).any()


def test_a_missing_piece_of_the_vault_does_not_let_the_scalp_in():
    x, y, z = anatomy_phantoms.positions(HEAD.volume.geometry)
    gap = (y < -50) & (np.abs(x) < 10) & (np.abs(z - 40) < 10)
    values = np.where(gap & HEAD.truth["skull"], 40, HEAD.volume.array).astype(np.int16)
    found = brain_ct(HEAD.volume.with_array(values), HEAD.truth["body"], HEAD.truth["skull"] & ~gap).masks[0]
    assert dice(found, HEAD.truth["brain"]) > 0.97


def test_a_skull_full_of_air_with_a_block_in_it_holds_no_brain():
    x, y, z = anatomy_phantoms.positions(HEAD.volume.geometry)
    block = (np.abs(x) < 20) & (np.abs(y) < 20) & (np.abs(z - 20) < 20)
    values = np.where(HEAD.truth["brain"] & ~block, -1000, HEAD.volume.array).astype(np.int16)
    with pytest.raises(EmptyMask, match="not as dense as a brain"):
        brain_ct(HEAD.volume.with_array(values), HEAD.truth["body"], HEAD.truth["skull"])


def test_a_brain_says_how_sure_each_voxel_is_and_fluid_under_the_bone_is_less_so():
    x, y, z = anatomy_phantoms.positions(HEAD.volume.geometry)
    inner = (x / 55) ** 2 + (y / 73) ** 2 + ((z - 15) / 63) ** 2 <= 1
    fluid = HEAD.truth["brain"] & ~inner & (z > 0)
    values = np.where(fluid, HEAD.volume.array - 28, HEAD.volume.array).astype(np.int16)
    made = brain_ct(HEAD.volume.with_array(values), HEAD.truth["body"], HEAD.truth["skull"])
    found, level = made.masks[0], made.likelihoods[0]
    assert made.findings == ()
    assert np.array_equal(level >= 0.5, found)
    assert dice(found, HEAD.truth["brain"]) > 0.97
    assert (level[fluid] >= 0.9).mean() < 0.2
    assert (level[HEAD.truth["brain"] & inner] >= 0.9).mean() > 0.98


def test_a_skull_of_which_a_third_is_gone_is_named():
    x, _, z = anatomy_phantoms.positions(HEAD.volume.geometry)
    gap = (x > 0) & (z > 20) & HEAD.truth["skull"]
    values = np.where(gap, 40, HEAD.volume.array).astype(np.int16)
    made = brain_ct(HEAD.volume.with_array(values), HEAD.truth["body"], HEAD.truth["skull"] & ~gap)
    assert [each.code for each in made.findings] == ["segment.open-skull"]


def test_a_brain_goes_on_to_where_the_scan_ends():
    part = HEAD.volume.crop((20, 0, 0), (40, 110, 100))
    cut = {name: np.ascontiguousarray(mask[20:60]) for name, mask in HEAD.truth.items()}
    made = brain_ct(part, cut["body"], cut["skull"])
    assert dice(made.masks[0], cut["brain"]) > 0.97
    assert made.masks[0][[0, -1]].sum() > 0.95 * cut["brain"][[0, -1]].sum()


def test_a_head_without_bone_or_room_is_refused():
    nothing = np.zeros(HEAD.volume.array.shape, bool)
    with pytest.raises(EmptyMask, match="skull"):
        skull(HEAD.volume.with_array(np.minimum(HEAD.volume.array, 100)), HEAD.truth["body"])
    with pytest.raises(EmptyMask, match="no skull"):
        brain_ct(HEAD.volume, HEAD.truth["body"], nothing)
    with pytest.raises(EmptyMask, match="enclosed"):
        brain_ct(HEAD.volume, HEAD.truth["body"], HEAD.truth["skull"] | HEAD.truth["brain"])


def test_a_head_of_mr_is_one_solid_over_dark_bone():
    found = head_mr(MR.volume)
    assert dice(found, MR.truth["skin"]) > 0.98


@pytest.mark.slow
def test_the_swelling_sphere_stops_at_the_brains_dark_rim():
    found = brain_mr(MR.volume, MR.truth["skin"])
    assert dice(found, MR.truth["brain"]) > 0.97
    z = anatomy_phantoms.positions(MR.volume.geometry)[2]
    assert not (found & (z < -60)).any()
    floats = MR.volume.with_array(MR.volume.array.astype(np.float32))
    assert np.array_equal(found, brain_mr(floats, MR.truth["skin"]))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_trunk_is_no_head_however_its_slices_lie(axis: int):
    x, y, _ = anatomy_phantoms.positions(anatomy_phantoms.grid((40, 60, 100), 4.0))
    trunk = ((x / 170) ** 2 + (y / 100) ** 2 < 1) * np.int16(500)
    geometry = anatomy_phantoms.grid((40, 60, 100), 4.0)
    order = np.roll([0, 1, 2], axis)
    matrix = geometry.to_lps_mm.copy()
    matrix[:3, :3] = matrix[:3, order]
    turned = Volume(
        Geometry(tuple(np.array(geometry.shape)[order]), matrix),
        np.ascontiguousarray(trunk.transpose(order)),
        "a.u.",
        "MR",
    )
    with pytest.raises(EmptyMask, match=r"53[0-9] cm2, more than any head"):
        head_mr(turned)


def test_shoulders_below_a_head_do_not_make_it_a_trunk():
    x, y, z = anatomy_phantoms.positions(MR.volume.geometry)
    shoulders = (z < -60) & (np.abs(x) < 95) & (np.abs(y) < 105)
    values = np.where(shoulders, 380, MR.volume.array).astype(np.int16)
    assert head_mr(MR.volume.with_array(values))[shoulders].any()


def test_a_blank_mr_is_refused():
    blank = Volume(MR.volume.geometry, np.zeros_like(MR.volume.array), "a.u.", "MR")
    with pytest.raises(EmptyMask):
        head_mr(blank)


@pytest.mark.filterwarnings("error")
def test_values_at_the_ends_of_all_floats_are_weighed_without_a_warning():
    # The second percentile lies between the two, which are farther apart than float32 reaches.
    ends = np.full((4, 5, 5), 3e38, np.float32)
    ends[0, 0, :2] = -3e38
    scan = Volume(anatomy_phantoms.grid(ends.shape, 1.0), ends, "a.u.", "MR")
    with pytest.raises(EmptyMask, match="nothing is brighter"):
        head_mr(scan)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_spheres_are_closed_and_their_neighbours_mutual(level):
    ball = sphere(level)
    count = 10 * 4**level + 2
    assert ball.points.shape == (count, 3)
    assert len(ball.triangles) == 2 * count - 4
    assert np.allclose(np.linalg.norm(ball.points, axis=1), 1)
    assert int(ball.is_sixth.sum()) == count - 12
    for vertex in range(min(count, 50)):
        for other in ball.neighbours[vertex]:
            assert vertex in ball.neighbours[other]


def test_voxels_inside_a_mesh_are_counted_on_an_oblique_grid():
    turn = np.linalg.qr(np.array([[1.0, 0.2, 0.1], [0.1, 1.0, 0.3], [0.2, 0.1, 1.0]]))[0]
    turn *= np.sign(np.linalg.det(turn))
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array([1.5, 1.0, 0.8])
    geometry = Geometry((50, 70, 90), matrix)
    ball = sphere(4)
    centre = geometry.index_to_lps(np.array([25.0, 35.0, 45.0]))
    inside = enclosed(centre + 20 * ball.points, ball.triangles, geometry)
    expected = 4 / 3 * np.pi * 20**3 / 1000
    assert inside.sum() * geometry.voxel_ml == pytest.approx(expected, rel=0.01)


def test_directions_come_from_the_patient_and_not_from_the_array():
    for feet_first in (False, True):
        geometry = anatomy_phantoms.grid((20, 30, 40), 2.0, feet_first=feet_first)
        x, _, z = anatomy_phantoms.positions(geometry)
        assert axial_axis(geometry) == 0
        assert z[planes_from_the_top(geometry)[0]].max() == z.max()
        assert np.allclose(np.broadcast_to(left_mm(geometry), geometry.shape), x)
        off = x > 6
        assert body_middle_mm(off, geometry) == pytest.approx((x[off].min() + x[off].max()) / 2)


def test_a_sagittal_scan_has_its_axial_planes_elsewhere():
    # Slices run to the left, rows down, columns to the back.
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[2.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
    geometry = Geometry((30, 40, 50), matrix)
    assert axial_axis(geometry) == 1
    assert planes_from_the_top(geometry)[0] == 0
    mask = np.zeros(geometry.shape, bool)
    mask[5:16, 10:20, 10:20] = True
    assert body_middle_mm(mask, geometry) == pytest.approx(20.0)
