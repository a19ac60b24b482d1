"""A mesh from elsewhere is read and written by a child that may die."""

from __future__ import annotations

from pathlib import Path

import pytest

from export_scenes import two_organs
from plastinate.model.errors import (
    CannotWrite,
    DamagedFile,
    EmptyMask,
    ParserStopped,
    PathNotFound,
    RecipeNotFound,
)
from plastinate.services.convert_child import convert
from plastinate.services.convert_mesh import convert_mesh
from plastinate.stages.export.formats import write_file
from plastinate.stages.export.read_mesh import read_mesh


@pytest.fixture
def glb(tmp_path: Path) -> Path:
    write_file(two_organs(), tmp_path / "two.glb")
    return tmp_path / "two.glb"


@pytest.mark.slow
def test_a_mesh_keeps_its_organs_and_its_size(glb: Path, tmp_path: Path):
    target = tmp_path / "new" / "two.3mf"
    findings = convert_mesh(glb, target)
    before, after = read_mesh(glb)[0], read_mesh(target)[0]
    assert [node.id for node in after.nodes] == [node.id for node in before.nodes]
    for old, new in zip(before.nodes, after.nodes, strict=True):
        assert new.surfaces["full"].bounds_lps_mm == pytest.approx(
            old.surfaces["full"].bounds_lps_mm, abs=0.01
        )
    assert [finding.code for finding in findings if finding.severity == "warning"] == []


@pytest.mark.slow
def test_files_that_belong_together_arrive_together(glb: Path, tmp_path: Path):
    convert_mesh(glb, tmp_path / "out" / "two.obj")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["two.mtl", "two.obj"]


@pytest.mark.slow
def test_what_had_to_be_assumed_comes_back_from_the_child(tmp_path: Path):
    (tmp_path / "foreign.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    )
    findings = convert_mesh(tmp_path / "foreign.obj", tmp_path / "mine.stl")
    assert {"mesh.unit-assumed", "mesh.frame-assumed"} <= {finding.code for finding in findings}


@pytest.mark.slow
def test_bad_wishes_leave_nothing_behind(glb: Path, tmp_path: Path):
    (tmp_path / "cut.glb").write_bytes(glb.read_bytes()[:-40])
    (tmp_path / "empty.stl").write_bytes(bytes(84))
    (tmp_path / "taken.stl").mkdir()
    before = sorted(tmp_path.iterdir())
    for source, target, error in (
        ("absent.stl", "a.glb", PathNotFound),
        ("a\0b.stl", "a.glb", PathNotFound),
        ("cut.glb", "a.stl", DamagedFile),
        ("empty.stl", "a.glb", EmptyMask),
        ("two.glb", "a.doc", RecipeNotFound),
        ("two.glb", "taken.stl", CannotWrite),
        ("two.glb", "two.glb/a.stl", CannotWrite),
    ):
        with pytest.raises(error):
            convert_mesh(tmp_path / source, tmp_path / target)
    assert sorted(tmp_path.iterdir()) == before


def test_a_reader_that_runs_away_is_stopped(glb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLASTINATE_LIMIT_MEMORY_BYTES", str(80 << 20))
    with pytest.raises(ParserStopped):
        convert_mesh(glb, tmp_path / "a.stl")
    assert not (tmp_path / "a.stl").exists()


def test_the_job_itself_tells_findings_as_plain_values(glb: Path, tmp_path: Path):
    request = {"source": str(glb), "target": str(tmp_path / "a.stl"), "compression": "none"}
    assert isinstance(convert(request, line=None)["findings"], list)
    assert (tmp_path / "a.stl").stat().st_size > 84
