"""Which files of a folder an earlier build has left there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from plastinate.services.former_build import former_files


def fill(folder: Path, *names: str, listed: dict[str, str] | None = None) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    outputs = {name: hashlib.sha256(name.encode()).hexdigest() for name in names} | (listed or {})
    report = {"format": "plastinate-certificate/1", "outputs": outputs}
    (folder / "certificate.json").write_text(json.dumps(report))


def test_what_the_certificate_lists_is_known_and_the_certificate_comes_last(tmp_path: Path):
    fill(tmp_path, "scene.glb", "models/liver.stl")
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "models" / "mine.stl").write_text("mine")
    assert former_files(tmp_path) == ("models/liver.stl", "run.json", "scene.glb", "certificate.json")


def test_a_file_that_was_changed_since_is_not_among_them(tmp_path: Path):
    fill(tmp_path, "scene.glb")
    (tmp_path / "scene.glb").write_text("touched up by hand")
    assert former_files(tmp_path) == ("certificate.json",)


def test_nothing_outside_the_folder_or_behind_a_link_is_among_them(tmp_path: Path):
    outside = tmp_path / "outside.stl"
    outside.write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "link.stl").symlink_to(outside)
    (folder / "away").symlink_to(tmp_path)
    names = ("../outside.stl", str(outside), "link.stl", "away/outside.stl", "", "a\0b")
    fill(folder, listed=dict.fromkeys(names, digest))
    assert former_files(folder) == ("certificate.json",)


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"format": "other/1", "outputs": {}}', "\xff"])
def test_a_certificate_of_somebody_else_lists_nothing(tmp_path: Path, text: str):
    (tmp_path / "certificate.json").write_bytes(text.encode("latin-1"))
    assert former_files(tmp_path) == ()
    assert former_files(tmp_path / "nowhere") == ()
