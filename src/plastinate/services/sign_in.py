"""An e-mail address or a session's identity -> the person; and back, what signing in changes about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from plastinate.archive.tables import Person, now
from plastinate.model.case_errors import NotThere

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive


def person_by_email(archive: Archive, email: str) -> Person | None:
    """Whoever signs in with this address, in whatever case it is typed."""
    with archive.database.read() as session:
        return session.scalar(select(Person).where(func.lower(Person.email) == email.strip().lower()))


def person_of_session(archive: Archive, session_identity: str) -> Person | None:
    """Whose sessions carry this identity. A changed password gives a new one."""
    with archive.database.read() as session:
        return session.scalar(select(Person).where(Person.fs_uniquifier == session_identity))


def keep_credentials(archive: Archive, person_id: str, *, password_hash: str, session_identity: str) -> None:
    """Keep a new password hash and the identity that sessions must carry from now on.

    Raises:
        NotThere: no such person.
    """
    with archive.database.write() as session:
        person = session.get(Person, person_id)
        if person is None:
            raise NotThere("person")
        person.password = password_hash or None
        person.fs_uniquifier = session_identity


def note_sign_in(archive: Archive, person_id: str) -> None:
    """Write down that the person has just signed in."""
    with archive.database.write() as session:
        person = session.get(Person, person_id)
        if person is not None:
            person.signed_in_at = now()
