"""Who asks, for which case -> what they may do with it. Every service asks here first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from plastinate.archive.tables import Case, Share
from plastinate.model.case_errors import NotAllowed, NotThere, SignInNeeded

Role = Literal["none", "view", "edit", "own", "admin"]
Need = Literal["view", "edit", "own"]
Via = Literal["session", "token", "link", "nobody", "system"]

RANK: dict[str, int] = {"none": 0, "view": 1, "edit": 2, "own": 3, "admin": 4}
DOING: dict[str, str] = {
    "view": "see this case",
    "edit": "change this case",
    "own": "do this with someone else's case",
}


@dataclass(frozen=True)
class Actor:
    """Who asks.

    Attributes:
        person_id: the person; None for a visitor with a link, for nobody, and for the server itself.
        is_admin: may do everything.
        name: to show.
        link_case_ids: cases that a share link has opened to this visitor.
        via: how they came.
    """

    person_id: str | None
    is_admin: bool = False
    name: str = ""
    link_case_ids: frozenset[str] = frozenset()
    via: Via = "session"


NOBODY = Actor(None, via="nobody")
SYSTEM = Actor(None, is_admin=True, via="system")


def require_person(actor: Actor) -> str:
    """The id of the person who asks.

    Raises:
        SignInNeeded: nobody in particular asks.
    """
    if actor.person_id is None:
        raise SignInNeeded
    return actor.person_id


def require_admin(actor: Actor) -> None:
    """Nothing, for an administrator.

    Raises:
        SignInNeeded: nobody in particular asks.
        NotAllowed: someone who is no administrator asks.
    """
    if actor.is_admin:
        return
    require_person(actor)
    raise NotAllowed("do this without being an administrator", hint="Ask an administrator.")


def role_on(session: Session, actor: Actor, case: Case) -> Role:
    """What someone is to a case: the most they are, of owner, sharer, visitor by link, administrator.

    A case in the trash is there for its owner and administrators only.
    """
    if actor.is_admin:
        return "admin"
    if actor.person_id is not None and case.owner_id == actor.person_id:
        return "own"
    if case.trashed_at is not None:
        return "none"
    shared = None
    if actor.person_id is not None:
        mine = (Share.case_id == case.id, Share.person_id == actor.person_id)
        shared = session.scalar(select(Share.role).where(*mine))
    if shared == "edit":
        return "edit"
    return "view" if shared == "view" or case.id in actor.link_case_ids else "none"


def case_for(session: Session, actor: Actor, case_id: str, *, need: Need) -> Case:
    """A case, if this person may do with it what they need to.

    Args:
        session: to read in, or to write in.
        actor: who asks.
        case_id: of the case.
        need: "view", "edit" or "own"; each includes those before it.

    Raises:
        NotThere: there is none, or none that this person may know of.
        NotAllowed: they may see it, and no more than that.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise NotThere("case")
    rank = RANK[role_on(session, actor, case)]
    if rank == 0:
        raise NotThere("case")
    if rank < RANK[need]:
        raise NotAllowed(DOING[need])
    return case
