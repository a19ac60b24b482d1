"""What was acknowledged is there, whoever is killed; nothing else is."""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from plastinate.archive.archive import Archive, open_archive
from plastinate.archive.tables import Upload, now
from plastinate.model.case_errors import (
    Busy,
    Conflict,
    Gone,
    NotThere,
    RequestFlaw,
    SignInNeeded,
    UploadTooLarge,
)
from plastinate.services import uploads
from plastinate.services.access import NOBODY, SYSTEM, Actor
from plastinate.settings import Settings
from servers import EVERY_STORE, new_person

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["plastinate.services.uploads"])
BLOCK = 1 << 16


@pytest.fixture
def ada(archive: Archive) -> Actor:
    return new_person(archive, "ada@example.org")


def begun(archive: Archive, actor: Actor, size: int = 10) -> str:
    return uploads.begin_upload(archive, actor, name="scan.zip", size=size).id


def file_of(archive: Archive, upload_id: str) -> Path:
    return archive.settings.uploads_folder / upload_id


def expire(archive: Archive, upload_id: str) -> None:
    with archive.database.write() as session:
        session.get(Upload, upload_id).expires_at = now() - timedelta(seconds=1)


@pytest.mark.parametrize("archive", [*EVERY_STORE, "postgres+folder"], indirect=True)
def test_pieces_become_a_whole_that_is_stored_once(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)
    assert uploads.append(archive, ada, upload_id, offset=0, chunks=[b"hel", b"", b"lo"]).offset == 5
    assert uploads.append(archive, ada, upload_id, offset=5, chunks=[]).offset == 5
    with pytest.raises(Conflict, match="not whole"):
        uploads.settle(archive, ada, upload_id)
    assert uploads.append(archive, ada, upload_id, offset=5, chunks=[b"world"]).offset == 10
    stored = uploads.settle(archive, ada, upload_id)
    assert uploads.settle(archive, ada, upload_id) == stored
    assert archive.files.read(stored.sha256) == b"helloworld"
    state = uploads.upload_state(archive, ada, upload_id)
    assert (state.offset, state.size, state.sha256) == (10, 10, stored.sha256)
    assert uploads.append(archive, ada, upload_id, offset=10, chunks=[]).offset == 10
    with pytest.raises(Conflict):
        uploads.append(archive, ada, upload_id, offset=0, chunks=[b"other"])
    assert not file_of(archive, upload_id).exists()
    assert archive.files.sweep(older_than_hours=0) == 0


def test_an_empty_file_is_an_upload_too(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada, 0)
    assert archive.files.read(uploads.settle(archive, ada, upload_id).sha256) == b""


@pytest.mark.parametrize("offset", [0, 2, 4, 10, 11])
def test_a_piece_that_begins_elsewhere_is_a_conflict(archive: Archive, ada: Actor, offset: int):
    upload_id = begun(archive, ada)
    uploads.append(archive, ada, upload_id, offset=0, chunks=[b"hel"])
    with pytest.raises(Conflict, match="ends at byte 3"):
        uploads.append(archive, ada, upload_id, offset=offset, chunks=[b"x"])
    assert file_of(archive, upload_id).read_bytes() == b"hel"


def test_more_than_was_announced_is_refused_and_what_was_announced_is_kept(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)
    with pytest.raises(UploadTooLarge):
        uploads.append(archive, ada, upload_id, offset=0, chunks=[b"hello", b"world!", b"more"])
    assert archive.files.read(uploads.settle(archive, ada, upload_id).sha256) == b"helloworld"


def test_what_is_too_large_or_senseless_is_refused_before_the_first_byte(archive: Archive, ada: Actor):
    for name, size, error in [
        ("a", archive.settings.upload_bytes + 1, UploadTooLarge),
        ("a", -1, RequestFlaw),
        ("x" * 1001, 1, RequestFlaw),
    ]:
        with pytest.raises(error):
            uploads.begin_upload(archive, ada, name=name, size=size)
    for actor in (NOBODY, SYSTEM):
        with pytest.raises(SignInNeeded):
            begun(archive, actor)
    assert list(archive.settings.uploads_folder.iterdir()) == []


