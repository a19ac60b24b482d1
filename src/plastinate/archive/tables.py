"""The tables of the archive. A row is the commit point: a file that no row names does not exist."""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
ID_LENGTH = 20

# Every constraint has a name, the same in both databases: a later migration can take hold of it.
CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> str:
    """Twenty letters and digits, 100 bits of chance: an id that cannot be guessed and reads well in a URL."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def now() -> datetime:
    """This moment, in UTC, with its zone."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC with its zone, also in SQLite, which keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a moment without a zone is refused."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With its zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(value: Any) -> Any:
    r"""Text and JSON values as both databases can hold them.

    Names come from files and people: a NUL and half a surrogate pair become U+FFFD,
    and a number that JSON does not know becomes null.

    >>> storable({"a\0b": ["\ud800", float("nan"), 1.5]})
    {'a�b': ['�', None, 1.5]}
    """
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        return "".join(
            "\N{REPLACEMENT CHARACTER}" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value
        )
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    return value


class Words(TypeDecorator[str]):
    """Text that people or their files brought."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As both databases can hold it."""
        del dialect
        return None if value is None else str(storable(value))


class LongWords(Words):
    """The same without a limit on its length."""

    impl = Text
    cache_ok = True


class Document(TypeDecorator[Any]):
    """A JSON value; PostgreSQL keeps it as JSONB."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """JSONB where there is one."""
        kind = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """As both databases can hold it."""
        del dialect
        return storable(value)


class Table(DeclarativeBase):
    """The root of all tables."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)


def _id() -> Mapped[str]:
    return mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)


def _moment(**options: Any) -> Mapped[datetime]:
    return mapped_column(Moment, default=now, **options)


class Blob(Table):
    """A stored file, named by its content. `touched_at` keeps the sweep away from what is being written."""

    __tablename__ = "blobs"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    touched_at: Mapped[datetime] = _moment(index=True)


class Person(Table):
    """Someone who may sign in. Without a password they have been invited and not yet come."""

    __tablename__ = "people"
    id: Mapped[str] = _id()
    email: Mapped[str] = mapped_column(Words(254), unique=True)
    name: Mapped[str] = mapped_column(Words(200), default="")
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    is_admin: Mapped[bool] = mapped_column(default=False)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: secrets.token_hex(32))
    locale: Mapped[str] = mapped_column(String(16), default="")
    created_at: Mapped[datetime] = _moment()
    signed_in_at: Mapped[datetime | None] = mapped_column(Moment)


class Invitation(Table):
    """A one-time link: to become the first administrator (no person yet), or to choose a password."""

    __tablename__ = "invitations"
    id: Mapped[str] = _id()
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class EndedSession(Table):
    """A browser's session that was signed out of. Its cookie is signed and would hold until it expires."""

    __tablename__ = "ended_sessions"
    session_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    ended_at: Mapped[datetime] = _moment(index=True)


class ApiToken(Table):
    """A secret with which a script acts for a person; only its hash is kept."""

    __tablename__ = "api_tokens"
    id: Mapped[str] = _id()
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Words(200))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = _moment()
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)


class Case(Table):
    """One upload and all that was made of it. No owner: it waits for the first administrator."""

    __tablename__ = "cases"
    id: Mapped[str] = _id()
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    title: Mapped[str] = mapped_column(Words(300))
    notes: Mapped[str] = mapped_column(LongWords, default="")
    created_at: Mapped[datetime] = _moment()
    changed_at: Mapped[datetime] = _moment(index=True)
    trashed_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    thumbnail_sha256: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    # What the import doctor found, as `Inspection.as_dict`; None until it has looked.
    inspection: Mapped[dict[str, Any] | None] = mapped_column(Document)
    version: Mapped[int] = mapped_column(default=1)

    owner: Mapped[Person | None] = relationship(lazy="selectin")
    tags: Mapped[list[CaseTag]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="CaseTag.tag"
    )
    inputs: Mapped[list[CaseInput]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="CaseInput.position"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own protocol)


class CaseTag(Table):
    """A word a person filed a case under."""

    __tablename__ = "case_tags"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(Words(60), primary_key=True, index=True)


