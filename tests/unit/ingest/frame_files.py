"""Small DICOM files, written by hand, and the Frames that point into them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from plastinate.stages.ingest.frame import Frame

EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"


def frame_of(path: Path, rows: int, columns: int, **facts: Any) -> Frame:
    """A 16-bit unsigned CT frame, save for what is said otherwise."""
    plain: dict[str, Any] = {
        "path": path,
        "name": path.name,
        "frame_index": 0,
        "rows": rows,
        "columns": columns,
        "transfer_syntax_uid": EXPLICIT,
        "samples_per_pixel": 1,
        "photometric": "MONOCHROME2",
        "bits_allocated": 16,
        "bits_stored": 16,
        "high_bit": facts.get("bits_stored", 16) - 1,
        "is_signed": False,
        "modality": "CT",
    }
    return Frame(**{**plain, **facts})


def native(path: Path, cells: np.ndarray, **facts: Any) -> Frame:
    """A file that is nothing but a few bytes of header and the pixel cells."""
    path.write_bytes(b"\x00" * 100 + cells.tobytes())
    rows, columns = cells.shape
    facts.setdefault("bits_allocated", 8 * cells.dtype.itemsize)
    return frame_of(path, rows, columns, pixel_offset=100, **facts)


def item(content: bytes) -> bytes:
    content += b"\x00" * (len(content) % 2)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def encapsulated(
    path: Path,
    fragments: list[bytes],
    shape: tuple[int, int],
    syntax: str,
    *,
    table: bytes = b"",
    extended: bytes = b"",
    **facts: Any,
) -> Frame:
    """A file whose data set is a nested sequence, then compressed pixel data."""
    nested = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    nested += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    nested += struct.pack("<HH2sH", 0x0008, 0x1155, b"UI", 4) + b"1.2\x00"
    nested += struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    if extended:
        nested += struct.pack("<HH2sHI", 0x7FE0, 0x0001, b"OV", 0, len(extended)) + extended
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + item(table)
    pixels += b"".join(item(fragment) for fragment in fragments)
    pixels += struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    path.write_bytes(b"\x00" * 128 + b"DICM" + nested + pixels)
    return frame_of(path, *shape, transfer_syntax_uid=syntax, **facts)


def texture(rows: int, columns: int, *, bits: int, is_signed: bool = False, seed: int = 0) -> np.ndarray:
    """Values over the whole range of the bits stored, its ends included."""
    low = -(1 << (bits - 1)) if is_signed else 0
    high = low + (1 << bits) - 1
    values = np.random.default_rng(seed).integers(low, high + 1, (rows, columns))
    values[0, 0], values[-1, -1] = low, high
    return values
