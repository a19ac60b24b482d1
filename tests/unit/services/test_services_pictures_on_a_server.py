"""Pictures on a server, from their files to a look and a model: single ones of DICOM, packed ones, pairs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bad_pictures import BAD_PICTURES
from dicom_pictures import dicom_picture
from drawn_pictures import coloured, encoded
from job_rig import JobRig, job_rig, looked_at
from plastinate.archive.tables import Case
from plastinate.engine.attempt import run_attempt
from plastinate.services.access import SYSTEM
from plastinate.services.builds import list_builds
from plastinate.services.jobs import submit_build
from plastinate.services.series_slices import list_slices

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobRig]:
    with job_rig(tmp_path_factory.mktemp("pictures")) as made:
        yield made


def built(rig: JobRig, case: Case, **picture: Any) -> tuple[dict[str, Any], set[str], dict[str, Any]]:
    """What a list shows of a build of it, its files, and its certificate."""
    wish = {"picture": picture, "formats": ["stl"], "single_level": True, "triangles": 2000}
    job = submit_build(rig.archive, SYSTEM, case.id, request=wish)
    run_attempt(job.id, 0, rig.settings.environment())
    assert rig.job(job.id).state == "done", rig.job(job.id).error
    (build,) = list_builds(rig.archive, SYSTEM, case.id)
    digests = {file.name: file.sha256 for file in build.files}
    return build.summary, set(digests), json.loads(rig.archive.files.read(digests["certificate.json"]))


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def pair() -> dict[str, bytes]:
    """A board of speckles before a wall of speckles: what is nearer stands farther apart in the two."""
    left = np.random.default_rng(3).integers(0, 255, (120, 240, 3), dtype=np.uint8)
    right = np.roll(left, -6, axis=1)
    right[30:90, 72:152] = left[30:90, 90:170]
    return {"left.png": encoded(left), "right.png": encoded(right)}


def test_an_xray_is_a_picture_and_its_model_does_not_say_whose(rig: JobRig, tmp_path: Path):
    xray = dicom_picture(tmp_path / "chest.dcm", "DX", ImagerPixelSpacing=[0.139, 0.139])
    case, job = looked_at(rig, ("chest.dcm", xray))
    assert job.state == "done"
    assert case.inspection is not None
    assert case.inspection["picture"]["kind"] == "x-ray"
    assert list_slices(rig.archive, SYSTEM, case.id).keys() == {1}
    summary, files, certificate = built(rig, case, kind="lithophane", width_mm=12, frame_mm=0)
    assert "lithophane-ESTIMATED.stl" in files
    assert summary["estimate"]["length_from"] == "the size chosen for the print"
    for said in (case.inspection, summary, certificate):
        assert "Nobody" not in str(said)
        assert "4711" not in str(said)


def test_a_zip_of_one_picture_is_that_picture(rig: JobRig, tmp_path: Path):
    archive = packed(tmp_path / "cat.zip", {"cat.png": encoded(coloured()), "Thumbs.db": b"\xd0\xcf\x11\xe0"})
    case, _ = looked_at(rig, ("cat.zip", archive))
    assert case.inspection is not None
    assert (case.inspection["picture"]["name"], case.inspection["series"]) == ("cat.png", [])


def test_two_pictures_make_a_scene_whose_millimetres_come_from_their_distance(rig: JobRig, tmp_path: Path):
    case, _ = looked_at(rig, ("wall.zip", packed(tmp_path / "wall.zip", pair())))
    assert case.inspection is not None
    assert case.inspection["picture"]["second"] == {"name": "right.png"}
    assert list_slices(rig.archive, SYSTEM, case.id).keys() == {1, 2}
    summary, names, certificate = built(rig, case, kind="scene", is_pair=True, baseline_mm=60, focal_35mm=35)
    assert "scene-ESTIMATED.stl" in names
    estimate = summary["estimate"]
    assert (estimate["pictures"], estimate["unit"]) == (2, "mm")
    assert estimate["length_from"] == "the distance of the two cameras"
    assert "from two pictures" in str(certificate["verdicts"])
    assert certificate["inputs"]["second_sha256"] != certificate["inputs"]["sha256"]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"b.png": encoded(coloured(40, 40))}, "different sizes (64 x 48 and 40 x 40 pixels)"),
        ({"b.png": encoded(coloured()), "c.png": encoded(coloured())}, "3 pictures"),
    ],
)
def test_pictures_that_are_no_pair_are_refused_in_words(
    rig: JobRig, tmp_path: Path, second: dict[str, bytes], words: str
):
    archive = packed(tmp_path / "some.zip", {"a.png": encoded(coloured()), **second})
    case, job = looked_at(rig, ("some.zip", archive))
    assert (case.inspection, job.state) == (None, "failed")
    assert job.error is not None
    assert job.error["code"] == "input.unsupported"
    assert words in job.error["sentence"]
    assert "side by side" in job.error["hint"]


@pytest.mark.parametrize("name", ["cut.jpg", "bomb.png", "phone.heic", "poem.png"])
def test_a_file_that_is_no_picture_fails_its_look_with_the_words_of_the_command_line(
    rig: JobRig, tmp_path: Path, name: str
):
    bad = next(each for each in BAD_PICTURES if each.name == name)
    path = tmp_path / name
    path.write_bytes(bad.data)
    case, job = looked_at(rig, (name, path))
    assert (case.inspection, job.state) == (None, "failed")
    assert job.error is not None
    assert job.error["code"] == bad.code
    assert bad.words in job.error["sentence"]
    assert job.error["hint"]
