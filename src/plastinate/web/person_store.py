"""A row of `people` <-> the user that Flask-Security signs in: copies of plain values, never live rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import session
from flask_security import RoleMixin, UserMixin
from flask_security.datastore import UserDatastore

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive
    from plastinate.archive.tables import Person


# In the signed cookie: which of a person's sessions it is.
SESSION_ID = "sid"


class SignedIn(UserMixin):
    """A person as the sign-in machinery sees them."""

    id: str = ""  # type: ignore[assignment]
    email: str = ""
    name: str = ""
    password: str | None = None
    active: bool = False
    is_admin: bool = False
    locale: str = ""
    fs_uniquifier: str = ""
    roles: list[RoleMixin] = []  # noqa: RUF012 (as the machinery declares it; nobody has any)

    def __init__(self, person: Person) -> None:
        for field in ("id", "email", "name", "password", "active", "is_admin", "locale", "fs_uniquifier"):
            setattr(self, field, getattr(person, field))


class NoRole(RoleMixin):
    """Rights come from owning and sharing, not from roles; the machinery wants a class all the same."""

    name = ""


class PersonStore(UserDatastore):
    """The door from Flask-Security to the archive."""

    def __init__(self, archive: Archive) -> None:
        super().__init__(SignedIn, NoRole)
        self._archive = archive

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> SignedIn | None:
        """Whoever has this e-mail address, or this session identity."""
        from plastinate.services.people import find_person
        from plastinate.services.sign_in import person_of_session

        del case_insensitive
        ((name, value),) = kwargs.items()
        if name == "email":
            person = find_person(self._archive, str(value))
        else:
            person = person_of_session(self._archive, str(value), session_id=session.get(SESSION_ID, ""))
        return None if person is None else SignedIn(person)

    def find_role(self, role: str) -> None:
        """There are none."""
        del role

    def put(self, model: SignedIn) -> SignedIn:
        """Keep what signing in may change: the password's hash and the identity of the sessions."""
        from plastinate.services.sign_in import keep_credentials

        keep_credentials(
            self._archive, model.id, password_hash=model.password, session_identity=model.fs_uniquifier
        )
        return model

    def commit(self) -> None:
        """Nothing waits: `put` has written."""
