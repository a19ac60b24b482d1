"""The first part of a DICOM file -> its transfer syntax and where its dataset begins.

Read here and not by pydicom, because pydicom inflates a deflated dataset whole
before anyone can count, and because broken meta groups should cost nothing.
Source: PS3.10, section 7.1; PS3.5, section 7.1.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED_LITTLE, EXPLICIT_BIG})

LONG_FORM = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
LONGEST_META_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileMeta:
    """Where the dataset begins and how it is written."""

    dataset_offset: int
    transfer_syntax_uid: str
    sop_class_uid: str = ""
    is_declared: bool = True

    @property
    def is_implicit(self) -> bool:
        """Whether elements carry no value representation."""
        return self.transfer_syntax_uid == IMPLICIT_LITTLE

    @property
    def is_little_endian(self) -> bool:
        """Byte order of the dataset."""
        return self.transfer_syntax_uid != EXPLICIT_BIG


def read_file_meta(file: BinaryIO) -> FileMeta:
    """Walk the file meta group, or guess where there is none.

    Args:
        file: open at any position.

    Returns:
        The meta facts; a file without them is guessed from its first element.
    """
    file.seek(0)
    head = file.read(4096)
    start = 132 if head[128:132] == b"DICM" else 0
    values: dict[int, str] = {}
    offset = start
    while True:
        if offset + 12 > len(head) and len(head) < LONGEST_META_BYTES:
            more = file.read(max(offset + 12 - len(head), 1 << 16))
            head += more
        if offset + 8 > len(head) or head[offset : offset + 2] != b"\x02\x00":
            break
        element = struct.unpack_from("<H", head, offset + 2)[0]
        if head[offset + 4 : offset + 6] in LONG_FORM:
            if offset + 12 > len(head):
                break
            length, body = struct.unpack_from("<I", head, offset + 8)[0], offset + 12
        else:
            length, body = struct.unpack_from("<H", head, offset + 6)[0], offset + 8
        if body + length > LONGEST_META_BYTES:
            break
        while body + length > len(head):
            more = file.read(max(body + length - len(head), 1 << 16))
            if not more:
                break
            head += more
        if element in (0x0002, 0x0010):
            raw = head[body : body + length]
            values[element] = raw.decode("ascii", errors="replace").strip("\x00 ")
        offset = body + length
    syntax = values.get(0x0010, "")
    return FileMeta(
        dataset_offset=offset,
        transfer_syntax_uid=syntax or _guess(head[offset : offset + 8]),
        sop_class_uid=values.get(0x0002, ""),
        is_declared=bool(syntax),
    )


def _guess(first: bytes) -> str:
    """The native transfer syntax in which a first element of these bytes makes sense."""
    if len(first) < 8:
        return IMPLICIT_LITTLE
    is_explicit = first[4:6].isalpha() and first[4:6].isupper()
    if first[0] == 0 and first[1] != 0:
        return EXPLICIT_BIG
    return EXPLICIT_LITTLE if is_explicit else IMPLICIT_LITTLE
