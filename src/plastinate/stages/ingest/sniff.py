"""The first bytes of a file -> what kind of file it is. Names and suffixes mean nothing."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Literal

Kind = Literal["dicom", "nifti", "nrrd", "metaimage", "zip", "gzip", "archive", "other"]

HEAD_BYTES = 4096

# Value representations of PS3.5, section 6.2.
VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW".split()
    + b"PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
OTHER_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\x00", b"BZh", b"\x28\xb5\x2f\xfd")
FIRST_DICOM_GROUPS = (0x0002, 0x0008)
LARGEST_FIRST_VALUE_BYTES = 1 << 16


def sniff(path: Path) -> Kind:
    """What the file's content says it is.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES))


def kind_of(head: bytes) -> Kind:
    """What a file that begins with these bytes is.

    >>> kind_of(b"NRRD0004")
    'nrrd'
    """
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    if head[:2] == b"\x1f\x8b":
        return "nifti" if _is_nifti(_inflated_head(head)) else "gzip"
    if head[:4] == b"NRRD":
        return "nrrd"
    if _is_nifti(head):
        return "nifti"
    if _is_metaimage(head):
        return "metaimage"
    if head.startswith(OTHER_ARCHIVES) or head[257:262] == b"ustar":
        return "archive"
    return "dicom" if _is_bare_dicom(head) else "other"


def _inflated_head(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return b""


def _is_nifti(head: bytes) -> bool:
    """NIfTI-1 (sizeof_hdr 348, magic at 344) or NIfTI-2 (540, magic at 4), either byte order."""
    if len(head) < 348:
        return False
    if head[344:348] in (b"n+1\x00", b"ni1\x00"):
        return 348 in (struct.unpack_from("<i", head)[0], struct.unpack_from(">i", head)[0])
    return head[4:8] in (b"n+2\x00", b"ni2\x00")


def _is_metaimage(head: bytes) -> bool:
    """A text header whose lines are `Key = value` and that names its dimensions."""
    return b"NDims" in head[:1024] and head.lstrip()[:10].split(b"=")[0].strip() in (
        b"ObjectType",
        b"NDims",
        b"Comment",
        b"Name",
        b"ID",
    )


def _is_bare_dicom(head: bytes) -> bool:
    """A dataset without preamble: a first element that is plausible in some byte order."""
    if len(head) < 16:
        return False
    for order in "<>":
        group, element, length = struct.unpack_from(order + "HHI", head)
        if group not in FIRST_DICOM_GROUPS or element > 0x1200:
            continue
        if head[4:6] in VALUE_REPRESENTATIONS:
            return True
        if order == "<" and length <= LARGEST_FIRST_VALUE_BYTES and length % 2 == 0:
            # Implicit VR: the second element has to follow where the first ends, in ascending order.
            after = 8 + length
            if after + 4 > len(head):
                continue
            second = struct.unpack_from("<HH", head, after)
            if second > (group, element) and second[0] in (0x0002, 0x0008, 0x0010):
                return True
    return False
