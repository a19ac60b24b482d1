"""Whoever is killed in the middle leaves what was acknowledged, and nothing half-done."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import sqlite3
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import select

from plastinate.archive.archive import open_archive
from plastinate.archive.tables import Case, CaseInput
from plastinate.settings import Settings
from servers import new_postgres_database, settings_at

pytestmark = pytest.mark.slow

ROUNDS = 8
# Started once with everything loaded, it forks a writer in no time.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["plastinate.archive.archive", "sqlalchemy.dialects.sqlite"])


def write_until_killed(settings: Settings, told: Connection, seed: int) -> None:
    """Keep a file, name it in a row, say so; again and again."""
    archive = open_archive(settings)
    for number in range(1_000_000):
        stored = archive.files.keep_bytes(f"{seed} {number} ".encode() * 5000)
        with archive.database.write() as session:
            given = CaseInput(position=0, name="a", sha256=stored.sha256, size=stored.size)
            session.add(Case(title=f"{seed} {number}", inputs=[given]))
        told.send(f"{seed} {number}")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_in_mid_commit_nothing_acknowledged_is_lost(kind: str, tmp_path: Path):
    home = tmp_path / "home"
    settings = (
        Settings(home=home) if kind == "sqlite" else Settings(home=home, database=new_postgres_database())
    )
    acknowledged: set[str] = set()
    for seed in range(ROUNDS if kind == "sqlite" else 3):
        hears, told = SERVER.Pipe(duplex=False)
        writer = SERVER.Process(target=write_until_killed, args=(settings, told, seed))
        writer.start()
        told.close()
        # Each round a few more commits, so that the blow falls elsewhere.
        for _ in range(seed + 1):
            assert hears.poll(60)
            acknowledged.add(hears.recv())
        writer.kill()
        writer.join()
        with contextlib.suppress(EOFError):
            while True:
                acknowledged.add(hears.recv())
    archive = open_archive(settings)
    with archive.database.read() as session:
        rows = list(session.scalars(select(CaseInput)))
        titles = set(session.scalars(select(Case.title)))
    assert acknowledged <= titles
    for row in rows:
        assert hashlib.sha256(archive.files.read(row.sha256)).hexdigest() == row.sha256
    archive.files.sweep(older_than_hours=0)
    stored = [path for path in (home / "files").rglob("*") if path.is_file() and path.suffix != ".part"]
    assert len(stored) == len(rows)
    archive.close()
    if kind == "sqlite":
        with contextlib.closing(sqlite3.connect(home / "plastinate.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_settings_of_a_place_are_its_own(tmp_path: Path):
    assert settings_at("sqlite+folder", tmp_path).database_url == f"sqlite:///{tmp_path}/plastinate.db"
