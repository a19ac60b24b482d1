"""A URL -> a database whose tables are up to date: a session to read in, a session to write in.

SQLite keeps a write-ahead log and syncs at every commit, so what was
acknowledged survives a power cut; a write takes its lock at once, so two
writers wait for each other instead of failing half-way. PostgreSQL brings
both. A session to read in cannot write, in either.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from plastinate.model.case_errors import Conflict, DatabaseFailed, SettingFlaw, StoreFull

MIGRATIONS = Path(__file__).parent / "migrations"
SETTING = "PLASTINATE_DATABASE"
BUSY_SECONDS = 30
# "plastina" as a number: whoever migrates a PostgreSQL database holds this lock.
MIGRATION_LOCK = 0x706C617374696E61
# Less room than this, and SQLite's "disk I/O error" means a full disk (it cannot grow its shared memory).
ROOM_BYTES = 1 << 18
POSTGRES_DISK_FULL = "53100"
WRITES = "plastinate_writes"


@dataclass(frozen=True)
class Database:
    """Two ways in: `read` and `write`.

    Attributes:
        engine: of SQLAlchemy, for reading.
        url: where the database is.
    """

    engine: Engine
    url: URL
    _reading: sessionmaker[Session]
    _writing: sessionmaker[Session]

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database and cannot change it.

        Raises:
            DatabaseFailed: it cannot be reached, or refuses.
        """
        with self._faults(), self._reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are all there when the block has ended, or none of them.

        Raises:
            StoreFull: no space for it on the disk; nothing was changed.
            Conflict: a row changed since it was read; nothing was changed.
            DatabaseFailed: it cannot be reached, or refuses.
        """
        with self._faults(), self._writing.begin() as session:
            yield session

    def migrate(self) -> None:
        """Bring the tables up to date; safe when several processes start at once.

        Raises:
            SettingFlaw: the database was written by a newer Plastinate.
            DatabaseFailed, StoreFull: as for a write.
        """
        with self._faults(), self.engine.execution_options(**{WRITES: True}).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            _upgrade(connection)

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except StaleDataError as error:
            raise Conflict("Someone else has changed it meanwhile.") from error
        except PoolTimeout as error:
            raise DatabaseFailed("all its connections are in use") from error
        except (OperationalError, InterfaceError) as error:
            raise (StoreFull() if self._is_full(error) else DatabaseFailed(_reason(error))) from error

    def _is_full(self, error: DBAPIError) -> bool:
        cause = error.orig
        if getattr(cause, "sqlstate", None) == POSTGRES_DISK_FULL:
            return True
        number = getattr(cause, "sqlite_errorcode", None)
        if number is None:
            return False
        if number & 0xFF == sqlite3.SQLITE_FULL:
            return True
        has_tripped = number & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
        return has_tripped and _room_bytes(Path(self.url.database or ".").parent) < ROOM_BYTES


def open_database(url: str) -> Database:
    """The database at an SQLAlchemy URL: "sqlite:///FILE" or "postgresql://USER@HOST/NAME".

    Nothing is read yet; call `migrate` before the first use.

    Raises:
        SettingFlaw: not such a URL, or the driver for it is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingFlaw(SETTING, "it is not a database URL") from error
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database:
        engine = _sqlite(parsed)
    elif kind == "postgresql":
        engine = _postgres(parsed.set(drivername="postgresql+psycopg"))
    else:
        raise SettingFlaw(SETTING, f"{kind} is not sqlite:///FILE or postgresql://USER@HOST/NAME")
    writing = engine.execution_options(**{WRITES: True})
    reading = engine
    if kind == "postgresql":
        # SQLite's reading transactions are both anyway.
        reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database(
        engine=engine,
        url=parsed,
        _reading=sessionmaker(reading, expire_on_commit=False),
        _writing=sessionmaker(writing, expire_on_commit=False),
    )


def _sqlite(url: URL) -> Engine:
    # As many connections as the server has threads, and then some.
    engine = create_engine(url, pool_size=8, max_overflow=56, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    del record
    # The driver would begin transactions by itself, late and without the lock: we say BEGIN.
    connection.isolation_level = None
    # SQLite's own knows ASCII only; people's names do not.
    connection.create_function("lower", 1, _lower, deterministic=True)
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Once for a file's life; SQLite does not wait by itself while another process does the same."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            is_locked = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not is_locked or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get(WRITES))
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(url: URL) -> Engine:
    # A cut link is noticed within 20 s, so that whoever waits can say so.
    link = {
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 20_000,
        # A client that vanishes in mid-transaction must not keep its locks: a job's row would stay shut
        # until the server's own keepalive, two hours by default.
        "options": "-c idle_in_transaction_session_timeout=15000",
    }
    given = {name: value for name, value in link.items() if name not in url.query}
    try:
        return create_engine(url, pool_size=5, max_overflow=35, pool_pre_ping=True, connect_args=given)
    except ImportError as error:
        raise SettingFlaw(SETTING, "PostgreSQL needs `pip install plastinate[postgres]`") from error


def _upgrade(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    script = ScriptDirectory(MIGRATIONS)

    def steps(revision: Any, context: Any) -> Any:
        del context
        return script._upgrade_revs("head", revision)

    try:
        with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
            # The transaction is ours, with its lock: all steps are taken or none.
            environment.configure(connection=connection, transactional_ddl=False)
            environment.run_migrations()
    except CommandError as error:
        raise SettingFlaw(
            SETTING, "the database was written by a newer Plastinate; update this one"
        ) from error


def _reason(error: DBAPIError) -> str:
    """The driver's first line, without the statement and its values."""
    lines = str(error.orig).strip().splitlines()
    return (lines[0] if lines else type(error.orig).__name__).rstrip(".")[:200]


def _room_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        return 0 if error.errno == errno.ENOSPC else ROOM_BYTES
