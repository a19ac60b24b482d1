from __future__ import annotations

import gzip
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from plastinate.model.errors import PathNotFound, TooLarge
from plastinate.stages.ingest.discover import Discovery, discover
from plastinate.stages.ingest.limits import Limits
from tiny_scans import save, slice_dataset


def found(path: Path, tmp_path: Path, limits: Limits | None = None) -> Discovery:
    workspace = tmp_path / "workspace"
    workspace.mkdir(exist_ok=True)
    return discover(path, workspace=workspace, limits=limits or Limits())


def names(result: Discovery) -> list[str]:
    return [candidate.name for candidate in result.candidates]


def test_images_are_found_at_any_depth_whatever_they_are_called(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    save(slice_dataset(0), scan / "b" / "deep" / "photo.jpg")
    save(slice_dataset(1), scan / "a" / "no suffix")
    (scan / "notes.dcm").write_text("not an image at all, whatever it is called")
    assert names(found(scan, tmp_path)) == ["a/no suffix", "b/deep/photo.jpg"]


def test_hidden_files_and_resource_forks_are_ignored(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    for name in (".hidden", "__MACOSX/._1.dcm", "__MACOSX/1.dcm", ".git/1.dcm", "1.dcm"):
        save(slice_dataset(0), scan / name)
    assert names(found(scan, tmp_path)) == ["1.dcm"]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = save(slice_dataset(0), tmp_path / "outside" / "1.dcm")
    inside = save(slice_dataset(1), tmp_path / "scan" / "2.dcm")
    (tmp_path / "scan" / "out.dcm").symlink_to(outside)
    (tmp_path / "scan" / "folder").symlink_to(outside.parent)
    (tmp_path / "scan" / "twin.dcm").symlink_to(inside)
    assert names(found(tmp_path / "scan", tmp_path)) == ["2.dcm", "twin.dcm"]


def test_a_zip_in_a_zip_is_unpacked_and_a_third_one_left_out(tmp_path: Path) -> None:
    one = save(slice_dataset(0), tmp_path / "1.dcm")
    with zipfile.ZipFile(tmp_path / "third.zip", "w") as archive:
        archive.write(one, "too deep.dcm")
    with zipfile.ZipFile(tmp_path / "second.zip", "w") as archive:
        archive.write(one, "fine.dcm")
        archive.write(tmp_path / "third.zip", "third.zip")
    with zipfile.ZipFile(tmp_path / "first", "w") as archive:
        archive.write(tmp_path / "second.zip", "second")
    result = found(tmp_path / "first", tmp_path)
    assert names(result) == ["first/second/fine.dcm"]
    assert any("nested" in finding.sentence for finding in result.findings)


def test_a_gzipped_dicom_file_is_inflated(tmp_path: Path) -> None:
    one = save(slice_dataset(0), tmp_path / "1.dcm")
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "1.dcm.gz").write_bytes(gzip.compress(one.read_bytes()))
    result = found(tmp_path / "scan", tmp_path)
    assert [(c.name, c.kind, c.path.read_bytes() == one.read_bytes()) for c in result.candidates] == [
        ("1.dcm.gz", "dicom", True)
    ]


def test_an_archive_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "a.rar").write_bytes(b"Rar!\x1a\x07\x00" + bytes(50))
    result = found(tmp_path / "scan", tmp_path)
    assert "archive" in result.findings[0].sentence


def test_a_missing_path_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="nothing readable"):
        found(tmp_path / "nowhere", tmp_path)


def test_the_number_of_files_is_capped(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / "scan" / str(number)).mkdir(parents=True)
        (tmp_path / "scan" / str(number) / "f").write_text("x")
    with pytest.raises(TooLarge):
        found(tmp_path / "scan", tmp_path, replace(Limits(), files=4))


def test_a_loop_of_links_costs_only_itself(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    save(slice_dataset(0), scan / "1.dcm")
    (scan / "me").symlink_to("me")
    (scan / "ping").symlink_to("pong")
    (scan / "pong").symlink_to("ping")
    result = found(scan, tmp_path)
    assert names(result) == ["1.dcm"]
    assert [finding.details["file"] for finding in result.findings] == ["me", "ping", "pong"]
