"""What a picture's file may cost, seen in its first bytes and markers before any decoder follows them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from plastinate.model.errors import TooLarge

# A strip for every row of four separate channels of the tallest picture; of tiles, 64 x 64 at 200 million.
PIECES_MAX = 65_536
# A progressive JPEG has some ten, and each makes a decoder walk over every pixel again.
SCANS_MAX = 500
STRIPS, TILES = 273, 324
# In coded pixels FF is followed by 00 or by a restart; whatever else follows it is a marker.
MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Baseline and extended sequential: where all is in one scan, its pixels end where the scan does.
SEQUENTIAL = (0xC0, 0xC1)
ALONE = (0x01, 0xD8, *range(0xD0, 0xD8))


@dataclass(frozen=True)
class JpegWalk:
    """What the markers of a JPEG say.

    Attributes:
        scans: how often a decoder has to walk over the pixels.
        end: offset of the mark that ends the first picture, None where there is none.
        is_sequential: its coding is the plain one, pixels from top to bottom.
    """

    scans: int
    end: int | None
    is_sequential: bool


def walk_jpeg(data: bytes) -> JpegWalk:
    """Follow the markers of a JPEG's first picture, its pixels passed over.

    Source: ITU-T T.81, annex B.
    """
    at, scans, is_sequential = 2, 0, False
    while (found := MARKER.search(data, at)) is not None:
        mark, at = data[found.end() - 1], found.end()
        if mark == END_OF_IMAGE:
            return JpegWalk(scans, at - 2, is_sequential)
        if mark in ALONE:
            continue
        is_sequential |= mark in SEQUENTIAL
        scans += mark == START_OF_SCAN
        if scans > SCANS_MAX:
            break
        at += int.from_bytes(data[at : at + 2], "big")
    return JpegWalk(scans, None, is_sequential)


def require_few_scans(name: str, walk: JpegWalk) -> None:
    """Refuse a JPEG that sends its decoder over the pixels without end.

    Raises:
        TooLarge: it does.
    """
    if walk.scans > SCANS_MAX:
        raise TooLarge(name, "the number of scans of a JPEG", value=walk.scans, cap=SCANS_MAX)


def require_few_pieces(name: str, data: bytes) -> None:
    """Refuse a TIFF in more strips or tiles than any picture needs: each costs memory before a pixel is seen.

    Raises:
        TooLarge: its first directory names more.

    Source: TIFF 6.0, section 2.
    """
    count = pieces_of(data)
    if count > PIECES_MAX:
        raise TooLarge(name, "the number of strips and tiles of a TIFF", value=count, cap=PIECES_MAX)


def pieces_of(data: bytes) -> int:
    """Strips and tiles that a TIFF's first directory names; 0 where it makes no sense."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        if struct.unpack_from(order + "H", data, 2)[0] == 43:
            start = struct.unpack_from(order + "Q", data, 8)[0]
            entries, first, step, form = struct.unpack_from(order + "Q", data, start)[0], start + 8, 20, "HHQ"
        else:
            start = struct.unpack_from(order + "I", data, 4)[0]
            entries, first, step, form = struct.unpack_from(order + "H", data, start)[0], start + 2, 12, "HHI"
        count = 0
        for number in range(min(entries, 65_535)):
            tag, _, many = struct.unpack_from(order + form, data, first + number * step)
            count += many if tag in (STRIPS, TILES) else 0
    except struct.error:
        return 0
    return count