def test_a_name_is_never_a_path(archive: Archive, ada: Actor):
    for name in ("../../etc/passwd", "a\0b", "\ud800", "<script>", ""):
        state = uploads.begin_upload(archive, ada, name=name, size=1)
        assert file_of(archive, state.id).is_file()
    assert len(list(archive.settings.uploads_folder.iterdir())) == 5
    assert uploads.upload_state(archive, ada, state.id).name == "upload"


def test_a_piece_that_breaks_off_is_kept_as_far_as_it_came(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)

    def broken() -> Iterator[bytes]:
        yield b"hello"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        uploads.append(archive, ada, upload_id, offset=0, chunks=broken())
    assert uploads.upload_state(archive, ada, upload_id).offset == 5
    assert uploads.append(archive, ada, upload_id, offset=5, chunks=[b"world"]).offset == 10


def test_a_second_writer_is_told_that_the_first_one_writes(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)
    holds, may_go = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"hello"
        holds.set()
        assert may_go.wait(30)
        yield b"world"

    first = threading.Thread(target=lambda: uploads.append(archive, ada, upload_id, offset=0, chunks=slow()))
    first.start()
    assert holds.wait(30)
    for ask in (
        lambda: uploads.append(archive, ada, upload_id, offset=5, chunks=[b"WORLD"]),
        lambda: uploads.settle(archive, ada, upload_id),
        lambda: uploads.end_upload(archive, ada, upload_id),
    ):
        with pytest.raises(Busy):
            ask()
    may_go.set()
    first.join()
    assert archive.files.read(uploads.settle(archive, ada, upload_id).sha256) == b"helloworld"


