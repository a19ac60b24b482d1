from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hostile_scans import deflated_bomb, lying_pictures, nifti, slices
from phantom_series import Scan, write_series
from phantoms import sphere
from plastinate.model.errors import AmbiguousSeries, DamagedFile, EmptyInput, NoUsableSeries, SeriesNotFound
from plastinate.stages.ingest.describe import plane_of
from plastinate.stages.ingest.doctor import Examination, examine
from plastinate.stages.ingest.jobs import choose_phase, choose_series
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.picture import read_picture_header
from tiny_scans import ROOT, save, save_series, slice_dataset


def look(path: Path, tmp_path: Path, **limits: int) -> Examination:
    workspace = tmp_path / "workspace"
    workspace.mkdir(exist_ok=True)
    return examine(path, workspace=workspace, limits=replace(Limits(), **limits))


def aside(found: Examination) -> dict[str, int]:
    return {entry.reason.code: entry.count for entry in found.inspection.set_aside}


@pytest.mark.slow
def test_scouts_views_and_screen_saves_are_set_aside_by_geometry(tmp_path: Path) -> None:
    write_series(sphere(), tmp_path / "scan", Scan(localiser=True))
    found = look(tmp_path / "scan", tmp_path)
    assert aside(found) == {"ingest.localiser": 1, "ingest.screen-save": 1, "ingest.single-view": 1}
    assert [case.series.is_usable for case in found.cases] == [True]


