from __future__ import annotations

import contextlib
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from plastinate.model.errors import DamagedFile, PlastinateError, TooLarge
from plastinate.stages.ingest import elements, functional
from plastinate.stages.ingest.archive import Unpacking
from plastinate.stages.ingest.dataset import RawDataset
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.headers import Header, read_header
from plastinate.stages.ingest.limits import Limits
from tiny_scans import save, slice_dataset

DEFLATED = "1.2.840.10008.1.2.1.99"


def header(path: Path, limits: Limits | None = None) -> Header:
    workspace = path.parent / "workspace"
    workspace.mkdir(exist_ok=True)
    return read_header(Candidate(path, path.name, "dicom"), state=Unpacking(workspace, limits or Limits()))


def only_frame(path: Path) -> Frame:
    (found,) = header(path).frames
    return found


def stored(found: Frame) -> np.ndarray[Any, Any]:
    assert found.pixel_offset is not None
    data = found.path.read_bytes()[found.pixel_offset :]
    return np.frombuffer(data[: found.pixel_length], dtype="<i2")


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", DEFLATED])
def test_the_pixels_lie_where_the_frame_says(tmp_path: Path, syntax: str) -> None:
    found = only_frame(save(slice_dataset(7), tmp_path / "a", syntax=syntax))
    assert stored(found).tolist() == [7] * 24
    assert (found.rows, found.columns) == (4, 6)
    assert (found.row_spacing_mm, found.column_spacing_mm) == (0.5, 0.75)
    assert found.position_lps_mm == (-10.0, -20.0, 14.0)
    assert found.tags["SeriesDescription"] == "Tiny"


def test_big_endian_numbers_are_read_as_such(tmp_path: Path) -> None:
    found = only_frame(
        save(slice_dataset(7, PixelPaddingValue=-2000), tmp_path / "a", syntax="1.2.840.10008.1.2.2")
    )
    assert (found.rows, found.columns, found.padding_value) == (4, 6, -2000)


def test_a_file_without_preamble_or_meta_is_read(tmp_path: Path) -> None:
    whole = save(slice_dataset(3), tmp_path / "a").read_bytes()
    start = whole.index(b"\x08\x00\x08\x00CS")
    (tmp_path / "bare").write_bytes(whole[start:])
    assert stored(only_frame(tmp_path / "bare")).tolist() == [3] * 24


def test_a_header_that_lies_about_implicit_and_explicit_is_corrected(tmp_path: Path) -> None:
    path = save(slice_dataset(3), tmp_path / "a")
    data = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0")
    path.write_bytes(data)
    found = only_frame(path)
    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert stored(found).tolist() == [3] * 24


def test_no_character_set_stops_pixels(tmp_path: Path) -> None:
    path = save(
        slice_dataset(1, SpecificCharacterSet="ISO_IR 100", SeriesDescription="Schädel"), tmp_path / "a"
    )
    assert only_frame(path).tags["SeriesDescription"] == "Schädel"
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", b"ISO_IR 999"))
    assert "Sch" in only_frame(path).tags["SeriesDescription"]
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 999", b"\xff\xfe\x00junk!\x1b("))
    assert only_frame(path).rows == 4


def test_nonsense_values_count_as_absent(tmp_path: Path) -> None:
    path = save(slice_dataset(1, ImageOrientationPatient=[9, 0, 0, 0, 9, 0]), tmp_path / "a")
    path.write_bytes(path.read_bytes().replace(b"0.5\\0.75", b"abc\\defg"))
    found = only_frame(path)
    assert found.row_spacing_mm is None
    assert found.row_direction is None


def test_cosines_come_out_orthonormal(tmp_path: Path) -> None:
    cosines = [0.9987, 0.0499, 0.001, -0.05, 0.9989, 0.0]
    found = only_frame(save(slice_dataset(0, ImageOrientationPatient=cosines), tmp_path / "a"))
    row, column = np.array(found.row_direction), np.array(found.column_direction)
    np.testing.assert_allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-12)


def test_empty_identifiers_are_read_as_empty(tmp_path: Path) -> None:
    path = save(
        slice_dataset(0, SeriesInstanceUID="", StudyInstanceUID="", FrameOfReferenceUID=None), tmp_path / "a"
    )
    found = only_frame(path)
    assert (found.series_uid, found.study_uid, found.frame_of_reference_uid) == ("", "", "")


