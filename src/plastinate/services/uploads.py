"""Bytes arrive in pieces, each appended at the offset that was acknowledged; whole, they are stored.

The offset is the size of a file, and a piece is on the disk before it is
acknowledged: a server that is killed loses nothing that it said it had. One
writer at a time holds the file's lock. What was sent stays in this folder until
its row says that the store has it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plastinate.archive.archive import Archive
from plastinate.archive.files import StoredFile
from plastinate.archive.store_faults import store_faults
from plastinate.archive.tables import Upload, now
from plastinate.model.case_errors import (
    Busy,
    Conflict,
    Gone,
    NotThere,
    RequestFlaw,
    StoreFull,
    UploadTooLarge,
)
from plastinate.services import text_fields
from plastinate.services.access import Actor, require_person

# Room that stays free, so that the database can still write down what happens.
RESERVE_BYTES = 4 << 20
# A case is made of a thousand at most. Each under way is a file here, and files can run out before bytes do.
UNDER_WAY_MAX = 2000


@dataclass(frozen=True)
class UploadState:
    """How far an upload is.

    Attributes:
        id: of the upload.
        name: of the file, as the person's machine has it.
        size: bytes in all.
        offset: bytes that are safe here.
        expires_at: when it is cleared if nothing more comes.
        sha256: of the whole, once it is stored.
        case_id: the case that was made of it.
    """

    id: str
    name: str
    size: int
    offset: int
    expires_at: datetime
    sha256: str | None
    case_id: str | None


def begin_upload(archive: Archive, actor: Actor, *, name: str, size: int) -> UploadState:
    """Make room for a file that will come in pieces.

    Args:
        archive: where it will be kept.
        actor: whose it is.
        name: of the file; never used as a path.
        size: bytes in all; 0 is a file too.

    Raises:
        SignInNeeded: nobody in particular asks.
        RequestFlaw: a name or a size that cannot be.
        UploadTooLarge: more than one upload may have.
        StoreFull: the disk has less room than it needs.
        Conflict: this person has too many under way.
    """
    owner_id = require_person(actor)
    called = text_fields.file_name(name)
    if size < 0:
        raise RequestFlaw("It must not be negative", where="size")
    if size > archive.settings.upload_bytes:
        raise UploadTooLarge(size, archive.settings.upload_bytes)
    _require_room(archive, size)
    with archive.database.write() as session:
        _require_few(session, owner_id)
        row = Upload(owner_id=owner_id, name=called or "upload", size=size, expires_at=_expiry(archive))
        session.add(row)
    with store_faults():
        _make_file(_path(archive, row.id))
    return _state(archive, row)


def upload_state(archive: Archive, actor: Actor, upload_id: str) -> UploadState:
    """How far one's own upload is.

    Raises:
        SignInNeeded: nobody in particular asks.
        NotThere: no such upload of theirs.
        Gone: its time has run out.
    """
    with archive.database.read() as session:
        return _state(archive, _own(session, actor, upload_id))


def append(
    archive: Archive, actor: Actor, upload_id: str, *, offset: int, chunks: Iterable[bytes]
) -> UploadState:
    """Append a piece. When it returns, the piece is on the disk.

    A piece that breaks off is kept as far as it came: ask for the state, and go on from there.

    Args:
        archive: where it is kept.
        actor: whose upload it is.
        upload_id: of the upload.
        offset: where the piece begins; must be where the upload ends.
        chunks: the bytes of the piece, in blocks.

    Raises:
        SignInNeeded, NotThere, Gone: as `upload_state`.
        Busy: another request is writing to it.
        Conflict: it ends elsewhere.
        UploadTooLarge: more bytes than were announced; what was announced is kept.
        StoreFull: no space for it; what was acknowledged before is kept.
    """
    with archive.database.read() as session:
        row = _own(session, actor, upload_id)
    if row.sha256 is not None:
        if offset != row.size:
            raise _elsewhere(row.size)
        return _state(archive, row)
    with _locked(archive, upload_id) as file:
        begins = os.fstat(file).st_size
        if offset != begins:
            raise _elsewhere(begins)
        _write(archive, file, chunks, begins=begins, size=row.size)
    with archive.database.write() as session:
        row = _own(session, actor, upload_id)
        row.expires_at = _expiry(archive)
    return _state(archive, row)


def settle(archive: Archive, actor: Actor, upload_id: str) -> StoredFile:
    """Store an upload that is whole; the second call finds what the first one stored.

    Raises:
        SignInNeeded, NotThere, Gone: as `upload_state`.
        Busy: another request is writing to it.
        Conflict: it is not whole yet.
        StoreFull, StoreFailed: it cannot be stored now; nothing is lost, try again.
    """
    with archive.database.read() as session:
        row = _own(session, actor, upload_id)
    if row.sha256 is not None:
        return StoredFile(row.sha256, row.size)
    path = _path(archive, upload_id)
    with _locked(archive, upload_id) as file:
        if os.fstat(file).st_size != row.size:
            raise Conflict("The upload is not whole yet.", hint="Send the rest of it first.")
        stored = archive.files.adopt(path)
        with archive.database.write() as session:
            _own(session, actor, upload_id).sha256 = stored.sha256
        # Only now: until the row said so, this was the one place that had the bytes.
        path.unlink(missing_ok=True)
    return stored


def end_upload(archive: Archive, actor: Actor, upload_id: str) -> None:
    """Give up an upload; a case that was made of it stays.

    Raises:
        SignInNeeded, NotThere: as `upload_state`.
        Busy: another request is writing to it.
    """
    with archive.database.read() as session:
        row = _own(session, actor, upload_id, may_be_expired=True)
    if row.sha256 is None and _path(archive, upload_id).exists():
        with _locked(archive, upload_id):
            _path(archive, upload_id).unlink(missing_ok=True)
    with archive.database.write() as session:
        session.delete(_own(session, actor, upload_id, may_be_expired=True))


def clear_old_uploads(archive: Archive) -> int:
    """Forget the uploads whose time has run out, and files that no upload has; tell how many went."""
    with archive.database.read() as session:
        old = list(session.scalars(select(Upload.id).where(Upload.expires_at < now())))
    cleared = sum(_forget(archive, upload_id) for upload_id in old)
    for path in archive.settings.uploads_folder.iterdir():
        with archive.database.read() as session:
            is_known = session.get(Upload, path.name) is not None
        # A file that is a day old belongs to no upload that is just being begun.
        if not is_known and now().timestamp() - path.stat().st_mtime > timedelta(days=1).total_seconds():
            path.unlink(missing_ok=True)
            cleared += 1
    return cleared


def _forget(archive: Archive, upload_id: str) -> bool:
    path = _path(archive, upload_id)
    try:
        if path.exists():
            with _locked(archive, upload_id):
                path.unlink(missing_ok=True)
    except Busy:
        return False
    with archive.database.write() as session:
        row = session.get(Upload, upload_id)
        if row is None or row.expires_at >= now():
            return False
        session.delete(row)
    return True


def _path(archive: Archive, upload_id: str) -> Path:
    return archive.settings.uploads_folder / upload_id


def _make_file(path: Path) -> None:
    """An empty file whose name, too, survives a power cut."""
    path.touch(mode=0o600)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _expiry(archive: Archive) -> datetime:
    return now() + timedelta(hours=archive.settings.upload_hours)


def _own(session: Session, actor: Actor, upload_id: str, *, may_be_expired: bool = False) -> Upload:
    owner_id = require_person(actor)
    row = session.get(Upload, upload_id)
    if row is None or row.owner_id != owner_id:
        raise NotThere("upload")
    if row.expires_at < now() and not may_be_expired:
        raise Gone("upload")
    return row


def _state(archive: Archive, row: Upload) -> UploadState:
    offset = row.size
    if row.sha256 is None:
        try:
            offset = _path(archive, row.id).stat().st_size
        except FileNotFoundError:
            offset = 0
    return UploadState(row.id, row.name, row.size, offset, row.expires_at, row.sha256, row.case_id)


def _elsewhere(offset: int) -> Conflict:
    return Conflict(
        f"The upload ends at byte {offset}, not where this piece begins.",
        hint="Ask for its state and send what follows.",
    )


def _require_few(session: Session, owner_id: str) -> None:
    counted = select(func.count()).select_from(Upload)
    under_way = session.scalar(counted.where(Upload.owner_id == owner_id, Upload.sha256.is_(None)))
    if (under_way or 0) >= UNDER_WAY_MAX:
        raise Conflict(
            f"{UNDER_WAY_MAX:,} uploads of yours are under way.",
            hint="Finish them or give some up; those that are left alone are cleared after a while.",
        )


def _require_room(archive: Archive, size: int) -> None:
    with store_faults():
        free = shutil.disk_usage(archive.settings.uploads_folder).free
    if free < size + RESERVE_BYTES:
        raise StoreFull


@contextmanager
def _locked(archive: Archive, upload_id: str) -> Iterator[int]:
    """The open file of an upload, held against every other writer on this machine."""
    path = _path(archive, upload_id)
    with store_faults():
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy("upload") from error
        # Whoever held the lock before may have stored this file: then it must not be written to.
        try:
            is_same = path.lstat().st_ino == os.fstat(file).st_ino
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise Busy("upload")
        yield file
    finally:
        os.close(file)


def _write(archive: Archive, file: int, chunks: Iterable[bytes], *, begins: int, size: int) -> None:
    """Write a piece and sync it, also where it breaks off; never more than was announced."""
    end = begins
    try:
        for chunk in chunks:
            arrived = end + len(chunk)
            room = memoryview(chunk)[: size - end]
            _require_room(archive, len(room))
            with store_faults():
                while room:
                    count = os.pwrite(file, room, end)
                    room, end = room[count:], end + count
            if arrived > size:
                raise UploadTooLarge(arrived, size)
    finally:
        with store_faults():
            _sync(file, begins=begins)


def _sync(file: int, *, begins: int) -> None:
    try:
        os.fsync(file)
    except OSError:
        # The disk took it and could not keep it: what was acknowledged before is what counts.
        os.ftruncate(file, begins)
        raise
