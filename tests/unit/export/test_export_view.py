"""What the viewer reads: each value and label as it was, each mesh where it lay, and what is said of them."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from export_scenes import LETTER, block_surface, grid, two_organs
from judge import Mesh
from judge_view import View
from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import NotFound, SurfaceQuality, Verdict
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.surface import Surface
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.stages.export.formats import write_formats
from plastinate.stages.surface.decimate import decimate

UNMEASURED = int(UNMEASURED_INT16)


def written(scene: Scene, volume: Volume | None, folder: Path) -> View:
    write_formats(scene, folder, ["viewer"], volume=volume, lighten=decimate)
    return View(folder)


def noise(shape: tuple[int, int, int], *, seed: int = 7) -> np.ndarray:
    """Every kind of int16: the ends of the range, jumps that wrap a difference round, and smooth places."""
    array = np.random.default_rng(seed).integers(-32767, 32768, shape).astype(np.int16)
    array[: shape[0] // 2] = np.arange(shape[2], dtype=np.int16)
    return array


def with_volume(array: np.ndarray, *, quantity: str = "HU", spacing=(2.5, 0.7, 0.7)) -> tuple[Scene, Volume]:
    """A scene of one voxel block in a grid of that shape, and the volume."""
    matrix = np.array(
        [[0, 0, spacing[2], -120], [0, spacing[1], 0, -33], [-spacing[0], 0, 0, 841], [0, 0, 0, 1]], float
    )
    geometry = Geometry(array.shape, matrix)
    labels = np.zeros(array.shape, np.uint16)
    labels[1:3, 1:4, 1:6] = 2
    node = replace(two_organs().nodes[0], surfaces={"full": block_surface(labels == 2, "lung-left")})
    scene = Scene("Block", geometry, (node,), label_map=LabelMap(geometry, labels, {2: "lung-left"}))
    return scene, Volume(geometry, array, quantity)


def volume_ml(mesh: Mesh) -> float:
    a, b, c = (mesh.corners[:, k] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6000)


def test_every_value_of_a_ct_comes_back_exactly(tmp_path: Path):
    array = noise((70, 65, 130))
    array[3, 4, 5] = array[:, :2] = UNMEASURED
    view = written(*with_volume(array), tmp_path)
    told = view.scene["volume"]
    np.testing.assert_array_equal(view.grid("volume", 0), array)
    assert (told["scale"], told["offset"], told["unmeasured"]) == (1, 0, UNMEASURED)
    known = array[array != UNMEASURED]
    assert told["range"] == [known.min(), known.max()]
    assert told["window"] == {"centre": 40, "width": 400}


def test_each_brick_has_the_hash_of_its_own_bytes_and_one_without_bytes_has_none(tmp_path: Path):
    array = noise((70, 20, 20))
    array[64:] = 7
    view = written(*with_volume(array), tmp_path)
    level = view.scene["volume"]["levels"][0]
    whole = (view.folder / level["file"]).read_bytes()
    (offset, size, *_), (_, nothing, *_) = level["bricks"]
    assert (size > 0, nothing) == (True, 0)
    assert level["sha256"] == [sha256(whole[offset : offset + size]).hexdigest(), None]


def test_a_scan_that_was_measured_everywhere_says_so(tmp_path: Path):
    assert written(*with_volume(noise((9, 9, 9))), tmp_path).scene["volume"]["unmeasured"] is None


def test_values_with_fractions_come_back_within_half_a_step(tmp_path: Path):
    array = np.random.default_rng(3).normal(500, 90, (20, 70, 66)).astype(np.float32)
    array[0] = np.nan
    view = written(*with_volume(array, quantity="a.u."), tmp_path)
    told, stored = view.scene["volume"], view.grid("volume", 0)
    assert (stored[0] == UNMEASURED).all()
    assert (stored[1:] != UNMEASURED).all()
    away = stored[1:] * told["scale"] + told["offset"] - array[1:]
    assert np.abs(away).max() <= told["scale"] / 2 + 1e-4
    assert told["range"] == pytest.approx([np.nanmin(array), np.nanmax(array)], abs=told["scale"])
    low, high = np.nanquantile(array, [0.01, 0.995])
    assert told["window"]["centre"] == pytest.approx((low + high) / 2, abs=0.1)
    assert told["window"]["width"] == pytest.approx(high - low, abs=0.1)


def test_whole_numbers_in_float_volumes_are_kept_as_they_are(tmp_path: Path):
    array = np.arange(10 * 11 * 12, dtype=np.float32).reshape(10, 11, 12)
    view = written(*with_volume(array, quantity="a.u."), tmp_path)
    np.testing.assert_array_equal(view.grid("volume", 0), array)
    assert view.scene["volume"]["scale"] == 1


def test_a_scan_of_one_value_takes_no_bytes(tmp_path: Path):
    view = written(*with_volume(np.full((70, 65, 64), -1000, np.int16)), tmp_path)
    assert (tmp_path / "view" / "volume-0.bin").stat().st_size == 0
    assert (view.grid("volume", 0) == -1000).all()


def test_levels_become_cubic_first_and_end_in_a_few_bricks(tmp_path: Path):
    view = written(*with_volume(noise((40, 200, 220), seed=1), spacing=(2.5, 0.7, 0.7)), tmp_path)
    assert [each["shape"] for each in view.scene["volume"]["levels"]] == [
        [40, 200, 220], [40, 100, 110], [20, 50, 55],
    ]  # fmt: skip
    assert [each["shape"] for each in view.scene["labels"]["levels"]] == [
        [40, 200, 220], [40, 100, 110], [20, 50, 55],
    ]  # fmt: skip


def test_a_coarser_level_lies_where_the_finer_one_does(tmp_path: Path):
    s, r, c = np.meshgrid(np.arange(40), np.arange(200), np.arange(220), indexing="ij")
    scene, volume = with_volume((3 * s + 2 * r + 4 * c).astype(np.int16))
    view = written(scene, volume, tmp_path)
    places = np.argwhere(np.ones((20, 50, 55), bool))
    lps = places @ view.index_to_lps("volume", 2)[:3, :3].T + view.index_to_lps("volume", 2)[:3, 3]
    fine = volume.geometry.lps_to_index(lps)
    assert np.abs(view.grid("volume", 2).ravel() - fine @ [3, 2, 4]).max() <= 1


def test_a_coarser_level_is_the_mean_of_what_was_measured(tmp_path: Path):
    array = np.zeros((4, 100, 100), np.int16)
    array[:, :2, :2] = [[100, UNMEASURED], [UNMEASURED, UNMEASURED]]
    array[:, 2:4, :2] = UNMEASURED
    array[:, 4:6, :2] = [[1, 2], [3, 4]]
    array[:, :, 99] = 7
    first = written(*with_volume(array, spacing=(1, 1, 1)), tmp_path).grid("volume", 1)
    assert first.shape == (2, 50, 50)
    assert [int(each) for each in first[0, :3, 0]] == [100, UNMEASURED, 3]
    assert int(first[0, 5, 49]) == 4


def test_labels_come_back_exactly_and_coarser_ones_by_majority(tmp_path: Path):
    scene, volume = with_volume(noise((4, 100, 101)), spacing=(1, 1, 1))
    labels = np.zeros(volume.array.shape, np.uint16)
    labels[0:2, 0:2, 0:2] = [[[2, 2], [2, 2]], [[0, 0], [0, 0]]]
    labels[0:2, 2:4, 0:2] = [[[1, 3], [0, 0]], [[1, 3], [0, 0]]]
    labels[0:2, 4:6, 0:2] = [[[3, 3], [2, 2]], [[0, 2], [3, 0]]]
    labels[0:2, 6:8, 0:2] = [[[3, 0], [0, 0]], [[0, 0], [0, 0]]]
    labels[0:2, 8, 100] = 1
    names = {1: "heart", 2: "lung-left", 3: "lung-right"}
    scene = replace(scene, label_map=LabelMap(scene.geometry, labels, names))
    view = written(scene, volume, tmp_path)
    np.testing.assert_array_equal(view.grid("labels", 0), labels)
    assert view.scene["labels"]["dtype"] == "uint8"
    # Half is enough; of equals the smaller label; a minority gives way, background to half.
    assert view.grid("labels", 1)[0, :4, 0].tolist() == [2, 0, 2, 0]
    assert view.grid("labels", 1)[0, 4, 50] == 1


@pytest.mark.slow
def test_more_than_255_labels_take_two_bytes(tmp_path: Path):
    scene, volume = with_volume(noise((5, 70, 80)))
    labels = np.arange(5 * 70 * 80).reshape(volume.array.shape).astype(np.uint16) % 900
    names = {label: f"part-{label}" for label in range(1, 900)}
    view = written(replace(scene, label_map=LabelMap(scene.geometry, labels, names)), volume, tmp_path)
    assert view.scene["labels"]["dtype"] == "uint16"
    np.testing.assert_array_equal(view.grid("labels", 0), labels)


def test_statistics_of_an_organ_are_those_of_its_voxels(tmp_path: Path):
    array = np.random.default_rng(5).integers(-900, 300, (30, 40, 50)).astype(np.int16)
    array[1, 1, 1] = UNMEASURED
    scene, volume = with_volume(array)
    told = written(scene, volume, tmp_path).organ("lung-left")["statistics"]
    inside = array[scene.label_map.mask("lung-left")]  # type: ignore[union-attr]
    known = inside[inside != UNMEASURED].astype(float)
    assert told["voxels"] == inside.size == known.size + 1
    assert told["mean"] == pytest.approx(known.mean(), abs=1e-3)
    assert told["sd"] == pytest.approx(known.std(), abs=1e-3)
    assert (told["min"], told["max"]) == (known.min(), known.max())
    for name, share in (("p05", 0.05), ("median", 0.5), ("p95", 0.95)):
        assert told[name] == np.quantile(known, share, method="inverted_cdf"), name


def test_an_organ_where_nothing_was_measured_has_no_figures(tmp_path: Path):
    told = written(*with_volume(np.full((9, 9, 9), UNMEASURED, np.int16)), tmp_path).organ("lung-left")
    assert told["statistics"]["voxels"] == 30
    assert {told["statistics"][name] for name in ("mean", "sd", "min", "median", "max")} == {None}


@pytest.mark.parametrize("level", ["coarse", "medium", "full"])
def test_meshes_lie_where_the_surfaces_do_within_half_a_step(tmp_path: Path, level: str):
    scene = two_organs()
    view = written(scene, None, tmp_path)
    for node in scene.nodes:
        mesh, normals = view.mesh(node.id, level)
        surface, step = node.surfaces["full"], view.organ(node.id)["meshes"][level]["step"]
        away = np.abs(mesh.points[:, None] - surface.vertices[None].astype(float)).max(axis=2).min(axis=1)
        assert away.max() <= step / 2
        assert step <= np.ptp(surface.vertices, axis=0).max() / 1000
        # Not mirrored and not inside out: the same volume, with its sign, about the same centre.
        assert volume_ml(mesh) == pytest.approx(surface.volume_ml, rel=1e-4)
        np.testing.assert_allclose(mesh.points.mean(axis=0), surface.vertices.mean(axis=0), atol=step)
        outward = mesh.points + 0.05 * normals
        assert volume_ml(Mesh(outward, mesh.triangles)) > volume_ml(mesh)


def test_neighbours_keep_their_common_wall(tmp_path: Path):
    scene = two_organs()
    view = written(scene, None, tmp_path)
    first, second = ({tuple(point) for point in view.mesh(node.id, "full")[0].points} for node in scene.nodes)
    a, b = ({tuple(point) for point in node.surfaces["full"].vertices.tolist()} for node in scene.nodes)
    assert len(first & second) == len(a & b) > 0


def test_the_manifest_says_what_is_known_of_each_organ(tmp_path: Path):
    scene = two_organs()
    full = scene.nodes[0].surfaces["full"]
    quality = SurfaceQuality(
        triangles=len(full.triangles), vertices=len(full.vertices), is_closed=True, is_manifold=True,
        self_crossings=0, pieces=1, volume_ml=12.3456789, mask_volume_ml=12.3, volume_drift_percent=0.1,
        area_cm2=45.6, distance_mean_mm=0.123456, distance_p95_mm=0.4, distance_max_mm=1.0,
        distance_mean_voxel=0.1, distance_p95_voxel=0.2, distance_max_voxel=0.3, thinnest_wall_mm=None,
    )  # fmt: skip
    evidence = replace(
        scene.evidence,
        quality={"lung-left": {"full": quality}},
        verdicts={"lung-left": Verdict("red", ("Too small.",)), "heart": Verdict("green")},
        not_found=(NotFound("airways", "Airways", "no air"),),
    )
    view = written(replace(scene, evidence=evidence), None, tmp_path)
    told, lung, heart = view.scene, view.organ("lung-left"), view.organ("heart")
    assert (told["format"], told["version"], told["unit"], told["frame"]) == (
        "plastinate-view",
        1,
        "mm",
        "LPS",
    )
    assert (told["volume"], told["title"]) == (None, "Chest")
    assert told["not_found"] == [{"id": "airways", "name": "Airways", "reason": "no air"}]
    assert told["groups"] == [
        {"id": "chest", "name": "Chest", "parent": None},
        {"id": "lungs", "name": "Lungs", "parent": "chest"},
    ]
    assert (lung["name"], lung["side"], lung["parent"], lung["label"]) == ("Left lung", "left", "lungs", 1)
    assert lung["code"] == {"value": "44029006", "scheme": "SCT", "meaning": "Left lung"}
    assert (lung["colour"], lung["light"], lung["reasons"]) == ("#be786e", "red", ["Too small."])
    assert (lung["volume_ml"], lung["area_mm2"], lung["distance_mean_mm"]) == (12.3457, 4560.0, 0.1235)
    assert (heart["side"], heart["light"], heart["distance_p95_mm"]) == (None, "green", None)
    assert (heart["name"], heart["opacity"], lung["opacity"]) == ("Heart «é»", 0.5, 1.0)
    np.testing.assert_allclose(lung["bounds_lps_mm"], full.bounds_lps_mm, atol=1e-3)
    assert lung["triangles"] == len(full.triangles)


def test_the_centre_of_an_organ_is_its_centre_of_gravity(tmp_path: Path):
    scene = two_organs()
    view = written(scene, None, tmp_path)
    places = scene.geometry.index_to_lps(np.argwhere(scene.label_map.mask("lung-left")).astype(float))
    np.testing.assert_allclose(view.organ("lung-left")["centre_lps_mm"], places.mean(axis=0), atol=1e-3)


def test_a_scan_without_millimetres_claims_none(tmp_path: Path):
    view = written(two_organs(unit="px"), None, tmp_path)
    assert view.scene["unit"] == "px"
    assert (view.organ("heart")["volume_ml"], view.organ("heart")["area_mm2"]) == (None, None)


def ball(triangles_about: int) -> Surface:
    """A closed ball of 40 mm."""
    edge = max(4, int((triangles_about / 8) ** 0.5))
    steps = np.linspace(-1, 1, edge)
    z, y, x = np.meshgrid(steps, steps, steps, indexing="ij")
    mask = x**2 + y**2 + z**2 <= 0.9
    return block_surface(mask, "lung-left", geometry=grid((edge, edge, edge)))


@pytest.mark.slow
def test_the_coarse_and_the_middle_level_are_light_even_where_nobody_made_them(tmp_path: Path):
    surface = ball(90_000)
    assert len(surface.triangles) > 40_000
    scene = replace(
        two_organs(), nodes=(SceneNode(two_organs().nodes[0].structure, {"full": surface}),), label_map=None
    )
    view = written(scene, None, tmp_path)
    counts = {level: each["triangles"] for level, each in view.organ("lung-left")["meshes"].items()}
    assert counts["full"] == len(surface.triangles)
    assert counts["medium"] <= 33_000
    assert counts["coarse"] <= 5_500
    assert volume_ml(view.mesh("lung-left", "coarse")[0]) == pytest.approx(surface.volume_ml, rel=0.05)
    assert {each["file"] for each in view.organ("lung-left")["meshes"].values()} == {
        "view/coarse.bin", "view/medium.bin", "view/full.bin",
    }  # fmt: skip


def test_an_organ_that_is_light_already_is_written_once_for_both_finer_levels(tmp_path: Path):
    view = written(two_organs(), None, tmp_path)
    meshes = view.organ("heart")["meshes"]
    assert meshes["medium"] == meshes["full"]
    assert not (tmp_path / "view" / "medium.bin").exists()
    assert meshes["coarse"]["file"] == "view/coarse.bin"


@pytest.mark.slow
def test_many_organs_share_what_the_coarse_level_may_weigh(tmp_path: Path):
    surface = ball(4_000)
    structure = two_organs().nodes[0].structure
    nodes = tuple(SceneNode(replace(structure, id=f"part-{k}"), {"full": surface}) for k in range(100))
    view = written(replace(two_organs(), nodes=nodes, label_map=None), None, tmp_path)
    counts = [each["meshes"]["coarse"]["triangles"] for each in view.scene["organs"]]
    assert len(surface.triangles) > 3_000
    assert sum(counts) <= 1.1 * 120_000
    assert (tmp_path / "view" / "coarse.bin").stat().st_size < 1_000_000


def test_the_same_scene_gives_the_same_files(tmp_path: Path):
    scene, volume = with_volume(noise((40, 100, 90)))
    first = write_formats(scene, tmp_path / "a", ["viewer"], volume=volume, lighten=decimate)
    assert first == write_formats(scene, tmp_path / "b", ["viewer"], volume=volume, lighten=decimate)
    assert list(first)[-1] != ""
    assert all(name.startswith("view/") for name in first)


def test_an_organ_without_a_triangle_is_refused_and_nothing_is_left(tmp_path: Path):
    scene = two_organs()
    empty = Surface(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), "heart")
    with pytest.raises(EmptyMask):
        written(
            replace(scene, nodes=(scene.nodes[0], replace(scene.nodes[1], surfaces={"full": empty}))),
            None,
            tmp_path,
        )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_letter_is_not_mirrored(tmp_path: Path):
    # An F whose foot is thicker than its arms: the bricks of labels and the mesh agree on where it is.
    scene = two_organs()
    view = written(scene, Volume(scene.geometry, noise(scene.geometry.shape), "HU"), tmp_path)
    inside = np.argwhere(view.grid("labels", 0) == view.organ("lung-left")["label"])
    assert len(inside) == LETTER.sum()
    matrix = view.index_to_lps("labels", 0)
    voxels = inside @ matrix[:3, :3].T + matrix[:3, 3]
    half = np.array([0.35, 0.4, 1.25])
    mesh, _ = view.mesh("lung-left", "full")
    np.testing.assert_allclose(
        [mesh.points.min(axis=0), mesh.points.max(axis=0)],
        [voxels.min(axis=0) - half, voxels.max(axis=0) + half],
        atol=0.01,
    )
    weights = (voxels - voxels.mean(axis=0)) ** 3
    a, b, c = (mesh.corners[:, k] - voxels.mean(axis=0) for k in range(3))
    tetrahedra = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    lean = (tetrahedra[:, None] * ((a + b + c) / 4) ** 3).sum(axis=0)
    assert (np.sign(weights.sum(axis=0)) == np.sign(lean)).all()


def test_the_manifest_is_json_that_any_browser_reads(tmp_path: Path):
    written(two_organs(), None, tmp_path)

    def refused(name: str) -> None:
        raise AssertionError(name)

    json.loads((tmp_path / "view" / "scene.json").read_text(encoding="utf-8"), parse_constant=refused)
