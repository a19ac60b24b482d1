"""A session's identity -> the person; and back, what signing in may change about them."""

from __future__ import annotations

from sqlalchemy import select

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Person
from plastinate.model.case_errors import NotThere


def person_of_session(archive: Archive, session_identity: str) -> Person | None:
    """Whose sessions carry this identity. A changed password gives a new one, so the old sessions end."""
    with archive.database.read() as session:
        return session.scalar(select(Person).where(Person.fs_uniquifier == session_identity))


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
