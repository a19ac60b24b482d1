"""A picture laid over a body comes back out of every file as other programs read it."""

from __future__ import annotations

import io
import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import lib3mf
import numpy as np
import pytest
import trimesh
from PIL import Image

from colour_sight import BLINDNESS, lab, simulated
from judge_view import View
from painted_ball import painted
from plastinate.model.scene import Scene
from plastinate.stages.compose.skin import CONFIDENCE_RAMP, INVENTED, confidence_colours, ramped
from plastinate.stages.export.corner_vertices import corner_vertices
from plastinate.stages.export.formats import write_formats
from plastinate.stages.export.glb import write_glb


def seen_colour(scene: Scene) -> np.ndarray:
    return np.array([235, 180, 120]) / 255


def document(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


@pytest.mark.parametrize("compression", ["none", "meshopt", "draco"])
def test_a_glb_carries_its_texture_and_places_in_it(tmp_path: Path, compression: str):
    write_glb(painted(), tmp_path / "ball.glb", compression=compression)
    head, binary = document(tmp_path / "ball.glb")
    assert "TEXCOORD_0" in head["meshes"][0]["primitives"][0]["attributes"]
    assert head["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    assert head["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] == [1.0, 1.0, 1.0, 1.0]
    view = head["bufferViews"][head["images"][0]["bufferView"]]
    image = Image.open(io.BytesIO(binary[view.get("byteOffset", 0) :][: view["byteLength"]]))
    assert image.format == "JPEG"
    assert not image.getexif()
    assert head["scenes"][0]["name"].startswith("ESTIMATED")
    assert head["scenes"][0]["extras"]["plastinate"]["evidence"]["inputs"]["estimate"]["word"] == "ESTIMATED"


def test_trimesh_sees_the_colours_of_the_picture_on_the_front(tmp_path: Path):
    write_glb(painted(), tmp_path / "ball.glb", compression="none")
    mesh = next(iter(trimesh.load(tmp_path / "ball.glb").geometry.values()))
    colours = mesh.visual.to_color().vertex_colors[:, :3].astype(float)
    front = mesh.vertex_normals[:, 2] > 0.97
    assert front.sum() >= 8
    share = colours[front].mean(axis=0) / 255
    assert np.abs(share / share[0] - seen_colour(painted()) / seen_colour(painted())[0]).max() < 0.06


def test_a_split_surface_is_closed_again_where_equal_places_are_joined(tmp_path: Path):
    scene = painted()
    node = scene.nodes[0]
    surface, skin = node.surfaces["full"], node.skins["full"]
    split = corner_vertices(surface, skin)
    assert len(split.source) > len(surface.vertices)
    assert np.array_equal(split.source[split.triangles], surface.triangles)
    assert np.array_equal(split.places[split.triangles], skin.places[skin.corners])
    for compression in ("none", "meshopt"):
        write_glb(scene, tmp_path / "ball.glb", compression=compression)
    write_glb(scene, tmp_path / "plain.glb", compression="none")
    mesh = next(iter(trimesh.load(tmp_path / "plain.glb").geometry.values()))
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent


def test_meshopt_gives_back_the_places(tmp_path: Path):
    import meshopt

    write_glb(painted(), tmp_path / "ball.glb", compression="meshopt")
    head, binary = document(tmp_path / "ball.glb")
    accessor = head["accessors"][head["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]]
    packed = head["bufferViews"][accessor["bufferView"]]["extensions"]["EXT_meshopt_compression"]
    start, length = packed["byteOffset"], packed["byteLength"]
    coded = binary[start : start + length]
    raw = meshopt.decode_gltf_buffer(coded, accessor["count"], packed["byteStride"], packed["mode"], "NONE")
    places = np.frombuffer(np.asarray(raw).tobytes(), dtype="<u2").reshape(-1, 2) / 65535
    split = corner_vertices(painted().nodes[0].surfaces["full"], painted().nodes[0].skins["full"])
    assert len(places) == len(split.places)
    for axis in (0, 1):
        assert np.abs(np.sort(places[:, axis]) - np.sort(split.places[:, axis])).max() < 2e-5


def test_an_obj_lays_its_picture_the_right_way_up(tmp_path: Path):
    files = write_formats(painted(), tmp_path, ["obj"])
    assert sorted(files) == [f"object-ESTIMATED.{suffix}" for suffix in ("jpg", "mtl", "obj")]
    assert "map_Kd object-ESTIMATED.jpg" in (tmp_path / "object-ESTIMATED.mtl").read_text()
    text = (tmp_path / "object-ESTIMATED.obj").read_text()
    assert "ESTIMATED from one picture" in text
    mesh = trimesh.load(tmp_path / "object-ESTIMATED.obj", process=False)
    assert mesh.visual.uv.min() >= 0
    assert mesh.visual.uv.max() <= 1
    # The front chart lies on top: what is seen has the larger v.
    colours = mesh.visual.to_color().vertex_colors[:, :3].astype(float)
    front = mesh.vertex_normals[:, 1] < -0.97
    share = colours[front].mean(axis=0) / 255
    assert np.abs(share / share[0] - seen_colour(painted()) / seen_colour(painted())[0]).max() < 0.06


def test_lib3mf_reads_the_texture_and_a_place_for_each_corner(tmp_path: Path):
    write_formats(painted(), tmp_path, ["3mf"])
    model = lib3mf.get_wrapper().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromFile(str(tmp_path / "object-ESTIMATED.3mf"))
    assert reader.GetWarningCount() == 0
    textures = model.GetTexture2Ds()
    assert textures.MoveNext()
    assert textures.GetCurrentTexture2D().GetContentType() == lib3mf.TextureType.JPEG
    objects = model.GetMeshObjects()
    objects.MoveNext()
    part = objects.GetCurrentMeshObject()
    assert part.IsManifoldAndOriented()
    groups = model.GetTexture2DGroups()
    groups.MoveNext()
    group = groups.GetCurrentTexture2DGroup()
    node = painted().nodes[0]
    assert group.GetCount() == len(node.skins["full"].places)
    assert part.GetTriangleProperties(0).ResourceID == group.GetUniqueResourceID() or part.GetTriangleCount()


def test_a_ply_has_the_colours_on_its_vertices(tmp_path: Path):
    write_formats(painted(), tmp_path, ["ply"])
    mesh = trimesh.load(tmp_path / "object-ESTIMATED.ply", process=False)
    assert np.array_equal(mesh.visual.vertex_colors[:, :3], painted().nodes[0].skins["full"].colours)
    assert mesh.is_watertight


def test_an_stl_says_in_its_first_bytes_that_it_is_an_estimate(tmp_path: Path):
    write_formats(painted(), tmp_path, ["stl"])
    assert b"ESTIMATED" in (tmp_path / "object-ESTIMATED.stl").read_bytes()[:80]


def test_confidence_is_a_colour_and_what_nobody_saw_is_white():
    skin = painted().nodes[0].skins["full"]
    colours = confidence_colours(skin)
    assert (skin.confidence < 0).any()
    assert np.ptp(colours[skin.confidence < 0], axis=0).max() == 0
    assert colours[skin.confidence >= 0][0].tolist() == [253, 231, 37]


def test_confidence_is_a_texture_of_its_own_at_the_same_places(tmp_path: Path):
    files = write_formats(painted(), tmp_path, ["glb"], compression="none")
    assert sorted(files) == ["object-ESTIMATED.glb", "object-confidence-ESTIMATED.glb"]
    sure, plain = (
        next(iter(trimesh.load(tmp_path / f"object-{name}ESTIMATED.glb").geometry.values()))
        for name in ("confidence-", "")
    )
    assert np.array_equal(sure.visual.uv, plain.visual.uv)
    colours = sure.visual.to_color().vertex_colors[:, :3].astype(int)
    front, rear = sure.vertex_normals[:, 2] > 0.9, sure.vertex_normals[:, 2] < -0.9
    assert np.abs(colours[front] - [253, 231, 37]).max() < 30
    assert np.abs(colours[rear] - 245).max() < 12


def test_the_viewer_reads_the_picture_its_places_and_that_it_is_an_estimate(tmp_path: Path):
    scene = painted("px")
    files = write_formats(scene, tmp_path, ["viewer"])
    view = View(tmp_path)
    told = view.organ("object")["texture"]
    assert (told["media_type"], told["sha256"]) == ("image/jpeg", files[told["file"]])
    texture = np.asarray(Image.open(tmp_path / told["file"]))
    assert (tmp_path / told["file"]).stat().st_size == told["bytes"]
    mesh, _ = view.mesh("object", "full")
    places = view.places("object", "full")
    assert len(places) == len(mesh.points)
    # What lies nearest to the camera is the middle of the ball, and looks as the picture does there.
    nearest = mesh.points[:, 1].argmin()
    column, row = (places[nearest] * (np.array(texture.shape[1::-1]) - 1)).round().astype(int)
    assert np.allclose(texture[row, column] / 255, seen_colour(scene), atol=0.1)
    assert view.scene["unit"] == "px"
    assert set(view.scene["estimate"]) == {"kind", "invented", "length_from", "pictures"}


def test_the_viewer_finds_the_confidence_at_the_same_places_where_there_is_one(tmp_path: Path):
    scene = painted("px")
    files = write_formats(scene, tmp_path / "sure", ["viewer"])
    view = View(tmp_path / "sure")
    told = view.organ("object")["confidence"]
    assert told["sha256"] == files[told["file"]]
    assert (tmp_path / "sure" / told["file"]).stat().st_size == told["bytes"]
    sheet = np.asarray(Image.open(tmp_path / "sure" / told["file"])).astype(int)
    mesh, _ = view.mesh("object", "full")
    nearest, farthest = (
        (view.places("object", "full")[at] * (np.array(sheet.shape[1::-1]) - 1)).round().astype(int)
        for at in (mesh.points[:, 1].argmin(), mesh.points[:, 1].argmax())
    )
    assert np.abs(sheet[nearest[1], nearest[0]] - CONFIDENCE_RAMP[-1]).max() < 30
    assert np.abs(sheet[farthest[1], farthest[0]] - INVENTED[0]).max() < 12

    node = scene.nodes[0]
    without = {level: replace(skin, confidence_texture=None) for level, skin in node.skins.items()}
    write_formats(replace(scene, nodes=(replace(node, skins=without),)), tmp_path / "plain", ["viewer"])
    assert "confidence" not in View(tmp_path / "plain").organ("object")


def test_the_viewer_is_told_what_of_a_pictures_model_reaches_farthest(tmp_path: Path):
    write_formats(painted("px"), tmp_path, ["viewer"])
    points = np.array(View(tmp_path).organ("object")["extremes_lps_mm"])
    vertices = painted("px").nodes[0].surfaces["full"].vertices
    assert len(points) <= 26
    assert np.allclose(points.min(axis=0), vertices.min(axis=0), atol=1e-3)
    assert np.allclose(points.max(axis=0), vertices.max(axis=0), atol=1e-3)
    # In the direction of a corner of its box a ball reaches less far than the box does.
    corner = np.array([1.0, -1.0, 1.0]) / np.sqrt(3)
    assert np.isclose((points @ corner).max(), (vertices @ corner).max(), atol=1e-3)


def test_whoever_sees_no_red_or_no_green_tells_what_nobody_saw_from_every_sureness():
    ramp = ramped(np.linspace(0, 1, 41, dtype=np.float32))
    for blindness in BLINDNESS:
        blank = lab(simulated(INVENTED, blindness))
        nearest = min(np.linalg.norm(lab(simulated(tuple(each), blindness)) - blank) for each in ramp)
        assert nearest > 12, blindness


def test_the_viewers_legend_has_the_colours_that_lie_on_the_model():
    source = Path(__file__).parents[3] / "viewer" / "src"
    ramp = ["#{:02x}{:02x}{:02x}".format(*(int(value) for value in colour)) for colour in CONFIDENCE_RAMP]
    written = (source / "viewer" / "model" / "confidence.ts").read_text()
    styles = (source / "styles" / "viewer_picture.css").read_text()
    assert re.findall(r"#[0-9a-f]{6}", written) == [*ramp, "#{:02x}{:02x}{:02x}".format(*INVENTED)]
    assert re.findall(r"#[0-9a-f]{6}", styles) == re.findall(r"#[0-9a-f]{6}", written)
