"""Who may sign in: invited by a one-time link, changed by an administrator, represented by tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plastinate.archive.archive import Archive
from plastinate.archive.tables import ApiToken, Case, Invitation, Person, now
from plastinate.model.case_errors import Conflict, Gone, NotThere, RequestFlaw, UsedUp
from plastinate.services import text_fields
from plastinate.services.access import Actor, require_admin, require_person

FIRST_HOURS = 24
INVITED_HOURS = 7 * 24
TOKEN_PREFIX = "pl_"  # noqa: S105 (a mark by which a lost token is recognised, no secret)
TOKEN_DAYS_MAX = 3650
REPLACED = "A newer link may have replaced it. Ask an administrator for a new one."
# A token in use is not written to the database at every request.
USED_EVERY = timedelta(minutes=1)


def first_invitation(archive: Archive) -> str | None:
    """A one-time secret to become the first administrator; None once somebody can sign in.

    An earlier one that was not used is void from then on.
    """
    secret = secrets.token_urlsafe(32)
    with archive.database.write() as session:
        if _somebody(session):
            return None
        session.execute(delete(Invitation).where(Invitation.person_id.is_(None)))
        session.add(Invitation(token_sha256=_hash(secret), expires_at=now() + timedelta(hours=FIRST_HOURS)))
    return secret


def somebody_is_here(archive: Archive) -> bool:
    """Whether anyone can sign in: until then a one-time link waits for the first administrator."""
    with archive.database.read() as session:
        return _somebody(session)


def read_invitation(archive: Archive, token: str) -> Person | None:
    """Whom an invitation is for; None for the first administrator, whose address is not known yet.

    Raises:
        NotThere: no such invitation.
        UsedUp, Gone: it was used, or its time has run out.
    """
    with archive.database.read() as session:
        invitation = _open_invitation(session, token)
        return session.get(Person, invitation.person_id) if invitation.person_id else None


def accept_invitation(archive: Archive, token: str, *, email: str, name: str, password_hash: str) -> Person:
    """Use an invitation: its person can sign in from then on.

    The first administrator takes over every case that has no owner.

    Args:
        archive: where people are kept.
        token: the secret of the link.
        email: the address, for the first administrator; others have theirs from the invitation.
        name: what to call them.
        password_hash: of the password they chose, never the password.

    Raises:
        NotThere: no such invitation.
        UsedUp, Gone: it was used, or its time has run out.
        RequestFlaw: an address or a name that cannot be taken.
    """
    called = text_fields.one_line(name, where="name", longest=text_fields.NAME_MAX, may_be_empty=True)
    with archive.database.write() as session:
        invitation = _open_invitation(session, token)
        used = update(Invitation).where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
        if session.scalar(used.values(used_at=now()).returning(Invitation.id)) is None:
            raise UsedUp("invitation")
        person = session.get(Person, invitation.person_id) if invitation.person_id else None
        if person is None:
            person = _first_admin(session, email)
        person.name = called or person.name
        person.password = password_hash
        # Whoever was signed in with an older password is not any more.
        person.fs_uniquifier = secrets.token_hex(32)
        return person


def invite(
    archive: Archive, actor: Actor, *, email: str, name: str = "", is_admin: bool = False
) -> tuple[Person, str]:
    """Invite someone: a person without a password, and the secret of a link to choose one.

    Raises:
        SignInNeeded, NotAllowed: only an administrator may.
        RequestFlaw: not an address.
        Conflict: someone has this address already.
    """
    require_admin(actor)
    address = text_fields.email(email)
    called = text_fields.one_line(name, where="name", longest=text_fields.NAME_MAX, may_be_empty=True)
    try:
        with archive.database.write() as session:
            if session.scalar(select(Person.id).where(Person.email == address)):
                raise _taken()
            person = Person(email=address, name=called, is_admin=is_admin)
            session.add(person)
            session.flush()
            return person, _new_link(session, person.id)
    except IntegrityError as error:
        raise _taken() from error


def invite_again(archive: Archive, actor: Actor, person_id: str) -> str:
    """A new link for someone to choose a password with; earlier links of theirs are void.

    Raises:
        SignInNeeded, NotAllowed: only an administrator may.
        NotThere: no such person.
        Conflict: the person may not sign in.
    """
    require_admin(actor)
    with archive.database.write() as session:
        person = _person(session, person_id)
        if not person.active:
            raise Conflict("This person may not sign in.", hint="Let them sign in again first.")
        return _new_link(session, person.id)


def list_people(archive: Archive, actor: Actor) -> list[Person]:
    """Everyone, by address.

    Raises:
        SignInNeeded, NotAllowed: only an administrator may.
    """
    require_admin(actor)
    with archive.database.read() as session:
        return list(session.scalars(select(Person).order_by(Person.email)))


def find_person(archive: Archive, email: str) -> Person | None:
    """The person of an address, in any letter case; None if there is none."""
    with archive.database.read() as session:
        return session.scalar(select(Person).where(Person.email == email.strip().lower()))


def read_person(archive: Archive, person_id: str) -> Person | None:
    """The person of an id; None if there is none."""
    with archive.database.read() as session:
        return session.get(Person, person_id)


def change_person(
    archive: Archive,
    actor: Actor,
    person_id: str,
    *,
    active: bool | None = None,
    is_admin: bool | None = None,
    name: str | None = None,
) -> Person:
    """Let someone sign in or not, make them an administrator or not; None leaves a field as it is.

    Raises:
        SignInNeeded, NotAllowed: only an administrator may.
        NotThere: no such person.
        Conflict: nobody would be left to administer.
        RequestFlaw: a name that cannot be taken.
    """
    require_admin(actor)
    with archive.database.write() as session:
        # Every administrator's row is locked: two who dismiss each other at once do not both succeed.
        admins = set(session.scalars(_admins().with_for_update()))
        person = _person(session, person_id)
        if name is not None:
            person.name = text_fields.one_line(
                name, where="name", longest=text_fields.NAME_MAX, may_be_empty=True
            )
        if (active is False or is_admin is False) and admins == {person.id}:
            raise Conflict(
                "This is the last administrator.", hint="Make someone else an administrator first."
            )
        if active is not None and active != person.active:
            person.active = active
            person.fs_uniquifier = secrets.token_hex(32)
        if is_admin is not None:
            person.is_admin = is_admin
        return person


def change_self(
    archive: Archive, actor: Actor, *, name: str | None = None, locale: str | None = None
) -> Person:
    """Change one's own name or language; None leaves a field as it is.

    Raises:
        SignInNeeded: nobody in particular asks.
        RequestFlaw: a field that cannot be taken.
    """
    with archive.database.write() as session:
        person = _person(session, require_person(actor))
        if name is not None:
            person.name = text_fields.one_line(
                name, where="name", longest=text_fields.NAME_MAX, may_be_empty=True
            )
        if locale is not None:
            person.locale = text_fields.one_line(locale, where="locale", longest=16, may_be_empty=True)
        return person


def set_password(archive: Archive, person_id: str, *, password_hash: str) -> Person:
    """Store the hash of a new password, and end every sign-in made with the old one.

    Raises:
        NotThere: no such person.
    """
    with archive.database.write() as session:
        person = _person(session, person_id)
        person.password = password_hash
        person.fs_uniquifier = secrets.token_hex(32)
        return person


def note_sign_in(archive: Archive, person_id: str) -> None:
    """Write down that someone has signed in just now."""
    with archive.database.write() as session:
        session.execute(update(Person).where(Person.id == person_id).values(signed_in_at=now()))


def make_token(archive: Archive, actor: Actor, *, name: str, days: int | None = None) -> tuple[ApiToken, str]:
    """Make a token with which a script acts for this person.

    Args:
        archive: where it is kept.
        actor: whose token it will be.
        name: what it is for.
        days: how long it is good; None is for ever.

    Returns:
        Its row, and the secret, which is told this once and kept nowhere.

    Raises:
        SignInNeeded: nobody in particular asks.
        RequestFlaw: a field that cannot be taken.
    """
    person_id = require_person(actor)
    called = text_fields.one_line(name, where="name", longest=text_fields.NAME_MAX)
    if days is not None and not 1 <= days <= TOKEN_DAYS_MAX:
        raise RequestFlaw(f"It must be 1 to {TOKEN_DAYS_MAX} days", where="days")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    ends: datetime | None = None if days is None else now() + timedelta(days=days)
    with archive.database.write() as session:
        row = ApiToken(person_id=person_id, name=called, token_sha256=_hash(secret), expires_at=ends)
        session.add(row)
    return row, secret


def list_tokens(archive: Archive, actor: Actor) -> Sequence[ApiToken]:
    """One's own tokens, the newest first.

    Raises:
        SignInNeeded: nobody in particular asks.
    """
    mine = select(ApiToken).where(ApiToken.person_id == require_person(actor))
    with archive.database.read() as session:
        return list(session.scalars(mine.order_by(ApiToken.created_at.desc(), ApiToken.id)))


def person_of_token(archive: Archive, secret: str) -> Person | None:
    """For whom a script acts; None when the token is unknown, expired, or of someone who may not sign in."""
    moment = now()
    with archive.database.read() as session:
        token = session.scalar(select(ApiToken).where(ApiToken.token_sha256 == _hash(secret)))
        if token is None or (token.expires_at is not None and token.expires_at <= moment):
            return None
        person = session.get(Person, token.person_id)
    if person is None or not person.active:
        return None
    if token.used_at is None or moment - token.used_at > USED_EVERY:
        with archive.database.write() as session:
            session.execute(update(ApiToken).where(ApiToken.id == token.id).values(used_at=moment))
    return person


def id_of_token(archive: Archive, secret: str) -> str | None:
    """Which token this is; None where it is unknown."""
    with archive.database.read() as session:
        return session.scalar(select(ApiToken.id).where(ApiToken.token_sha256 == _hash(secret)))


def end_token(archive: Archive, actor: Actor, token_id: str) -> None:
    """Make one of one's own tokens void.

    Raises:
        SignInNeeded: nobody in particular asks.
        NotThere: no such token of theirs.
    """
    mine = (ApiToken.id == token_id, ApiToken.person_id == require_person(actor))
    with archive.database.write() as session:
        if session.scalar(delete(ApiToken).where(*mine).returning(ApiToken.id)) is None:
            raise NotThere("token")


def _taken() -> Conflict:
    return Conflict(
        "Someone with this e-mail address is there already.",
        hint="Find them in the list; a new link to choose a password can be made there.",
    )


def _hash(secret: str) -> str:
    # No salt and no work factor: a secret of 256 random bits cannot be guessed from its hash.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _somebody(session: Session) -> bool:
    return bool(session.scalar(select(func.count()).select_from(Person).where(Person.password.is_not(None))))


def _admins() -> Select[str]:
    return select(Person.id).where(Person.is_admin, Person.active, Person.password.is_not(None))


def _person(session: Session, person_id: str) -> Person:
    person = session.get(Person, person_id)
    if person is None:
        raise NotThere("person")
    return person


def _open_invitation(session: Session, token: str) -> Invitation:
    found = session.scalar(select(Invitation).where(Invitation.token_sha256 == _hash(token)))
    if found is None:
        raise NotThere("invitation", hint=REPLACED)
    if found.used_at is not None or (found.person_id is None and _somebody(session)):
        raise UsedUp("invitation")
    if found.expires_at <= now():
        raise Gone("invitation")
    person = session.get(Person, found.person_id) if found.person_id else None
    if person is not None and not person.active:
        raise NotThere("invitation", hint=REPLACED)
    return found


def _first_admin(session: Session, email: str) -> Person:
    address = text_fields.email(email)
    person = session.scalar(select(Person).where(Person.email == address))
    if person is None:
        person = Person(email=address)
        session.add(person)
    person.is_admin = person.active = True
    session.flush()
    session.execute(
        update(Case.__table__).where(Case.__table__.c.owner_id.is_(None)).values(owner_id=person.id)  # type: ignore[arg-type]
    )
    return person


def _new_link(session: Session, person_id: str) -> str:
    session.execute(delete(Invitation).where(Invitation.person_id == person_id))
    secret = secrets.token_urlsafe(32)
    session.add(
        Invitation(
            token_sha256=_hash(secret),
            person_id=person_id,
            expires_at=now() + timedelta(hours=INVITED_HOURS),
        )
    )
    return secret
