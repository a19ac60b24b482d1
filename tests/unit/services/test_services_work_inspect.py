from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from job_rig import JobRig, job_rig, looked_at
from plastinate.archive import jobs
from plastinate.engine.attempt import run_attempt
from plastinate.model.case_errors import NotThere
from plastinate.services.access import SYSTEM
from plastinate.services.builds import list_builds
from plastinate.services.case_archive import export_case
from plastinate.services.cases import change_case, keep_case, read_case
from plastinate.services.look_again import look_again
from plastinate.services.series_slices import list_slices, read_slice
from tiny_scans import save_series


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobRig]:
    with job_rig(tmp_path_factory.mktemp("looks")) as made:
        yield made


@pytest.mark.slow
def test_a_look_says_what_is_there_and_shows_it(rig: JobRig):
    case, job = looked_at(rig, ("CT of a ball.zip", rig.scan))
    assert job.state == "done"
    assert case.inspection is not None
    assert [series["modality"] for series in case.inspection["series"]] == ["CT"]
    assert case.inspection["path"] == "CT of a ball.zip"
    assert str(rig.settings.home) not in str(case.inspection)
    assert case.thumbnail_sha256 is not None
    assert rig.archive.files.read(case.thumbnail_sha256).startswith(b"\x89PNG")
    assert list_slices(rig.archive, SYSTEM, case.id) == {1: case.thumbnail_sha256}


@pytest.mark.slow
def test_a_picture_is_looked_at_as_one_and_shown_without_place_and_camera(rig: JobRig, tmp_path: Path):
    exif = Image.Exif()
    exif[0x010F] = "Maker of cameras"
    exif.get_ifd(0x8825)[1] = "N"
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (80, 60), (200, 120, 40)).save(photo, exif=exif)
    case, job = looked_at(rig, ("photo.jpg", photo))
    assert job.state == "done"
    assert case.inspection is not None
    assert case.inspection["series"] == []
    assert case.inspection["picture"]["kind"] == "photo"
    assert [case.inspection["picture"][side] for side in ("columns", "rows")] == [80, 60]
    assert case.thumbnail_sha256 is not None
    shown = Image.open(BytesIO(rig.archive.files.read(case.thumbnail_sha256)))
    assert (shown.format, shown.size, len(shown.getexif())) == ("PNG", (80, 60), 0)
    assert "Maker" not in str(case.inspection)
    assert list_slices(rig.archive, SYSTEM, case.id) == {1: case.thumbnail_sha256}


@pytest.mark.slow
def test_a_picture_that_is_cut_short_is_refused_in_words(rig: JobRig, tmp_path: Path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing")
    case, job = looked_at(rig, ("photo.png", photo))
    assert (case.inspection, job.state) == (None, "failed")
    assert job.error is not None
    assert job.error["code"].startswith("input.")


@pytest.mark.slow
def test_each_series_has_its_picture_and_a_second_look_puts_others_in_place_of_the_first(
    rig: JobRig, tmp_path: Path
):
    for name, shade in (("dark", b"\0\0"), ("bright", b"\xff\0")):
        folder = tmp_path / "scan" / name
        save_series(folder, 5, SeriesInstanceUID=f"1.2.{len(name)}", PixelData=shade * 23 + b"\xff\1")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in sorted((tmp_path / "scan").rglob("*.dcm")):
            archive.write(file, file.relative_to(tmp_path / "scan").as_posix())
    case, _ = looked_at(rig, ("scan.zip", tmp_path / "scan.zip"))
    first = list_slices(rig.archive, SYSTEM, case.id)
    assert sorted(first) == [1, 2]
    assert len(set(first.values())) == 2
    stored = read_slice(rig.archive, SYSTEM, case.id, number=2)
    assert len(rig.archive.files.read(stored.sha256)) == stored.size
    for number in (0, 3, 1 << 70):
        with pytest.raises(NotThere):
            read_slice(rig.archive, SYSTEM, case.id, number=number)
    again = look_again(rig.archive, SYSTEM, case.id)
    run_attempt(again.id, 0, rig.settings.environment())
    assert list_slices(rig.archive, SYSTEM, case.id) == first
    # What they name is kept for as long as they are there.
    rig.archive.files.sweep(older_than_hours=0)
    assert rig.archive.files.read(first[2])


@pytest.mark.slow
def test_a_look_is_no_change_that_an_edit_meanwhile_conflicts_with(rig: JobRig):
    case, _ = looked_at(rig, ("scan.zip", rig.scan))
    assert case.version == 1
    assert change_case(rig.archive, SYSTEM, case.id, version=1, title="A ball").title == "A ball"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "title"), [("", "Routine, Knee"), ("scan", "Routine, Knee"), ("Old knee", "Old knee")]
)
def test_a_case_called_as_its_file_takes_the_name_that_the_scan_gives_itself(
    rig: JobRig, tmp_path: Path, asked: str, title: str
):
    save_series(tmp_path / "dicom", 5, StudyDescription="Routine", BodyPartExamined="KNEE")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in sorted((tmp_path / "dicom").iterdir()):
            archive.write(file, file.name)
    case = keep_case(
        rig.archive, owner_id=None, title=asked, files=[("dicom/scan.zip", tmp_path / "scan.zip")]
    )
    with rig.archive.database.read() as session:
        (look,) = jobs.jobs_of_case(session, case.id)
    run_attempt(look.id, 0, rig.settings.environment())
    assert read_case(rig.archive, SYSTEM, case.id).title == title


