"""What is kept is there until nobody needs it, under the name of its content, in every kind of store."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from plastinate.archive import object_store
from plastinate.archive.archive import Archive
from plastinate.archive.files import FileStore, StoredFile, key_of, open_store
from plastinate.archive.object_store import open_bucket
from plastinate.archive.tables import Blob, Case, CaseInput, now
from plastinate.model.case_errors import SettingFlaw, StoreFailed
from servers import EVERY_STORE, free_port

every_pair = pytest.mark.parametrize("archive", [*EVERY_STORE, "postgres+folder"], indirect=True)
every_store = pytest.mark.parametrize("archive", EVERY_STORE, indirect=True)
LONG = bytes(range(256)) * 13_000 + b"end"  # several blocks, and not a whole number of them


def written(path: Path, data: bytes = LONG) -> Path:
    path.write_bytes(data)
    return path


def refer(archive: Archive, stored: StoredFile) -> None:
    """A case that has the file."""
    with archive.database.write() as session:
        given = CaseInput(position=0, name="a", sha256=stored.sha256, size=stored.size)
        session.add(Case(title="x", inputs=[given]))


def blobs(archive: Archive) -> int:
    with archive.database.read() as session:
        return session.scalar(select(func.count()).select_from(Blob)) or 0


@every_store
def test_what_is_kept_is_read_back_whole_and_in_pieces(archive: Archive, tmp_path: Path):
    stored = archive.files.keep(written(tmp_path / "a"))
    assert stored == StoredFile(hashlib.sha256(LONG).hexdigest(), len(LONG))
    assert archive.files.exists(stored.sha256)
    assert archive.files.read(stored.sha256) == LONG
    for start, end in [(0, 1), (5, 9), (1 << 20, (1 << 21) + 1), (len(LONG) - 3, len(LONG)), (7, 7)]:
        assert b"".join(archive.files.open_range(stored.sha256, start, end)) == LONG[start:end]


@every_store
def test_an_empty_file_is_a_file(archive: Archive, tmp_path: Path):
    stored = archive.files.keep(written(tmp_path / "a", b""))
    assert archive.files.read(stored.sha256) == b""
    archive.files.fetch(stored.sha256, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b""


@every_pair
def test_the_same_content_is_stored_once(archive: Archive, tmp_path: Path):
    first = archive.files.keep(written(tmp_path / "a"))
    assert archive.files.keep(written(tmp_path / "b")) == archive.files.keep_bytes(LONG) == first
    assert blobs(archive) == 1


@every_store
def test_what_is_stored_is_lent_to_a_job(archive: Archive, tmp_path: Path):
    stored = archive.files.keep(written(tmp_path / "a"))
    target = tmp_path / "folder" / "lent.dcm"
    target.parent.mkdir()
    archive.files.fetch(stored.sha256, target)
    archive.files.fetch(stored.sha256, target)
    assert target.read_bytes() == LONG
    assert [path.name for path in target.parent.iterdir()] == ["lent.dcm"]
    target.unlink()
    assert archive.files.read(stored.sha256) == LONG


@every_store
def test_keeping_leaves_the_file_moving_takes_it_adopting_shares_it(archive: Archive, tmp_path: Path):
    paths = [written(tmp_path / name, name.encode()) for name in ("kept", "moved", "adopted")]
    found = [
        archive.files.keep(paths[0]),
        archive.files.keep(paths[1], move=True),
        archive.files.adopt(paths[2]),
    ]
    assert [path.exists() for path in paths] == [True, False, True]
    again = written(tmp_path / "again", b"moved")
    assert archive.files.keep(again, move=True) == found[1]
    assert not again.exists()
    assert [archive.files.read(each.sha256) for each in found] == [b"kept", b"moved", b"adopted"]


@every_store
def test_writing_to_a_file_that_was_kept_does_not_reach_the_store(archive: Archive, tmp_path: Path):
    path = written(tmp_path / "a")
    stored = archive.files.keep(path)
    path.write_bytes(b"other")
    assert archive.files.read(stored.sha256) == LONG


@every_pair
def test_the_sweep_takes_what_nobody_refers_to_and_nobody_touched(archive: Archive, tmp_path: Path):
    kept = [archive.files.keep(written(tmp_path / name, name.encode())) for name in ("used", "old", "new")]
    refer(archive, kept[0])
    with archive.database.write() as session:
        old = update(Blob).where(Blob.sha256.in_([kept[0].sha256, kept[1].sha256]))
        session.execute(old.values(touched_at=now() - timedelta(hours=25)))
    assert archive.files.sweep() == 1
    assert [archive.files.exists(each.sha256) for each in kept] == [True, False, True]
    assert blobs(archive) == 2
    assert archive.files.sweep(older_than_hours=0) == 1


@every_pair
def test_what_was_swept_can_be_kept_again(archive: Archive, tmp_path: Path):
    stored = archive.files.keep(written(tmp_path / "a"))
    assert archive.files.sweep(older_than_hours=0) == 1
    with pytest.raises(StoreFailed):
        archive.files.read(stored.sha256)
    assert archive.files.keep(tmp_path / "a") == stored
    assert archive.files.read(stored.sha256) == LONG


@every_store
def test_keeping_heals_a_row_whose_bytes_never_came(archive: Archive, tmp_path: Path):
    stored = archive.files.keep(written(tmp_path / "a"))
    archive.files.place.delete(key_of(stored.sha256))
    assert not archive.files.exists(stored.sha256)
    archive.files.keep(tmp_path / "a")
    assert archive.files.read(stored.sha256) == LONG


@every_store
def test_a_file_that_is_not_there_is_named(archive: Archive, tmp_path: Path):
    missing = "0" * 64
    assert not archive.files.exists(missing)
    for ask in (
        lambda: archive.files.read(missing),
        lambda: archive.files.open_range(missing, 0, 5),
        lambda: archive.files.fetch(missing, tmp_path / "a"),
    ):
        with pytest.raises(StoreFailed):
            ask()
    assert not (tmp_path / "a").exists()


@every_store
def test_only_a_sha256_is_a_name(archive: Archive):
    for name in ("", "../" * 21 + "x", "A" * 64, "0" * 63 + "/"):
        with pytest.raises(ValueError, match="SHA-256"):
            archive.files.exists(name)


@every_store
def test_a_link_is_not_kept(archive: Archive, tmp_path: Path):
    (tmp_path / "link").symlink_to("/etc/hostname")
    for path in (tmp_path / "link", tmp_path, tmp_path / "nothing"):
        with pytest.raises(StoreFailed):
            archive.files.keep(path)
    assert blobs(archive) == 0


@pytest.mark.parametrize("archive", ["sqlite+memory", "sqlite+s3"], indirect=True)
def test_a_long_file_comes_and_goes_piece_by_piece(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(object_store, "ASK_BYTES", 999_983)
    data = LONG * 4  # long enough to be sent in parts, too
    assert len(data) > object_store.PART_BYTES
    stored = archive.files.keep(written(tmp_path / "a", data))
    assert archive.files.read(stored.sha256) == data
    assert b"".join(archive.files.open_range(stored.sha256, 7, 1_999_990)) == data[7:1_999_990]


@pytest.mark.parametrize("archive", ["sqlite+memory", "sqlite+s3"], indirect=True)
def test_other_bytes_than_those_asked_for_are_refused(archive: Archive, tmp_path: Path):
    stored = archive.files.keep(written(tmp_path / "a"))
    archive.files.place.put_bytes(key_of(stored.sha256), LONG[:-1] + b"?")
    with pytest.raises(StoreFailed, match="other bytes"):
        archive.files.fetch(stored.sha256, tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "home"]


@pytest.mark.parametrize("archive", ["sqlite+folder", "postgres+folder"], indirect=True)
def test_a_sweep_never_takes_what_is_being_kept(archive: Archive, tmp_path: Path):
    """With no grace at all: whoever gets a reference in has the bytes, or the reference is refused."""
    path = written(tmp_path / "a", b"contended")
    stop = threading.Event()
    failed: list[BaseException] = []
    pauses = itertools.cycle(range(0, 60, 3))

    def sweep() -> None:
        try:
            while not stop.wait(0.001 * next(pauses)):  # now at once, now late enough for a reference
                archive.files.sweep(older_than_hours=0)
        except BaseException as error:
            failed.append(error)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    outcomes = []
    try:
        for _ in range(1000):
            if len(outcomes) == 10:
                break
            stored = archive.files.keep(path)
            try:
                refer(archive, stored)
            except IntegrityError:
                continue
            outcomes.append(archive.files.read(stored.sha256) == b"contended")
            with archive.database.write() as session:
                session.execute(delete(Case))
    finally:
        stop.set()
        sweeper.join()
    assert (failed, outcomes) == ([], [True] * 10)


def test_stored_files_are_for_their_owner_to_read_and_for_nobody_to_write(archive: Archive, tmp_path: Path):
    found = [
        archive.files.keep(written(tmp_path / "a", b"1")),
        archive.files.keep(written(tmp_path / "b", b"2"), move=True),
        archive.files.keep_bytes(b"3"),
    ]
    folder = archive.settings.home / "files"
    paths = [folder / key_of(each.sha256) for each in found]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o400}
    assert {each.stat().st_mode & 0o777 for each in (archive.settings.home, folder)} == {0o700}


def test_what_a_dead_writer_left_is_cleared_and_what_a_living_one_has_is_not(archive: Archive):
    parts = archive.settings.home / "files" / "parts"
    parts.mkdir()
    for name, age_s in (("old.part", 90_000), ("new.part", 10)):
        written(parts / name)
        os.utime(parts / name, (time.time() - age_s,) * 2)
    archive.files.sweep()
    assert [path.name for path in parts.iterdir()] == ["new.part"]


def test_bytes_move_between_file_systems(archive: Archive, tmp_path: Path):
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    source = written(shm / f"plastinate-test-{os.getpid()}")
    lent = shm / f"plastinate-lent-{os.getpid()}"
    try:
        stored = archive.files.keep(source, move=True)
        assert not source.exists()
        archive.files.fetch(stored.sha256, lent)
        assert lent.read_bytes() == LONG
    finally:
        source.unlink(missing_ok=True)
        lent.unlink(missing_ok=True)


@pytest.mark.parametrize("url", ["ftp://x/y", "nonsense", "s3://", "http://x/y"])
def test_an_address_that_is_no_store_is_named(url: str, archive: Archive):
    with pytest.raises(SettingFlaw, match="PLASTINATE_STORE"):
        open_store(url, None, archive.database)


def test_a_folder_may_be_named_by_its_address(archive: Archive, tmp_path: Path):
    store = open_store(f"file://{tmp_path / 'there'}", None, archive.database)
    assert store.read(store.keep_bytes(b"x").sha256) == b"x"
    assert (tmp_path / "there").is_dir()


@pytest.mark.slow
def test_a_store_that_is_away_is_named(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    store = FileStore(open_bucket("s3://bucket", patience_seconds=1), archive.database)
    for ask in (lambda: store.keep_bytes(b"x"), lambda: store.read("0" * 64), lambda: store.sweep(0)):
        with pytest.raises(StoreFailed):
            ask()
