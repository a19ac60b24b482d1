"""A folder or a zip that holds a picture is that picture; one that holds a scan is none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pydicom
import pytest

from dicom_pictures import A_SLICE, dicom_picture
from drawn_pictures import coloured, encoded
from plastinate.model.errors import UnsupportedFile
from plastinate.stages.ingest.flat_find import pictures_at
from plastinate.stages.ingest.flat_read import find_pictures, read_flat_picture
from plastinate.stages.ingest.limits import Limits
from tiny_scans import save_series

PHOTO = encoded(coloured())
LEAVINGS = {".DS_Store": b"\0\0\0\1Bud1", "Thumbs.db": b"\xd0\xcf\x11\xe0", "read me.txt": b"Of our cat."}


def filled(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def names(path: Path, folder: Path) -> list[str]:
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    return [each.name for each in pictures_at(path, workspace=workspace, limits=Limits())]


@pytest.mark.slow
def test_a_folder_with_a_picture_and_what_systems_leave_beside_it_is_that_picture(tmp_path: Path):
    folder = filled(tmp_path / "cat", {"inner/cat.png": PHOTO, **LEAVINGS})
    assert names(folder, tmp_path) == ["cat.png"]
    read = read_flat_picture(folder)
    assert (read.picture.name, read.picture.shape) == ("cat.png", (48, 64))


@pytest.mark.slow
def test_a_zip_with_a_picture_is_that_picture(tmp_path: Path):
    archive = packed(
        tmp_path / "cat.zip", {"cat/cat.png": PHOTO, "__MACOSX/cat/._cat.png": PHOTO, **LEAVINGS}
    )
    assert [each.name for each in find_pictures(archive)] == ["cat.png"]
    assert (
        read_flat_picture(archive).inputs["sha256"]
        == read_flat_picture(filled(tmp_path / "out", {"cat.png": PHOTO})).inputs["sha256"]
    )


@pytest.mark.slow
def test_two_pictures_come_in_the_order_of_their_names_wherever_they_lie(tmp_path: Path):
    folder = filled(tmp_path / "pair", {"right.png": PHOTO, "left.png": encoded(coloured()[::-1])})
    archive = packed(tmp_path / "pair.zip", {"right.png": PHOTO, "left.png": encoded(coloured()[::-1])})
    for place in (folder, archive):
        assert names(place, tmp_path) == ["left.png", "right.png"]
    assert (read_flat_picture(folder, which=1).picture.rgb == coloured()).all()
    with pytest.raises(UnsupportedFile, match="2 pictures"):
        read_flat_picture(folder)
    with pytest.raises(UnsupportedFile, match="one picture only"):
        read_flat_picture(filled(tmp_path / "single", {"a.png": PHOTO}), which=1)


def test_pictures_beside_a_scan_do_not_make_it_one_of_pictures(tmp_path: Path):
    save_series(tmp_path / "scan")
    filled(tmp_path / "scan", {"preview.png": PHOTO})
    assert find_pictures(tmp_path / "scan") == ()
    assert names(filled(tmp_path / "volume", {"a.nrrd": b"NRRD0004\n", "a.png": PHOTO}), tmp_path) == []
    members = {path.name: path.read_bytes() for path in (tmp_path / "scan").iterdir()}
    assert names(packed(tmp_path / "scan.zip", members), tmp_path) == []


@pytest.mark.slow
def test_a_dicom_file_is_a_picture_where_it_makes_no_volume(tmp_path: Path):
    xray = dicom_picture(tmp_path / "xray.dcm", "DX")
    (found,) = find_pictures(xray)
    assert (found.format, found.shows) == ("dicom", "x-ray")
    one = dicom_picture(tmp_path / "slice.dcm", "CT", **A_SLICE)
    assert [each.shows for each in find_pictures(one)] == ["slice"]
    packed_up = pydicom.dcmread(xray)
    packed_up.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    packed_up.save_as(tmp_path / "deflated.dcm")
    deflated = packed(tmp_path / "deflated.zip", {"IM0": (tmp_path / "deflated.dcm").read_bytes()})
    assert [each.shows for each in find_pictures(deflated)] == ["x-ray"]
    assert read_flat_picture(deflated).picture.kind == "x-ray"
    assert [each.name for each in find_pictures(packed(tmp_path / "x.zip", {"IM0": xray.read_bytes()}))] == [
        "IM0"
    ]


def test_icons_beside_a_dicom_picture_are_no_pictures_of_their_own(tmp_path: Path):
    disc = filled(
        tmp_path / "disc", {"viewer/open.gif": encoded(coloured(), "GIF"), "viewer/logo.png": PHOTO}
    )
    dicom_picture(disc / "IMAGES" / "IM1", "DX")
    assert names(disc, tmp_path) == ["IM1"]


@pytest.mark.slow
def test_what_is_no_picture_and_what_cannot_be_opened_are_none(tmp_path: Path):
    assert names(filled(tmp_path / "texts", {"a.txt": b"words", "a.pdf": b"%PDF-1.7"}), tmp_path) == []
    assert names(filled(tmp_path, {"broken.zip": b"PK\3\4" + bytes(50)}) / "broken.zip", tmp_path) == []
    damaged = dicom_picture(tmp_path / "cut.dcm", "DX")
    damaged.write_bytes(damaged.read_bytes()[:3000])
    assert find_pictures(damaged) == ()
    with pytest.raises(UnsupportedFile, match="no picture lies in it"):
        read_flat_picture(tmp_path / "texts")
