"""A copy of an archive that is written to meanwhile holds what its rows name, and opens as an archive."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from plastinate.archive.archive import Archive, open_archive
from plastinate.archive.tables import Blob, Case, CaseInput, now
from plastinate.services.access import Actor
from plastinate.services.cases import keep_case, purge_case, trash_case
from plastinate.settings import Settings
from servers import archive_at, new_person

BACKUP = Path(__file__).parents[2] / "deploy" / "backup.py"


def _back_up(home: Path, copies: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BACKUP, home, copies], capture_output=True, text=True, check=False, timeout=60
    )


def _put_in(archive: Archive, folder: Path, number: int, owner: Actor) -> str:
    """A case of one file whose content is its own."""
    path = folder / f"{number}.zip"
    path.write_bytes(f"scan {number}".encode() * 10_000)
    return keep_case(archive, owner_id=owner.person_id, title=f"Case {number}", files=[(path.name, path)]).id


def _named_files(archive: Archive) -> set[str]:
    with archive.database.read() as session:
        return set(session.scalars(select(CaseInput.sha256)))


@contextmanager
def _restored(copy: Path, home: Path) -> Iterator[Archive]:
    shutil.copytree(copy, home)
    archive = open_archive(Settings(home=home))
    try:
        yield archive
    finally:
        archive.close()


def test_a_copy_made_under_writing_restores_to_an_archive_whose_every_file_is_true(tmp_path: Path):
    with archive_at("sqlite+folder", tmp_path / "home") as archive:
        owner = new_person(archive, "ada@example.org", is_admin=True)
        before = {_put_in(archive, tmp_path, number, owner) for number in range(20)}
        doomed = [_put_in(archive, tmp_path, number, owner) for number in range(100, 110)]
        with archive.database.write() as session:
            # Old enough for the sweep as soon as nobody refers to them.
            session.execute(update(Blob).values(touched_at=now() - timedelta(days=3)))
        stop = threading.Event()

        def go_on() -> None:
            number = 1000
            while not stop.is_set():
                _put_in(archive, tmp_path, number, owner)
                number += 1
                if doomed:
                    trash_case(archive, owner, doomed[0])
                    purge_case(archive, owner, doomed.pop(0))
                    archive.files.sweep()

        writer = threading.Thread(target=go_on)
        writer.start()
        try:
            done = _back_up(tmp_path / "home", tmp_path / "copies")
        finally:
            stop.set()
            writer.join()
    assert done.returncode == 0, done.stderr
    with _restored(Path(done.stdout.strip()), tmp_path / "restored") as archive:
        with archive.database.read() as session:
            assert before <= set(session.scalars(select(Case.id)))
        for sha256 in _named_files(archive):
            assert hashlib.sha256(archive.files.read(sha256)).hexdigest() == sha256


def test_a_second_copy_costs_only_what_is_new_and_outlives_the_first(tmp_path: Path):
    with archive_at("sqlite+folder", tmp_path / "home") as archive:
        owner = new_person(archive, "ada@example.org", is_admin=True)
        _put_in(archive, tmp_path, 1, owner)
        first = Path(_back_up(tmp_path / "home", tmp_path / "copies").stdout.strip())
        _put_in(archive, tmp_path, 2, owner)
        second = Path(_back_up(tmp_path / "home", tmp_path / "copies").stdout.strip())
        stored = [path.relative_to(second) for path in second.glob("files/??/??/*")]
        shared = [name for name in stored if (first / name).exists()]
        assert len(stored) == 2
        assert [(first / name).samefile(second / name) for name in shared] == [True]
        shutil.rmtree(first)
    with _restored(second, tmp_path / "restored") as archive:
        assert {len(archive.files.read(sha256)) for sha256 in _named_files(archive)} == {60_000}


def test_a_file_that_went_bad_on_the_disk_is_named_at_every_copy(tmp_path: Path):
    with archive_at("sqlite+folder", tmp_path / "home") as archive:
        _put_in(archive, tmp_path, 1, new_person(archive, "ada@example.org", is_admin=True))
        (stored,) = (tmp_path / "home" / "files").glob("??/??/*")
        stored.chmod(0o600)
        stored.write_bytes(b"something else")
        for _ in range(2):
            done = _back_up(tmp_path / "home", tmp_path / "copies")
            assert done.returncode == 1
            assert str(stored) in done.stderr
