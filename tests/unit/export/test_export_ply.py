import numpy as np
import trimesh

from export_scenes import close_to, two_organs
from plastinate.model.surface import Surface
from plastinate.stages.export.ply import write_ply


def test_a_scene_comes_back_with_colours_and_parts(tmp_path):
    scene = two_organs()
    write_ply(scene, tmp_path / "scene.ply")
    read = trimesh.load(tmp_path / "scene.ply", process=False)
    part = read.metadata["_ply_raw"]["face"]["data"]["structure"].ravel()
    for number, node in enumerate(scene.nodes, 1):
        faces = read.faces[part == number]
        assert close_to(node.surfaces["full"], Surface(read.vertices, faces, "x"), tolerance_mm=1e-5)
        colours = read.visual.vertex_colors[np.unique(faces)]
        assert (colours[:, :3] == node.structure.colour).all()
        assert (colours[:, 3] == round(255 * node.structure.opacity)).all()


def test_the_header_is_ascii_and_names_frame_unit_and_organs(tmp_path):
    write_ply(two_organs(), tmp_path / "scene.ply")
    head = (tmp_path / "scene.ply").read_bytes().split(b"end_header\n")[0].decode("ascii")
    assert "unit millimetre" in head
    assert "comment structure 2 heart Heart ?e?\n" in head
    write_ply(two_organs(unit="px"), tmp_path / "scene.ply")
    assert b"NOT millimetres" in (tmp_path / "scene.ply").read_bytes()


def test_the_same_scene_gives_the_same_bytes(tmp_path):
    assert write_ply(two_organs(), tmp_path / "a.ply") == write_ply(two_organs(), tmp_path / "b.ply")