def test_a_stack_that_calls_itself_a_localiser_is_judged_by_its_geometry(tmp_path: Path) -> None:
    save_series(tmp_path / "scan", 12, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (case,) = look(tmp_path / "scan", tmp_path).cases
    assert [finding.code for finding in case.series.findings] == ["ingest.localiser"]


def test_files_that_are_no_scans_are_counted_and_named(tmp_path: Path) -> None:
    save_series(tmp_path / "scan", 12)
    for name in ("liver.png", "notes.txt"):
        (tmp_path / "scan" / name).write_bytes(b"no scan, whatever it is" * 9)
    inspection = look(tmp_path / "scan", tmp_path).inspection
    (entry,) = inspection.set_aside
    assert (entry.count, sorted(entry.files)) == (2, ["liver.png", "notes.txt"])
    assert entry.reason.sentence == "2 files: in no format of scans."
    assert inspection.files_looked_at == 14


def test_a_few_pictures_without_a_place_are_set_aside(tmp_path: Path) -> None:
    save_series(tmp_path / "scan" / "a", 4)
    save(
        slice_dataset(0, ImagePositionPatient=None, SeriesInstanceUID="1.9", SOPInstanceUID="1.9.1"),
        tmp_path / "scan" / "x",
    )
    assert aside(look(tmp_path / "scan", tmp_path)) == {"ingest.no-place": 1}


def test_many_images_without_a_place_make_a_series_in_voxels(tmp_path: Path) -> None:
    save_series(tmp_path / "scan", 6, ImagePositionPatient=None)
    (case,) = look(tmp_path / "scan", tmp_path).cases
    assert case.series.spacing_mm is None
    assert [frame.instance_number for frame in case.stacks[0].frames] == [1, 2, 3, 4, 5, 6]


def test_oversized_and_damaged_files_are_listed_with_their_reason(tmp_path: Path) -> None:
    save_series(tmp_path / "scan", 4)
    save(slice_dataset(8, Rows=900), tmp_path / "scan" / "large")
    (tmp_path / "scan" / "cut").write_bytes((tmp_path / "scan" / "0.dcm").read_bytes()[:-9])
    found = look(tmp_path / "scan", tmp_path, rows_or_columns=512)
    assert aside(found) == {"input.damaged-file": 1, "limit.too-large": 1}
    assert all(entry.reason.severity == "problem" for entry in found.inspection.set_aside)


def test_the_largest_whole_series_comes_first_whatever_its_name(tmp_path: Path) -> None:
    for name, count in (("a", 4), ("b", 9), ("c", 16)):
        for number in range(count):
            if name == "c" and number in (4, 5, 6, 7, 8):
                continue
            uid = f"1.2.{ord(name)}"
            dataset = slice_dataset(number, SeriesInstanceUID=uid, SOPInstanceUID=f"{uid}.{number}")
            save(dataset, tmp_path / "scan" / f"{name}{number}")
    found = look(tmp_path / "scan", tmp_path)
    assert [case.series.frame_count for case in found.cases] == [9, 4, 11]
    assert [case.series.number for case in found.cases] == [1, 2, 3]
    chosen, notes = choose_series(found, None)
    assert chosen.series.number == 1
    assert [note.code for note in notes] == ["ingest.other-series"]
    assert choose_series(found, 3)[0].series.frame_count == 11
    with pytest.raises(SeriesNotFound):
        choose_series(found, 4)


def test_a_rival_from_another_study_is_not_chosen_for_you(tmp_path: Path) -> None:
    save_series(tmp_path / "scan" / "a")
    for number in range(5):
        dataset = slice_dataset(number, StudyInstanceUID="1.7", SOPInstanceUID=f"1.8.{number}")
        save(dataset, tmp_path / "scan" / "b" / str(number))
    with pytest.raises(AmbiguousSeries):
        choose_series(look(tmp_path / "scan", tmp_path), None)


@pytest.mark.slow
def test_a_phase_is_chosen_by_number(tmp_path: Path) -> None:
    write_series(sphere(), tmp_path / "scan", Scan(phases=2, phase_tag="EchoTime"))
    (case,) = look(tmp_path / "scan", tmp_path).cases
    assert choose_phase(case, 2).phase == "echo 200 ms"
    with pytest.raises(AmbiguousSeries):
        choose_phase(case, None)
    with pytest.raises(SeriesNotFound):
        choose_phase(case, 0)


def test_nothing_usable_is_said_with_its_reason(tmp_path: Path) -> None:
    save(slice_dataset(0), tmp_path / "scan" / "one")
    found = look(tmp_path / "scan", tmp_path)
    for number in (None, 1):
        with pytest.raises(NoUsableSeries, match="no thickness"):
            choose_series(found, number)


def test_a_pipe_is_no_input(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EmptyInput):
        look(tmp_path / "pipe", tmp_path)


@pytest.mark.slow
def test_planes_are_named_for_people(tmp_path: Path) -> None:
    named = {}
    for plane in ("axial", "coronal", "sagittal", "oblique"):
        write_series(sphere(), tmp_path / plane, Scan(plane=plane))
        (case,) = look(tmp_path / plane, tmp_path).cases
        named[plane] = plane_of(case.stacks[0].frames[0])
    assert named == {
        "axial": "axial",
        "coronal": "coronal",
        "sagittal": "sagittal",
        "oblique": "oblique axial",
    }


@pytest.mark.parametrize(
    ("suffix", "kind"), [("nii", "nifti"), ("nii.gz", "nifti"), ("nrrd", "nrrd"), ("mha", "metaimage")]
)
def test_picture_headers_are_listed_without_reading_voxels(tmp_path: Path, suffix: str, kind: str) -> None:
    import SimpleITK as sitk  # noqa: N813 - its own custom

    image = sitk.GetImageFromArray(np.zeros((4, 5, 6), dtype=np.int16))
    image.SetSpacing((0.5, 0.75, 2.0))
    sitk.WriteImage(image, str(tmp_path / f"scan.{suffix}"))
    (case,) = look(tmp_path / f"scan.{suffix}", tmp_path).cases
    assert case.series.shape == (4, 5, 6)
    assert case.series.spacing_mm == pytest.approx((2.0, 0.75, 0.5))
    assert case.picture is not None
    assert case.picture.kind == kind


def test_a_picture_file_with_several_volumes_is_listed_but_not_used(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(
        b"NRRD0004\ntype: short\ndimension: 4\nsizes: 6 5 4 3\nencoding: raw\n\n" + bytes(720)
    )
    (case,) = look(tmp_path / "a", tmp_path).cases
    assert not case.series.is_usable
    assert case.series.findings[0].code == "ingest.many-volumes"


def test_a_picture_file_of_colours_is_listed_but_not_used(tmp_path: Path) -> None:
    rgb24 = nifti((6, 5, 4), datatype=128, body=bytes(6 * 5 * 4 * 3))
    meta = b"NDims = 3\nDimSize = 6 5 4\nElementType = MET_UCHAR\nElementNumberOfChannels = 3\n"
    files = {"a.nii": rgb24, "b.mha": meta + b"ElementDataFile = LOCAL\n" + bytes(6 * 5 * 4 * 3)}
    for name, held in files.items():
        (tmp_path / name).write_bytes(held)
        (case,) = look(tmp_path / name, tmp_path).cases
        assert not case.series.is_usable
        assert [each.code for each in case.series.findings] == ["ingest.no-plain-numbers"]


def test_a_picture_header_that_makes_no_sense_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"NRRD0004\ntype: short\nsizes: many\n\n")
    assert aside(look(tmp_path / "a", tmp_path)) == {"input.damaged-file": 1}
    with pytest.raises(DamagedFile):
        read_picture_header(tmp_path / "a", kind="nrrd", name="a")


@pytest.mark.parametrize("name", sorted(lying_pictures()))
def test_a_picture_that_claims_more_than_its_file_holds_is_never_series_number_one(
    tmp_path: Path, name: str
) -> None:
    scan = tmp_path / "scan"
    save_series(scan)
    (scan / name).write_bytes(lying_pictures()[name])
    first = look(scan, tmp_path).cases[0]
    assert (first.series.modality, first.series.is_usable) == ("CT", True)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.70"])
def test_compressed_pixels_too_few_for_their_picture_are_damage(tmp_path: Path, syntax: str) -> None:
    scan = tmp_path / "scan"
    save_series(scan)
    for name, content in slices(syntax=syntax, pixels=bytes(900), Rows=4000, Columns=4000).items():
        (scan / name).write_bytes(content)
    found = look(scan, tmp_path)
    assert len(found.cases) == 1
    assert aside(found) == {"input.damaged-file": 3}


@pytest.mark.slow
def test_headers_without_end_do_not_take_all_the_time(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    save_series(scan)
    # 8 bytes for each of its elements: minutes of walking, did nobody stop it.
    bombs = deflated_bomb(60, count=6)
    for name, content in bombs.items():
        (scan / name).write_bytes(content)
    found = look(scan, tmp_path, header_seconds=1)
    assert len(found.cases) == 1
    told = {entry.reason.sentence.partition(": ")[2]: entry.count for entry in found.inspection.set_aside}
    patient = told.pop("reading the header takes more than 1 s.")
    assert 1 <= patient <= 4
    assert told == {"reading the header takes more than 0.01 s.": 6 - patient}
    assert sum(file.stat().st_size for file in (tmp_path / "workspace").iterdir()) == 0


@pytest.mark.slow
def test_series_without_end_are_listed_a_thousand_at_most(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.mkdir()
    content = slices(1, SeriesInstanceUID=f"{ROOT}.7000")["evil-0.dcm"]
    for number in range(1100):
        own = content.replace(f"{ROOT}.7000".encode(), f"{ROOT}.{7000 + number}".encode())
        (scan / f"{number:04}.dcm").write_bytes(own)
    found = look(scan, tmp_path)
    assert len(found.cases) == 1000
    assert found.inspection.findings[0].code == "ingest.many-series"


@pytest.mark.slow
def test_reasons_without_end_are_told_as_one(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    save_series(scan)
    content = slices(1)["evil-0.dcm"]
    for number in range(130):
        # Each ends elsewhere, and says where.
        (scan / f"cut-{number:03}.dcm").write_bytes(content + bytes(130 - number))
        whole = save(slice_dataset(number, Rows=200 + number), scan / f"short-{number:03}.dcm")
        assert whole.exists()
    found = look(scan, tmp_path)
    assert found.inspection.set_aside[-1].reason.sentence.endswith("for other reasons.")
    assert len(found.inspection.set_aside) <= 101


@pytest.mark.slow
def test_planes_without_end_in_one_series_are_no_stack_and_soon_told(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    for number in range(400):
        turn = number * 0.01
        directions = [float(np.cos(turn)), float(np.sin(turn)), 0, 0, 0, 1]
        save(slice_dataset(number, ImageOrientationPatient=directions), scan / f"{number}.dcm")
    assert len(look(scan, tmp_path).cases) <= 130
