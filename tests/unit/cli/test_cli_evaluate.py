"""`plastinate evaluate` as a person types it: what is refused, what is told, what is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plastinate.cli.main import run

CASE = """
[[case]]
name = "lost"
role = "judge"
modality = "CT"
reference_by = "person"
scan = { path = "scan" }
reference = { path = "labels.nii.gz" }
labels = { liver = [1] }
"""


def plastinate(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        run([str(word) for word in words])
    return int(left.value.code or 0)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    (tmp_path / "scan").mkdir()
    path = tmp_path / "cases.toml"
    path.write_text(CASE)
    return path


def test_a_flawed_file_of_cases_is_refused_with_code_and_hint(cases: Path, tmp_path: Path, capsys):
    cases.write_text(CASE.replace("liver", "livre"))
    assert plastinate("evaluate", cases, "-o", tmp_path / "out") == 5
    said = capsys.readouterr().err
    assert "did you mean liver" in said
    assert "[evaluation.cases-flaw]" in said
    assert "hint:  docs/reference/evaluation-cases.md" in said
    assert not (tmp_path / "out").exists()


def test_where_nothing_could_be_scored_it_says_why_and_leaves_with_6(cases: Path, tmp_path: Path, capsys):
    assert plastinate("evaluate", cases, "-o", tmp_path / "out") == 6
    said = capsys.readouterr().out
    assert "not scored" in said
    assert "evaluation.no-reference" in said
    assert "labels.nii.gz" in (tmp_path / "out" / "scoreboard.md").read_text()


def test_the_report_comes_as_json(cases: Path, tmp_path: Path, capsys):
    assert plastinate("evaluate", cases, "-o", tmp_path / "out", "--json") == 6
    report = json.loads(capsys.readouterr().out)
    assert report["cases"][0]["error"]["code"] == "evaluation.no-reference"


def test_one_case_can_be_chosen_and_one_that_is_not_there_is_refused(cases: Path, tmp_path: Path, capsys):
    assert plastinate("evaluate", cases, "-o", tmp_path / "out", "--case", "other") == 5
    assert "no case called 'other'" in capsys.readouterr().err


def test_data_says_where_paths_begin(cases: Path, tmp_path: Path, capsys):
    (tmp_path / "elsewhere").mkdir()
    assert (
        plastinate("evaluate", cases, "-o", tmp_path / "out", "--data", tmp_path / "elsewhere", "--json") == 6
    )
    error = json.loads(capsys.readouterr().out)["cases"][0]["error"]
    assert "elsewhere" in error["sentence"]
