"""A file of cases is read as it stands, or refused with the place of its flaw."""

from __future__ import annotations

from pathlib import Path

import pytest

from plastinate.model.errors import PathNotFound
from plastinate.model.evaluation_errors import CasesFlaw
from plastinate.services.evaluation_cases import read_cases

ROOT = Path(__file__).parents[3]
GOOD = """
title = "Two"
[[case]]
name = "one"
role = "judge"
modality = "CT"
reference_by = "person"
scan = { path = "scans/one" }
reference = { path = "labels/one.nii.gz" }
[case.labels]
lung-left = [10, 11]
"kidney-left+kidney-right" = 2
[[case]]
name = "two"
role = "develop"
modality = "MR"
reference_by = "template"
atlas = true
scan = { sample = "head-mr" }
reference = { sample = "mask.nii.gz" }
labels = { brain = [1] }
"""
A, B = "a" * 64, "b" * 64
PINNED = (
    f'{{ package = "p", version = "1", file = "p-1-py3-none-any.whl", bytes = 5, sha256 = "{A}", '
    f'member = "p/scan.nii.gz", member_bytes = 3, member_sha256 = "{B}" }}'
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cases.toml"
    path.write_text(text)
    return path


def test_a_sound_file_says_what_is_scored_against_what(tmp_path: Path):
    cases = read_cases(write(tmp_path, GOOD))
    one, two = cases.cases
    assert (cases.title, one.name, one.role, one.reference_by) == ("Two", "one", "judge", "person")
    assert one.labels == {"lung-left": (10, 11), "kidney-left+kidney-right": (2,)}
    assert one.organs == ("lung-left", "kidney-left", "kidney-right")
    assert (one.scan.kind, one.scan.place) == ("path", "scans/one")
    assert not one.is_atlas
    assert two.is_atlas
    assert two.scan.kind == "sample"


def test_a_scan_may_be_a_pinned_member_of_a_package(tmp_path: Path):
    text = GOOD.replace('{ path = "scans/one" }', PINNED)
    scan = read_cases(write(tmp_path, text)).cases[0].scan
    assert (scan.kind, scan.place, scan.pinned["bytes"]) == ("package", "p/scan.nii.gz", 5)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('role = "judge"', "", "one.role: missing"),
        ('role = "judge"', 'role = "both"', "develop or judge"),
        ('role = "judge"', 'role = "judge"\nrols = 1', "rols: unknown key; did you mean role"),
        ('name = "one"', 'name = "One 1"', "small letters"),
        ('name = "two"', 'name = "one"', "two cases are called 'one'"),
        ('modality = "CT"', 'modality = "US"', "CT or MR"),
        ('"person"', '"me"', "person or program or template"),
        ("lung-left = [10, 11]", "lung-lft = [10]", "did you mean lung-left"),
        ("lung-left = [10, 11]", "lung-left = [0]", "whole numbers from 1"),
        ("lung-left = [10, 11]", "lung-left = [true]", "whole numbers from 1"),
        ("lung-left = [10, 11]", "lung-left = []", "whole numbers from 1"),
        ("labels = { brain = [1] }", "", "two.labels: missing"),
        ("atlas = true", "atlas = 1", "true or false"),
        ('scan = { path = "scans/one" }', "", "one.scan: missing"),
        ('"scans/one"', '"/scans/one"', "below the data folder"),
        ('"labels/one.nii.gz"', '"../one.nii.gz"', "below the data folder"),
        ('path = "scans/one"', 'path = "x", sample = "head-mr"', "names one of"),
        ('sample = "head-mr"', 'sample = "leg"', "chest-ct or head-mr"),
        ('reference = { path = "labels/one.nii.gz" }', 'reference = { sample = "x" }', "the scan is none"),
        ('{ path = "scans/one" }', PINNED.replace("bytes = 5", "bytes = 0"), "number of bytes"),
        ('{ path = "scans/one" }', PINNED.replace(B, "b"), "64 hexadecimal"),
        ('{ path = "scans/one" }', PINNED.replace('"p-1', '"../p-1'), "plain file name"),
        ('{ path = "scans/one" }', PINNED.replace("any.whl", "any.zip"), "a wheel for every machine"),
        ('{ path = "scans/one" }', PINNED.replace('"p"', '"p @ http://x/y.tar.gz#"'), "name of a package"),
        ('{ path = "scans/one" }', PINNED.replace('"p"', '"-rhttp://x/list?"'), "name of a package"),
        ('{ path = "scans/one" }', PINNED.replace('"1"', '"1 @ file:///x"'), "one exact version"),
        ('title = "Two"', "title = ", "not TOML"),
        ("labels/one.nii.gz", 'x", pictures = "sideways', "from-the-top or from-the-feet"),
    ],
)
def test_a_flaw_is_told_with_its_case_and_key(tmp_path: Path, before: str, after: str, words: str):
    assert before in GOOD
    with pytest.raises(CasesFlaw) as refused:
        read_cases(write(tmp_path, GOOD.replace(before, after, 1)))
    assert words in refused.value.sentence
    assert refused.value.code == "evaluation.cases-flaw"
    assert "evaluation-cases.md" in refused.value.hint


@pytest.mark.parametrize("text", ["", "case = 3", "[[case]]", "x" * 2_000_000])
def test_what_is_no_file_of_cases_is_refused(tmp_path: Path, text: str):
    with pytest.raises(CasesFlaw):
        read_cases(write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(PathNotFound):
        read_cases(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks" / "cases").glob("*.toml")), ids=lambda p: p.name)
def test_the_files_that_come_with_the_program_are_sound(path: Path):
    assert read_cases(path).cases
