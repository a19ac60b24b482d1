"""What is written is there whole or not at all, and what is read is one moment of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from plastinate.archive.archive import Archive
from plastinate.archive.database import open_database
from plastinate.archive.tables import Case, CaseInput, Job, Person, Table, now
from plastinate.model.case_errors import Conflict, DatabaseFailed, SettingFlaw
from servers import EVERY_DATABASE, empty_postgres_database, free_port

both = pytest.mark.parametrize("archive", EVERY_DATABASE, indirect=True)


def names(archive: Archive) -> list[str]:
    with archive.database.read() as session:
        return list(session.scalars(select(Person.email).order_by(Person.email)))


@both
def test_what_fails_in_the_middle_leaves_nothing(archive: Archive):
    with pytest.raises(KeyError), archive.database.write() as session:  # noqa: PT012
        session.add(Person(email="a@example.org"))
        session.flush()
        raise KeyError
    assert names(archive) == []


@both
def test_a_session_to_read_in_cannot_write(archive: Archive):
    with pytest.raises(Exception, match=r"read-?only"), archive.database.read() as session:  # noqa: PT012
        session.add(Person(email="a@example.org"))
        session.flush()
    assert names(archive) == []


@both
def test_a_reader_sees_one_moment(archive: Archive):
    count = select(func.count()).select_from(Person)
    with archive.database.read() as session:
        assert session.scalar(count) == 0
        with archive.database.write() as other:
            other.add(Person(email="a@example.org"))
        assert session.scalar(count) == 0
    assert names(archive) == ["a@example.org"]


@both
def test_a_row_that_changed_since_it_was_read_is_a_conflict(archive: Archive):
    with archive.database.write() as session:
        case = Case(title="first")
        session.add(case)
    with pytest.raises(Conflict), archive.database.write() as session:  # noqa: PT012
        mine = session.get(Case, case.id)
        session.execute(text("UPDATE cases SET version = 9"))
        mine.title = "mine"
        session.flush()


@both
def test_writers_wait_for_each_other(archive: Archive):
    with archive.database.write() as session:
        session.add(Case(id="counted", title="x", notes=""))
        session.flush()
        session.add(Job(id="counted", case_id="counted", kind="count"))
    failed: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(10):
                with archive.database.write() as session:
                    seen = session.scalar(select(Job.attempt).where(Job.id == "counted").with_for_update())
                    session.execute(update(Job).where(Job.id == "counted").values(attempt=seen + 1))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=count) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with archive.database.read() as session:
        assert (failed, session.scalar(select(Job.attempt))) == ([], 60)


@both
def test_a_file_that_no_row_names_cannot_be_referred_to(archive: Archive):
    case = Case(title="x", inputs=[CaseInput(position=0, name="a", sha256="0" * 64, size=1)])
    with pytest.raises(IntegrityError), archive.database.write() as session:
        session.add(case)


@both
def test_text_of_any_file_can_be_stored(archive: Archive):
    nasty = "a\0b\ud800\u202e<script>\r\n{{7*7}}"
    with archive.database.write() as session:
        case = Case(title=nasty, notes=nasty, inspection={nasty: [float("nan"), float("inf"), 1.5, None]})
        session.add(case)
    with archive.database.read() as session:
        read = session.get(Case, case.id)
    shown = "a\ufffdb\ufffd\u202e<script>\r\n{{7*7}}"
    assert (read.title, read.notes) == (shown, shown)
    assert read.inspection == {shown: [None, None, 1.5, None]}


@both
def test_a_moment_keeps_its_zone_and_one_without_is_refused(archive: Archive):
    moment = now()
    with archive.database.write() as session:
        session.add(Person(email="a@example.org", signed_in_at=moment))
    with archive.database.read() as session:
        assert session.scalar(select(Person.signed_in_at)) == moment
    with pytest.raises(Exception, match="zone"), archive.database.write() as session:
        session.add(Person(email="b@example.org", signed_in_at=moment.replace(tzinfo=None)))


@both
def test_nothing_is_not_the_word_null(archive: Archive):
    with archive.database.write() as session:
        session.add(Case(title="x", inspection=None))
    with archive.database.read() as session:
        assert session.scalar(select(func.count()).where(Case.inspection.is_(None))) == 1


@both
def test_the_migrations_make_just_these_tables(archive: Archive):
    with archive.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


@both
def test_a_database_of_a_newer_program_is_refused(archive: Archive):
    with archive.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingFlaw, match="newer Plastinate"):
        archive.database.migrate()


def test_sqlite_syncs_every_commit_and_keeps_a_log(archive: Archive):
    with archive.database.engine.connect() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_that_start_at_once_migrate_once(kind: str, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'a.db'}" if kind == "sqlite" else empty_postgres_database()
    script = (
        "import sys; from plastinate.archive.database import open_database as o\n"
        "d = o(sys.argv[1]); print('ready', flush=True); sys.stdin.readline(); d.migrate()"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for each in running:
        assert each.stdout.readline() == "ready\n"
    for each in running:
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in running:
        each.communicate()
    assert [each.returncode for each in running] == [0, 0, 0]
    database = open_database(url)
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    database.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://a/b", "sqlite://", "sqlite:///", "postgres+x:/"])
def test_an_address_that_is_no_database_is_named(url: str):
    with pytest.raises(SettingFlaw, match="PLASTINATE_DATABASE"):
        open_database(url)


def test_a_database_that_is_away_is_named_without_its_password():
    database = open_database(f"postgresql://ada:secret@127.0.0.1:{free_port()}/x")
    with pytest.raises(DatabaseFailed) as caught, database.read() as session:
        session.execute(text("SELECT 1"))
    assert "secret" not in caught.value.sentence
    assert "refused" in caught.value.sentence


@pytest.mark.parametrize("archive", ["postgres+folder"], indirect=True)
def test_a_connection_that_was_cut_is_named_and_the_next_one_works(archive: Archive):
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    assert names(archive) == []
    with pytest.raises(DatabaseFailed), archive.database.write() as session:
        session.execute(text(others))
    with archive.database.write() as session:
        session.add(Person(email="a@example.org"))
    assert names(archive) == ["a@example.org"]


def test_a_folder_where_the_database_should_be_is_named(tmp_path: Path):
    database = open_database(f"sqlite:///{tmp_path}")
    with pytest.raises(DatabaseFailed):
        database.migrate()


def test_letters_are_small_in_every_script(archive: Archive):
    shown: Any = select(func.lower("GRÖẞE ΑΒΓ ЖЗ"))
    with archive.database.read() as session:
        assert session.scalar(shown) == "größe αβγ жз"


@pytest.mark.parametrize("archive", ["postgres+folder"], indirect=True)
def test_a_client_that_vanishes_in_mid_transaction_keeps_its_locks_for_seconds_and_not_for_hours(
    archive: Archive,
):
    with archive.database.write() as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "15s"
