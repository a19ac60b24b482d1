"""Several organs after one --organ."""

from __future__ import annotations

from pathlib import Path

import pytest

from plastinate.cli.main import build
from plastinate.services.output_folder import models_folder


def organs_and_path(words: str) -> tuple[tuple[str, ...], Path]:
    context = build.make_context("build", words.split())
    return context.params["organs"], context.params["path"]


@pytest.mark.parametrize(
    "words",
    [
        "CT --organ heart lung liver",
        "--organ heart lung liver CT",
        "--organ heart --organ lung liver CT -o out",
        "CT --organ=heart lung liver",
        "--organ heart lung liver -o out CT",
        "-o out CT --organ heart lung --organ liver --json",
        "--threshold -500:3 CT --organ heart lung liver",
    ],
)
def test_organs_may_follow_each_other_and_the_option_be_repeated(words):
    assert organs_and_path(words) == (("heart", "lung", "liver"), Path("CT"))


def test_organs_may_be_joined_by_commas_or_follow_them():
    assert organs_and_path("CT --organ heart,lung liver")[0] == ("heart,lung", "liver")


def test_a_slip_in_an_organ_is_told_as_one():
    assert organs_and_path("CT --organ heart lnug")[0] == ("heart", "lnug")


def test_words_behind_two_dashes_are_no_organs():
    assert organs_and_path("--organ heart -- liver") == (("heart",), Path("liver"))


def test_models_go_beside_the_person_where_no_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "head.nii.gz").touch()
    (tmp_path / "study.2024").mkdir()
    assert models_folder(Path("head.nii.gz")) == Path("head-models")
    assert models_folder(Path("study.2024")) == Path("study.2024-models")
    assert models_folder(Path()) == Path(f"{tmp_path.name}-models")
