"""Files flow in and get the name of their content; they flow out whole, in ranges, or lent to a job.

A file's row is written before its bytes and dropped after them, so a row
without bytes is possible and bytes without a row are not. `keep` puts the
row's clock forward first; the sweep takes only rows that nobody refers to and
whose clock has stood still, and looks again under the row's lock.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plastinate.archive.database import Database
from plastinate.archive.folder_store import FolderStore, Way
from plastinate.archive.object_store import open_bucket
from plastinate.archive.store_faults import store_faults
from plastinate.archive.tables import Blob, Table, now
from plastinate.model.case_errors import StoreFailed

SWEPT_AT_ONCE = 200
# A file that is being written gets younger with every block.
PART_SECONDS = 3600


@dataclass(frozen=True)
class StoredFile:
    """What a kept file is called: its SHA-256 in hex, and its size in bytes."""

    sha256: str
    size: int


class Place(Protocol):
    """Where bytes lie under a key: FolderStore or ObjectStore."""

    def put(self, key: str, source: Path, *, way: Way) -> None: ...  # noqa: D102
    def put_bytes(self, key: str, data: bytes) -> None: ...  # noqa: D102
    def size(self, key: str) -> int | None: ...  # noqa: D102
    def blocks(self, key: str, start: int, end: int) -> Iterator[bytes]: ...  # noqa: D102
    def fetch(self, key: str, target: Path) -> bool: ...  # noqa: D102
    def delete(self, key: str) -> None: ...  # noqa: D102
    def clear_parts(self, *, older_than_s: float) -> None: ...  # noqa: D102


def key_of(sha256: str) -> str:
    """Where a content lies: two levels of folders, so that no folder gets long.

    >>> key_of("abcd" + "0" * 60)[:14]
    'ab/cd/abcd0000'
    """
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError("not a SHA-256 in hex")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def sha256_of(path: Path) -> StoredFile:
    """Hash a file as it lies there."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        return StoredFile(digest, os.fstat(source.fileno()).st_size)