class CaseInput(Table):
    """An original file of a case, never changed."""

    __tablename__ = "case_inputs"
    id: Mapped[str] = _id()
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(LongWords)
    sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    size: Mapped[int] = mapped_column(BigInteger)


class SeriesSlice(Table):
    """A picture of one series of a case, as its first look saw it."""

    __tablename__ = "series_slices"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)


class Upload(Table):
    """A tus upload. Its offset is the size of its file; `sha256` is there once it is whole and stored."""

    __tablename__ = "uploads"
    id: Mapped[str] = _id()
    owner_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(LongWords)
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = _moment()
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    sha256: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id", ondelete="SET NULL"), index=True)


class Job(Table):
    """Work to be done. This row is the truth about it; whatever runs it may die.

    States: queued -> running -> done | failed | cancelled; running -> queued when an attempt was lost.
    A write names the attempt it belongs to and is refused once another attempt has begun.
    """

    __tablename__ = "jobs"
    id: Mapped[str] = _id()
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(40))
    request: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    # Equal keys in one case mean equal results: asking twice does the work once.
    request_key: Mapped[str] = mapped_column(String(64), default="")
    resources: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    state: Mapped[str] = mapped_column(String(12), default="queued", index=True)
    attempt: Mapped[int] = mapped_column(default=0)
    # Attempts given back by a worker that was asked to stop: nobody's fault, and not counted as lost.
    polite_stops: Mapped[int] = mapped_column(default=0, server_default="0")
    worker: Mapped[str] = mapped_column(Words(200), default="")
    share_done: Mapped[float] = mapped_column(default=0.0)
    doing: Mapped[str] = mapped_column(Words(300), default="")
    # [share done, seconds since the attempt began], both rising: later jobs read their time left from it.
    pace: Mapped[list[list[float]] | None] = mapped_column(Document)
    # What the running attempt has found so far: ids of structures, and a small PNG of them.
    found: Mapped[list[str] | None] = mapped_column(Document)
    glimpse: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    is_cancel_requested: Mapped[bool] = mapped_column(default=False)
    # {"code", "sentence", "hint"} where it failed; why the last attempt was lost where it was.
    error: Mapped[dict[str, Any] | None] = mapped_column(Document)
    lost_because: Mapped[str] = mapped_column(Words(300), default="")
    created_at: Mapped[datetime] = _moment(index=True)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    heard_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("ix_jobs_case_key", "case_id", "request_key"),)


class Build(Table):
    """What one build job made: organs, their verdicts and their files."""

    __tablename__ = "builds"
    id: Mapped[str] = _id()
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), unique=True)
    title: Mapped[str] = mapped_column(Words(300))
    request: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    # For lists and pages: organs with name, colour, light, volume; the certificate has the rest.
    summary: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    result_key: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = _moment()

    files: Mapped[list[BuildFile]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="BuildFile.name"
    )


class BuildFile(Table):
    """One file of a build, at its relative name with forward slashes."""

    __tablename__ = "build_files"
    build_id: Mapped[str] = mapped_column(ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Words(400), primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    size: Mapped[int] = mapped_column(BigInteger)


class Measurements(Table):
    """What people measured on a build, all of it: a list of JSON values, and how often it was changed."""

    __tablename__ = "measurements"
    build_id: Mapped[str] = mapped_column(ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True)
    items: Mapped[list[dict[str, Any]]] = mapped_column(Document, default=list)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime] = _moment()


class Share(Table):
    """A case shared with a person: role "view" or "edit"."""

    __tablename__ = "shares"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[str] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = _moment()

    person: Mapped[Person] = relationship(lazy="selectin")


class ShareLink(Table):
    """A link that lets whoever has it view a case until it expires; only its hash is kept."""

    __tablename__ = "share_links"
    id: Mapped[str] = _id()
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(Words(200), default="")
    created_by: Mapped[str | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = _moment()
    expires_at: Mapped[datetime] = mapped_column(Moment)

    @property
    def is_over(self) -> bool:
        """Whether its time has run out, or somebody ended it."""
        return self.expires_at <= now()
