import io
import struct
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from export_scenes import LETTER, block_surface, close_to, two_organs
from plastinate.model.errors import (
    DamagedFile,
    EmptyMask,
    InputError,
    PathNotFound,
    PlastinateError,
    TooLarge,
    UnsupportedFile,
)
from plastinate.stages.export import mesh_parts, read_3mf
from plastinate.stages.export.formats import write_file
from plastinate.stages.export.glb import write_glb
from plastinate.stages.export.read_mesh import read_mesh

NAMED = ["scene.glb", "scene.3mf", "scene.ply", "scene.obj"]


@pytest.mark.parametrize("name", NAMED)
def test_organs_come_back_with_name_colour_and_place(tmp_path, name):
    scene = two_organs()
    write_file(scene, tmp_path / name)
    read, findings = read_mesh(tmp_path / name)
    assert findings == ()
    assert len(read.nodes) == 2
    for given_node, node in zip(scene.nodes, read.nodes, strict=True):
        assert close_to(given_node.surfaces["full"], node.surfaces["full"], tolerance_mm=0.002)
        assert node.surfaces["full"].is_closed
        if name != "scene.obj":  # its names lose blanks, and its materials lie in another file
            assert node.id == given_node.id
            assert node.structure.colour == given_node.structure.colour
    if name == "scene.glb":
        assert read.node("heart").structure.code == scene.node("heart").structure.code
        assert read.title == "Chest"


@pytest.mark.parametrize("compression", ["meshopt", "draco", "none"])
def test_every_compression_is_read(tmp_path, compression):
    scene = two_organs()
    write_glb(scene, tmp_path / "a.glb", compression=compression)
    read, _ = read_mesh(tmp_path / "a.glb")
    for node in scene.nodes:
        assert close_to(node.surfaces["full"], read.node(node.id).surfaces["full"], tolerance_mm=0.001)


def test_a_chain_of_conversions_keeps_the_shape(tmp_path):
    scene = two_organs()
    current = scene
    for name in ("a.ply", "b.3mf", "c.obj", "d.glb", "e.stl"):
        write_file(current, tmp_path / name)
        current, _ = read_mesh(tmp_path / name)
    total = sum(node.surfaces["full"].volume_ml for node in scene.nodes)
    assert current.nodes[0].surfaces["full"].volume_ml == pytest.approx(total, rel=1e-3)
    assert np.allclose(current.bounds_lps_mm, scene.bounds_lps_mm, atol=0.002)


def test_voxel_units_survive_the_round_trip(tmp_path):
    for name in ("a.stl", "a.glb", "a.ply", "a.obj"):
        write_file(two_organs(unit="px"), tmp_path / name)
        read, findings = read_mesh(tmp_path / name)
        assert read.geometry.unit == "px"
        assert [finding.code for finding in findings] == ["mesh.voxel-units"]


@pytest.mark.parametrize("kind", ["stl", "stl_ascii", "obj", "ply", "glb"])
def test_files_of_another_program_are_read_unmirrored(tmp_path, kind):
    letter = block_surface(LETTER, "letter")
    vertices = letter.vertices - letter.vertices.mean(axis=0)
    if kind == "glb":
        vertices = np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], axis=1) / 1000
    mesh = trimesh.Trimesh(vertices, letter.triangles, process=False)
    exported = mesh.export(file_type=kind)
    (tmp_path / "mesh.bin").write_bytes(exported if isinstance(exported, bytes) else exported.encode())
    read, findings = read_mesh(tmp_path / "mesh.bin")
    surface = read.nodes[0].surfaces["full"]
    moved = replace(letter, vertices=letter.vertices - letter.vertices.mean(axis=0))
    assert surface.is_closed
    assert close_to(moved, surface, tolerance_mm=1e-3)
    codes = [finding.code for finding in findings]
    assert "mesh.frame-assumed" in codes
    assert ("mesh.unit-assumed" in codes) == (kind != "glb")


def test_ascii_ply_polygons_and_extra_columns_are_read(tmp_path):
    text = (
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar red\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0 9\n1 0 0 9\n1 1 0 9\n0 1 0 9\n4 0 1 2 3\n"
    )
    (tmp_path / "a.ply").write_text(text)
    read, findings = read_mesh(tmp_path / "a.ply")
    assert len(read.nodes[0].surfaces["full"].triangles) == 2
    assert "Polygons were cut into triangles." in [finding.sentence for finding in findings]


