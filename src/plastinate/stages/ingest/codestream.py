"""The first bytes of a compressed frame -> its size and precision, before anything is decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass

# Every start-of-frame marker but DHT (C4), JPG (C8) and DAC (CC); F7 is JPEG-LS (ITU-T T.87, C.2.2).
_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_LARGEST_HEADER = 1 << 20


@dataclass(frozen=True)
class Codestream:
    """What a codestream says of itself."""

    rows: int
    columns: int
    components: int
    precision: int
    is_signed: bool = False


def read_codestream(data: bytes) -> Codestream | None:
    """The header of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K codestream; None where there is none.

    Source: ITU-T T.81, B.2.2 (frame header); T.87, C.2.2; T.800, A.5.1 (SIZ).
    """
    try:
        if data[:2] == b"\xff\xd8":
            return _jpeg(data)
        head = data[:_LARGEST_HEADER]
        start = 0 if head[:4] == b"\xff\x4f\xff\x51" else head.find(b"\xff\x4f\xff\x51")
        return _jpeg2000(data, start + 4) if start >= 0 else None
    except struct.error:
        return None


def _jpeg(data: bytes) -> Codestream | None:
    at = 2
    while at < min(len(data), _LARGEST_HEADER):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1] if at + 1 < len(data) else 0
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAME_MARKERS:
            precision, rows, columns, components = struct.unpack_from(">BHHB", data, at + 4)
            return Codestream(rows, columns, components, precision)
        if marker in (0xDA, 0xD9):
            return None
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _jpeg2000(data: bytes, at: int) -> Codestream:
    _, _, right, bottom, left, top = struct.unpack_from(">HHIIII", data, at)
    components, depth = struct.unpack_from(">HB", data, at + 36)
    return Codestream(bottom - top, right - left, components, (depth & 0x7F) + 1, bool(depth & 0x80))


def is_complete(data: bytes) -> bool:
    """True if the codestream ends as it should, padding aside.

    Some decoders invent the rest of a truncated frame without a word. The byte
    that makes the length even is not always the zero it should be.
    """
    return data[-64:].rstrip(b"\x00\xff").endswith(b"\xff\xd9")


def is_sound_jpeg2000(data: bytes) -> bool:
    """True if the main header of a bare JPEG 2000 codestream holds together, segment by segment.

    OpenJPH, fast as it is, divides by a tile size of zero and reads beyond a
    quantisation segment that is too short for its decomposition levels: both
    end the process. A codestream that fails here goes to a sturdier decoder.

    Source: ITU-T T.800, A.5.1 (SIZ), A.6.1 (COD), A.6.4 (QCD).
    """
    levels: int | None = None
    at = 2
    try:
        while data[at : at + 2] != b"\xff\x90":
            marker, length = struct.unpack_from(">HH", data, at)
            if marker < 0xFF00 or length < 2 or at > _LARGEST_HEADER:
                return False
            if marker == 0xFF51 and not _has_sound_size(data, at):
                return False
            if marker == 0xFF52:
                levels = data[at + 9]
                if length < 12 or levels > 32:
                    return False
            if marker == 0xFF5C:
                style = data[at + 4] & 0x1F
                wanted = {0: 4 + 3 * (levels or 0), 1: 5, 2: 5 + 6 * (levels or 0)}.get(style)
                if levels is None or length != wanted:
                    return False
            at += 2 + length
    except (struct.error, IndexError):
        return False
    return levels is not None


def _has_sound_size(data: bytes, at: int) -> bool:
    """One component, sampled at every pixel, in a countable number of tiles that begin where it does."""
    right, bottom, left, top, width, height, first_left, first_top = struct.unpack_from(">8I", data, at + 6)
    components, _, across, down = struct.unpack_from(">HBBB", data, at + 38)
    if (components, across, down) != (1, 1, 1) or not (width and height):
        return False
    starts_there = first_left <= left < min(right, first_left + width)
    starts_there = starts_there and first_top <= top < min(bottom, first_top + height)
    tiles = -(-right // width) * -(-bottom // height)
    return bool(starts_there and tiles <= 65535)
