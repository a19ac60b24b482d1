"""Stored files in a folder of this machine: written beside, synced, then named; a name means whole bytes."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plastinate.model.owner import own_mark

BLOCK_BYTES = 1 << 20
# Nobody writes to what is stored; a slip by a program of ours is refused by the system.
STORED_MODE = 0o400
NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP}

Way = Literal["copy", "link", "move"]


@dataclass(frozen=True)
class FolderStore:
    """Keys become paths under a folder."""

    folder: Path

    def put(self, key: str, source: Path, *, way: Way) -> None:
        """Store a file: `copy` leaves it to its owner, `link` shares its bytes, `move` takes it.

        After it returns the bytes and the name are on the disk, whatever happens then.
        """
        target = self.folder / key
        self._make_parent(target)
        if way == "copy" or not self._take(source, target):
            self._copy(source, target)
        _sync_folder(target.parent)
        if way == "move":
            source.unlink(missing_ok=True)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store bytes, synced."""
        target = self.folder / key
        self._make_parent(target)
        part = self._part()
        try:
            with part.open("xb") as sink:
                sink.write(data)
            self._name(part, target)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def size(self, key: str) -> int | None:
        """Bytes stored under a key; None where there is nothing."""
        try:
            return (self.folder / key).stat().st_size
        except FileNotFoundError:
            return None

    def blocks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from start up to end, which is not included; opened at once."""
        source = (self.folder / key).open("rb")

        def read() -> Iterator[bytes]:
            with source:
                source.seek(start)
                left = end - start
                while left > 0 and (block := source.read(min(BLOCK_BYTES, left))):
                    left -= len(block)
                    yield block

        return read()

    def fetch(self, key: str, target: Path) -> bool:
        """Lend a stored file at `target` without copying it, where the file system can."""
        source = self.folder / key
        source.stat()
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            target.symlink_to(source)
        return True

    def delete(self, key: str) -> None:
        """Remove a stored file; nothing there is fine."""
        path = self.folder / key
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_folder(path.parent)

    def clear_parts(self, *, older_than_s: float) -> None:
        """Remove what writers that died left half-written."""
        for part in self._parts.glob("*.part"):
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > older_than_s:
                    part.unlink()

    @property
    def _parts(self) -> Path:
        return self.folder / "parts"

    def _part(self) -> Path:
        self._parts.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._parts / f"{own_mark()}-{secrets.token_hex(8)}.part"

    def _make_parent(self, target: Path) -> None:
        """Make the two folders of a key, and put their names on the disk."""
        if target.parent.is_dir():
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (target.parent.parent, self.folder):
            _sync_folder(folder)

    def _take(self, source: Path, target: Path) -> bool:
        """Give the source's bytes the stored name; False where two file systems lie between."""
        with source.open("rb") as held:
            os.fsync(held.fileno())
        part = self._part()
        try:
            os.link(source, part)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            return False
        try:
            part.chmod(STORED_MODE)
            part.replace(target)
        finally:
            # Still there where the target was the same file: renaming one link over another does nothing.
            part.unlink(missing_ok=True)
        return True

    def _copy(self, source: Path, target: Path) -> None:
        part = self._part()
        try:
            shutil.copyfile(source, part)
            self._name(part, target)
        finally:
            part.unlink(missing_ok=True)

    def _name(self, part: Path, target: Path) -> None:
        with part.open("rb") as held:
            os.fsync(held.fileno())
        part.chmod(STORED_MODE)
        part.replace(target)


def _sync_folder(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
