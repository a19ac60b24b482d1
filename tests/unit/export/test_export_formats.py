import hashlib
import resource
from dataclasses import replace

import pytest
import trimesh

from export_scenes import LETTER, block_surface, two_organs
from plastinate.model.errors import CannotWrite, NoDicomSource, NoMillimetres, RecipeNotFound
from plastinate.model.scene import SceneNode
from plastinate.model.structure import Structure
from plastinate.stages.export.formats import FORMATS, alone, check_formats, write_file, write_formats
from plastinate.stages.export.read_mesh import read_mesh


def test_every_file_is_listed_with_its_hash(tmp_path):
    written = write_formats(two_organs(), tmp_path / "out", ["glb", "stl", "glb"])
    found = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert set(written) == found
    assert {"scene.glb", "models/heart.glb", "models/lung-left.stl"} <= found
    assert "scene.stl" not in found
    for name, digest in written.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest


def test_one_organ_has_one_glb_under_both_names(tmp_path):
    scene = two_organs()
    written = write_formats(replace(scene, nodes=scene.nodes[:1]), tmp_path, ["glb"])
    assert written["scene.glb"] == written["models/lung-left.glb"]


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(RecipeNotFound, match="glb"):
        write_formats(two_organs(), tmp_path / "out", ["stl", "gbl"])
    assert not (tmp_path / "out").exists()


def test_odd_ids_become_distinct_file_names_inside_the_folder(tmp_path):
    scene = two_organs()
    names = ["../../etc", "a b", "a/b", "A-B", "心臓", ""]
    nodes = tuple(
        SceneNode(Structure(n, f"{n}\n\x00", None, (1, 2, 3)), {"full": block_surface(LETTER, n)})
        for n in names
    )
    written = write_formats(replace(scene, nodes=nodes, groups=()), tmp_path / "out", ["stl"])
    assert list(written) == [
        "models/etc.stl",
        "models/a-b.stl",
        "models/a-b-2.stl",
        "models/A-B-3.stl",
        "models/surface.stl",
        "models/surface-2.stl",
    ]
    assert len(list(tmp_path.rglob("*.stl"))) == 6


def test_one_file_takes_its_format_from_the_suffix(tmp_path):
    scene = two_organs()
    write_file(scene, tmp_path / "both.STL")
    total = sum(node.surfaces["full"].volume_ml for node in scene.nodes)
    assert trimesh.load(tmp_path / "both.STL").volume / 1000 == pytest.approx(total, rel=1e-4)
    with pytest.raises(RecipeNotFound, match="xyz"):
        write_file(scene, tmp_path / "both.xyz")


def test_every_format_is_written_and_listed(tmp_path):
    names = [name for name in FORMATS if name != "seg"]
    written = write_formats(two_organs(), tmp_path / "out", names)
    assert {name for name in written if "/" not in name} == {
        "scene.glb", "scene.obj", "scene.mtl", "scene.ply", "scene.3mf", "scene.usdz",
        "labels.nii.gz", "labels.seg.nrrd",
    }  # fmt: skip
    for suffix in ("glb", "stl", "obj", "mtl", "ply", "3mf", "usdz"):
        assert {f"models/heart.{suffix}", f"models/lung-left.{suffix}"} <= set(written)
    assert write_formats(two_organs(), tmp_path / "again", names) == written


def test_a_segmentation_without_dicom_files_is_refused(tmp_path):
    with pytest.raises(NoDicomSource, match="not read from loose DICOM"):
        write_formats(two_organs(), tmp_path, ["seg"])
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_before_the_work():
    check_formats(["glb", "seg", "3mf"], unit="mm", has_source_files=True)
    check_formats(["glb", "stl", "nrrd"], unit="px", has_source_files=False)
    with pytest.raises(NoMillimetres, match="3mf"):
        check_formats(["glb", "3mf"], unit="px", has_source_files=True)
    with pytest.raises(NoMillimetres):
        check_formats(["seg"], unit="px", has_source_files=True)
    with pytest.raises(NoDicomSource):
        check_formats(["seg"], unit="mm", has_source_files=False)


def test_a_format_that_fails_costs_the_others_nothing_half_done(tmp_path):
    with pytest.raises(NoMillimetres):
        write_formats(two_organs(unit="px"), tmp_path / "out", ["glb", "3mf"])
    assert not (tmp_path / "out").exists()


def test_an_organ_alone_keeps_its_groups_and_the_evidence(tmp_path):
    scene = two_organs()
    only = alone(scene, "lung-left")
    assert [group.id for group in only.groups] == ["chest", "lungs"]
    assert only.evidence is scene.evidence
    assert alone(scene, "heart").groups == ()


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "seg"])
def test_a_disk_without_room_leaves_no_file(tmp_path, name):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(CannotWrite):
            write_formats(two_organs(), tmp_path, [name])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_levels_of_detail_are_written_where_they_were_made(tmp_path):
    scene = two_organs()
    light = block_surface(LETTER[:, :2], "lung-left")
    node = replace(scene.nodes[0], surfaces={**scene.nodes[0].surfaces, "light": light})
    written = write_formats(replace(scene, nodes=(node, scene.nodes[1])), tmp_path, ["glb"])
    assert list(written)[:2] == ["scene.glb", "scene-light.glb"]
    counts = [
        len(organ.surfaces["full"].triangles) for organ in read_mesh(tmp_path / "scene-light.glb")[0].nodes
    ]
    assert counts == [len(light.triangles), len(scene.nodes[1].surfaces["full"].triangles)]