def test_a_truncated_file_is_damaged_in_words(tmp_path: Path) -> None:
    path = save(slice_dataset(0), tmp_path / "a")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DamagedFile, match="ends too early, with 38 of 48 bytes"):
        header(path)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "ingest.not-a-scan"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67"}, "ingest.not-a-scan"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.3"}, "ingest.not-a-scan"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}, "ingest.mosaic"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "ingest.colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "ingest.colour"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "ImagePositionPatient": None}, "ingest.screen-save"),
    ],
)
def test_what_is_no_scan_is_set_aside_in_words(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    found = header(save(slice_dataset(0, **changes), tmp_path / "a"))
    assert found.code == code
    assert found.frames == ()
    assert len(found.reason.split()) > 3


def test_a_header_without_an_image_is_set_aside(tmp_path: Path) -> None:
    dataset = slice_dataset(0)
    path = save(dataset, tmp_path / "a")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\xe0\x7f\x10\x00")])
    assert header(path).code == "ingest.no-pixels"


@pytest.mark.parametrize(
    ("changes", "limits", "what"),
    [
        ({"Rows": 60000, "Columns": 60000}, {}, "edge of the image"),
        ({"NumberOfFrames": 1_000_000}, {}, "number of images"),
        ({"Rows": 4000, "Columns": 4000, "NumberOfFrames": 500}, {}, "number of voxels"),
    ],
)
def test_size_is_checked_before_anything_is_decoded(
    tmp_path: Path, changes: dict[str, Any], limits: dict[str, int], what: str
) -> None:
    with pytest.raises(TooLarge, match=what):
        header(save(slice_dataset(0, **changes), tmp_path / "a"), replace(Limits(), **limits))


@pytest.mark.slow
def test_a_deflated_bomb_is_stopped_while_inflating(tmp_path: Path) -> None:
    path = save(slice_dataset(0), tmp_path / "a", syntax=DEFLATED)
    data = path.read_bytes()
    meta_end = 132 + 12 + struct.unpack_from("<I", data, 140)[0]
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(engine.compress(bytes(1 << 20)) for _ in range(100)) + engine.flush()
    path.write_bytes(data[:meta_end] + bomb)
    assert path.stat().st_size < 200_000
    with pytest.raises(TooLarge, match="inflated size"):
        header(path)
    assert sum(file.stat().st_size for file in (tmp_path / "workspace").iterdir()) <= 70 << 20


def test_endless_nesting_costs_only_its_file(tmp_path: Path) -> None:
    path = save(slice_dataset(0), tmp_path / "a")
    data = path.read_bytes()
    at = data.index(b"\x08\x00\x16\x00UI")
    level = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path.write_bytes(data[:at] + level * 20_000 + data[at:])
    with pytest.raises(DamagedFile, match="does not end"):
        header(path)
    close = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    path.write_bytes(data[:at] + level * 20_000 + close * 20_000 + data[at:])
    assert only_frame(path).rows == 4


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, 1200),
    edits=st.lists(st.tuples(st.integers(0, 1200), st.binary(min_size=1, max_size=8)), max_size=6),
)
def test_broken_bytes_end_in_frames_or_in_our_own_errors(
    tmp_path: Path, cut: int, edits: list[tuple[int, bytes]]
) -> None:
    path = save(slice_dataset(0), tmp_path / "a")
    data = bytearray(path.read_bytes())
    for at, junk in edits:
        data[at : at + len(junk)] = junk
    path.write_bytes(bytes(data[: len(data) - cut]))
    with contextlib.suppress(PlastinateError):
        header(path)


