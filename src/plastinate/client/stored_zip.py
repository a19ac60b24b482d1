"""A folder -> the zip it would make, without making it: its size, its hash, and any piece of it.

Nothing is compressed (pixels hardly are), so the zip is a list of pieces whose places are known before
a byte is read: an upload can go on from any offset, after a crash as well. The same folder gives the
same bytes: names in order, no dates.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3 (zip64).
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from plastinate.model.errors import DamagedFile, EmptyInput, PathNotFound

BLOCK = 1 << 20
# More than this is read a second time, for the hash of the whole, rather than kept.
KEPT_IN_HAND_BYTES = 64 << 20
MAX_16, MAX_32 = 0xFFFF, 0xFFFFFFFF
UTF8_NAMES = 0x0800
# 1 January 1980, the first day a zip knows.
NO_DATE = 0x0021


@dataclass(frozen=True)
class Piece:
    """A run of the zip's bytes: given outright, or a whole file."""

    begin: int
    size: int
    given: bytes = b""
    path: Path | None = None


@dataclass(frozen=True)
class Packet:
    """What is sent: a name, a number of bytes, their hash, and where they come from."""

    name: str
    size: int
    sha256: str
    pieces: tuple[Piece, ...]

    def read(self, begin: int, length: int) -> bytes:
        """The bytes from `begin`, as many as asked for or as there are.

        Raises:
            DamagedFile: a file is not what it was when the packet was made.
        """
        found: list[bytes] = []
        first = bisect_right([piece.begin for piece in self.pieces], begin) - 1
        for piece in self.pieces[max(first, 0) :]:
            if length <= 0:
                break
            offset = begin - piece.begin
            wanted = min(length, piece.size - offset)
            data = (
                piece.given[offset : offset + wanted] if piece.path is None else _part(piece, offset, wanted)
            )
            found.append(data)
            begin, length = begin + wanted, length - wanted
        return b"".join(found)


def pack(path: Path, *, progress: Callable[[int, int], None] | None = None) -> Packet:
    """Make ready to send a file as it is, or a folder as one zip.

    Args:
        path: file or folder. Hidden files are left out; links to files are followed, links to folders not.
        progress: called with bytes read and bytes in all: every file is read once for its checksum.

    Raises:
        PathNotFound: nothing readable is there.
        EmptyInput: the folder holds no file.
    """
    files = [path] if path.is_file() else _files_of(path)
    try:
        sizes = [each.stat().st_size for each in files]
    except OSError as error:
        raise PathNotFound(str(error.filename or path)) from error
    counted = _Counted(sum(sizes), progress)
    if path.is_file():
        digest = hashlib.sha256()
        for block in counted.blocks(path, sizes[0]):
            digest.update(block)
        return Packet(path.name, sizes[0], digest.hexdigest(), (Piece(0, sizes[0], path=path),))
    if not files:
        raise EmptyInput(str(path))
    return _zip_of(path, list(zip(files, sizes, strict=True)), counted)


class _Counted:
    """Blocks of files, counted for a person who waits."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self._total, self._progress, self._done = total, progress, 0

    def blocks(self, path: Path, size: int) -> Iterator[bytes]:
        left = size
        try:
            with path.open("rb") as stream:
                while left and (block := stream.read(min(BLOCK, left))):
                    left -= len(block)
                    self._done += len(block)
                    if self._progress:
                        self._progress(self._done, self._total)
                    yield block
        except OSError as error:
            raise PathNotFound(str(path)) from error
        if left:
            raise DamagedFile(str(path), "it became shorter while it was read")


def _files_of(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise PathNotFound(str(folder))
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(where, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if path.is_file())


def _zip_of(folder: Path, files: list[tuple[Path, int]], counted: _Counted) -> Packet:
    pieces: list[Piece] = []
    central: list[bytes] = []
    digest = hashlib.sha256()
    at = 0

    def add(given: bytes) -> None:
        nonlocal at
        pieces.append(Piece(at, len(given), given=given))
        digest.update(given)
        at += len(given)

    for path, size in files:
        name = path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace")[:MAX_16]
        blocks = list(counted.blocks(path, size)) if size <= KEPT_IN_HAND_BYTES else None
        crc = 0
        for block in blocks if blocks is not None else counted.blocks(path, size):
            crc = zlib.crc32(block, crc)
        central.append(_central_header(name, size, crc, at))
        add(_local_header(name, size, crc))
        for block in blocks if blocks is not None else _Counted(0, None).blocks(path, size):
            digest.update(block)
        pieces.append(Piece(at, size, path=path))
        at += size
    directory = b"".join(central)
    add(directory + _end(len(files), len(directory), at))
    return Packet(f"{folder.resolve().name}.zip", at, digest.hexdigest(), tuple(pieces))


def _local_header(name: bytes, size: int, crc: int) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, size, size) if size >= MAX_32 else b""
    shown = min(size, MAX_32)
    version = 45 if extra else 20
    fixed = (version, UTF8_NAMES, 0, 0, NO_DATE, crc, shown, shown, len(name), len(extra))
    return struct.pack("<4s5H3L2H", b"PK\3\4", *fixed) + name + extra


def _central_header(name: bytes, size: int, crc: int, at: int) -> bytes:
    long = [size, size] if size >= MAX_32 else []
    long += [at] if at >= MAX_32 else []
    extra = struct.pack(f"<HH{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    version = 45 if extra else 20
    shown = min(size, MAX_32)
    fixed = (version, version, UTF8_NAMES, 0, 0, NO_DATE, crc, shown, shown, len(name), len(extra))
    rest = (0, 0, 0, 0, min(at, MAX_32))
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *fixed, *rest) + name + extra


def _end(count: int, size: int, at: int) -> bytes:
    long = b""
    if count >= MAX_16 or size >= MAX_32 or at >= MAX_32:
        long = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, at)
        long += struct.pack("<4sLQL", b"PK\6\7", 0, at + size, 1)
    few = min(count, MAX_16)
    return long + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, few, few, min(size, MAX_32), min(at, MAX_32), 0)


def _part(piece: Piece, offset: int, length: int) -> bytes:
    assert piece.path is not None  # noqa: S101 (the caller asked)
    try:
        with piece.path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(length)
    except OSError as error:
        raise PathNotFound(str(piece.path)) from error
    if len(data) != length:
        raise DamagedFile(str(piece.path), "it became shorter while it was sent")
    return data
