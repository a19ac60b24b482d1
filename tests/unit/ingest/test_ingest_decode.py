from __future__ import annotations

import struct
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from frame_files import BIG_ENDIAN, RLE, encapsulated, frame_of, native, texture

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.stages.ingest.codestream import is_sound_jpeg2000
from plastinate.stages.ingest.decode import decode_frames, stored_pixels

UID = "1.2.840.10008.1.2.4."

LOSSLESS = {
    "57": lambda a, bits: imagecodecs.jpeg8_encode(a, lossless=True, predictor=4, bitspersample=bits),
    "70": lambda a, bits: imagecodecs.jpeg8_encode(a, lossless=True, predictor=1, bitspersample=bits),
    "80": lambda a, bits: imagecodecs.jpegls_encode(a),
    "90": lambda a, bits: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
    "91": lambda a, bits: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="jp2"),
    "201": lambda a, bits: imagecodecs.htj2k_encode(a, reversible=True),
    "202": lambda a, bits: imagecodecs.htj2k_encode(a, reversible=True),
    "203": lambda a, bits: imagecodecs.htj2k_encode(a, reversible=True),
}


def run_lengths(cells):
    """One frame by pydicom's own encoder."""
    from pydicom.pixels.encoders import RLELosslessEncoder

    bits = 8 * cells.dtype.itemsize
    return RLELosslessEncoder.encode(
        cells.tobytes(),
        rows=cells.shape[0],
        columns=cells.shape[1],
        samples_per_pixel=1,
        bits_allocated=bits,
        bits_stored=bits,
        pixel_representation=int(cells.dtype.kind == "i"),
        photometric_interpretation="MONOCHROME2",
        number_of_frames=1,
    )


