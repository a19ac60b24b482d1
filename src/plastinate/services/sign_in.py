"""A session's identity -> the person; and back, what signing in and out may change about them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import delete, select

from plastinate.archive.archive import Archive
from plastinate.archive.tables import EndedSession, Person, now
from plastinate.model.case_errors import NotThere

# Without a request for so long, a browser must sign in again; an older cookie is not believed any more.
IDLE = timedelta(hours=12)


def person_of_session(archive: Archive, session_identity: str, *, session_id: str = "") -> Person | None:
    """Whose session it is; None once it was signed out of.

    Args:
        archive: where people are kept.
        session_identity: what all sessions of a person carry; a changed password gives a new one.
        session_id: of this one session.
    """
    with archive.database.read() as session:
        if session_id and session.get(EndedSession, _hash(session_id)) is not None:
            return None
        return session.scalar(select(Person).where(Person.fs_uniquifier == session_identity))


def end_session(archive: Archive, session_id: str) -> None:
    """Let a session, and every copy of its cookie, be nobody's from now on."""
    with archive.database.write() as session:
        if session.get(EndedSession, _hash(session_id)) is None:
            session.add(EndedSession(session_sha256=_hash(session_id)))


def forget_ended_sessions(archive: Archive) -> int:
    """Forget those whose cookies have expired by themselves, and tell how many."""
    old = EndedSession.ended_at < now() - IDLE - timedelta(hours=1)
    with archive.database.write() as session:
        return len(
            list(session.scalars(delete(EndedSession).where(old).returning(EndedSession.session_sha256)))
        )


def keep_credentials(
    archive: Archive, person_id: str, *, password_hash: str | None, session_identity: str
) -> None:
    """Keep a password's hash and the identity that sessions must carry from now on.

    Raises:
        NotThere: no such person.
    """
    with archive.database.write() as session:
        person = session.get(Person, person_id)
        if person is None:
            raise NotThere("person")
        person.password = password_hash
        person.fs_uniquifier = session_identity


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
