from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from phantom_series import Scan, write_series
from phantoms import sphere
from plastinate.model.errors import (
    AmbiguousSeries,
    EmptyInput,
    GapInSeries,
    NoUsableSeries,
    SeriesNotFound,
)
from plastinate.stages.ingest.read import VolumeRead, inspect_input, read_volume
from tiny_scans import save, save_series, slice_dataset

SCANS = Path(os.environ.get("PLASTINATE_SCANS", Path(__file__).parents[3].parent / "shared" / "data"))


def codes(read: VolumeRead) -> list[str]:
    return [finding.code for finding in read.findings]


@pytest.mark.slow
def test_a_voxel_lies_where_the_file_says(tmp_path: Path) -> None:
    read = read_volume(save_series(tmp_path / "scan"))
    volume = read.volume
    assert volume.array.shape == (5, 4, 6)
    np.testing.assert_allclose(volume.geometry.index_to_lps(np.array([0.0, 0.0, 0.0])), [-10, -20, 8])
    np.testing.assert_allclose(volume.geometry.index_to_lps(np.array([4.0, 3.0, 5.0])), [-6.25, -18.5, 0])
    assert volume.array[:, 0, 0].tolist() == [4, 3, 2, 1, 0]
    assert read.series.number == 1
    assert read.findings == ()


@pytest.mark.slow
def test_names_and_order_of_files_change_nothing(tmp_path: Path) -> None:
    first = read_volume(save_series(tmp_path / "a"))
    for number in range(5):
        save(slice_dataset(number), tmp_path / "b" / str(number * 3 % 5) / f"x{number * 2 % 5}.png")
    second = read_volume(tmp_path / "b")
    assert first.inputs == second.inputs
    np.testing.assert_array_equal(first.volume.array, second.volume.array)


@pytest.mark.slow
def test_a_zip_reads_as_its_folder_does(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "scan")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"../{file.name}")
    assert read_volume(tmp_path / "scan.zip").inputs == read_volume(folder).inputs


@pytest.mark.slow
def test_a_damaged_file_costs_only_itself(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "scan", 12)
    (folder / "3.dcm").write_bytes((folder / "3.dcm").read_bytes()[:-20])
    read = read_volume(folder)
    assert read.volume.array.shape == (12, 4, 6)
    assert np.flatnonzero(read.volume.filled_slices).tolist() == [8]
    assert {"ingest.set-aside", "ingest.gap"} <= set(codes(read))


@pytest.mark.slow
def test_too_many_gaps_are_refused_unless_allowed(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "scan", 12)
    for number in (3, 4, 5, 6):
        (folder / f"{number}.dcm").unlink()
    with pytest.raises(GapInSeries) as caught:
        read_volume(folder)
    assert caught.value.gap_mm == pytest.approx(10.0)
    assert caught.value.exit_status == 3
    read = read_volume(folder, allow_gaps=True)
    assert read.volume.array.shape[0] == 12
    assert read.volume.filled_slices.sum() == 4


@pytest.mark.slow
def test_phases_have_to_be_chosen(tmp_path: Path) -> None:
    for number in range(4):
        for echo in (1, 2):
            dataset = slice_dataset(
                number,
                EchoTime=2.5 * echo,
                SOPInstanceUID=f"1.2.{number}.{echo}",
                PixelData=np.full((4, 6), 100 * echo + number, dtype="<i2").tobytes(),
            )
            save(dataset, tmp_path / "scan" / f"{number}{echo}")
    assert inspect_input(tmp_path / "scan").series[0].phases == ("echo 2.5 ms", "echo 5 ms")
    with pytest.raises(AmbiguousSeries, match=r"1: echo 2\.5 ms; 2: echo 5 ms") as caught:
        read_volume(tmp_path / "scan")
    assert "--phase" in caught.value.hint
    assert read_volume(tmp_path / "scan", phase=2).volume.array[:, 0, 0].tolist() == [203, 202, 201, 200]
    with pytest.raises(SeriesNotFound, match="no phase 3"):
        read_volume(tmp_path / "scan", phase=3)


@pytest.mark.slow
def test_the_largest_series_is_taken_and_the_others_mentioned(tmp_path: Path) -> None:
    save_series(tmp_path / "scan" / "a", 4, SeriesInstanceUID="1.5", SeriesDescription="Short")
    for number in range(4):
        dataset = slice_dataset(number, SeriesInstanceUID="1.5", SOPInstanceUID=f"1.6.{number}")
        save(dataset, tmp_path / "scan" / "a" / f"{number}.dcm")
    save_series(tmp_path / "scan" / "b", 9)
    read = read_volume(tmp_path / "scan")
    assert read.series.frame_count == 9
    assert codes(read) == ["ingest.other-series"]
    assert read_volume(tmp_path / "scan", series=2).series.frame_count == 4
    with pytest.raises(SeriesNotFound):
        read_volume(tmp_path / "scan", series=3)


@pytest.mark.slow
def test_two_scans_of_one_size_are_not_chosen_between(tmp_path: Path) -> None:
    save_series(tmp_path / "scan" / "a")
    for number in range(5):
        dataset = slice_dataset(
            number, StudyInstanceUID="1.7", SeriesInstanceUID="1.8", SOPInstanceUID=f"1.9.{number}"
        )
        save(dataset, tmp_path / "scan" / "b" / str(number))
    with pytest.raises(AmbiguousSeries, match="2 series"):
        read_volume(tmp_path / "scan")


