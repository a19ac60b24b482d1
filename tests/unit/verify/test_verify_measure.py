"""Distances, volumes and walls come out as geometry says they must."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.surface import Surface
from plastinate.model.volume import Volume
from plastinate.stages.surface.contour import contour_soft_field
from plastinate.stages.verify.measure import measure_surface, surface_distance
from plastinate.stages.verify.mesh_distance import mask_boundary, mesh_points, mesh_tree


def placed(shape, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), unit="mm") -> Geometry:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = origin
    return Geometry(shape, matrix, unit)


def box_surface(low, high) -> Surface:
    """A closed box of 12 triangles, wound outward; the axes are (slice, row, column) of `placed`."""
    mesh = trimesh.creation.box(bounds=[low, high])
    return Surface(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32), "box")


def ball(radius: float, centre=(0.0, 0.0, 0.0), subdivisions: int = 4) -> Surface:
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return Surface((mesh.vertices + centre).astype(np.float32), mesh.faces.astype(np.uint32), "ball")


def block(shape=(20, 24, 28)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[4:16, 5:17, 6:22] = True
    return mask


def test_a_box_on_its_mask_is_no_distance_away_save_at_the_cut_edges():
    """The half-way surface cuts the edges of a block by a voxel's corner, a perfect box does not."""
    mask = block()
    surface = box_surface([3.5, 4.5, 5.5], [15.5, 16.5, 21.5])
    quality = measure_surface(surface, mask=mask, geometry=placed(mask.shape))
    assert quality.is_closed
    assert quality.is_manifold
    assert quality.self_crossings == 0
    assert quality.pieces == 1
    assert quality.volume_ml == pytest.approx(12 * 12 * 16 / 1000)
    assert quality.mask_volume_ml == pytest.approx(12 * 12 * 16 / 1000)
    assert quality.volume_drift_percent == pytest.approx(0.0, abs=1e-4)
    assert quality.area_cm2 == pytest.approx((2 * 12 * 12 + 4 * 12 * 16) / 100)
    # Along each edge a strip of half a voxel on either side, on average sin 45 / 4 away.
    strips = 4 * (12 + 12 + 16) * 2 * 0.5 * np.sqrt(0.5) / 4
    assert quality.distance_mean_mm == pytest.approx(strips / (2 * 12 * 12 + 4 * 12 * 16), abs=0.001)
    assert quality.distance_max_mm <= np.sqrt(1 / 3) + 1e-6
    assert quality.thinnest_wall_mm == pytest.approx(12.0, abs=1e-4)


@pytest.mark.parametrize("shift", [0.25, 1.0, 3.0])
def test_a_shifted_box_is_as_far_away_as_it_was_shifted(shift):
    mask = block()
    surface = box_surface([3.5 + shift, 4.5, 5.5], [15.5 + shift, 16.5, 21.5])
    quality = measure_surface(surface, mask=mask, geometry=placed(mask.shape))
    assert quality.distance_max_mm == pytest.approx(shift, abs=0.6)
    assert quality.distance_p95_mm == pytest.approx(shift, abs=0.03)
    assert quality.distance_mean_mm > 0.2 * shift


def test_millimetres_and_voxels_differ_by_the_cube_root_of_a_voxel():
    mask = block()
    geometry = placed(mask.shape, (2.0, 1.0, 0.5), origin=(-300.0, 200.0, 900.0))
    low = geometry.index_to_lps(np.array([3.5, 4.5, 5.5]))
    high = geometry.index_to_lps(np.array([15.5, 16.5, 21.5]))
    shift = np.array([1.0, 0.0, 0.0])
    quality = measure_surface(box_surface(low + shift, high + shift), mask=mask, geometry=geometry)
    assert quality.distance_p95_mm == pytest.approx(1.0, abs=0.02)
    assert quality.distance_p95_voxel == pytest.approx(quality.distance_p95_mm / 1.0)
    assert quality.mask_volume_ml == pytest.approx(12 * 12 * 16 / 1000)
    assert quality.volume_drift_percent == pytest.approx(0.0, abs=1e-3)
    fine = measure_surface(
        box_surface(low / 2, high / 2),
        mask=mask,
        geometry=placed(mask.shape, (1.0, 0.5, 0.25), (-150, 100, 450)),
    )
    assert fine.distance_max_voxel == pytest.approx(2 * fine.distance_max_mm)


