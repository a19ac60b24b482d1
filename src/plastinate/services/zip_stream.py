"""Files flow in one after the other, one zip flows out: nothing is written anywhere, nothing is held.

Members are stored, not deflated: models are compressed already, and pixels hardly shrink.
The same members give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, cast

from plastinate.model.case_errors import StoreFailed

ZIP64_BYTES = zipfile.ZIP64_LIMIT
ZIP64_MEMBERS = zipfile.ZIP_FILECOUNT_LIMIT
# The first day a zip knows: when something was packed is no part of it.
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644 << 16


@dataclass(frozen=True)
class ZipEntry:
    """One file of a zip.

    Attributes:
        name: relative, with forward slashes; each once.
        size: its bytes.
        blocks: called when its turn comes; gives just so many bytes.
    """

    name: str
    size: int
    blocks: Callable[[], Iterable[bytes]]


class _Sink(io.RawIOBase):
    """What is written is taken out again by whoever asks next; there is no way back in it."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(cast(bytes, data))
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


def stream_zip(entries: Iterable[ZipEntry]) -> Iterator[bytes]:
    """The bytes of a zip, while its files are read.

    Raises:
        StoreFailed: a file has not the size it was said to have; the zip is then cut off, and no zip.
    """
    sink = _Sink()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for entry in entries:
            member = zipfile.ZipInfo(entry.name, FIRST_DAY)
            member.external_attr = MODE
            member.create_system = 3
            member.file_size = entry.size
            count = 0
            with archive.open(member, "w", force_zip64=_is_long(entry)) as target:
                for block in entry.blocks():
                    count += len(block)
                    if count > entry.size:
                        break
                    target.write(block)
                    yield sink.taken()
            if count != entry.size:
                raise StoreFailed(f"{entry.name} has not the {entry.size} bytes it should have")
            yield sink.taken()
    yield sink.taken()


def zip_length(entries: Sequence[ZipEntry]) -> int:
    """How many bytes `stream_zip` will give, without reading a file."""
    at = directory = 0
    for entry in entries:
        name = len(entry.name.encode())
        is_long = _is_long(entry)
        wide = 8 * ((entry.size > ZIP64_BYTES) * 2 + (at > ZIP64_BYTES))
        directory += 46 + name + (4 + wide if wide else 0)
        at += 30 + name + (20 if is_long else 0) + entry.size + (24 if is_long else 16)
    is_zip64 = len(entries) > ZIP64_MEMBERS or at > ZIP64_BYTES or directory > ZIP64_BYTES
    return at + directory + (56 + 20 if is_zip64 else 0) + 22


def _is_long(entry: ZipEntry) -> bool:
    # As the library decides, which leaves room for data that grows when it is deflated.
    return entry.size * 1.05 > ZIP64_BYTES