@pytest.mark.slow
def test_strangers_in_a_series_are_set_aside_and_listed(tmp_path: Path) -> None:
    write_series(sphere(), tmp_path, Scan(localiser=True, shuffled_names=True))
    found = inspect_input(tmp_path)
    assert len(found.series) == 1
    assert sorted(aside.reason.code for aside in found.set_aside) == [
        "ingest.localiser", "ingest.screen-save", "ingest.single-view",
    ]  # fmt: skip


@pytest.mark.slow
def test_empty_identifiers_still_make_a_volume(tmp_path: Path) -> None:
    save_series(
        tmp_path / "scan",
        SOPInstanceUID="",
        SeriesInstanceUID="",
        StudyInstanceUID="",
        FrameOfReferenceUID="",
    )
    read = read_volume(tmp_path / "scan")
    assert read.volume.array.shape == (5, 4, 6)
    assert codes(read) == ["ingest.empty-uid"]


@pytest.mark.slow
def test_no_pixel_size_means_no_millimetres(tmp_path: Path) -> None:
    read = read_volume(save_series(tmp_path / "scan", PixelSpacing=None))
    assert read.volume.geometry.unit == "px"
    assert read.volume.geometry.spacing == (1.0, 1.0, 1.0)
    assert read.series.spacing_mm is None
    assert codes(read) == ["ingest.no-pixel-spacing"]


@pytest.mark.slow
def test_one_slice_is_no_solid(tmp_path: Path) -> None:
    path = save(slice_dataset(0), tmp_path / "one.dcm")
    found = inspect_input(path)
    assert [(series.is_usable, series.findings[0].code) for series in found.series] == [
        (False, "ingest.one-slice")
    ]
    with pytest.raises(NoUsableSeries, match="no thickness"):
        read_volume(path)


@pytest.mark.slow
def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(EmptyInput, match=r"\(1 file looked at\)"):
        inspect_input(tmp_path)


@pytest.mark.slow
def test_an_inspection_is_plain_json_and_the_same_twice(tmp_path: Path) -> None:
    import json

    folder = save_series(tmp_path / "scan")
    assert json.dumps(inspect_input(folder).as_dict()) == json.dumps(inspect_input(folder).as_dict())


@pytest.fixture(scope="module")
def real_scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tarfile

    if not (SCANS / "edge-dupe-missing-ct.tar.xz").exists():
        pytest.skip("no real scans here")
    folder = tmp_path_factory.mktemp("scans")
    for name in ("edge-dupe-missing-ct", "philips-phantom-tilt", "dcmqi-seg"):
        with tarfile.open(SCANS / f"{name}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
    return folder


@pytest.mark.scans
@pytest.mark.slow
def test_the_tilt_of_a_real_head_scan_is_found(real_scans: Path) -> None:
    (series,) = inspect_input(real_scans / "ge-head-ct-tilt").series
    (tilt,) = (finding for finding in series.findings if finding.code == "ingest.tilt")
    assert max(tilt.details["tilt_degrees_row_column"], key=abs) == pytest.approx(18.5, abs=0.05)


@pytest.mark.scans
def test_real_duplicates_and_holes_are_found(real_scans: Path) -> None:
    (series,) = inspect_input(real_scans / "edge-dupe-missing-ct").series
    assert {"ingest.duplicates", "ingest.gap"} <= {finding.code for finding in series.findings}
    with pytest.raises(GapInSeries):
        read_volume(real_scans / "edge-dupe-missing-ct")


@pytest.mark.scans
def test_legacy_converted_frames_match_their_sources(real_scans: Path) -> None:
    folder = real_scans / "dcmqi-seg" / "segmentations" / "24x38x3"
    single, several = read_volume(folder / "image"), read_volume(folder / "multiframe")
    np.testing.assert_array_equal(single.volume.array, several.volume.array)
    np.testing.assert_allclose(single.volume.geometry.to_lps_mm, several.volume.geometry.to_lps_mm, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha", "mhd"])
def test_picture_files_come_through_the_same_door(tmp_path: Path, suffix: str) -> None:
    import SimpleITK as sitk  # noqa: N813 - its own custom

    values = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) * 20 - 1000
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.5, 0.75, 2.0))
    image.SetOrigin((-10.0, -20.0, 30.0))
    sitk.WriteImage(image, str(tmp_path / f"scan.{suffix}"))
    read = read_volume(tmp_path / f"scan.{suffix}")
    assert read.volume.quantity == "HU"
    assert read.volume.modality == ""
    index = read.volume.geometry.lps_to_index(np.array([-9.5, -19.25, 34.0]))
    at = tuple(np.rint(index).astype(int))
    assert read.volume.array[at] == values[2, 1, 1]
    assert read.inputs["files"] == (2 if suffix == "mhd" else 1)
    assert inspect_input(tmp_path / f"scan.{suffix}").series[0].shape == (4, 5, 6)


@pytest.mark.slow
def test_a_table_of_contents_stands_for_its_folder(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "disc" / "images")
    (folder.parent / "DICOMDIR").write_bytes(
        bytes(128) + b"DICM\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10\x00"
    )
    read = read_volume(folder.parent / "DICOMDIR")
    assert read.volume.array.shape == (5, 4, 6)
    assert read.inputs == read_volume(folder).inputs
