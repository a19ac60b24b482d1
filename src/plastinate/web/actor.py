"""A request -> who asks: from a token, from the session cookie, or by a link that was opened before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, request, session
from flask_login import current_user

from plastinate.model.case_errors import SignInNeeded
from plastinate.services.access import Actor
from plastinate.services.people import person_of_token
from plastinate.services.sharing import cases_of_links
from plastinate.web.app_state import archive_of_app

if TYPE_CHECKING:
    from plastinate.web.person_store import SignedIn

BEARER = "bearer "
# Ids of opened links, in the signed cookie. The archive is asked at every request which of them still hold,
# so a link that was ended or has expired opens nothing from that moment on.
LINKS_KEY = "links"
LINKS_MAX = 8


def current_actor() -> Actor:
    """Who asks.

    Raises:
        SignInNeeded: a token was sent that is not valid.
    """
    if "actor" not in g:
        g.actor = _by_token() if "Authorization" in request.headers else _by_session()
    actor: Actor = g.actor
    return actor


def require_person() -> Actor:
    """Who asks, where only a person with an account may.

    Raises:
        SignInNeeded: nobody is signed in.
    """
    actor = current_actor()
    if actor.person_id is None:
        raise SignInNeeded
    return actor


def is_from_signed_in_browser() -> bool:
    """Whether somebody's browser speaks, which another site could make speak with their rights."""
    return "Authorization" not in request.headers and "_user_id" in session


def remember_link(link_id: str) -> None:
    """Keep an opened link in this browser's session."""
    kept = [each for each in session.get(LINKS_KEY, []) if each != link_id]
    session[LINKS_KEY] = [*kept, link_id][-LINKS_MAX:]


def sent_token() -> str:
    """The token in the request's header.

    Raises:
        SignInNeeded: the header holds something else.
    """
    header = request.headers["Authorization"]
    if not header.lower().startswith(BEARER):
        raise SignInNeeded("Only bearer tokens are understood")
    return header[len(BEARER) :].strip()


def _by_token() -> Actor:
    person = person_of_token(archive_of_app(), sent_token())
    if person is None:
        raise SignInNeeded("The token is not valid")
    return Actor(person.id, is_admin=person.is_admin, name=person.name, via="token")


def _by_session() -> Actor:
    links = _linked_cases()
    user: SignedIn = current_user
    if user.is_authenticated:
        return Actor(user.id, is_admin=user.is_admin, name=user.name, link_case_ids=links, via="session")
    return Actor(None, link_case_ids=links, via="link" if links else "nobody")


def _linked_cases() -> frozenset[str]:
    opened = session.get(LINKS_KEY)
    return cases_of_links(archive_of_app(), opened) if opened else frozenset()
