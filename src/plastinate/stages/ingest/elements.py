"""Raw DICOM elements -> plain numbers and text, whatever state they are in.

A value that makes no sense is simply absent: what grouping needs are a few
numbers and short codes, and no name or character set may stop pixels.
"""

from __future__ import annotations

import math
import struct

from plastinate.stages.ingest.dataset import RawDataset
from plastinate.stages.ingest.words import safe

LONGEST_TEXT_BYTES = 1 << 12

# Binary value representations (PS3.5, 6.2) and the struct code of one number.
_BINARY = {b"FD": "d", b"FL": "f", b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i"}


def raw_value(dataset: RawDataset, tag: int) -> bytes:
    """The value's bytes, b"" if absent or a sequence."""
    value = dataset.elements.get(tag, (b"", b""))[1]
    return value if isinstance(value, bytes) else b""


def items(dataset: RawDataset, tag: int) -> list[RawDataset]:
    """The items of a sequence, none if absent."""
    value = dataset.elements.get(tag, (b"", b""))[1]
    return value if isinstance(value, list) else []


def first_item(dataset: RawDataset, tag: int) -> RawDataset | None:
    """The first item of a sequence, None if there is none."""
    found = items(dataset, tag)
    return found[0] if found else None


def text(dataset: RawDataset, tag: int) -> str:
    """The whole value as text, "" if absent; bytes beyond ASCII as Latin-1."""
    return raw_value(dataset, tag)[:LONGEST_TEXT_BYTES].decode("latin-1").strip("\x00 \r\n\t")


def uid(dataset: RawDataset, tag: int) -> str:
    """A unique identifier, reduced to printable characters."""
    return safe(text(dataset, tag), longest=64)


def words(dataset: RawDataset, tag: int) -> tuple[str, ...]:
    """A list of coded words in capitals."""
    value = text(dataset, tag)
    return tuple(safe(part).upper() for part in value.split("\\")) if value else ()


def numbers(dataset: RawDataset, tag: int) -> tuple[float, ...]:
    """Numbers written as text (DS, IS), or binary where the file says so; () unless all are finite."""
    representation, value = dataset.elements.get(tag, (b"", b""))
    if not isinstance(value, bytes) or not value:
        return ()
    if representation in _BINARY:
        return _unpacked(value, _BINARY[representation], dataset)
    if b"_" in value:
        # Python reads 1_0 as ten; no decimal string is written so (PS3.5, 6.2).
        return ()
    parts = value[:LONGEST_TEXT_BYTES].strip(b"\x00 ").replace(b",", b".").split(b"\\")
    try:
        found = tuple(float(part) for part in parts)
    except ValueError:
        return ()
    return found if all(math.isfinite(entry) for entry in found) else ()


def number(dataset: RawDataset, tag: int) -> float | None:
    """The first of them."""
    found = numbers(dataset, tag)
    return found[0] if found else None


def whole(dataset: RawDataset, tag: int) -> int | None:
    """A whole number written as text (IS)."""
    value = number(dataset, tag)
    return None if value is None else int(value)


def double(dataset: RawDataset, tag: int) -> float | None:
    """A number that the standard defines as FD, also where the file names no representation."""
    representation, value = dataset.elements.get(tag, (b"", b""))
    if not isinstance(value, bytes):
        return None
    found = _unpacked(value, _BINARY.get(representation, "d"), dataset)
    return found[0] if found else None


def short(dataset: RawDataset, tag: int, *, is_signed: bool = False) -> int | None:
    """A binary whole number of 16 or 32 bits (US, SS, UL, or US-or-SS)."""
    value = raw_value(dataset, tag)
    if len(value) < 2:
        return None
    digits = value[:4] if len(value) == 4 else value[:2]
    return int.from_bytes(digits, "little" if dataset.is_little_endian else "big", signed=is_signed)


def shorts(dataset: RawDataset, tag: int) -> tuple[int, ...]:
    """Unsigned 16-bit numbers, such as the entries of a lookup table."""
    value = raw_value(dataset, tag)
    order = "<" if dataset.is_little_endian else ">"
    return struct.unpack(f"{order}{len(value) // 2}H", value[: len(value) // 2 * 2])


def _unpacked(value: bytes, code: str, dataset: RawDataset) -> tuple[float, ...]:
    order = "<" if dataset.is_little_endian else ">"
    count = len(value) // struct.calcsize(code)
    found = struct.unpack(f"{order}{count}{code}", value[: count * struct.calcsize(code)])
    return found if all(math.isfinite(entry) for entry in found) else ()