def words_of(values, bits):
    """Two's complement in the smallest cell, as a codec without a sign is fed."""
    return (values & ((1 << bits) - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize(
    ("bits", "is_signed"), [(8, False), (12, False), (12, True), (16, False), (16, True)]
)
def test_every_lossless_syntax_comes_back_exactly(tmp_path, syntax, bits, is_signed):
    values = texture(33, 20, bits=bits, is_signed=is_signed)
    coded = bytes(LOSSLESS[syntax](words_of(values, bits), bits))
    frame = encapsulated(
        tmp_path / "a.dcm", [coded], values.shape, UID + syntax, bits_stored=bits, is_signed=is_signed
    )
    assert np.array_equal(stored_pixels(frame), values)


@pytest.mark.parametrize("syntax", ["90", "201"])
def test_a_codestream_with_its_own_sign_gives_the_same(tmp_path, syntax):
    values = texture(16, 40, bits=16, is_signed=True)
    coded = bytes(LOSSLESS[syntax](values.astype(np.int16), 16))
    frame = encapsulated(tmp_path / "a.dcm", [coded], values.shape, UID + syntax, is_signed=True)
    assert np.array_equal(stored_pixels(frame), values)


def test_the_header_decides_where_the_codestream_claims_another_sign(tmp_path):
    values = texture(16, 40, bits=16, is_signed=True)
    coded = bytes(LOSSLESS["90"](values.astype(np.int16), 16))
    frame = encapsulated(tmp_path / "a.dcm", [coded], values.shape, UID + "90", is_signed=False)
    assert np.array_equal(stored_pixels(frame), values & 0xFFFF)


@pytest.mark.parametrize("bits", [8, 12])
def test_lossy_jpeg_comes_back_closely(tmp_path, bits):
    ramp = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8 if bits == 8 else np.uint16)
    coded = bytes(imagecodecs.jpeg8_encode(ramp, level=98, bitspersample=bits))
    frame = encapsulated(
        tmp_path / "a.dcm", [coded], ramp.shape, UID + ("50" if bits == 8 else "51"), bits_stored=bits
    )
    assert np.abs(stored_pixels(frame) - ramp).max() <= 4


def test_near_lossless_jpeg_ls_stays_within_its_promise(tmp_path):
    values = texture(32, 32, bits=12).astype(np.uint16)
    coded = bytes(imagecodecs.jpegls_encode(values, level=3))
    frame = encapsulated(tmp_path / "a.dcm", [coded], values.shape, UID + "81", bits_stored=16)
    assert np.abs(stored_pixels(frame) - values).max() <= 3


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<i2"])
def test_run_length_pixels_come_back_exactly(tmp_path, dtype):
    bits = 8 * np.dtype(dtype).itemsize
    is_signed = np.dtype(dtype).kind == "i"
    values = np.repeat(texture(9, 7, bits=bits, is_signed=is_signed), 3, axis=1)
    coded = run_lengths(values.astype(dtype))
    frame = encapsulated(
        tmp_path / "a.dcm", [coded], (9, 21), RLE, bits_allocated=bits, bits_stored=bits, is_signed=is_signed
    )
    assert np.array_equal(stored_pixels(frame), values)


@pytest.mark.parametrize("bits", [8, 10, 12, 16, 32])
@pytest.mark.parametrize("is_signed", [False, True])
def test_native_pixels_are_cut_to_the_bits_stored_and_extended(tmp_path, bits, is_signed):
    allocated = 8 if bits <= 8 else 16 if bits <= 16 else 32
    values = texture(11, 13, bits=bits, is_signed=is_signed)
    garbage = np.int64(0b101 << bits) & ((1 << allocated) - 1)
    cells = (values & ((1 << bits) - 1)) | garbage
    frame = native(tmp_path / "a", cells.astype(f"<u{allocated // 8}"), bits_stored=bits, is_signed=is_signed)
    assert np.array_equal(stored_pixels(frame), values)


def test_pixels_in_the_upper_bits_are_shifted_down(tmp_path):
    values = texture(8, 8, bits=12, is_signed=True)
    cells = ((values & 0xFFF) << 4 | 0b1010).astype("<u2")
    frame = native(tmp_path / "a", cells, bits_stored=12, high_bit=15, is_signed=True)
    assert np.array_equal(stored_pixels(frame), values)


@pytest.mark.parametrize("dtype", [">i2", ">u2", ">i4"])
def test_big_endian_pixels_are_turned_round(tmp_path, dtype):
    bits = 8 * np.dtype(dtype).itemsize
    is_signed = np.dtype(dtype).kind == "i"
    values = texture(6, 5, bits=bits, is_signed=is_signed)
    frame = native(
        tmp_path / "a",
        values.astype(dtype),
        bits_stored=bits,
        is_signed=is_signed,
        transfer_syntax_uid=BIG_ENDIAN,
    )
    assert np.array_equal(stored_pixels(frame), values)


def test_a_padding_value_beyond_the_bits_stored_keeps_the_upper_bits(tmp_path):
    values = np.array([[100, 63536], [4095, 0]])
    frame = native(tmp_path / "a", values.astype("<u2"), bits_stored=12, padding_value=63536)
    assert np.array_equal(stored_pixels(frame), values)


def several(tmp_path, *, pieces, table, extended):
    """Three JPEG-LS frames of one file, each in so many fragments, with or without a table."""
    values = [texture(24, 24, bits=12, seed=seed).astype(np.uint16) for seed in range(3)]
    fragments, offsets, at = [], [], 0
    for value in values:
        coded = bytes(imagecodecs.jpegls_encode(value))
        coded += b"\x00" * (len(coded) % 2)
        cut = len(coded) // pieces // 2 * 2
        parts = [coded[i * cut : (i + 1) * cut if i + 1 < pieces else None] for i in range(pieces)]
        offsets.append(at)
        at += sum(8 + len(part) for part in parts)
        fragments += parts
    frame = encapsulated(
        tmp_path / "multi.dcm",
        fragments,
        (24, 24),
        UID + "80",
        table=struct.pack("<3I", *offsets) if table else b"",
        extended=struct.pack("<3Q", *offsets) if extended else b"",
        bits_stored=12,
        frame_count=3,
    )
    return values, [replace(frame, frame_index=index) for index in range(3)]


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize(("table", "extended"), [(True, False), (False, True), (False, False)])
def test_frames_are_found_by_either_table_or_by_their_beginnings(tmp_path, pieces, table, extended):
    values, frames = several(tmp_path, pieces=pieces, table=table, extended=extended)
    got = {}
    progress = []
    order = [frames[2], frames[0], frames[1]]
    decode_frames(order, lambda place, words: got.__setitem__(place, words.integers()), done=progress.append)
    assert np.array_equal(got[0], values[2])
    assert np.array_equal(got[1], values[0])
    assert np.array_equal(got[2], values[1])
    assert progress == [1, 2, 3]


def test_frames_that_cannot_be_told_apart_are_damage(tmp_path):
    frame = encapsulated(
        tmp_path / "a.dcm", [b"\x01\x02" * 8] * 5, (4, 4), RLE, frame_count=3, bits_stored=16
    )
    with pytest.raises(DamagedFile, match=r"5 fragments for 3 frames"):
        stored_pixels(frame)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_a_codestream_of_another_size_is_refused_before_decoding(tmp_path, syntax, monkeypatch):
    coded = bytes(LOSSLESS[syntax](texture(16, 16, bits=12).astype(np.uint16), 12))
    frame = encapsulated(tmp_path / "bomb.dcm", [coded], (8, 16), UID + syntax, bits_stored=12)
    for codec in ("jpeg8", "jpegsof3", "jpegls", "jpeg2k", "htj2k"):
        monkeypatch.delattr(imagecodecs, f"{codec}_decode")
    with pytest.raises(DamagedFile, match=r"bomb.dcm .* 8 x 16 .* 16 x 16"):
        stored_pixels(frame)


@pytest.mark.parametrize("syntax", [*LOSSLESS, "rle"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_a_codestream_cut_short_is_damage_and_never_a_picture(tmp_path, syntax, kept):
    values = texture(64, 64, bits=12).astype(np.uint16)
    if syntax == "rle":
        coded, uid = run_lengths(values), RLE
    else:
        coded, uid = bytes(LOSSLESS[syntax](values, 12)), UID + syntax
    frame = encapsulated(
        tmp_path / "cut.dcm", [coded[: int(len(coded) * kept)]], values.shape, uid, bits_stored=12
    )
    with pytest.raises(DamagedFile, match=r"cut\.dcm"):
        stored_pixels(frame)


def test_a_native_file_cut_short_is_damage(tmp_path):
    frame = native(tmp_path / "short", np.zeros((4, 4), "<u2"))
    frame = replace(frame, rows=5)
    with pytest.raises(DamagedFile, match=r"short .* 32 of the 40 bytes"):
        stored_pixels(frame)


def test_one_damaged_frame_stops_the_others_with_its_name(tmp_path):
    good = [native(tmp_path / f"good{i}", np.zeros((4, 4), "<u2")) for i in range(8)]
    with pytest.raises(DamagedFile, match="gone"):
        decode_frames([*good, frame_of(tmp_path / "gone", 4, 4, pixel_offset=0)], lambda *_: None)


@pytest.mark.parametrize(
    "facts",
    [
        {"bits_allocated": 12, "bits_stored": 12},
        {"bits_allocated": 1, "bits_stored": 1},
        {"bits_allocated": 8, "bits_stored": 8, "transfer_syntax_uid": BIG_ENDIAN},
        {"samples_per_pixel": 3, "photometric": "RGB"},
        {"transfer_syntax_uid": "1.2.840.10008.1.2.4.100"},
    ],
)
def test_what_cannot_be_read_is_refused_in_words(tmp_path, facts):
    with pytest.raises(UnsupportedFile):
        stored_pixels(frame_of(tmp_path / "a", 4, 4, pixel_offset=0, **facts))


@pytest.mark.parametrize("at", [24, 28])  # the low bytes of XTsiz and YTsiz follow
def test_a_tile_size_of_zero_ends_no_process(tmp_path, at):
    coded = bytearray(LOSSLESS["201"](texture(32, 32, bits=12).astype(np.uint16), 12))
    coded[at : at + 4] = bytes(4)
    frame = encapsulated(tmp_path / "zero.dcm", [bytes(coded)], (32, 32), UID + "201", bits_stored=12)
    with pytest.raises(DamagedFile, match="zero"):
        stored_pixels(frame)


def test_only_a_header_that_holds_together_goes_to_the_fast_decoder():
    coded = bytearray(LOSSLESS["201"](texture(32, 32, bits=12).astype(np.uint16), 12))
    assert is_sound_jpeg2000(bytes(coded))
    quantisation = coded.index(b"\xff\x5c")
    for at, value in ((27, 0), (43, 2), (quantisation + 3, 3), (coded.index(b"\xff\x52") + 9, 40)):
        broken = bytearray(coded)
        broken[at] = value
        assert not is_sound_jpeg2000(bytes(broken)), at
    assert not is_sound_jpeg2000(bytes(coded[:60]))


@pytest.mark.parametrize("padding", [b"", b"\x00", b"\xff", bytes(10)])
def test_padding_after_the_codestream_is_no_damage(tmp_path, padding):
    values = texture(16, 16, bits=12)
    coded = bytes(LOSSLESS["90"](values.astype(np.uint16), 12)) + padding
    frame = encapsulated(tmp_path / "a.dcm", [coded], values.shape, UID + "90", bits_stored=12)
    assert np.array_equal(stored_pixels(frame), values)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("missing", [1, 127, 900])
def test_run_lengths_that_end_early_are_damage_and_not_zeros(tmp_path, bits, missing):
    planes = [imagecodecs.packbits_encode(bytes([7]) * (1600 - missing * last)) for last in (0, 1)]
    planes = planes[-(bits // 8) :]
    offsets = [64, 64 + len(planes[0])][: len(planes)]
    coded = struct.pack("<16I", len(planes), *offsets, *[0] * (15 - len(planes))) + b"".join(planes)
    frame = encapsulated(tmp_path / "a.dcm", [coded], (40, 40), RLE, bits_allocated=bits, bits_stored=bits)
    with pytest.raises(DamagedFile, match=f"ends after {1600 - missing:,} of the 1,600"):
        stored_pixels(frame)


@pytest.mark.parametrize("offsets", [(66, 64), (0, 64), (64, 1 << 31)])
def test_run_length_segments_out_of_order_are_damage(tmp_path, offsets):
    plane = imagecodecs.packbits_encode(bytes(16))
    coded = struct.pack("<16I", 2, *offsets, *[0] * 13) + plane * 2
    frame = encapsulated(tmp_path / "a.dcm", [coded], (4, 4), RLE, bits_stored=16)
    with pytest.raises(DamagedFile, match="run-length"):
        stored_pixels(frame)
