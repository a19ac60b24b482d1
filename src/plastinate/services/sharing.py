"""A case opened to others: to a person, to view or to edit; or to whoever has a link, until it expires."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Case, Person, Share, ShareLink, now
from plastinate.model.case_errors import Gone, NotThere, RequestFlaw
from plastinate.services import text_fields
from plastinate.services.access import Actor, case_for

ROLES = ("view", "edit")
LINK_HOURS_MAX = 24 * 366
LABEL_MAX = 200


def share(
    archive: Archive,
    actor: Actor,
    case_id: str,
    *,
    role: str,
    email: str | None = None,
    person_id: str | None = None,
) -> Share:
    """Share a case with a person, or change what they may do with it.

    Args:
        archive: where it is kept.
        actor: who asks; needs to own the case.
        case_id: of the case.
        role: "view" or "edit".
        email: the person's address, or else
        person_id: the person.

    Raises:
        NotThere: no such case to this person, or no such person.
        NotAllowed: the case is someone else's.
        RequestFlaw: no such role, or the person owns the case.
    """
    if role not in ROLES:
        raise RequestFlaw('It must be "view" or "edit"', where="role")
    with archive.database.write() as session:
        case = case_for(session, actor, case_id, need="own")
        person = _find(session, email=email, person_id=person_id)
        if person.id == case.owner_id:
            raise RequestFlaw("This person owns the case", where="email" if email else "person")
        row = session.get(Share, (case_id, person.id), with_for_update=True)
        if row is None:
            row = Share(case_id=case_id, person_id=person.id, role=role)
            session.add(row)
        row.role = role
        session.flush()
        session.refresh(row, ["person"])
        return row


def unshare(archive: Archive, actor: Actor, case_id: str, person_id: str) -> None:
    """End a share; its owner may, and the person it is for.

    Raises:
        NotThere: no such case to this person, or no such share.
        NotAllowed: neither of them asks.
    """
    with archive.database.write() as session:
        is_own_share = actor.person_id is not None and actor.person_id == person_id
        case_for(session, actor, case_id, need="view" if is_own_share else "own")
        mine = (Share.case_id == case_id, Share.person_id == person_id)
        if session.scalar(delete(Share).where(*mine).returning(Share.person_id)) is None:
            raise NotThere("share")


def list_shares(archive: Archive, actor: Actor, case_id: str) -> list[Share]:
    """With whom a case is shared, by address.

    Raises:
        NotThere, NotAllowed: only its owner may ask.
    """
    with archive.database.read() as session:
        case_for(session, actor, case_id, need="own")
        found = select(Share).join(Person, Person.id == Share.person_id).where(Share.case_id == case_id)
        return list(session.scalars(found.order_by(Person.email)))


def make_link(
    archive: Archive, actor: Actor, case_id: str, *, hours: int, label: str = ""
) -> tuple[ShareLink, str]:
    """Make a link with which anyone may view a case.

    Args:
        archive: where it is kept.
        actor: who asks; needs to own the case.
        case_id: of the case.
        hours: how long it is good: an hour to a year.
        label: whom it is for.

    Returns:
        Its row, and the secret, which is told this once and kept nowhere.

    Raises:
        NotThere, NotAllowed: only the owner may.
        RequestFlaw: a field that cannot be taken.
    """
    called = text_fields.one_line(label, where="label", longest=LABEL_MAX, may_be_empty=True)
    if not 1 <= hours <= LINK_HOURS_MAX:
        raise RequestFlaw(f"It must be 1 to {LINK_HOURS_MAX}", where="hours")
    secret = secrets.token_urlsafe(24)
    with archive.database.write() as session:
        case_for(session, actor, case_id, need="own")
        row = ShareLink(
            case_id=case_id,
            token_sha256=_hash(secret),
            label=called,
            created_by=actor.person_id,
            expires_at=now() + timedelta(hours=hours),
        )
        session.add(row)
    return row, secret


def list_links(archive: Archive, actor: Actor, case_id: str) -> list[ShareLink]:
    """The links of a case, the newest first, expired ones too.

    Raises:
        NotThere, NotAllowed: only its owner may ask.
    """
    with archive.database.read() as session:
        case_for(session, actor, case_id, need="own")
        found = select(ShareLink).where(ShareLink.case_id == case_id)
        return list(session.scalars(found.order_by(ShareLink.created_at.desc(), ShareLink.id)))


def end_link(archive: Archive, actor: Actor, case_id: str, link_id: str) -> None:
    """Make a link void, also for those who have opened it; one that is void already leaves the list.

    A link that was ended is kept like one whose time has run out: whoever opens it is told so.

    Raises:
        NotThere: no such case to this person, or no such link.
        NotAllowed: the case is someone else's.
    """
    with archive.database.write() as session:
        case_for(session, actor, case_id, need="own")
        link = session.get(ShareLink, link_id, with_for_update=True)
        if link is None or link.case_id != case_id:
            raise NotThere("link")
        if link.is_over:
            session.delete(link)
        else:
            link.expires_at = now()


def read_link(archive: Archive, secret: str) -> ShareLink:
    """The link of a secret.

    Raises:
        NotThere: no such link, or its case is in the trash.
        Gone: its time has run out.
    """
    with archive.database.read() as session:
        link = session.scalar(select(ShareLink).where(ShareLink.token_sha256 == _hash(secret)))
        case = session.get(Case, link.case_id) if link else None
        if link is None or case is None or case.trashed_at is not None:
            raise NotThere("link")
        if link.expires_at <= now():
            raise Gone("link")
        return link


def open_link(archive: Archive, secret: str) -> str:
    """The id of the case that a link opens.

    Raises:
        NotThere, Gone: as `read_link`.
    """
    return read_link(archive, secret).case_id


def cases_of_links(archive: Archive, link_ids: Iterable[str]) -> frozenset[str]:
    """The cases that links still open: a link that expired or was ended opens nothing any more."""
    wanted = list(link_ids)
    if not wanted:
        return frozenset()
    with archive.database.read() as session:
        live = (ShareLink.id.in_(wanted), ShareLink.expires_at > now())
        return frozenset(session.scalars(select(ShareLink.case_id).where(*live)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _find(session: Session, *, email: str | None, person_id: str | None) -> Person:
    if email is not None:
        person = session.scalar(select(Person).where(Person.email == text_fields.email(email)))
    else:
        person = session.get(Person, person_id or "")
    if person is None or not person.active:
        raise NotThere("person")
    return person