def test_a_writer_that_waited_while_the_upload_was_stored_does_not_write_to_the_store(
    archive: Archive, ada: Actor
):
    upload_id = begun(archive, ada)
    uploads.append(archive, ada, upload_id, offset=0, chunks=[b"helloworld"])
    with file_of(archive, upload_id).open("rb") as late:
        stored = uploads.settle(archive, ada, upload_id)
        fcntl.flock(late, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # As if the row had been read before: no sha256 in it yet.
    with archive.database.write() as session:
        session.get(Upload, upload_id).sha256 = None
    with pytest.raises(Conflict):
        uploads.append(archive, ada, upload_id, offset=10, chunks=[b"more"])
    assert archive.files.read(stored.sha256) == b"helloworld"


def test_other_peoples_uploads_are_not_there(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)
    root = new_person(archive, "root@example.org", is_admin=True)
    for actor in (new_person(archive, "bo@example.org"), root):
        for ask in (
            lambda actor: uploads.upload_state(archive, actor, upload_id),
            lambda actor: uploads.append(archive, actor, upload_id, offset=0, chunks=[b"x"]),
            lambda actor: uploads.settle(archive, actor, upload_id),
            lambda actor: uploads.end_upload(archive, actor, upload_id),
        ):
            with pytest.raises(NotThere):
                ask(actor)
    for strange in ("", ".", "../home", "x" * 20):
        with pytest.raises(NotThere):
            uploads.upload_state(archive, ada, strange)
    assert uploads.upload_state(archive, ada, upload_id).offset == 0


def test_an_upload_whose_time_ran_out_is_gone_and_then_cleared(archive: Archive, ada: Actor):
    old, young = begun(archive, ada), begun(archive, ada)
    expire(archive, old)
    for ask in (
        lambda: uploads.upload_state(archive, ada, old),
        lambda: uploads.append(archive, ada, old, offset=0, chunks=[b"x"]),
        lambda: uploads.settle(archive, ada, old),
    ):
        with pytest.raises(Gone):
            ask()
    stray = file_of(archive, "stray")
    stray.write_bytes(b"x")
    os.utime(stray, (time.time() - 90_000,) * 2)
    assert uploads.clear_old_uploads(archive) == 2
    assert [path.name for path in archive.settings.uploads_folder.iterdir()] == [young]
    with pytest.raises(NotThere):
        uploads.upload_state(archive, ada, old)


def test_an_upload_that_is_being_written_is_not_cleared(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)
    expire(archive, upload_id)
    with file_of(archive, upload_id).open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert uploads.clear_old_uploads(archive) == 0
    assert uploads.clear_old_uploads(archive) == 1


def test_an_upload_whose_file_was_lost_begins_anew(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)
    file_of(archive, upload_id).unlink()
    assert uploads.upload_state(archive, ada, upload_id).offset == 0
    assert uploads.append(archive, ada, upload_id, offset=0, chunks=[b"helloworld"]).offset == 10


def test_every_piece_gives_an_upload_more_time(archive: Archive, ada: Actor):
    upload_id = begun(archive, ada)
    with archive.database.write() as session:
        session.get(Upload, upload_id).expires_at = now() + timedelta(seconds=30)
    state = uploads.append(archive, ada, upload_id, offset=0, chunks=[b"x"])
    assert state.expires_at > now() + timedelta(hours=archive.settings.upload_hours - 1)


def test_uploads_without_end_by_one_person_stop_at_some_thousands_and_nobody_else_is_kept_waiting(
    archive: Archive, ada: Actor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(uploads, "UNDER_WAY_MAX", 3)
    bob = new_person(archive, "bob@example.org")
    begun = [uploads.begin_upload(archive, ada, name="", size=0) for _ in range(3)]
    with pytest.raises(Conflict, match="under way"):
        uploads.begin_upload(archive, ada, name="", size=0)
    assert uploads.begin_upload(archive, bob, name="", size=0)
    uploads.settle(archive, ada, begun[0].id)
    assert uploads.begin_upload(archive, ada, name="", size=0)


def test_an_upload_that_was_given_up_leaves_nothing(archive: Archive, ada: Actor):
    half, whole = begun(archive, ada), begun(archive, ada, 1)
    uploads.append(archive, ada, whole, offset=0, chunks=[b"x"])
    uploads.settle(archive, ada, whole)
    expire(archive, half)
    for upload_id in (half, whole):
        uploads.end_upload(archive, ada, upload_id)
        with pytest.raises(NotThere):
            uploads.end_upload(archive, ada, upload_id)
    assert list(archive.settings.uploads_folder.iterdir()) == []
    assert archive.files.sweep(older_than_hours=0) == 1


def send_until_killed(
    settings: Settings, actor: Actor, upload_id: str, told: Connection, pieces: int
) -> None:
    """Append piece after piece, saying each offset once it is acknowledged; then store the whole."""
    archive = open_archive(settings)
    offset = uploads.upload_state(archive, actor, upload_id).offset
    while offset < pieces * BLOCK:
        number = offset // BLOCK
        rest = bytes([number]) * BLOCK
        chunks = (rest[at : at + 4096] for at in range(offset % BLOCK, BLOCK, 4096))
        offset = uploads.append(archive, actor, upload_id, offset=offset, chunks=chunks).offset
        told.send(offset)
    uploads.settle(archive, actor, upload_id)
    told.send("stored")


@pytest.mark.slow
def test_killed_at_any_moment_an_upload_loses_nothing_acknowledged(archive: Archive, ada: Actor):
    pieces = 24
    upload_id = begun(archive, ada, pieces * BLOCK)
    acknowledged, kills = 0, 0
    while acknowledged != "stored":
        hears, told = SERVER.Pipe(duplex=False)
        sender = SERVER.Process(
            target=send_until_killed, args=(archive.settings, ada, upload_id, told, pieces)
        )
        sender.start()
        told.close()
        with contextlib.suppress(EOFError):
            for _ in range(kills % 4 + 1):
                acknowledged = hears.recv()
        sender.kill()
        sender.join()
        kills += 1
        with contextlib.suppress(EOFError):
            while True:
                acknowledged = hears.recv()
        if acknowledged != "stored":
            assert uploads.upload_state(archive, ada, upload_id).offset >= acknowledged
    stored = uploads.settle(archive, ada, upload_id)
    assert archive.files.read(stored.sha256) == b"".join(bytes([n]) * BLOCK for n in range(pieces))
    assert kills > 3
