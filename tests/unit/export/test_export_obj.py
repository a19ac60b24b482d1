from dataclasses import replace

import numpy as np
import trimesh

from export_scenes import close_to, two_organs
from plastinate.model.surface import Surface
from plastinate.stages.export.obj import write_obj


def test_organs_come_back_named_coloured_and_unmirrored(tmp_path):
    scene = two_organs()
    write_obj(scene, tmp_path / "scene.obj")
    read = trimesh.load_scene(tmp_path / "scene.obj", split_objects=True, process=False)
    by_colour = {tuple(mesh.visual.material.diffuse[:3]): mesh for mesh in read.geometry.values()}
    assert len(by_colour) == 2
    for node in scene.nodes:
        given, mesh = node.surfaces["full"], by_colour[node.structure.colour]
        assert close_to(given, Surface(mesh.vertices, mesh.faces, "x"), tolerance_mm=1e-5)
        assert mesh.volume > 0


def test_text_holds_every_digit_of_the_positions(tmp_path):
    scene = two_organs()
    write_obj(scene, tmp_path / "scene.obj")
    lines = (tmp_path / "scene.obj").read_text().splitlines()
    read = np.array([line.split()[1:] for line in lines if line.startswith("v ")], dtype=np.float32)
    assert np.array_equal(read, np.concatenate([node.surfaces["full"].vertices for node in scene.nodes]))


def test_names_groups_unit_and_codes_are_in_the_text(tmp_path):
    scene = two_organs()
    written = write_obj(scene, tmp_path / "my scene.obj")
    assert [path.name for path in written] == ["my_scene.mtl", "my scene.obj"]
    text = (tmp_path / "my scene.obj").read_text()
    assert "unit millimetre" in text
    assert "mtllib my_scene.mtl\n" in text
    assert "o Heart_é\n" in text
    assert "g lung-left lungs chest\nusemtl lung-left\n" in text
    assert "# SCT 44029006\n" in (tmp_path / "my_scene.mtl").read_text()


def test_names_cannot_add_lines_of_their_own(tmp_path):
    scene = two_organs()
    node = scene.nodes[0]
    evil = replace(node.structure, name="x\nusemtl heart\r\nf 1 2 3", id="y\nf 1 2 3")
    write_obj(replace(scene, title="t\nv 0 0 0", nodes=(replace(node, structure=evil),)), tmp_path / "a.obj")
    lines = (tmp_path / "a.obj").read_text().splitlines()
    assert sum(line.startswith("f ") for line in lines) == len(node.surfaces["full"].triangles)
    assert sum(line.startswith("v ") for line in lines) == len(node.surfaces["full"].vertices)


def test_without_millimetres_the_text_says_so(tmp_path):
    write_obj(two_organs(unit="px"), tmp_path / "a.obj")
    assert "NOT millimetres" in (tmp_path / "a.obj").read_text()


def test_the_same_scene_gives_the_same_bytes(tmp_path):
    first = write_obj(two_organs(), tmp_path / "a.obj")
    assert write_obj(two_organs(), tmp_path / "a.obj") == first
