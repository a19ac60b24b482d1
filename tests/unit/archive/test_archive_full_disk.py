"""A full disk costs what did not fit, and nothing else; with room again, everything works again."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from plastinate.archive.archive import Archive, open_archive
from plastinate.archive.tables import Case, Person
from plastinate.model.case_errors import StoreFull
from plastinate.services import uploads
from plastinate.services.access import Actor
from plastinate.settings import Settings

DISK_BYTES = 16 << 20


@pytest.fixture(params=["tmpfs", "ext4"])
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if request.param == "ext4":
        image = tmp_path / "image"
        image.write_bytes(b"")
        os.truncate(image, DISK_BYTES)
        made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], capture_output=True, check=False)
        command = ["mount", "-o", "loop", str(image), str(folder)]
        if made.returncode:
            pytest.skip("no file system can be made here")
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def full(tiny: Path) -> Iterator[Archive]:
    """An archive on it."""
    opened = open_archive(Settings(home=tiny / "home"))
    yield opened
    opened.close()


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Take all the room but a little."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as sink, contextlib.suppress(OSError):
        while True:
            sink.write(bytes(4096))
    if leave:
        os.truncate(path, max(0, path.stat().st_size - leave))
    return path


def test_a_file_that_does_not_fit_is_refused_and_leaves_no_part(full: Archive, tiny: Path):
    before = full.files.keep_bytes(b"before")
    ballast = fill(tiny, leave=1 << 20)
    big = tiny.parent / "big"
    big.write_bytes(os.urandom(2 << 20))
    for keep in (lambda: full.files.keep(big), lambda: full.files.keep(big, move=True)):
        with pytest.raises(StoreFull):
            keep()
    assert big.exists()
    assert list((tiny / "home" / "files" / "parts").iterdir()) == []
    assert full.files.read(before.sha256) == b"before"
    ballast.unlink()
    assert full.files.read(full.files.keep(big).sha256) == big.read_bytes()


def test_a_commit_that_does_not_fit_changes_nothing(full: Archive, tiny: Path):
    with full.database.write() as session:
        session.add(Case(title="before"))
    ballast = fill(tiny)
    written = 0
    with pytest.raises(StoreFull):  # noqa: PT012 (whichever commit it is that does not fit)
        for _ in range(200):
            with full.database.write() as session:
                session.add(Case(title="more", notes="n" * 20_000))
            written += 1
    for _ in range(2):
        with full.database.read() as session:
            assert session.scalar(select(func.count()).select_from(Case)) == written + 1
    ballast.unlink()
    with full.database.write() as session:
        session.add(Case(title="after"))
    with full.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == written + 2


def test_an_archive_on_a_full_disk_says_so_when_it_is_opened(tiny: Path):
    fill(tiny)
    with pytest.raises(StoreFull):
        open_archive(Settings(home=tiny / "home"))


def test_an_upload_keeps_what_was_acknowledged_and_goes_on_when_there_is_room(full: Archive, tiny: Path):
    with full.database.write() as session:
        person = Person(email="a@example.org")
        session.add(person)
    ada = Actor(person.id)
    with pytest.raises(StoreFull):
        uploads.begin_upload(full, ada, name="too long", size=DISK_BYTES)
    # What stays free for the database is free in this small disk, too.
    data = os.urandom(600_000)
    upload = uploads.begin_upload(full, ada, name="scan.zip", size=len(data))
    uploads.append(full, ada, upload.id, offset=0, chunks=[data[:1000]])
    ballast = fill(tiny, leave=1 << 16)
    with pytest.raises(StoreFull):
        uploads.append(full, ada, upload.id, offset=1000, chunks=[data[1000:]])
    state = uploads.upload_state(full, ada, upload.id)
    assert state.offset >= 1000
    ballast.unlink()
    uploads.append(full, ada, upload.id, offset=state.offset, chunks=[data[state.offset :]])
    stored = uploads.settle(full, ada, upload.id)
    assert full.files.read(stored.sha256) == data
