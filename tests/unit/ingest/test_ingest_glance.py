from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from export_scenes import two_organs
from phantom_grid import PLAIN
from phantom_series import write_series
from phantoms import sphere
from plastinate.model.errors import DamagedFile
from plastinate.stages.export.nifti import write_nifti
from plastinate.stages.ingest.read import glance_input, inspect_input, read_volume, slices_in
from plastinate.stages.ingest.sandbox import Answer
from tiny_scans import save, save_series, slice_dataset


@pytest.mark.slow
def test_a_glance_finds_what_an_inspection_finds_and_shows_the_middle_slice(tmp_path: Path):
    write_series(sphere(), tmp_path / "scan", PLAIN)
    seen = glance_input(tmp_path / "scan")
    assert seen.inspection == inspect_input(tmp_path / "scan")
    volume = read_volume(tmp_path / "scan").volume
    (shown,) = seen.slices
    assert any(np.array_equal(shown.plane, plane) for plane in volume.array[len(volume.array) // 2 - 1 :][:3])
    assert (shown.series, shown.quantity, shown.spacing) == (1, "HU", (1.0, 1.0))


@pytest.mark.slow
def test_every_series_is_shown_by_a_slice_of_its_own(tmp_path: Path):
    save_series(tmp_path / "wide", 5, Rows=8, Columns=12, PixelData=b"\1\0" * 96, SeriesInstanceUID="1.2.1")
    save_series(tmp_path / "high", 4, Rows=9, Columns=6, PixelData=b"\2\0" * 54, SeriesInstanceUID="1.2.2")
    seen = glance_input(tmp_path)
    shapes = {each.number: each.shape[1:] for each in seen.inspection.series}
    assert len(shapes) == 2
    assert {each.series: each.plane.shape for each in seen.slices} == shapes
    assert [np.unique(each.plane).size for each in seen.slices] == [1, 1]
    assert seen.slices[0].plane[0, 0] != seen.slices[1].plane[0, 0]


@pytest.mark.slow
def test_what_was_not_measured_is_no_number_in_a_slice(tmp_path: Path):
    save_series(tmp_path, 5, PixelPaddingValue=-2000, PixelData=b"\x30\xf8\1\0" * 12)
    (shown,) = glance_input(tmp_path).slices
    assert np.isnan(shown.plane).mean() == 0.5


@pytest.mark.slow
def test_a_slice_that_cannot_be_decoded_costs_the_picture_and_nothing_else(tmp_path: Path):
    for number in range(5):
        pixels = encapsulate([b"\xff\x4f\xff\x51 no picture"])
        save(slice_dataset(number, PixelData=pixels), tmp_path / f"{number}.dcm", syntax=JPEG2000Lossless)
    seen = glance_input(tmp_path)
    assert seen.slices == ()
    assert seen.inspection == inspect_input(tmp_path)


@pytest.mark.slow
def test_nothing_that_makes_a_volume_shows_nothing(tmp_path: Path):
    save_series(tmp_path, 5, ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None)
    assert glance_input(tmp_path).inspection.files_looked_at == 5


def test_slices_that_are_not_those_that_were_promised_are_refused():
    def answer(*shapes: tuple[int, int]) -> Answer:
        told = [{"series": 1, "shape": each, "quantity": "HU", "spacing": [1, 1]} for each in shapes]
        return Answer({"slices": told}, np.zeros((1, 1, 12), np.float32))

    assert [each.plane.shape for each in slices_in(answer((2, 3), (3, 2)))] == [(2, 3), (3, 2)]
    for wrong in (answer((4, 4)), answer((0, 3)), answer((-2, -3)), answer((3, 4), (1, 1))):
        with pytest.raises(DamagedFile):
            slices_in(wrong)


@pytest.mark.slow
def test_what_an_archive_holds_stays_where_the_caller_wants_it(tmp_path: Path):
    save_series(tmp_path / "scan", 5)
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in sorted((tmp_path / "scan").iterdir()):
            archive.write(file, file.name)
    (tmp_path / "kept").mkdir()
    read = read_volume(tmp_path / "scan.zip", unpack_into=tmp_path / "kept")
    assert len(read.source_files) == 5
    assert all(path.is_file() and path.parent == tmp_path / "kept" for path in read.source_files)
    plain = read_volume(tmp_path / "scan.zip")
    assert plain.source_files == ()
    assert plain.inputs == read.inputs
    assert plain.findings == read.findings


@pytest.mark.slow
def test_a_picture_file_is_shown_as_well(tmp_path: Path):
    scene = two_organs()
    write_nifti(scene, tmp_path / "labels.nii.gz")
    seen = glance_input(tmp_path / "labels.nii.gz")
    (shown,) = seen.slices
    assert sorted(shown.plane.shape) == sorted(scene.geometry.shape[1:])
