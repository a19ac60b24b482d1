"""The doctor tries every part and reports what it finds, whatever it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from bead_scans import write_bead
from model_shelf import fetched_card, set_places
from plastinate.depot import model_file
from plastinate.model.errors import DownloadFailed, PathNotFound
from plastinate.services import doctor
from plastinate.services.doctor import _try, examine
from plastinate.services.inspect_path import inspect_path


@pytest.mark.slow
def test_this_installation_is_sound():
    checks = {check.name: check for check in examine()}
    assert {
        "plastinate",
        "kernels",
        "numpy",
        "recipes",
        "methods",
        "child process",
        "temporary folder",
        "archive",
        "pages",
    } <= set(checks)
    assert [check.sentence for check in checks.values() if not check.is_sound] == []


@pytest.mark.slow
def test_pages_that_were_left_out_are_absent_and_nothing_is_amiss(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(doctor.plastinate, "__file__", str(tmp_path / "__init__.py"))
    [pages] = [check for check in examine() if check.name == "pages"]
    assert (pages.is_sound, pages.is_there) == (True, False)
    assert "npm" in pages.hint


def test_a_temporary_folder_that_is_not_there_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    amiss = {check.name: check for check in examine() if not check.is_sound}
    assert "temporary folder" in amiss
    assert "TMPDIR" in amiss["temporary folder"].hint


def test_whatever_is_broken_the_doctor_only_reports():
    def missing() -> str:
        raise ModuleNotFoundError("No module named 'nothing'")

    def known() -> str:
        raise DownloadFailed("the wheel", "no network")

    first = _try("nothing", missing, "pip install nothing")
    assert (first.is_sound, first.hint) == (False, "pip install nothing")
    assert "ModuleNotFoundError" in first.sentence
    assert "network" in _try("net", known, "unused").hint


def test_models_need_not_be_here_but_what_is_here_has_to_be_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    places = set_places(tmp_path, monkeypatch)
    places.put_card(fetched_card(places.put_wheel()))
    assert (doctor._models().is_sound, "none of" in doctor._models().sentence) == (True, True)

    kept = model_file("tiny")
    assert "tiny of" in doctor._models().sentence

    kept.write_bytes(b"x")
    assert not doctor._models().is_sound
    assert "models fetch tiny" in doctor._models().hint

    kept.unlink()
    places.put_card("name =", name="broken")
    assert "broken" in doctor._models().sentence


@pytest.mark.slow
def test_a_path_is_looked_at_with_progress(tmp_path: Path):
    heard = []
    inspection = inspect_path(write_bead(tmp_path / "scan"), progress=lambda *event: heard.append(event))
    assert [series.is_usable for series in inspection.series] == [True]
    assert heard[-1][0] == heard[-1][1] == inspection.files_looked_at
    with pytest.raises(PathNotFound):
        inspect_path(tmp_path / "absent")


@pytest.mark.slow
def test_it_says_what_runs_networks_and_why_that_is_not_openvino(monkeypatch):
    told = {check.name: check for check in examine()}
    assert told["networks"].sentence.startswith(("run by OpenVINO", "run by ONNX Runtime"))
    assert "TotalSegmentator" not in told
    monkeypatch.setattr("plastinate.nets.session.may_make_code", lambda: False)
    told = {check.name: check for check in examine()}
    assert "run by ONNX Runtime" in told["networks"].sentence
    assert "may not make machine code" in told["networks"].sentence


@pytest.mark.slow
def test_a_totalsegmentator_that_was_set_up_and_does_not_answer_is_amiss(monkeypatch):
    monkeypatch.setenv("PLASTINATE_TOTALSEGMENTATOR", "/nowhere/python")
    check = next(check for check in examine() if check.name == "TotalSegmentator")
    assert not check.is_sound
    assert "/nowhere/python" in check.sentence
