import json
import zipfile
from dataclasses import replace

import lib3mf
import numpy as np
import pytest

from export_scenes import close_to, two_organs
from plastinate.model.errors import NoMillimetres
from plastinate.model.surface import Surface
from plastinate.stages.export.threemf import write_3mf


def judged(path):
    """What lib3mf, in strict mode, finds in a file."""
    wrapper = lib3mf.get_wrapper()
    model = wrapper.CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromFile(str(path))
    assert reader.GetWarningCount() == 0
    found = []
    objects = model.GetMeshObjects()
    while objects.MoveNext():
        found.append(objects.GetCurrentMeshObject())
    return model, found


def test_lib3mf_reads_named_coloured_closed_parts_in_millimetres(tmp_path):
    scene = two_organs()
    write_3mf(scene, tmp_path / "scene.3mf")
    model, parts = judged(tmp_path / "scene.3mf")
    assert model.GetUnit() == lib3mf.ModelUnit.MilliMeter
    assert [part.GetName() for part in parts] == ["Left lung", "Heart «é»"]
    groups = model.GetBaseMaterialGroups()
    groups.MoveNext()
    group = groups.GetCurrentBaseMaterialGroup()
    for node, part in zip(scene.nodes, parts, strict=True):
        vertices = np.array([v.Coordinates[:] for v in part.GetVertices()])
        triangles = np.array([t.Indices[:] for t in part.GetTriangleIndices()])
        assert close_to(node.surfaces["full"], Surface(vertices, triangles, "x"), tolerance_mm=1e-5)
        assert part.IsManifoldAndOriented()
        assert part.GetType() == lib3mf.ObjectType.Model
        colour = group.GetDisplayColor(group.GetAllPropertyIDs()[parts.index(part)])
        assert (colour.Red, colour.Green, colour.Blue) == node.structure.colour


def test_the_evidence_travels_as_metadata(tmp_path):
    write_3mf(two_organs(), tmp_path / "scene.3mf")
    model, _ = judged(tmp_path / "scene.3mf")
    group = model.GetMetaDataGroup()
    facts = {
        group.GetMetaData(i).GetName(): group.GetMetaData(i).GetValue()
        for i in range(group.GetMetaDataCount())
    }
    assert json.loads(facts["evidence"])["inputs"]["sha256"] == "ab" * 32
    assert "LPS" in facts["Description"]


def test_names_with_marks_and_control_characters_stay_sound_xml(tmp_path):
    scene = two_organs()
    node = scene.nodes[0]
    odd = replace(node.structure, name='<a "b" & \x01\x0b\ud800\uffff c>')
    write_3mf(replace(scene, title="]]> & <!--", nodes=(replace(node, structure=odd),)), tmp_path / "a.3mf")
    _, parts = judged(tmp_path / "a.3mf")
    assert parts[0].GetName().startswith('<a "b" & ')


def test_an_open_surface_is_no_solid(tmp_path):
    scene = two_organs()
    node = scene.nodes[0]
    full = node.surfaces["full"]
    open_one = Surface(full.vertices, full.triangles[1:], node.id)
    write_3mf(replace(scene, nodes=(replace(node, surfaces={"full": open_one}),)), tmp_path / "a.3mf")
    _, parts = judged(tmp_path / "a.3mf")
    assert parts[0].GetType() == lib3mf.ObjectType.Surface


def test_a_scan_without_millimetres_is_refused(tmp_path):
    with pytest.raises(NoMillimetres):
        write_3mf(two_organs(unit="px"), tmp_path / "a.3mf")
    assert list(tmp_path.iterdir()) == []


def test_the_same_scene_gives_the_same_bytes_and_no_date(tmp_path):
    assert write_3mf(two_organs(), tmp_path / "a.3mf") == write_3mf(two_organs(), tmp_path / "b.3mf")
    with zipfile.ZipFile(tmp_path / "a.3mf") as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
