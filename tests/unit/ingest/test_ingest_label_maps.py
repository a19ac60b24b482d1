"""Labels beside a scan are told from it by their values, and a scan is never taken for labels."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from plastinate.stages.ingest.label_maps import looks_like_labels
from plastinate.stages.ingest.read import inspect_input, read_volume
from tiny_scans import save_series

SCANS = Path(os.environ.get("PLASTINATE_SCANS", Path(__file__).parents[4] / "shared" / "data"))
SHAPE = (20, 40, 40)


def blocks(size: int = 5, *, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Cubes that each have a number of their own, with nothing around them."""
    index = np.stack(np.indices(shape)) // size
    labels = (index[0] * 64 + index[1] * 8 + index[2]) % 90
    labels[:, :size] = 0
    return labels.astype(np.int16)


def noisy(mean: float, spread: float) -> np.ndarray:
    ball = (np.stack(np.indices(SHAPE)) - np.array(SHAPE)[:, None, None, None] / 2) ** 2
    inside = ball.sum(axis=0) < 100
    noise = np.random.default_rng(3).normal(0, spread, SHAPE)
    return np.rint(np.where(inside, mean, 0) + noise)


def write(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(path))
    return path


def scan() -> np.ndarray:
    return (noisy(1000, 12) - 1000).astype(np.int16)


@pytest.mark.parametrize(
    "labels", [blocks(), blocks().astype(np.float32), (blocks() > 0).astype(np.int16), blocks() * 20]
)
def test_patches_of_few_whole_numbers_are_labels(labels: np.ndarray):
    assert looks_like_labels(labels)


def test_a_measurement_is_no_label_map_however_few_its_values():
    bits = np.clip(noisy(120, 6), 0, 255)
    assert np.unique(bits).size < 256
    for values in (
        bits.astype(np.int16),
        scan(),
        np.clip(scan(), 0, None),
        blocks().astype(np.float32) + 0.5,
        blocks() - 1,
        np.zeros(SHAPE, np.int16),
        np.full(SHAPE, np.nan, np.float32),
        # A bone window of 8 bits: most voxels stand at one end or at the other.
        np.clip(noisy(300, 60), 0, 255).astype(np.int16),
    ):
        assert not looks_like_labels(values)


@pytest.mark.slow
def test_labels_beside_a_series_are_set_aside_and_the_series_is_taken(tmp_path: Path):
    save_series(tmp_path / "case" / "dicom", 5)
    write(tmp_path / "case" / "reference" / "mask.nii.gz", blocks())
    found = inspect_input(tmp_path / "case")
    assert [series.tags["format"] for series in found.series] == ["DICOM"]
    (aside,) = found.set_aside
    assert (aside.reason.code, aside.files) == ("ingest.label-map", ("reference/mask.nii.gz",))
    assert read_volume(tmp_path / "case").volume.modality == "CT"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_labels_beside_a_picture_file_are_set_aside_even_if_they_come_first(tmp_path: Path, suffix: str):
    write(tmp_path / f"a-labels.{suffix}", np.pad(blocks(), 4))
    write(tmp_path / f"scan.{suffix}", scan())
    (series,) = inspect_input(tmp_path).series
    assert series.description == f"scan.{suffix}"
    assert read_volume(tmp_path).series.description == f"scan.{suffix}"


@pytest.mark.slow
def test_labels_alone_are_listed_and_read(tmp_path: Path):
    one = write(tmp_path / "one.nii.gz", blocks())
    read = read_volume(one)
    assert np.array_equal(np.unique(read.volume.array), np.unique(blocks()))
    assert "ingest.looks-like-labels" in {each.code for each in read.findings}
    write(tmp_path / "two.nii.gz", np.pad(blocks(), 4))
    assert len(inspect_input(tmp_path).series) == 2
    measured = read_volume(write(tmp_path / "scan" / "mr.nii.gz", np.abs(noisy(300.0, 40.0))))
    assert "ingest.looks-like-labels" not in {each.code for each in measured.findings}


@pytest.mark.slow
def test_what_cannot_be_read_is_not_taken_for_labels(tmp_path: Path):
    save_series(tmp_path / "dicom", 5)
    broken = write(tmp_path / "broken.nii.gz", blocks())
    broken.write_bytes(broken.read_bytes()[:-20])
    assert [series.tags["format"] for series in inspect_input(tmp_path).series] == ["NIfTI", "DICOM"]


@pytest.mark.slow
def test_values_from_air_to_bone_are_said_to_look_like_ct(tmp_path: Path):
    bone = scan()
    bone[5:8, 20:22, 20:22] = 900
    (series,) = inspect_input(write(tmp_path / "scan.nii.gz", bone)).series
    assert (series.modality, series.tags["likely_modality"]) == ("", "CT")
    assert [finding.code for finding in series.findings] == ["ingest.guessed-hounsfield"]
    (series,) = inspect_input(write(tmp_path / "other.nii.gz", np.clip(scan() + 1000, 0, 255))).series
    assert "likely_modality" not in series.tags


@pytest.mark.scans
@pytest.mark.slow
@pytest.mark.parametrize(
    ("archive", "folder"),
    [
        ("chaos-ct-liver", "chaos-ct-liver/DICOM_anon"),
        ("crlm-ct-1006", "crlm-ct-nolabel"),
        ("datalad-t1-dicom", "datalad-t1-dicom"),
        ("philips-phantom-tilt", "ge-head-ct-tilt"),
    ],
)
def test_no_real_scan_is_taken_for_labels_not_even_in_eight_bits(tmp_path: Path, archive: str, folder: str):
    packed = SCANS / f"{archive}.tar.xz"
    if not packed.exists():
        pytest.skip(f"{packed.name} is not here")
    with tarfile.open(packed) as opened:
        opened.extractall(tmp_path, filter="data")
    volume = read_volume(tmp_path / folder).volume
    windows = ((-160, 240), (-1000, 400), (0, 80)) if volume.quantity == "HU" else ((0, 128), (0, 255))
    assert not looks_like_labels(volume.array)
    assert not looks_like_labels(np.clip(volume.array, 0, None))
    for low, high in windows:
        shown = np.clip((volume.array.astype(np.float32) - low) / (high - low), 0, 1)
        assert not looks_like_labels((shown * 255).astype(np.int16)), (low, high)
