"""A single DICOM picture is seen as its makers meant it, and tells honestly what it cannot tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicom_pictures import A_SLICE, dicom_picture
from drawn_pictures import coloured
from plastinate.model.errors import UnsupportedFile
from plastinate.stages.ingest.flat_decode import LONGEST_SIDE
from plastinate.stages.ingest.flat_dicom import decode_dicom_picture
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.read import inspect_input


def seen(folder: Path, modality: str = "DX", **more: Any) -> Any:
    path = dicom_picture(folder / "picture.dcm", modality, **more)
    return decode_dicom_picture(path, name="picture.dcm", workspace=folder, limits=Limits())


def codes(found: Any) -> set[str]:
    return {finding.code for finding in found.findings}


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_grey_of_any_depth_is_bright_where_its_makers_meant_bright(
    tmp_path: Path, photometric: str, bits: int
):
    found = seen(tmp_path, "CR", photometric=photometric, bits=bits)
    left, right = int(found.grey[0, 0]), int(found.grey[0, -1])
    assert (left, right) == ((65535, 0) if photometric == "MONOCHROME1" else (0, 65535))
    assert found.kind == "x-ray"


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colours_are_those_that_were_meant(tmp_path: Path, photometric: str):
    found = seen(tmp_path, "US", photometric=photometric)
    assert np.abs(found.rgba[..., :3].astype(int) - coloured()).max() <= (0 if photometric == "RGB" else 3)
    assert found.kind == "ultrasound"


@pytest.mark.parametrize("bits", [8, 16])
def test_numbers_of_a_palette_are_its_colours(tmp_path: Path, bits: int):
    ramps = {"Red": np.arange(256), "Green": np.arange(255, -1, -1), "Blue": np.full(256, 7)}
    palette = {}
    for name, values in ramps.items():
        stored = values.astype(np.uint8) if bits == 8 else (values * 257).astype("<u2")
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        palette[f"{name}PaletteColorLookupTableData"] = stored.tobytes()
    found = seen(tmp_path, "US", photometric="PALETTE COLOR", bits=8, **palette)
    assert found.rgba[0, 0].tolist() == [0, 255, 7, 255]
    assert found.rgba[0, -1].tolist() == [255, 0, 7, 255]
    assert found.kind == "ultrasound"


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_picture_is_seen_through_the_window_of_its_file(tmp_path: Path, photometric: str):
    # A quarter of the values: from 1024 to 2048 of 4096.
    found = seen(tmp_path, photometric=photometric, WindowCenter=1536, WindowWidth=1024)
    grey = found.grey[0].astype(int)
    inside = np.flatnonzero((grey > 0) & (grey < 65535))
    assert (inside.min(), inside.max()) == (16, 31)
    assert (grey[0] > grey[-1]) == (photometric == "MONOCHROME1")


def test_a_window_in_which_nothing_is_seen_is_not_believed(tmp_path: Path):
    found = seen(tmp_path, WindowCenter=100_000, WindowWidth=10)
    assert (int(found.grey.min()), int(found.grey.max())) == (0, 65535)
    assert int(seen(tmp_path, WindowCenter=5, WindowWidth=0).grey.max()) == 65535


def test_a_mammogram_larger_than_any_texture_is_shrunk_and_that_is_told(tmp_path: Path):
    wide = np.tile(np.linspace(0, 4095, LONGEST_SIDE + 904).astype(np.uint16), (40, 1))
    sizes = {"Rows": 40, "Columns": wide.shape[1], "PixelData": wide.tobytes()}
    found = seen(tmp_path, "MG", **sizes)
    assert found.grey.shape == (33, LONGEST_SIDE)
    assert found.shrunk == pytest.approx(LONGEST_SIDE / 5000)
    assert "ingest.picture-shrunk" in codes(found)
    assert int(found.grey[0, -1]) > 65_000


def test_the_size_of_a_pixel_at_the_detector_is_told_and_is_no_length(tmp_path: Path):
    found = seen(tmp_path, ImagerPixelSpacing=[0.139, 0.139])
    (told,) = [each for each in found.findings if each.code == "ingest.detector-size"]
    assert "0.139 mm" in told.sentence
    assert told.action == "No length was taken from it."
    assert found.spacing_mm is None


def test_whose_picture_it_is_is_told_without_a_name(tmp_path: Path):
    found = seen(tmp_path)
    assert "ingest.picture-identity" in codes(found)
    assert "Nobody" not in repr(found)
    assert "ingest.picture-identity" not in codes(seen(tmp_path, PatientName="", PatientID=""))


@pytest.mark.parametrize(
    ("modality", "burned", "is_told"),
    [("US", None, True), ("US", "NO", False), ("DX", None, False), ("DX", "YES", True)],
)
def test_words_in_the_picture_itself_are_warned_of(
    tmp_path: Path, modality: str, burned: str | None, is_told: bool
):
    found = seen(tmp_path, modality, **({"BurnedInAnnotation": burned} if burned else {}))
    assert ("ingest.burned-in" in codes(found)) == is_told


@pytest.mark.parametrize("photometric", ["RGB", "MONOCHROME2"])
def test_of_a_film_the_first_picture_is_taken_and_time_is_said_to_be_no_depth(
    tmp_path: Path, photometric: str
):
    found = seen(tmp_path, "US", photometric=photometric, bits=8, NumberOfFrames=5)
    (told,) = [each for each in found.findings if each.code == "ingest.first-picture"]
    assert "5 pictures" in told.sentence
    assert "time" in told.sentence
    assert found.grey.shape == (48, 64)


@pytest.mark.slow
def test_a_film_is_no_volume(tmp_path: Path):
    path = dicom_picture(tmp_path / "cine.dcm", "US", bits=8, NumberOfFrames=12)
    inspection = inspect_input(path)
    assert inspection.series == ()
    assert [aside.reason.code for aside in inspection.set_aside] == ["ingest.film"]


@pytest.mark.slow
def test_views_without_a_place_are_no_stack_however_many_they_are(tmp_path: Path):
    for number in range(4):
        dicom_picture(tmp_path / f"{'view' * number}.dcm", "MG", InstanceNumber=number)
    inspection = inspect_input(tmp_path)
    assert inspection.series == ()
    assert [aside.reason.code for aside in inspection.set_aside] == ["ingest.no-place"]


def test_a_slice_and_a_photograph_are_called_what_they_are(tmp_path: Path):
    assert seen(tmp_path, "CT", **A_SLICE).kind == "slice"
    fundus = seen(tmp_path, "OP", bits=8)
    assert (fundus.kind, int(fundus.grey.max())) == ("photo", 65535)


def test_what_holds_no_picture_is_refused(tmp_path: Path):
    with pytest.raises(UnsupportedFile, match="labels, not a scan"):
        seen(tmp_path, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")
