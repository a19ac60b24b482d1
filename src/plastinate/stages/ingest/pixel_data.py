"""A DICOM file -> the bytes of each of its frames, read by their offsets (PS3.5, A.4 and table A.4-1)."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plastinate.model.errors import DamagedFile

_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA, _EXTENDED_OFFSETS = 0x7FE00010, 0x7FE00001

# Read whole below, mapped above: one read of a small slice is cheaper than its page faults.
_MAPPED_FROM = 4 << 20


@dataclass(frozen=True)
class Element:
    """Where the pixel data of a file lie: `length` is None where they are encapsulated."""

    offset: int
    length: int | None
    extended_offsets: tuple[int, ...] = ()


@contextmanager
def file_bytes(path: Path, *, name: str) -> Iterator[Any]:
    """The bytes of a file for reading at offsets: `bytes`, or a map of a large file."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _MAPPED_FROM:
                yield file.read()
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped
    except (OSError, ValueError) as error:
        raise DamagedFile(name, f"it cannot be read ({error})") from error


def find_pixel_data(data: Any, *, name: str) -> Element:
    """Walk an explicit little-endian data set to its Pixel Data element.

    Nothing is kept on the way and nothing recurses, so nested sequences cost
    no memory.

    Args:
        data: bytes of the file.
        name: what to call the file.

    Raises:
        DamagedFile: the elements do not line up, or there are no pixel data.
    """
    at = 132 if data[128:132] == b"DICM" else 0
    depth, extended = 0, ()
    try:
        while True:
            group, element = struct.unpack_from("<HH", data, at)
            tag = group << 16 | element
            if group == 0xFFFE:
                (length,) = struct.unpack_from("<I", data, at + 4)
                at += 8
                if tag == _ITEM:
                    depth, at = (depth + 1, at) if length == _UNDEFINED else (depth, at + length)
                else:
                    depth -= 1
                continue
            vr, length, at = _value_at(data, at + 4)
            if depth == 0 and tag == _PIXEL_DATA:
                return Element(at, None if length == _UNDEFINED else length, extended)
            if depth == 0 and tag == _EXTENDED_OFFSETS and length != _UNDEFINED:
                extended = struct.unpack_from(f"<{length // 8}Q", data, at)
            if length == _UNDEFINED:
                depth += 1
            else:
                at += length
            if not vr.isalpha():
                raise DamagedFile(name, "its elements do not line up")
    except struct.error as error:
        raise DamagedFile(name, "it ends before its pixels") from error


def _value_at(data: Any, at: int) -> tuple[bytes, int, int]:
    """Value representation, length, and where the value begins."""
    vr = bytes(data[at : at + 2])
    if vr in _LONG_VRS:
        (length,) = struct.unpack_from("<I", data, at + 4)
        return vr, length, at + 8
    (length,) = struct.unpack_from("<H", data, at + 2)
    return vr, length, at + 4


def frame_spans(data: Any, element: Element, *, frames: int, name: str) -> list[list[tuple[int, int]]]:
    """For each frame the (offset, length) of its fragments.

    By the extended offset table, else the basic one, else one fragment for each
    frame, else by the fragments that begin a codestream.

    Raises:
        DamagedFile: the fragments cannot be told apart, or run past the end.
    """
    table, fragments = _fragments(data, element.offset, frames=frames, name=name)
    if frames == 1:
        return [fragments]
    base = fragments[0][0] - 8
    for offsets in (element.extended_offsets, table):
        if len(offsets) == frames:
            return _by_offsets(fragments, [base + offset for offset in offsets], name)
    if len(fragments) == frames:
        return [[fragment] for fragment in fragments]
    heads = [start for start, _ in fragments if data[start : start + 3] in (b"\xff\xd8\xff", b"\xff\x4f\xff")]
    if len(heads) != frames:
        raise DamagedFile(
            name, f"it holds {len(fragments)} fragments for {frames} frames and no offset table"
        )
    return _by_offsets(fragments, [start - 8 for start in heads], name)


def _by_offsets(
    fragments: list[tuple[int, int]], starts: list[int], name: str
) -> list[list[tuple[int, int]]]:
    number = {start: i for i, start in enumerate(starts)}
    frames: list[list[tuple[int, int]]] = [[] for _ in starts]
    current = -1
    for fragment in fragments:
        current = number.get(fragment[0] - 8, current)
        if current >= 0:
            frames[current].append(fragment)
    if not all(frames):
        raise DamagedFile(name, "its offset table points between fragments")
    return frames


def _fragments(
    data: Any, at: int, *, frames: int, name: str
) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """The basic offset table and the (offset, length) of every fragment."""
    table: tuple[int, ...] | None = None
    found: list[tuple[int, int]] = []
    most = 1_000_000 + 16 * frames
    while at + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHI", data, at)
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM or at + 8 + length > len(data):
            raise DamagedFile(name, "its compressed pixels are cut short")
        if table is None:
            table = struct.unpack_from(f"<{length // 4}I", data, at + 8)
        elif length:
            found.append((at + 8, length))
        if len(found) > most:
            raise DamagedFile(name, "its compressed pixels are cut into too many fragments")
        at += 8 + length
    if not found:
        raise DamagedFile(name, "it holds no compressed pixels")
    return table or (), found