@pytest.mark.slow
def test_a_scan_without_a_name_of_its_own_keeps_that_of_its_file_without_its_ending(
    rig: JobRig, tmp_path: Path
):
    save_series(tmp_path / "dicom", 5, SeriesDescription=None)
    files = sorted((tmp_path / "dicom").iterdir())
    case, _ = looked_at(rig, *((file.name, file) for file in files))
    assert case.title == "0"


@pytest.mark.slow
def test_loose_files_are_looked_at_together(rig: JobRig, tmp_path: Path):
    with zipfile.ZipFile(rig.scan) as archive:
        archive.extractall(tmp_path / "loose")
    files = sorted((tmp_path / "loose").iterdir())
    case, _ = looked_at(rig, *((file.name, file) for file in files))
    assert case.inspection is not None
    assert case.inspection["files_looked_at"] == len(files)
    assert len(case.inspection["series"]) == 1


@pytest.mark.slow
def test_an_exported_case_comes_back_with_its_builds(rig: JobRig, tmp_path: Path):
    job = rig.build(formats=["stl"])
    run_attempt(job, 0, rig.settings.environment())
    case_id = rig.job(job).case_id
    change_case(rig.archive, SYSTEM, case_id, title="The ball", notes="Round.", tags=["phantom"])
    exported = tmp_path / "exported.zip"
    exported.write_bytes(b"".join(export_case(rig.archive, SYSTEM, case_id)))
    case, look = looked_at(rig, ("exported.zip", exported))
    assert look.state == "done"
    assert (case.title, case.notes, [tag.tag for tag in case.tags]) == ("The ball", "Round.", ["phantom"])
    assert [each.sha256 for each in case.inputs] == [
        each.sha256 for each in read_case(rig.archive, SYSTEM, case_id).inputs
    ]
    assert case.inspection is not None
    assert len(case.inspection["series"]) == 1
    (before,), (after,) = (list_builds(rig.archive, SYSTEM, each) for each in (case_id, case.id))
    assert {file.name: file.sha256 for file in after.files} == {
        file.name: file.sha256 for file in before.files
    }
    assert case.thumbnail_sha256 == read_case(rig.archive, SYSTEM, case_id).thumbnail_sha256


@pytest.mark.slow
def test_a_case_archive_with_a_changed_file_is_refused_whole(rig: JobRig, tmp_path: Path):
    job = rig.build(formats=["stl"])
    exported = b"".join(export_case(rig.archive, SYSTEM, rig.job(job).case_id))
    at = exported.index(b"DICM") + 200
    (tmp_path / "changed.zip").write_bytes(exported[:at] + b"\xff" + exported[at + 1 :])
    case, look = looked_at(rig, ("changed.zip", tmp_path / "changed.zip"))
    assert look.state == "failed"
    assert look.error is not None
    assert look.error["code"] == "request.archive-flaw"
    assert case.inspection is None
    assert list_builds(rig.archive, SYSTEM, case.id) == []