def test_obj_faces_may_count_backwards_and_carry_normals(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvn 0 0 1\nf -3//1 -2//1 -1//1\nv 5 5 5\n")
    read, _ = read_mesh(tmp_path / "a.obj")
    assert read.nodes[0].surfaces["full"].triangles.tolist() == [[0, 1, 2]]
    assert len(read.nodes[0].surfaces["full"].vertices) == 3


def test_an_stl_in_ras_is_turned_to_lps(tmp_path):
    triangle = np.zeros(1, dtype=mesh_parts.np.dtype([("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")]))
    triangle["c"] = [[[1, 2, 3], [4, 5, 6], [7, 8, 10]]]
    head = b"3D Slicer output. SPACE=RAS".ljust(80)
    (tmp_path / "a.stl").write_bytes(head + struct.pack("<I", 1) + triangle.tobytes())
    read, findings = read_mesh(tmp_path / "a.stl")
    assert [-1.0, -2.0, 3.0] in read.nodes[0].surfaces["full"].vertices.tolist()
    assert "mesh.frame-assumed" not in [finding.code for finding in findings]


def test_3mf_units_transforms_and_mirrors_are_applied(tmp_path):
    model = f"""<?xml version="1.0"?><model unit="inch" xmlns="{"x"}"><resources><object id="1"><mesh>
    <vertices><vertex x="0" y="0" z="0"/><vertex x="1" y="0" z="0"/><vertex x="0" y="1" z="0"/></vertices>
    <triangles><triangle v1="0" v2="1" v3="2"/></triangles></mesh></object><object id="2"><components>
    <component objectid="1" transform="-1 0 0 0 1 0 0 0 1 0 0 2"/></components></object></resources>
    <build><item objectid="2" transform="1 0 0 0 1 0 0 0 1 10 0 0"/></build></model>"""
    with zipfile.ZipFile(tmp_path / "a.3mf", "w") as archive:
        archive.writestr("3D/a.model", model)
    surface = read_mesh(tmp_path / "a.3mf")[0].nodes[0].surfaces["full"]
    corners = surface.vertices[surface.triangles[0]] / 25.4
    assert np.allclose(corners.min(axis=0), [9, 0, 2])
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    assert normal[2] > 0  # mirrored, and wound back


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.stl", "a.glb", "a.ply", "a.obj", "a.3mf"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_a_sentence_or_a_sound_scene(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("damaged")
    write_file(two_organs(), folder / name)
    whole = bytearray((folder / name).read_bytes())
    whole = whole[: data.draw(st.integers(0, len(whole)))]
    for _ in range(data.draw(st.integers(0, 4))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(whole)
    status, scene = 0, None
    try:
        scene, _ = read_mesh(folder / name)
    except PlastinateError as error:
        status = error.exit_status
    assert status in (0, 3, 4, 6)
    assert scene is None or all(len(node.surfaces["full"].triangles) for node in scene.nodes)


def test_what_is_no_mesh_is_refused_in_words(tmp_path):
    (tmp_path / "a.stl").write_bytes(b"hello, I am a letter")
    with pytest.raises(UnsupportedFile, match="neither STL"):
        read_mesh(tmp_path / "a.stl")
    with pytest.raises(PathNotFound):
        read_mesh(tmp_path / "b.stl")
    (tmp_path / "d.stl").write_bytes(
        b"Exported by another program".ljust(80) + struct.pack("<I", 9) + bytes(60)
    )
    with pytest.raises(DamagedFile, match="shorter"):
        read_mesh(tmp_path / "d.stl")
    (tmp_path / "e.nii.gz").write_bytes(b"\x1f\x8b" + bytes(range(256)))
    with pytest.raises(UnsupportedFile) as told:
        read_mesh(tmp_path / "e.nii.gz")
    assert "plastinate build" in told.value.hint
    (tmp_path / "c.stl").write_bytes(b"x" * 80 + struct.pack("<I", 0))
    with pytest.raises(EmptyMask):
        read_mesh(tmp_path / "c.stl")


def test_bombs_and_entities_are_refused(tmp_path, monkeypatch):
    def packed(model):
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("3D/a.model", model)
        return whole.getvalue()

    (tmp_path / "a.3mf").write_bytes(packed(b" " * 30_000_000))
    with pytest.raises(TooLarge, match="inflated"):
        read_mesh(tmp_path / "a.3mf")
    (tmp_path / "a.3mf").write_bytes(packed('<!DOCTYPE x [<!ENTITY a "b">]><model>&a;</model>'))
    with pytest.raises(DamagedFile, match="document type"):
        read_mesh(tmp_path / "a.3mf")
    circle = '<model><resources><object id="1"><components><component objectid="1"/></components></object>'
    (tmp_path / "a.3mf").write_bytes(
        packed(circle + '</resources><build><item objectid="1"/></build></model>')
    )
    with pytest.raises(DamagedFile, match="contain themselves"):
        read_mesh(tmp_path / "a.3mf")
    assert read_3mf.MODEL_BYTES_MAX <= 2 << 30
    monkeypatch.setattr("plastinate.stages.export.read_mesh.FILE_BYTES_MAX", 10)
    with pytest.raises(TooLarge):
        read_mesh(tmp_path / "a.3mf")


def test_a_glb_that_claims_too_much_is_damaged(tmp_path):
    write_glb(two_organs(), tmp_path / "a.glb", compression="none")
    data = (tmp_path / "a.glb").read_bytes()
    lie = data.replace(b'"count":56,', b'"count":99,', 1)
    assert lie != data
    (tmp_path / "a.glb").write_bytes(lie)
    with pytest.raises(InputError):
        read_mesh(tmp_path / "a.glb")
