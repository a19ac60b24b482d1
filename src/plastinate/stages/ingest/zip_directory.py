"""A zip's directory -> which of its members are unpacked, decided before a byte is inflated.

Nothing that a directory says is believed, and one thing need not be: the reader gives out no more bytes
than a member declares, so who declares too little only damages his own file. What is declared is therefore
a bound, and bombs can be told by it. Source: PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16 and 4.4.5.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from plastinate.model.errors import TooLarge
from plastinate.stages.ingest.limits import RATIO_MATTERS_BYTES, Limits

ENCRYPTED_FLAG = 0x1
# bzip2 and LZMA have no measure: kilobytes become gigabytes in one step, before anyone can count.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
LOCAL_HEADER_BYTES = 30
# A line takes 46 bytes and a name: this is twice what the most members with long names need, and the reader
# takes ten times as much memory.
DIRECTORY_BYTES_MAX = 64 << 20
_SIZE = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a member is not unpacked; a bomb's alone is an error, where nothing else is in the archive."""

    reason: str
    is_bomb: bool = False


def open_zip(path: Path, *, name: str) -> zipfile.ZipFile:
    """Open an archive whose directory is of a size that can be read.

    Raises:
        TooLarge: longer than any honest one.
        zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError: not readable as a zip.
    """
    size = _directory_bytes(path)
    if size > DIRECTORY_BYTES_MAX:
        raise TooLarge(name, "the directory of the archive in bytes", value=size, cap=DIRECTORY_BYTES_MAX)
    return zipfile.ZipFile(path)


def refusals(members: Sequence[zipfile.ZipInfo], *, packed_bytes: int, limits: Limits) -> dict[int, Refusal]:
    """Why some members are not unpacked: position -> reason.

    What remains unpacks to no more than the allowed ratio of what the archive holds, or to little.

    Args:
        members: as the directory lists them.
        packed_bytes: of the whole archive.
        limits: the ratio.
    """
    found = {
        number: refusal for number, member in enumerate(members) if (refusal := own_flaw(member)) is not None
    }
    for number in _overlapping(members):
        found.setdefault(number, Refusal("it shares its bytes with another file"))
    ratio = limits.inflation_ratio
    left = [(number, member) for number, member in enumerate(members) if number not in found]
    bombs = [(number, member) for number, member in left if member.file_size > ratio * member.compress_size]
    for number, member in bombs:
        if member.file_size > RATIO_MATTERS_BYTES:
            found[number] = Refusal(f"it unpacks to more than {ratio} times its size", True)
    total = sum(member.file_size for number, member in left if number not in found)
    if total > RATIO_MATTERS_BYTES and total > ratio * packed_bytes:
        for number, _ in bombs:
            reason = f"with others like it, it unpacks to more than {ratio} times its size"
            found.setdefault(number, Refusal(reason, True))
    return found


def own_flaw(member: zipfile.ZipInfo) -> Refusal | None:
    """Why a member is not unpacked whatever else is in its archive."""
    if member.flag_bits & ENCRYPTED_FLAG:
        return Refusal("it is encrypted")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and kind != stat.S_IFREG and not member.is_dir():
        return Refusal("it is a link or a device, not a file")
    if member.compress_type not in METHODS:
        return Refusal("it is packed by a method that is not unpacked here; use plain zip")
    return None


def _overlapping(members: Sequence[zipfile.ZipInfo]) -> list[int]:
    """Members whose bytes run into the next one's: a bomb in which many files share one core."""
    order = sorted(range(len(members)), key=lambda number: members[number].header_offset)
    return [
        number
        for number, following in pairwise(order)
        if members[number].header_offset + LOCAL_HEADER_BYTES + members[number].compress_size
        > members[following].header_offset
    ]


def _directory_bytes(path: Path) -> int:
    """How many bytes of directory `zipfile` is going to read; 0 where it finds none."""
    with path.open("rb") as file:
        # The very function by which it finds them: one of our own might be led elsewhere.
        record = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    return int(record[_SIZE]) if record else 0
