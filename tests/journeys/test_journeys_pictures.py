"""From one picture to files that say they are an estimate, as a person does it in a shell."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import trimesh

from bead_scans import plastinate
from drawn_pictures import encoded, png_of_size, sphere
from tiny_scans import save, slice_dataset

QUICK = ("--no-preview", "--single-level")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "ball.png"
    path.write_bytes(encoded(sphere().rgb))
    return path


def refused(ran: subprocess.CompletedProcess[str], status: int, code: str) -> None:
    assert ran.returncode == status, ran.stderr
    assert f"[{code}]" in ran.stderr
    assert "hint:" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_picture_becomes_an_object_and_every_file_says_that_it_is_an_estimate(photo: Path, tmp_path: Path):
    ran = plastinate("build", photo, "-o", tmp_path / "out", "--no-network", "--json")
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    models = [
        name for name in report["files"] if Path(name).suffix in (".glb", ".obj", ".stl", ".ply", ".jpg")
    ]
    assert len(models) == 5
    assert all("ESTIMATED" in name for name in models)
    assert report["verdicts"]["object"]["light"] == "amber"
    assert report["inputs"]["estimate"]["unit"] == "px"
    assert report["quality"]["object"]["full"]["volume_ml"] is None
    page = (tmp_path / "out" / "certificate.html").read_text()
    for words in ("ESTIMATED", "Invented: the far side", "No length is known", "From behind"):
        assert words in page
    for name, digest in report["files"].items():
        if name != "run.json":
            assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    mesh = trimesh.load(tmp_path / "out" / "object-ESTIMATED.stl")
    assert mesh.is_watertight
    assert mesh.volume > 0


def test_a_picture_is_looked_at_and_what_can_be_made_of_it_is_said(photo: Path):
    ran = plastinate("inspect", photo)
    assert ran.returncode == 0, ran.stderr
    for words in ("one photo", "320 × 240 pixels", "--as object"):
        assert words in ran.stdout
    assert json.loads(plastinate("inspect", photo, "--json").stdout)["picture"]["columns"] == 320


def test_the_same_picture_gives_the_same_bytes(photo: Path, tmp_path: Path):
    wish = ("--as", "relief", "--width-mm", "30", *QUICK, "--json")
    first, second = (
        json.loads(plastinate("build", photo, "-o", tmp_path / name, *wish).stdout)["files"]
        for name in ("one", "two")
    )
    assert {name: first[name] for name in first if name != "run.json" and name != "certificate.html"} == {
        name: second[name] for name in second if name != "run.json" and name != "certificate.html"
    }


def test_a_lithophane_is_as_large_as_was_asked_for(photo: Path, tmp_path: Path):
    ran = plastinate(
        *("build", photo, "-o", tmp_path / "out", "--as", "lithophane", "--width-mm", "60"),
        *("--frame-mm", "0", "--format", "stl,3mf", *QUICK),
    )
    assert ran.returncode == 0, ran.stderr
    mesh = trimesh.load(tmp_path / "out" / "lithophane-ESTIMATED.stl")
    assert mesh.is_watertight
    assert np.allclose(np.ptp(mesh.bounds, axis=0), [60, 3.0, 45], atol=0.4)
    # The middle of the ball shines, so the plate is thin there.
    middle = mesh.vertices[(np.abs(mesh.vertices[:, [0, 2]]) < 2.0).all(axis=1)]
    assert middle[:, 1].min() == pytest.approx(-0.8, abs=0.15)


def test_a_length_makes_millimetres_and_3mf(photo: Path, tmp_path: Path):
    wish = ("--no-network", *QUICK, "--json")
    ran = plastinate("build", photo, "-o", tmp_path / "no", *wish, "--format", "3mf")
    refused(ran, 3, "input.no-millimetres")
    assert "--reference" in ran.stderr
    ran = plastinate("build", photo, "-o", tmp_path / "print", *wish, "--print-mm", "80")
    report = json.loads(ran.stdout)
    assert "object-ESTIMATED.3mf" in report["files"]
    assert report["inputs"]["estimate"]["length_from"] == "the size chosen for the print"
    mesh = trimesh.load(tmp_path / "print" / "object-ESTIMATED.stl")
    assert np.ptp(mesh.bounds, axis=0).max() == pytest.approx(80, abs=0.01)


def test_an_xray_becomes_a_relief_where_a_person_says_so(tmp_path: Path):
    save(slice_dataset(1), tmp_path / "one.dcm")
    ran = plastinate(
        "build", tmp_path / "one.dcm", "-o", tmp_path / "out", "--as", "relief", *QUICK, "--format", "stl"
    )
    assert ran.returncode in (0, 3), ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_is_no_picture_or_asks_for_what_pictures_lack_is_refused_in_words(photo: Path, tmp_path: Path):
    out = tmp_path / "out"
    (tmp_path / "words.png").write_text("This is a letter and no picture.")
    refused(plastinate("build", tmp_path / "words.png", "-o", out, "--as", "object"), 3, "input.unsupported")
    (tmp_path / "bomb.png").write_bytes(png_of_size(100_000, 100_000))
    refused(plastinate("build", tmp_path / "bomb.png", "-o", out), 4, "limit.too-large")
    (tmp_path / "black.png").write_bytes(encoded(np.zeros((64, 64, 3), np.uint8)))
    refused(plastinate("build", tmp_path / "black.png", "-o", out, "--no-network"), 6, "result.empty")
    assert plastinate("build", photo, "-o", out, "--organ", "liver").returncode == 2
    assert plastinate("build", tmp_path, "-o", out, "--threshold", "5:", "--print-mm", "9").returncode == 2
    assert not out.exists()


def test_a_black_picture_is_still_a_plate_and_says_that_it_shows_nothing(tmp_path: Path):
    (tmp_path / "black.png").write_bytes(encoded(np.zeros((64, 64, 3), np.uint8)))
    ran = plastinate(
        "build", tmp_path / "black.png", "-o", tmp_path / "out", "--as", "lithophane", *QUICK, "--json"
    )
    assert ran.returncode == 0, ran.stderr
    reasons = json.loads(ran.stdout)["verdicts"]["lithophane"]["reasons"]
    assert any("one brightness" in reason for reason in reasons)