def test_without_a_pixel_size_everything_in_millimetres_is_unknown():
    mask = block()
    surface = box_surface([3.5, 4.5, 5.5], [15.5, 16.5, 21.5])
    quality = measure_surface(surface, mask=mask, geometry=placed(mask.shape, unit="px"))
    unknown = {name for name, value in dataclasses.asdict(quality).items() if value is None}
    assert unknown == {
        "volume_ml", "mask_volume_ml", "volume_drift_percent", "area_cm2",
        "distance_mean_mm", "distance_p95_mm", "distance_max_mm", "thinnest_wall_mm",
    }  # fmt: skip
    assert quality.distance_mean_voxel == pytest.approx(0.0265, abs=0.001)


@pytest.mark.parametrize("thickness", [0.5, 2.0, 7.0])
def test_a_plate_is_as_thin_as_it_is(thickness):
    mask = np.zeros((20, 40, 40), bool)
    mask[5:12, 5:35, 5:35] = True
    surface = box_surface([5, 5, 5], [5 + thickness, 35, 35])
    quality = measure_surface(surface, mask=mask, geometry=placed(mask.shape))
    assert quality.thinnest_wall_mm == pytest.approx(thickness, rel=1e-4)


@pytest.mark.parametrize("thickness", [2.0, 3.3])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_a_thin_plate_found_by_its_grey_values_is_measured_within_a_tenth(thickness, shift):
    slices = np.abs(np.arange(20) - 9.5 - shift) - thickness / 2
    profile = np.clip(500 - 500 * slices, 0, 1000)  # a ramp two voxels wide about each wall
    values = np.zeros((20, 30, 30), np.int16)
    values[:, 4:26, 4:26] = np.round(profile).astype(np.int16)[:, None, None]
    volume = Volume(placed(values.shape), values, "HU")
    mask = values >= 500
    surface = contour_soft_field(volume, mask, structure="plate", low=500, high=None)
    quality = measure_surface(surface, mask=mask, geometry=volume.geometry)
    assert quality.thinnest_wall_mm == pytest.approx(thickness, rel=0.1)


def test_the_wall_of_a_hollow_ball_is_the_shell_and_not_the_ball():
    outer, inner = ball(10.0, (20, 20, 20)), ball(8.0, (20, 20, 20))
    shell = Surface(
        np.vstack([outer.vertices, inner.vertices]),
        np.vstack([outer.triangles, inner.triangles[:, ::-1] + np.uint32(len(outer.vertices))]),
        "shell",
    )
    index = np.stack(np.meshgrid(*[np.arange(41)] * 3, indexing="ij"), axis=-1)
    radius = np.linalg.norm(index - 20.0, axis=-1)
    mask = (radius <= 10) & (radius >= 8)
    quality = measure_surface(shell, mask=mask, geometry=placed(mask.shape))
    assert quality.thinnest_wall_mm == pytest.approx(2.0, rel=0.02)
    assert quality.pieces == 2
    assert quality.self_crossings == 0
    assert quality.volume_ml == pytest.approx(4 / 3 * np.pi * (1000 - 512) / 1000, rel=0.01)
    assert quality.distance_mean_voxel < 0.25


def test_faults_of_a_mesh_are_stated():
    mask = block()
    box = box_surface([3.5, 4.5, 5.5], [15.5, 16.5, 21.5])
    open_box = Surface(box.vertices, box.triangles[1:], "open")
    assert not measure_surface(open_box, mask=mask, geometry=placed(mask.shape)).is_closed
    other = box_surface([8, 8, 8], [18, 18, 18])
    both = Surface(
        np.vstack([box.vertices, other.vertices]),
        np.vstack([box.triangles, other.triangles + np.uint32(8)]),
        "both",
    )
    crossed = measure_surface(both, mask=mask, geometry=placed(mask.shape))
    assert crossed.self_crossings > 0
    assert crossed.pieces == 2


def test_a_mask_far_from_the_mesh_is_measured_right_too():
    """Farther than the near search looks: the whole boundary answers."""
    mask = np.zeros((40, 40, 60), bool)
    mask[10:20, 10:20, 5:15] = True
    surface = box_surface([9.5, 9.5, 44.5], [19.5, 19.5, 54.5])
    quality = measure_surface(surface, mask=mask, geometry=placed(mask.shape))
    assert quality.distance_max_mm == pytest.approx(40.0, abs=0.1)
    assert 33 < quality.distance_mean_mm < 37


