"""Fewer triangles, the same shape: topology, volume and place are kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.model.surface import Surface
from plastinate.stages.surface.decimate import decimate, decimate_levels


def grid_torus(rings: int, sides: int, *, radius_mm: float = 30.0, tube_mm: float = 10.0) -> Surface:
    u, v = np.meshgrid(np.arange(rings), np.arange(sides), indexing="ij")
    a, b = 2 * np.pi * u / rings, 2 * np.pi * v / sides
    reach = radius_mm + tube_mm * np.cos(b)
    points = np.stack([reach * np.cos(a), reach * np.sin(a), tube_mm * np.sin(b)], axis=-1)
    corner = (u * sides + v).ravel()
    right = (((u + 1) % rings) * sides + v).ravel()
    up = (u * sides + (v + 1) % sides).ravel()
    far = (((u + 1) % rings) * sides + (v + 1) % sides).ravel()
    triangles = np.concatenate([np.stack([corner, right, far], 1), np.stack([corner, far, up], 1)])
    return Surface(points.reshape(-1, 3).astype(np.float32), triangles.astype(np.uint32), "torus")


def octasphere(divisions: int, *, radius_mm: float = 40.0, centre: tuple[float, ...] = (0, 0, 0)) -> Surface:
    """A sphere from an octahedron, each face cut into divisions squared."""
    points: dict[tuple[int, ...], int] = {}
    triangles = []

    def number(p: tuple[int, ...]) -> int:
        return points.setdefault(p, len(points))

    for sx in (1, -1):
        for sy in (1, -1):
            for sz in (1, -1):
                flip = sx * sy * sz < 0
                at = lambda i, j: (sx * i, sy * j, sz * (divisions - i - j))  # noqa: B023, E731
                for i in range(divisions):
                    for j in range(divisions - i):
                        faces = [(at(i, j), at(i + 1, j), at(i, j + 1))]
                        if i + j < divisions - 1:
                            faces.append((at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)))
                        for face in faces:
                            ids = [number(p) for p in face]
                            triangles.append(ids[::-1] if flip else ids)
    array = np.array(list(points), dtype=np.float64)
    array *= radius_mm / np.linalg.norm(array, axis=1, keepdims=True)
    surface = Surface(
        (array + np.array(centre)).astype(np.float32), np.array(triangles, dtype=np.uint32), "ball"
    )
    assert surface.is_closed
    assert surface.volume_ml > 0
    return surface


def euler(surface: Surface) -> int:
    assert set(np.unique(surface.triangles).tolist()) == set(range(len(surface.vertices)))
    return len(surface.vertices) - len(surface.triangles) // 2


def has_one_fan_at_each_vertex(surface: Surface) -> bool:
    """No two sheets that meet in a vertex only: following the fan from one triangle finds all."""
    following = {}
    for a, b, c in surface.triangles.tolist():
        for v, n, p in ((a, b, c), (b, c, a), (c, a, b)):
            following[v, n] = p
    count = np.bincount(surface.triangles.ravel())
    start = dict(following.keys())
    for v, first in start.items():
        here, steps = following[v, first], 1
        while here != first:
            here, steps = following[v, here], steps + 1
        if steps != count[v]:
            return False
    return True


def test_a_sphere_stays_a_closed_sphere_of_the_same_volume_and_radius() -> None:
    ball = octasphere(64)
    small = decimate(ball, target_triangles=2000)
    assert len(small.triangles) <= 2000
    assert small.is_closed
    assert has_one_fan_at_each_vertex(small)
    assert euler(small) == 2
    assert small.volume_ml == pytest.approx(ball.volume_ml, rel=1e-4)
    radius = np.linalg.norm(small.vertices, axis=1)
    # 2000 triangles on a 40 mm ball have edges near 4.8 mm, whose chords sag 0.07 mm.
    assert radius.min() > 39.9
    assert radius.max() < 40.2


def test_a_sphere_far_from_the_origin_is_treated_like_one_at_it() -> None:
    near = decimate(octasphere(24), target_triangles=800)
    far = decimate(octasphere(24, centre=(900.0, -1200.0, 700.0)), target_triangles=800)
    assert far.is_closed
    assert far.volume_ml == pytest.approx(near.volume_ml, rel=2e-4)


def test_a_torus_keeps_its_hole() -> None:
    torus = grid_torus(120, 60)
    small = decimate(torus, target_triangles=600)
    assert len(small.triangles) <= 600
    assert small.is_closed
    assert euler(small) == 0
    assert small.volume_ml == pytest.approx(torus.volume_ml, rel=1e-3)


def test_a_tetrahedron_is_never_flattened() -> None:
    small = decimate(octasphere(8), target_triangles=0)
    assert small.is_closed
    assert len(small.triangles) >= 4
    assert euler(small) == 2


def test_a_thin_plate_keeps_its_two_faces_apart() -> None:
    ball = octasphere(40)
    plate = Surface(ball.vertices * np.array([1, 1, 0.01], dtype=np.float32), ball.triangles, "plate")
    small = decimate(plate, target_triangles=800)
    assert small.is_closed
    assert small.volume_ml == pytest.approx(plate.volume_ml, rel=0.02)


def test_pieces_are_kept() -> None:
    a, b = octasphere(16), octasphere(16, centre=(200.0, 0.0, 0.0))
    both = Surface(
        np.concatenate([a.vertices, b.vertices]),
        np.concatenate([a.triangles, b.triangles + np.uint32(len(a.vertices))]),
        "two",
    )
    small = decimate(both, target_triangles=200)
    assert small.is_closed
    assert euler(small) == 4


def test_levels_come_back_in_the_order_asked_and_none_is_the_whole() -> None:
    ball = octasphere(32)
    light, full, medium = decimate_levels(ball, (200, None, 1500))
    assert full is ball
    assert len(light.triangles) <= 200 < len(medium.triangles) <= 1500
    assert light.is_closed
    assert medium.is_closed


def test_an_error_limit_stops_before_the_count_does() -> None:
    ball = octasphere(48)
    loose = decimate(ball, target_triangles=10, max_error_mm=0.2)
    tight = decimate(ball, target_triangles=10, max_error_mm=0.02)
    assert 10 < len(loose.triangles) < len(tight.triangles) < len(ball.triangles)
    assert np.abs(np.linalg.norm(tight.vertices, axis=1) - 40).max() < 0.08
    by_level = decimate_levels(ball, (None,), max_error_mm=0.02)[0]
    assert np.array_equal(by_level.triangles, tight.triangles)


@pytest.mark.slow
def test_the_number_of_threads_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    ball = octasphere(96)
    results = []
    for threads in ("1", "3"):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        results.append(decimate(ball, target_triangles=9000))
    assert results[0].vertices.tobytes() == results[1].vertices.tobytes()
    assert results[0].triangles.tobytes() == results[1].triangles.tobytes()


def test_vertices_at_one_position_are_moved_apart() -> None:
    a, b = octasphere(12), octasphere(12)
    both = Surface(
        np.concatenate([a.vertices, b.vertices]),
        np.concatenate([a.triangles, b.triangles + np.uint32(len(a.vertices))]),
        "twice",
    )
    small = decimate(both, target_triangles=600)
    assert len(np.unique(small.vertices, axis=0)) == len(small.vertices)


def test_an_empty_surface_stays_empty() -> None:
    nothing = Surface(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), "nothing")
    assert len(decimate(nothing, target_triangles=5).triangles) == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), target=st.integers(4, 600), rough=st.floats(0, 0.3))
def test_any_bumpy_torus_stays_a_closed_torus(seed: int, target: int, rough: float) -> None:
    torus = grid_torus(24, 14)
    noise: npt.NDArray[np.float64] = (
        np.random.default_rng(seed).normal(size=torus.vertices.shape) * rough * 10
    )
    bumpy = Surface((torus.vertices + noise).astype(np.float32), torus.triangles, "bumpy")
    small = decimate(bumpy, target_triangles=target)
    assert small.is_closed
    assert euler(small) == 0
    assert has_one_fan_at_each_vertex(small)