def enhanced(count: int = 3) -> Dataset:
    dataset = slice_dataset(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1")
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        delattr(dataset, keyword)
    dataset.NumberOfFrames = count
    dataset.PixelData = b"".join(np.full((4, 6), n, dtype="<i2").tobytes() for n in range(count))
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [0.5, 0.75]
    orientation.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = (
        Sequence([measures]),
        Sequence([orientation]),
    )
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    items = []
    for number in range(count):
        item, place, values, content, echo = (Dataset() for _ in range(5))
        place.ImagePositionPatient = [3.0 * number, 0, 0]
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 1 + number, -1024, "HU"
        content.TemporalPositionIndex, content.StackID = number + 1, "1"
        echo.EffectiveEchoTime = 2.5 * (number + 1)
        item.PlanePositionSequence = Sequence([place])
        item.PixelValueTransformationSequence = Sequence([values])
        item.FrameContentSequence, item.MREchoSequence = Sequence([content]), Sequence([echo])
        items.append(item)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(items)
    return dataset


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_functional_groups_place_every_frame(tmp_path: Path, syntax: str) -> None:
    frames = header(save(enhanced(), tmp_path / "a", syntax=syntax)).frames
    assert [one.position_lps_mm for one in frames] == [(0.0, 0.0, 0.0), (3.0, 0.0, 0.0), (6.0, 0.0, 0.0)]
    assert [one.slope for one in frames] == [1.0, 2.0, 3.0]
    assert {one.intercept for one in frames} == {-1024.0}
    assert {one.row_direction for one in frames} == {(0.0, 1.0, 0.0)}
    assert [one.tags["EchoTime"] for one in frames] == [2.5, 5.0, 7.5]
    assert [one.tags["TemporalPositionIndex"] for one in frames] == [1, 2, 3]
    assert [(one.pixel_offset or 0) - (frames[0].pixel_offset or 0) for one in frames] == [0, 48, 96]


def test_more_frames_than_pixels_is_damage(tmp_path: Path) -> None:
    dataset = enhanced()
    dataset.NumberOfFrames = 4
    with pytest.raises(DamagedFile, match="ends too early"):
        header(save(dataset, tmp_path / "a"))


def test_a_modality_table_is_handed_on(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData, table.ModalityLUTType = (
        [3, 0, 16],
        struct.pack("<3H", 10, 20, 40),
        "US",
    )
    found = only_frame(
        save(slice_dataset(0, ModalityLUTSequence=Sequence([table]), PixelRepresentation=0), tmp_path / "a")
    )
    assert (found.tags["ModalityLUTFirst"], found.tags["ModalityLUT"]) == (0, (10, 20, 40))


@pytest.mark.parametrize("text", [b"1_0 ", b"1_0.5 ", b"\\1_0"])
def test_a_number_with_an_underscore_is_none(text: bytes) -> None:
    dataset = RawDataset(is_little_endian=True)
    dataset.elements[0x00281053] = (b"DS", text)
    assert elements.numbers(dataset, 0x00281053) == ()
    assert elements.whole(dataset, 0x00281053) is None


@pytest.mark.parametrize(
    ("slope", "intercept"), [(b"nan", b"0"), (b"inf", b"0"), (b"1_0", b"0"), (b"0", b"0"), (b"1", b"x")]
)
def test_a_scale_that_is_no_number_is_remembered(slope: bytes, intercept: bytes) -> None:
    dataset = RawDataset(is_little_endian=True)
    dataset.elements.update({0x00281053: (b"DS", slope), 0x00281052: (b"DS", intercept)})
    assert functional.has_no_scale(dataset)
    dataset.elements.update({0x00281053: (b"DS", b"2 "), 0x00281052: (b"DS", b"-1024")})
    assert not functional.has_no_scale(dataset)
    assert not functional.has_no_scale(RawDataset(is_little_endian=True))


@pytest.mark.slow
def test_a_deflated_bomb_is_refused_with_the_cap_that_it_passed(tmp_path: Path) -> None:
    path = save(slice_dataset(0, PixelData=bytes(80 << 20)), tmp_path / "a", syntax=DEFLATED)
    with pytest.raises(TooLarge, match="inflated") as refused:
        header(path)
    assert refused.value.cap == 64 << 20
    assert refused.value.value > refused.value.cap


def test_a_number_of_frames_beyond_all_is_refused_in_a_short_sentence(tmp_path: Path) -> None:
    path = save(slice_dataset(0, NumberOfFrames=987654321), tmp_path / "a")
    path.write_bytes(path.read_bytes().replace(b"987654321 ", b"1e300     "))
    with pytest.raises(TooLarge, match="number of images") as refused:
        header(path)
    assert len(str(refused.value)) < 150
