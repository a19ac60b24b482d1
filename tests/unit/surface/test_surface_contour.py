"""The contour has the mask's topology and the grey values' position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.geometry import Geometry
from plastinate.model.surface import Surface
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.native.crossings import self_crossings
from plastinate.native.topology import pieces_of
from plastinate.stages.surface.contour import contour_mask, contour_soft_field


def placed(shape: tuple[int, int, int], spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)) -> Geometry:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = origin
    return Geometry(shape, matrix)


def oblique(shape: tuple[int, int, int], seed: int) -> Geometry:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    if np.linalg.det(turn) < 0:
        turn[:, 0] *= -1
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([2.5, 0.7, 0.6])
    matrix[:3, 3] = rng.uniform(-900, 900, 3)
    return Geometry(shape, matrix)


def has_one_fan_at_every_vertex(surface: Surface) -> bool:
    """Walk around every vertex: its triangles form one ring, and no vertex is unused."""
    following: list[dict[int, int]] = [{} for _ in surface.vertices]
    for a, b, c in surface.triangles.tolist():
        for at, here, there in ((a, b, c), (b, c, a), (c, a, b)):
            if here in following[at]:
                return False
            following[at][here] = there
    for ring in following:
        if not ring:
            return False
        first = next(iter(ring))
        at, steps = ring[first], 1
        while at != first:
            if at not in ring:
                return False
            at, steps = ring[at], steps + 1
        if steps != len(ring):
            return False
    return True


def sphere_field(size: int, centre: np.ndarray, radius: float, spacing=(1.0, 1.0, 1.0)) -> np.ndarray:
    """Signed distance to a sphere in mm, positive inside, at the voxel centres."""
    index = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1)
    return radius - np.linalg.norm(index * np.array(spacing) - centre, axis=-1)


@pytest.mark.slow
def test_every_filling_of_twelve_voxels_is_closed_and_manifold():
    for code in range(1, 2**12):
        mask = (code >> np.arange(12) & 1).astype(bool).reshape(2, 2, 3)
        surface = contour_mask(mask, placed((2, 2, 3)), structure="x")
        assert surface.is_closed, code
        assert has_one_fan_at_every_vertex(surface), code


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.1, 0.4, 0.6, 0.9]),
    width=st.sampled_from([1, 5, 62, 63, 64, 65, 130]),
)
def test_random_masks_with_random_values_stay_manifold_and_keep_vertices_apart(seed, share, width):
    rng = np.random.default_rng(seed)
    mask = rng.random((4, 5, width)) < share
    mask[1, 1, 0] = True
    values = rng.integers(-200, 200, mask.shape).astype(np.int16)
    volume = Volume(oblique(mask.shape, seed), values, "HU")
    surface = contour_soft_field(volume, mask, structure="x", low=-50, high=60)
    assert surface.is_closed
    assert has_one_fan_at_every_vertex(surface)
    assert len(np.unique(surface.vertices, axis=0)) == len(surface.vertices)
    assert surface.volume_ml > 0


def test_a_soft_sphere_is_found_to_a_hundredth_of_a_voxel():
    centre, radius = np.array([15.3, 14.8, 15.6]), 10.3
    depth = sphere_field(31, centre, radius)
    for values in (
        np.round(1000 / (1 + np.exp(-depth * 2.0))).astype(np.int16),
        np.clip(depth * 100, -300, 300).astype(np.float32),
    ):
        middle = 500 if values.dtype == np.int16 else 0.0
        volume = Volume(placed(values.shape), values, "HU")
        surface = contour_soft_field(volume, values >= middle, structure="x", low=middle, high=None)
        error = np.linalg.norm(surface.vertices - centre, axis=1) - radius
        assert np.abs(error).mean() <= 0.01
        assert abs(error.mean()) <= 0.01


def test_a_bare_mask_sphere_is_within_a_quarter_voxel_on_average():
    centre, radius = np.array([15.3, 14.8, 15.6]), 10.3
    depth = sphere_field(31, centre, radius)
    surface = contour_mask(depth >= 0, placed(depth.shape), structure="x")
    error = np.linalg.norm(surface.vertices - centre, axis=1) - radius
    assert np.abs(error).mean() <= 0.25
    assert np.abs(error).max() <= 0.5
    assert surface.volume_ml * 1000 == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)


def test_a_torus_keeps_its_hole_its_volume_and_its_area():
    index = np.stack(np.meshgrid(np.arange(17), np.arange(41), np.arange(41), indexing="ij"), axis=-1)
    index = index - np.array([8, 20, 20])
    ring = np.hypot(index[..., 1], index[..., 2]) - 12.3
    depth = (4.4 - np.hypot(ring, index[..., 0])).astype(np.float32)
    surface = contour_soft_field(
        Volume(placed(depth.shape), depth, "a.u."), depth >= 0, structure="x", low=0.0, high=None
    )
    edges = 3 * len(surface.triangles) // 2
    assert len(surface.vertices) - edges + len(surface.triangles) == 0
    # Chords across a tube of 4.4 voxels cut off about 1 % of it.
    assert surface.volume_ml * 1000 == pytest.approx(2 * np.pi**2 * 12.3 * 4.4**2, rel=0.015)
    assert surface.area_cm2 * 100 == pytest.approx(4 * np.pi**2 * 12.3 * 4.4, rel=0.01)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_no_contour_crosses_itself_whatever_the_mask_and_the_values(share):
    rng = np.random.default_rng(11)
    mask = rng.random((14, 15, 16)) < share
    values = rng.integers(-200, 200, mask.shape).astype(np.int16)
    volume = Volume(oblique(mask.shape, 3), values, "HU")
    for surface in (
        contour_soft_field(volume, mask, structure="x", low=-50, high=60),
        contour_soft_field(volume, values > 0, structure="x", low=1, high=None),
        contour_mask(mask, volume.geometry, structure="x"),
    ):
        assert self_crossings(surface.vertices, surface.triangles)[0] == 0


def test_voxels_that_touch_along_an_edge_are_one_piece_and_at_a_corner_two():
    edge = np.zeros((2, 2, 2), bool)
    edge[0, 0, 0] = edge[0, 1, 1] = True
    corner = np.zeros((2, 2, 2), bool)
    corner[0, 0, 0] = corner[1, 1, 1] = True
    assert len(pieces_of(contour_mask(edge, placed((2, 2, 2)), structure="x"))) == 1
    assert len(pieces_of(contour_mask(corner, placed((2, 2, 2)), structure="x"))) == 2


def test_a_window_with_two_ends_takes_the_bound_that_was_crossed():
    """95 is nearer to the high bound, but the wall to -50 is the low one."""
    values = np.array([[[-50, 95, 95, 305]]], dtype=np.float32)
    volume = Volume(placed((1, 1, 4)), values, "a.u.")
    mask = (values >= 0) & (values <= 100)
    surface = contour_soft_field(volume, mask, structure="x", low=0.0, high=100.0)
    assert surface.bounds_lps_mm[0, 2] == pytest.approx(50 / 145)
    assert surface.bounds_lps_mm[1, 2] == pytest.approx(2 + 5 / 210)


def test_whole_numbers_put_the_wall_half_a_unit_outside_the_window():
    values = np.array([[[199, 200, 300, 301]]], dtype=np.int16)
    volume = Volume(placed((1, 1, 4)), values, "HU")
    surface = contour_soft_field(volume, (values >= 200) & (values <= 300), structure="x", low=200, high=300)
    assert surface.bounds_lps_mm[:, 2] == pytest.approx([0.5, 2.5])


@pytest.mark.parametrize("beside", [UNMEASURED_INT16, 400, 250])
def test_walls_the_grey_values_did_not_make_stand_half_way(beside):
    """Not measured, inside the window but taken away, and a filled voxel outside the window."""
    values = np.full((1, 1, 5), 250, dtype=np.int16)
    values[0, 0, [0, 4]] = beside
    values[0, 0, 1] = 100 if beside == 400 else 250
    volume = Volume(placed((1, 1, 5)), values, "HU")
    mask = np.array([[[False, True, True, True, False]]])
    surface = contour_soft_field(volume, mask, structure="x", low=200, high=None)
    assert surface.bounds_lps_mm[:, 2].tolist() == [0.5, 3.5]


def test_nan_neighbours_pull_no_vertex():
    values = np.array([[[np.nan, 1.0, 1.0, 0.0]]], dtype=np.float32)
    surface = contour_soft_field(
        Volume(placed((1, 1, 4)), values, "a.u."), values >= 0.25, structure="x", low=0.25, high=None
    )
    assert surface.bounds_lps_mm[:, 2].tolist() == [0.5, 2.75]


def test_the_edge_of_the_scan_is_closed_half_a_voxel_outside():
    surface = contour_mask(np.ones((2, 3, 4), bool), placed((2, 3, 4), (2.0, 1.0, 0.5)), structure="x")
    assert surface.is_closed
    assert surface.bounds_lps_mm.tolist() == [[-1.0, -0.5, -0.25], [3.0, 2.5, 1.75]]


def test_a_value_exactly_on_the_bound_leaves_no_triangle_without_area():
    values = np.zeros((3, 3, 3), dtype=np.float32)
    values[1, 1, 1] = 0.5
    surface = contour_soft_field(
        Volume(placed((3, 3, 3), origin=(300.0, -300.0, 900.0)), values, "a.u."),
        values >= 0.5,
        structure="x",
        low=0.5,
        high=None,
    )
    corners = surface.vertices[surface.triangles].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    assert (area > 0).all()
    assert surface.volume_ml > 0


def test_normals_point_out_on_an_oblique_grid():
    mask = np.zeros((9, 9, 9), bool)
    mask[2:7, 2:7, 2:7] = True
    geometry = oblique(mask.shape, 4)
    surface = contour_mask(mask, geometry, structure="x")
    corners = surface.vertices[surface.triangles].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = corners.mean(axis=1) - geometry.index_to_lps(np.array([4.0, 4.0, 4.0]))
    assert (np.einsum("ij,ij->i", normal, outward) > 0).all()


def test_the_number_of_threads_changes_no_byte(monkeypatch):
    rng = np.random.default_rng(5)
    values = rng.integers(0, 100, (17, 19, 70)).astype(np.int16)
    volume = Volume(oblique(values.shape, 1), values, "HU")
    made = []
    for threads in ("1", "2", "7"):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        made.append(contour_soft_field(volume, values > 40, structure="x", low=41, high=None))
    for other in made[1:]:
        assert np.array_equal(made[0].vertices, other.vertices)
        assert np.array_equal(made[0].triangles, other.triangles)


def test_strided_views_give_the_same_surface_as_copies():
    rng = np.random.default_rng(6)
    values = rng.integers(0, 100, (12, 14, 16)).astype(np.int16)
    whole = Volume(placed(values.shape), values, "HU")
    view = whole.crop((2, 3, 4), (8, 9, 10))
    copy = Volume(view.geometry, view.array.copy(), "HU")
    flipped = Volume(view.geometry, np.asfortranarray(view.array), "HU")
    first = contour_soft_field(view, view.array > 50, structure="x", low=51, high=None)
    for other in (copy, flipped):
        again = contour_soft_field(other, other.array > 50, structure="x", low=51, high=None)
        assert np.array_equal(first.vertices, again.vertices)


def test_an_empty_mask_and_an_empty_window_are_refused():
    volume = Volume(placed((2, 2, 2)), np.zeros((2, 2, 2), np.int16), "HU")
    with pytest.raises(EmptyMask):
        contour_soft_field(volume, np.zeros((2, 2, 2), bool), structure="x", low=1, high=None)
    with pytest.raises(ParameterError):
        contour_soft_field(volume, np.ones((2, 2, 2), bool), structure="x", low=2, high=1)
