from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest

from plastinate.stages.ingest import elements, functional
from plastinate.stages.ingest.charset import decoded
from plastinate.stages.ingest.dataset import ParsedHeader, parse_header
from plastinate.stages.ingest.filemeta import read_file_meta
from plastinate.stages.ingest.framing import WANTED

# The folder itself and not pydicom's own look-up, which fetches further files from the network.
# Left out are two that begin or end in the middle of an element, which pydicom reads in part.
# What is inflated first is another's work.
READABLE = sorted(
    path
    for path in (Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm")
    if path.name not in ("no_meta.dcm", "rtplan_truncated.dcm", "image_dfl.dcm")
)
WITHOUT_PIXELS = {
    "ExplVR_BigEndNoMeta.dcm",
    "ExplVR_LitEndNoMeta.dcm",
    "UN_sequence.dcm",
    "empty_charset_LEI.dcm",
    "no_meta_group_length.dcm",
    "priv_SQ.dcm",
    "reportsi.dcm",
    "reportsi_with_empty_number_tags.dcm",
    "rtplan.dcm",
    "rtstruct.dcm",
    "test-SR.dcm",
    "waveform_ecg.dcm",
}


def parsed(path: Path) -> ParsedHeader:
    with path.open("rb") as file:
        meta = read_file_meta(file)
        return parse_header(
            file,
            start=meta.dataset_offset,
            size=path.stat().st_size,
            is_implicit=meta.is_implicit,
            is_little_endian=meta.is_little_endian,
            wanted=WANTED,
        )


def as_numbers(value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, pydicom.multival.MultiValue | list | tuple) else [value]
    return tuple(float(entry) for entry in values if entry not in (None, ""))


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore")
def test_the_walker_reads_what_pydicom_reads(path: Path) -> None:
    theirs = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    assert len(theirs)
    ours = parsed(path).dataset
    for tag in (0x00280010, 0x00280011, 0x00280100, 0x00280103):
        if tag in theirs:
            assert elements.short(ours, tag) == theirs[tag].value
    for tag in (0x00200032, 0x00200037, 0x00280030, 0x00281052, 0x00281053, 0x00200013):
        if tag in theirs:
            assert elements.numbers(ours, tag) == pytest.approx(as_numbers(theirs[tag].value))
    for tag in (0x00080016, 0x00080018, 0x0020000E):
        if tag in theirs:
            assert elements.uid(ours, tag) == str(theirs[tag].value)
    if functional.PER_FRAME in theirs:
        assert len(elements.items(ours, functional.PER_FRAME)) == len(theirs[functional.PER_FRAME].value)


@pytest.mark.parametrize(
    "path", [path for path in READABLE if path.name not in WITHOUT_PIXELS], ids=lambda path: path.name
)
@pytest.mark.filterwarnings("ignore")
def test_pixel_data_is_found_where_pydicom_finds_it(path: Path) -> None:
    theirs = pydicom.dcmread(path, force=True)
    header = parsed(path)
    assert header.pixel_tag == 0x7FE00010
    found = path.read_bytes()[header.value_offset :]
    if header.value_length != 0xFFFFFFFF:
        assert found[: header.value_length][:64] == theirs.PixelData[:64]
    else:
        assert found[:4] == b"\xfe\xff\x00\xe0"


def test_an_element_longer_than_the_file_is_refused_without_reading_it() -> None:
    data = b"\x08\x00\x05\x00UT\x00\x00\xf0\xff\xff\xff"
    with pytest.raises(ValueError, match="beyond the end"):
        parse_header(
            io.BytesIO(data), start=0, size=len(data), is_implicit=False, is_little_endian=True, wanted=WANTED
        )


@pytest.mark.parametrize(
    ("raw", "sets", "text"),
    [
        (b"Sch\xe4del", "ISO_IR 100", "Schädel"),
        ("頭部".encode(), "ISO_IR 192", "頭部"),
        (b"\x1b$B;3ED\x1b(B", "\\ISO 2022 IR 87", "山田"),
        ("Голова".encode("iso8859-5"), "ISO_IR 144", "Голова"),
        (b"Sch\xe4del", "NO SUCH SET", "Schädel"),
        (b"Sch\xe4del", "ISO_IR 192", "Schädel"),
        (b"a\x1b[2Jb\x00", "", "a[2Jb"),
    ],
)
def test_text_is_decoded_by_its_set_and_never_fails(raw: bytes, sets: str, text: str) -> None:
    assert decoded(raw, sets) == text
