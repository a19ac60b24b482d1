"""What a picture may cost is known before a decoder follows it, and what is missing of one is told."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from drawn_pictures import coloured, encoded, png_of_size
from plastinate.model.errors import DamagedFile, TooLarge, UnsupportedFile
from plastinate.stages.ingest.flat_bounds import PIECES_MAX, SCANS_MAX, pieces_of
from plastinate.stages.ingest.flat_decode import decode_flat
from plastinate.stages.ingest.flat_focal import focal_in_exif
from plastinate.stages.ingest.flat_kinds import flat_kind_of
from plastinate.stages.ingest.limits import Limits


def decoded(folder: Path, data: bytes) -> Any:
    path = folder / "picture"
    path.write_bytes(data)
    return decode_flat(path, kind=flat_kind_of(data), name="picture", limits=Limits())


def noise() -> Any:
    return np.random.default_rng(3).integers(0, 255, (96, 128, 3), dtype=np.uint8)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_jpeg_cut_short_is_damaged_though_the_mark_of_its_end_was_put_back(tmp_path: Path, share: float):
    whole = encoded(noise(), "JPEG", quality=90)
    with pytest.raises(DamagedFile):
        decoded(tmp_path, whole[: int(len(whole) * share)] + b"\xff\xd9")


def test_a_jpeg_whose_header_promises_more_rows_than_it_has_is_damaged(tmp_path: Path):
    data = bytearray(encoded(noise(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 2] = (400).to_bytes(2, "big")
    with pytest.raises(DamagedFile):
        decoded(tmp_path, bytes(data))


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"progressive": True},
        {"subsampling": 0},
        {"restart_marker_rows": 1},
        {"quality": 5},
        {"quality": 100},
    ],
)
def test_a_whole_jpeg_of_any_coding_is_read_to_its_last_pixel(tmp_path: Path, how: dict[str, Any]):
    data = encoded(noise(), "JPEG", **how) + b"what a phone leaves after the end"
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.array_equal(decoded(tmp_path, data).rgba[:, :, :3], expected)


def test_a_jpeg_of_scans_without_end_is_refused_before_it_is_decoded(tmp_path: Path):
    data = encoded(coloured(), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(TooLarge, match="scans of a JPEG"):
        decoded(tmp_path, data[:-2] + last * (SCANS_MAX + 1) + b"\xff\xd9")


def test_a_tiff_of_more_strips_than_any_picture_has_is_refused_before_it_is_opened(tmp_path: Path):
    head = struct.pack("<2sHIH", b"II", 42, 8, 1)
    with pytest.raises(TooLarge, match="strips and tiles"):
        decoded(tmp_path, head + struct.pack("<HHII", 273, 4, PIECES_MAX + 1, 30) + bytes(4))
    assert pieces_of(encoded(coloured(), "TIFF")) == 1
    assert pieces_of(struct.pack("<2sHI", b"II", 42, 4_000_000_000)) == 0


def test_a_square_of_the_longest_allowed_side_is_still_too_many_pixels(tmp_path: Path):
    with pytest.raises(TooLarge, match="the number of pixels is"):
        decoded(tmp_path, png_of_size(16_383, 16_383))


def test_a_picture_may_cost_its_reader_less_than_a_scan_and_never_more():
    usual = Limits().for_a_picture()
    assert (usual.memory_bytes, usual.cpu_seconds) == (2 << 30, 60)
    assert Limits(memory_bytes=1 << 30, cpu_seconds=5).for_a_picture().memory_bytes == 1 << 30


def test_sixteen_bits_in_which_nought_is_white_are_turned_round(tmp_path: Path):
    ramp = np.linspace(100, 4000, 64 * 48).reshape(48, 64).astype(np.uint16)
    for values in (ramp, ramp.astype(np.float32)):
        data = io.BytesIO()
        Image.fromarray(values).save(data, "TIFF", tiffinfo={262: 0})
        found = decoded(tmp_path, data.getvalue())
        assert found.grey[0, 0] > found.grey[-1, -1]
        assert found.rgba[0, 0, 0] == 255
        assert found.rgba[-1, -1, 0] == 0


def test_a_float_tiff_without_one_number_is_no_picture(tmp_path: Path):
    with pytest.raises(UnsupportedFile, match="none of its pixels is a number"):
        decoded(tmp_path, encoded(np.full((32, 32), np.nan, dtype=np.float32), "TIFF"))


def test_a_silly_entry_about_the_lens_does_not_make_a_sound_picture_damaged():
    class Endless:
        def get_ifd(self, number: int) -> dict[int, float]:
            return {0x920A: 5.0, 0xA20E: 4000.0, 0xA210: float("inf")}

    assert focal_in_exif(Endless(), longest_side=64, diagonal=80.0) == 0.0


def test_an_avif_is_called_by_its_own_name():
    assert flat_kind_of(b"\0\0\0\x1cftypavif") == "avif"
