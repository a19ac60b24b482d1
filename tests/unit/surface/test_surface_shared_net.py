"""Many organs at once: every one closed, neighbours with one wall between them, nothing twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.surface import Surface
from plastinate.stages.surface.shared_net import SharedNetResult, contour_labels

LEVELS: dict[str, int | None] = {"full": None, "medium": 600, "light": 150}


def label_map(array: npt.NDArray[np.integer], spacing: tuple[float, float, float] = (1, 1, 1)) -> LabelMap:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = (-120.0, 35.0, 400.0)
    present = [int(label) for label in np.unique(array) if label]
    geometry = Geometry(array.shape, matrix)
    return LabelMap(geometry, array.astype(np.uint16), {label: f"organ-{label}" for label in present})


def net_of(labels: LabelMap, **options: object) -> SharedNetResult:
    return contour_labels(
        labels, structures=tuple(labels.structures.values()), **{"targets": LEVELS, **options}
    )


def voronoi(size: int, count: int, seed: int) -> npt.NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0.2 * size, 0.8 * size, (count, 3))
    at = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1).astype(float)
    nearest = np.argmin(((at[..., None, :] - seeds) ** 2).sum(-1), axis=-1) + 1
    inside = ((at - size / 2) ** 2).sum(-1) < (0.45 * size) ** 2
    return np.where(inside, nearest, 0).astype(np.uint16)


def ball(size: int, radius: float) -> npt.NDArray[np.uint16]:
    at = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1) - (size - 1) / 2
    return ((at**2).sum(-1) < radius**2).astype(np.uint16)


def facets(surface: Surface) -> Counter[tuple[bytes, ...]]:
    """Triangles by the bytes of their corners, turned so that the least comes first."""
    found: Counter[tuple[bytes, ...]] = Counter()
    for triangle in surface.vertices[surface.triangles]:
        corners = [corner.tobytes() for corner in triangle]
        least = corners.index(min(corners))
        found[tuple(corners[least:] + corners[:least])] += 1
    return found


def outline_volume_ml(surfaces: list[Surface]) -> float:
    """What the triangles enclose that belong to one organ only: the union of all."""
    count: Counter[tuple[bytes, ...]] = Counter()
    for surface in surfaces:
        count.update(facets(surface))
    total = 0.0
    for corners in count:
        if (corners[0], corners[2], corners[1]) in count:
            continue
        a, b, c = (np.frombuffer(corner, dtype=np.float32).astype(float) for corner in corners)
        total += float(np.dot(a, np.cross(b, c))) / 6000.0
    return total


def assert_sound(result: SharedNetResult) -> None:
    for levels in result.surfaces.values():
        for surface in levels.values():
            if len(surface.triangles) == 0:
                continue
            assert surface.is_closed
            places = np.unique(surface.vertices, axis=0)
            assert len(places) == len(surface.vertices)
            following = {}
            for a, b, c in surface.triangles.tolist():
                for v, n, p in ((a, b, c), (b, c, a), (c, a, b)):
                    following[v, n] = p
            count = np.bincount(surface.triangles.ravel())
            for v, first in dict(following.keys()).items():
                here, steps = following[v, first], 1
                while here != first:
                    here, steps = following[v, here], steps + 1
                assert steps == count[v], "two sheets meet in one vertex"


def test_a_ball_keeps_its_radius_and_its_volume() -> None:
    labels = label_map(ball(48, 20.0))
    result = net_of(labels)
    assert_sound(result)
    true_ml = 4 / 3 * np.pi * 20.0**3 / 1000
    centre = labels.geometry.index_to_lps(np.array([23.5, 23.5, 23.5]))
    full = result.surfaces["organ-1"]["full"]
    error = np.abs(np.linalg.norm(full.vertices - centre, axis=1) - 20.0)
    assert error.mean() < 0.06
    assert error.max() < 0.35
    for surface in result.surfaces["organ-1"].values():
        assert surface.volume_ml == pytest.approx(true_ml, rel=0.005)
    assert len(result.surfaces["organ-1"]["light"].triangles) <= 150


def test_spacing_does_not_change_the_shape_found() -> None:
    array = ball(40, 15.0)
    even = net_of(label_map(array)).surfaces["organ-1"]["full"]
    tall = net_of(label_map(array, (5.0, 0.5, 0.5))).surfaces["organ-1"]["full"]
    shift = np.array([-120.0, 35.0, 400.0])
    assert len(even.vertices) == len(tall.vertices)
    assert np.allclose((even.bounds_lps_mm - shift) * (5.0, 0.5, 0.5), tall.bounds_lps_mm - shift, atol=1e-3)
    assert even.volume_ml * 1.25 == pytest.approx(tall.volume_ml, rel=1e-3)


@pytest.mark.slow
def test_two_halves_of_a_ball_share_one_wall() -> None:
    array = ball(40, 16.0)
    array[:, :, 20:] *= 2
    result = net_of(label_map(array))
    assert_sound(result)
    for level in LEVELS:
        left, right = (facets(result.surfaces[name][level]) for name in ("organ-1", "organ-2"))
        shared = {corners for corners in left if (corners[0], corners[2], corners[1]) in right}
        wall = np.array([[np.frombuffer(p, np.float32) for p in corners] for corners in shared])
        # The wall is the plane between columns 19 and 20, all of it and nothing else.
        area = np.linalg.norm(np.cross(wall[:, 1] - wall[:, 0], wall[:, 2] - wall[:, 0]), axis=1).sum() / 2
        assert area == pytest.approx(np.pi * 16.0**2, rel=0.03)
        assert np.abs(wall[:, :, 2] - 419.5).max() < 0.2


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_twenty_touching_organs_are_closed_and_add_up_to_their_union(seed: int) -> None:
    result = net_of(label_map(voronoi(36, 20, seed)))
    assert_sound(result)
    for level in LEVELS:
        surfaces = [levels[level] for levels in result.surfaces.values()]
        total = sum(surface.volume_ml for surface in surfaces)
        assert total == pytest.approx(outline_volume_ml(surfaces), rel=1e-5)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 9),
    count=st.integers(1, 6),
    empty=st.floats(0, 0.9),
)
def test_noise_ends_and_every_organ_left_is_closed(seed: int, size: int, count: int, empty: float) -> None:
    rng = np.random.default_rng(seed)
    array = rng.integers(1, count + 1, (size, size + 1, size + 2)) * (
        rng.random((size, size + 1, size + 2)) > empty
    )
    if not array.any():
        array[0, 0, 0] = 1
    assert_sound(net_of(label_map(array), targets={"full": None, "light": 40}))


def test_voxels_that_touch_by_an_edge_or_a_corner_only_do_not_open_anything() -> None:
    for other in ((1, 2, 2), (2, 2, 2), (2, 1, 2)):
        array = np.zeros((4, 4, 4), np.uint16)
        array[1, 1, 1] = array[other] = 1
        result = net_of(label_map(array))
        assert_sound(result)
        assert 1 <= result.changed_voxels <= 2
        assert "voxels" in result.notes[0]


def test_a_hollow_corner_does_not_pinch() -> None:
    array = np.ones((6, 6, 6), np.uint16)
    array[2, 2, 2], array[3, 3, 3] = 2, 3
    result = net_of(label_map(array))
    assert_sound(result)
    assert result.changed_voxels >= 1


def test_a_plate_one_voxel_thin_stays_a_plate() -> None:
    array = np.zeros((20, 20, 7), np.uint16)
    array[2:18, 2:18, 3] = 1
    result = net_of(label_map(array))
    assert_sound(result)
    assert result.surfaces["organ-1"]["full"].volume_ml == pytest.approx(0.256, rel=0.15)


def test_an_organ_cut_by_the_edge_of_the_scan_gets_a_flat_wall() -> None:
    array = ball(40, 16.0)[20:]
    result = net_of(label_map(array))
    assert_sound(result)
    for surface in result.surfaces["organ-1"].values():
        assert surface.vertices[:, 0].min() == pytest.approx(-120.5, abs=0.01)
        flat = surface.vertices[surface.triangles][:, :, 0].max(axis=1) < -120.48
        corners = surface.vertices[surface.triangles[flat]].astype(float)
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        assert area.sum() / 2 == pytest.approx(np.pi * 16.0**2, rel=0.03)


def test_a_structure_not_asked_for_is_background() -> None:
    array = ball(30, 12.0)
    array[:, :, 15:] *= 2
    labels = label_map(array)
    only = contour_labels(labels, structures=("organ-2",), targets={"full": None})
    assert list(only.surfaces) == ["organ-2"]
    assert only.surfaces["organ-2"]["full"].is_closed


def test_an_absent_structure_is_an_error_by_name() -> None:
    labels = LabelMap(label_map(ball(9, 3.0)).geometry, ball(9, 3.0), {1: "organ-1", 2: "ghost"})
    with pytest.raises(EmptyMask, match="ghost"):
        contour_labels(labels, structures=("organ-1", "ghost"), targets={"full": None})


@pytest.mark.slow
def test_more_labels_than_a_byte_holds() -> None:
    array = (np.arange(8 * 8 * 8).reshape(8, 8, 8) + 1).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    result = net_of(label_map(array), targets={"full": None})
    assert len(result.surfaces) == 512
    assert_sound(result)


@pytest.mark.slow
def test_the_number_of_threads_does_not_show_in_the_net(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = label_map(voronoi(44, 12, 5))
    found = []
    for threads in ("1", "4"):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        result = net_of(labels)
        found.append(
            [
                surface.vertices.tobytes() + surface.triangles.tobytes()
                for levels in result.surfaces.values()
                for surface in levels.values()
            ]
        )
    assert found[0] == found[1]
