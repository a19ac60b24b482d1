"""Throwaway servers for tests: a PostgreSQL cluster, an S3 service, and archives that lie on them."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plastinate.archive.archive import Archive, open_archive
from plastinate.archive.database import open_database
from plastinate.services import people
from plastinate.services.access import Actor
from plastinate.settings import Settings

# A place is "database+store".
EVERY_DATABASE = ["sqlite+folder", "postgres+folder"]
EVERY_STORE = ["sqlite+folder", "sqlite+memory", "sqlite+s3"]
S3_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}
TEMPLATE = "migrated"
_numbers = itertools.count(1)


@contextmanager
def archive_at(place: str, home: Path, **settings: Any) -> Iterator[Archive]:
    """An archive at a place, its rows and files its own."""
    archive = open_archive(settings_at(place, home, **settings))
    try:
        yield archive
    finally:
        archive.close()


def settings_at(place: str, home: Path, **settings: Any) -> Settings:
    """The settings of such an archive; with those for S3 in the environment of this process."""
    database, store = place.split("+")
    if database == "postgres":
        settings["database"] = new_postgres_database()
    if store == "s3":
        settings["store"] = new_bucket()
    if store == "memory":
        settings["store"] = "memory:///"
    return Settings(home=home, **settings)


def new_person(archive: Archive, email: str, *, is_admin: bool = False) -> Actor:
    """Someone who may sign in; the first one invited becomes an administrator, as everywhere."""
    system = Actor(None, is_admin=True, via="system")
    person, token = people.invite(archive, system, email=email, name=email.split("@")[0], is_admin=is_admin)
    people.accept_invitation(archive, token, email="", name="", password_hash="hash")
    return Actor(person.id, is_admin=is_admin, name=person.name)


def new_postgres_database() -> str:
    """The URL of a database of its own, with its tables up to date."""
    server = postgres()
    _migrated()
    name = f"t{next(_numbers)}_{secrets.token_hex(4)}"
    _postgres_run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return f"{server}/{name}"


def empty_postgres_database() -> str:
    """The URL of a database of its own, without tables."""
    name = f"e{next(_numbers)}_{secrets.token_hex(4)}"
    _postgres_run(f"CREATE DATABASE {name}")
    return f"{postgres()}/{name}"


@functools.cache
def postgres() -> str:
    """The URL, without a database, of a PostgreSQL that lives as long as the tests."""
    programs = _postgres_programs()
    if programs is None:
        _cannot("PostgreSQL is not installed here")
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="plastinate-postgres-"))
    who: list[str] = []
    if os.getuid() == 0:
        # It refuses to run as root.
        postgres_user = pwd.getpwnam("postgres")
        os.chown(folder, postgres_user.pw_uid, postgres_user.pw_gid)
        who = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    data = folder / "data"
    no_waiting = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
    options = ["listen_addresses=127.0.0.1", "max_connections=60", *no_waiting]
    fast = " ".join([f"-k {folder} -p {port}", *(f"-c {option}" for option in options)])
    _quiet(
        [*who, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]
    )
    _quiet([*who, programs / "pg_ctl", "-D", data, "-o", fast, "-l", folder / "log", "-w", "start"])

    def stop() -> None:
        _quiet([*who, programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql://postgres@127.0.0.1:{port}"


@functools.cache
def s3() -> str:
    """The address of an S3 service in this process."""
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def new_bucket() -> str:
    """The URL of an empty bucket; the way to it is put into the environment."""
    import boto3

    os.environ.update(S3_ENVIRONMENT)
    os.environ["AWS_ENDPOINT"] = s3()
    name = f"b{next(_numbers)}-{secrets.token_hex(4)}"
    boto3.client("s3", endpoint_url=s3(), region_name="us-east-1").create_bucket(Bucket=name)
    return f"s3://{name}/some/prefix"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cannot(sentence: str) -> None:
    """Skip with one line; where everything has to be tested, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def _postgres_programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@functools.cache
def _migrated() -> None:
    _postgres_run(f"CREATE DATABASE {TEMPLATE}")
    database = open_database(f"{postgres()}/{TEMPLATE}")
    database.migrate()
    database.dispose()


def _postgres_run(statement: str) -> None:
    import psycopg

    with psycopg.connect(f"{postgres()}/postgres", autocommit=True) as connection:
        connection.execute(statement)


def _quiet(command: Sequence[str | Path]) -> None:
    """Run to the end, saying nothing; the server it starts must not hold our pipes."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [str(word) for word in command],
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            cwd="/",
            check=False,
        )
        if done.returncode:
            said.seek(0)
            raise RuntimeError(said.read().decode(errors="replace"))