@pytest.mark.slow
def test_two_balls_about_one_centre_are_their_radii_apart():
    spread = surface_distance(ball(10.0, subdivisions=5), ball(11.0, subdivisions=5))
    assert spread.mean == pytest.approx(1.0, abs=0.01)
    assert spread.p95 == pytest.approx(1.0, abs=0.01)
    assert spread.max == pytest.approx(1.0, abs=0.02)


@pytest.mark.slow
def test_a_missing_part_is_seen_from_the_other_side():
    """One way only would say 0: every point of the half lies on the whole."""
    whole = ball(10.0)
    corners = whole.vertices[whole.triangles]
    half = Surface(whole.vertices, whole.triangles[corners[:, :, 0].mean(axis=1) > 0], "half")
    assert surface_distance(half, whole).max == pytest.approx(10 * np.sqrt(2), rel=0.02)
    assert surface_distance(whole, half).max == surface_distance(half, whole).max


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_nearest_distances_agree_with_trying_every_triangle(seed):
    rng = np.random.default_rng(seed)
    surface = Surface(
        rng.uniform(0, 10, (60, 3)).astype(np.float32), np.arange(60, dtype=np.uint32).reshape(-1, 3), "soup"
    )
    points = rng.uniform(-5, 15, (40, 3))
    with mesh_tree(surface) as tree:
        found = tree.distances(points)
    corners = surface.vertices.astype(np.float64)[surface.triangles]
    every = [
        np.linalg.norm(
            trimesh.triangles.closest_point(corners, np.repeat(point[None], len(corners), axis=0)) - point,
            axis=1,
        ).min()
        for point in points
    ]
    assert found == pytest.approx(every, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_mask_distances_are_the_same_near_and_far(seed):
    """A sparse mask forces the far search; a tree over the same cells must agree with the near one."""
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 7, 40)) < 0.02
    mask[3, 3, 3] = True
    spacing = (2.0, 1.0, 0.5)
    index = rng.uniform(-8, 48, (60, 3))
    with mask_boundary(mask, spacing=spacing) as boundary:
        assert boundary is not None
        together = boundary.distances(index)
        alone = [boundary.distances(one[None])[0] for one in index]
        on_it = boundary.distances(boundary.middles(most=10**6))
    assert together.tolist() == alone
    assert on_it == pytest.approx(0.0, abs=1e-9)
    # Each boundary part lies within a voxel's half diagonal of an inside voxel's faces.
    centres = np.argwhere(mask) * np.array(spacing)
    to_centres = np.linalg.norm(index[:, None] * np.array(spacing) - centres[None], axis=2).min(axis=1)
    assert (together <= to_centres + 1e-9).all()
    assert (together >= to_centres - np.linalg.norm(spacing) / 2 - 1e-9).all()


def test_points_spread_by_area():
    points, own = mesh_points(box_surface([0, 0, 0], [1, 1, 10]), count=4200)
    assert len(points) == 4200
    ends = (np.abs(points[:, 2]) < 1e-6) | (np.abs(points[:, 2] - 10) < 1e-6)
    assert ends.sum() == pytest.approx(200, abs=4)
    assert (np.diff(own) >= 0).all()


@pytest.mark.slow
def test_measuring_twice_or_with_other_threads_gives_the_same_figures(monkeypatch):
    mask = block()
    surface = ball(9.0, (10, 11, 13))
    figures = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        figures.append(measure_surface(surface, mask=mask, geometry=placed(mask.shape)))
    assert figures[0] == figures[1] == figures[2]


def test_nothing_cannot_be_measured():
    nothing = Surface(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), "nothing")
    with pytest.raises(EmptyMask):
        measure_surface(nothing, mask=block(), geometry=placed(block().shape))
    with pytest.raises(EmptyMask):
        measure_surface(ball(3.0), mask=np.zeros((4, 4, 4), bool), geometry=placed((4, 4, 4)))
    with pytest.raises(ValueError, match="nowhere"):
        surface_distance(nothing, ball(1.0))