@dataclass(frozen=True)
class FileStore:
    """Every stored file, by its content. What is stored never changes."""

    place: Place
    database: Database

    def keep(self, path: Path, *, move: bool = False) -> StoredFile:
        """Store a file; what is stored already costs only the hashing.

        When it returns, the bytes are safe; a row that refers to them should follow
        within a day, or the sweep takes them.

        Args:
            path: the file.
            move: take the file itself; otherwise a copy is stored.

        Raises:
            StoreFull: no space; nothing was stored.
            StoreFailed: the store refuses or cannot be reached.
        """
        return self._keep(path, way="move" if move else "copy")

    def adopt(self, path: Path) -> StoredFile:
        """Store a file without copying it where that can be; nobody may write to it afterwards.

        Raises:
            StoreFull, StoreFailed: as `keep`.
        """
        return self._keep(path, way="link")

    def keep_bytes(self, data: bytes) -> StoredFile:
        """Store a few bytes.

        Raises:
            StoreFull, StoreFailed: as `keep`.
        """
        stored = StoredFile(hashlib.sha256(data).hexdigest(), len(data))
        self._touch(stored)
        with store_faults():
            if self.place.size(key_of(stored.sha256)) != stored.size:
                self.place.put_bytes(key_of(stored.sha256), data)
        return stored

    def open_range(self, sha256: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to `end`, which is not included, block by block.

        Raises:
            StoreFailed: the file is not there, at once; or the store fails, while it is read.
        """
        if start >= end:
            return iter(())
        with store_faults():
            blocks = self.place.blocks(key_of(sha256), start, end)
        return _named(blocks, end - start)

    def stream(self, sha256: str) -> Iterator[bytes]:
        """The whole file, block by block.

        Raises:
            StoreFailed: as `open_range`.
        """
        return self.open_range(sha256, 0, self._size(sha256))

    def read(self, sha256: str) -> bytes:
        """The whole of a small file.

        Raises:
            StoreFailed: it is not there, or the store fails.
        """
        return b"".join(self.stream(sha256))

    def exists(self, sha256: str) -> bool:
        """Whether the bytes are there.

        Raises:
            StoreFailed: the store cannot be asked.
        """
        with store_faults():
            return self.place.size(key_of(sha256)) is not None

    def fetch(self, sha256: str, target: Path) -> None:
        """Lend a stored file at a path, for reading: linked where that can be, else downloaded and checked.

        Args:
            sha256: which file.
            target: a path where nothing lies yet, or an older copy.

        Raises:
            StoreFull: no space for it.
            StoreFailed: it is not there, the store fails, or other bytes came.
        """
        size = self._size(sha256)
        part = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
        with store_faults():
            try:
                if not self.place.fetch(key_of(sha256), part):
                    self._download(sha256, part, size=size)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)

    def sweep(self, older_than_hours: float = 24) -> int:
        """Delete what nobody refers to and nobody has touched for so long.

        Returns:
            How many files went.

        Raises:
            StoreFailed, DatabaseFailed: one of them cannot be reached; what went is gone for good.
        """
        cutoff = now() - timedelta(hours=older_than_hours)
        idle = (Blob.touched_at < cutoff, ~_is_referred_to())
        swept = 0
        last = ""
        while True:
            with self.database.read() as session:
                some = select(Blob.sha256).where(*idle, Blob.sha256 > last).order_by(Blob.sha256)
                found = list(session.scalars(some.limit(SWEPT_AT_ONCE)))
            if not found:
                break
            for last in found:
                # A store that is away is found out here, where nobody waits for a lock of ours.
                self.exists(last)
                with self.database.write() as session:
                    swept += self._drop(session, last, idle)
        with store_faults():
            self.place.clear_parts(older_than_s=max(older_than_hours * 3600, PART_SECONDS))
        return swept

    def _drop(self, session: Session, sha256: str, idle: tuple[ColumnElement[bool], ...]) -> int:
        """Delete one file and its row, if it is still idle now that its row is ours."""
        locked = session.scalar(select(Blob.sha256).where(Blob.sha256 == sha256).with_for_update())
        # Asked anew: a reference made while we waited for the lock has to be seen.
        if locked is None or session.scalar(select(Blob.sha256).where(Blob.sha256 == sha256, *idle)) is None:
            return 0
        session.execute(delete(Blob).where(Blob.sha256 == sha256))
        with store_faults():
            self.place.delete(key_of(sha256))
        return 1

    def _keep(self, path: Path, *, way: Way) -> StoredFile:
        if path.is_symlink() or not path.is_file():
            raise StoreFailed(f"{path.name} is not a file")
        with store_faults():
            stored = sha256_of(path)
        self._touch(stored)
        key = key_of(stored.sha256)
        with store_faults():
            if self.place.size(key) != stored.size:
                self.place.put(key, path, way=way)
            elif way == "move":
                path.unlink(missing_ok=True)
        return stored

    def _touch(self, stored: StoredFile) -> None:
        """Write the row, or put its clock forward, before there are bytes."""
        row = {"sha256": stored.sha256, "size": stored.size, "touched_at": now()}
        insert: Any = sqlite.insert if self.database.is_sqlite else postgresql.insert
        put = insert(Blob).values(**row)
        with self.database.write() as session:
            session.execute(
                put.on_conflict_do_update(
                    index_elements=[Blob.sha256], set_={"touched_at": put.excluded.touched_at}
                )
            )

    def _size(self, sha256: str) -> int:
        with store_faults():
            size = self.place.size(key_of(sha256))
        if size is None:
            raise StoreFailed(f"it has no file {sha256}")
        return size

    def _download(self, sha256: str, part: Path, *, size: int) -> None:
        digest, count = hashlib.sha256(), 0
        with part.open("xb") as sink:
            for block in self.open_range(sha256, 0, size):
                sink.write(block)
                digest.update(block)
                count += len(block)
        if count != size or digest.hexdigest() != sha256:
            raise StoreFailed(f"other bytes than those of {sha256} came")


def open_store(url: str, folder: Path | None, database: Database) -> FileStore:
    """The store at a URL ("s3://BUCKET/PREFIX", "memory:///"), or in a folder where the URL is empty.

    Raises:
        SettingFlaw: the URL names no store that is known here.
    """
    if url.startswith("file://"):
        folder = Path(url.removeprefix("file://"))
    if folder is not None:
        return FileStore(FolderStore(folder.absolute()), database)
    return FileStore(open_bucket(url), database)


def _is_referred_to() -> ColumnElement[bool]:
    """Whether any column of any table that may name a file names this one."""
    columns = [
        column
        for table in Table.metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "blobs.sha256" for key in column.foreign_keys)
    ]
    first, *rest = (exists().where(column == Blob.sha256) for column in columns)
    found: ColumnElement[bool] = first
    for each in rest:
        found = found | each
    return found


def _named(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The blocks, with the store's failures in words; fewer bytes than there must be are one."""
    left = size
    with store_faults():
        for block in blocks:
            left -= len(block)
            yield block
    if left > 0:
        raise StoreFailed("a file ended too early")
