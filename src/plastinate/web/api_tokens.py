"""Tokens over the API: how a program signs in, and what it acts with afterwards."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask_security import hash_password, verify_password

from plastinate.model.case_errors import SignInNeeded
from plastinate.services import people as service
from plastinate.services.access import Actor
from plastinate.web.actor import current_actor
from plastinate.web.app_state import archive_of_app
from plastinate.web.operations import FOR_EVERYBODY
from plastinate.web.payloads_people import (
    InvitationAccepted,
    SignIn,
    Token,
    TokenMade,
    Tokens,
    TokenWithSecret,
)

tokens = APIBlueprint("api_tokens", __name__, url_prefix="/api", tag="Tokens")


@tokens.post("/sign-in")
@tokens.input(SignIn)
@tokens.output(TokenWithSecret, status_code=201)
@tokens.doc(extensions=FOR_EVERYBODY)
def sign_in(json_data: SignIn) -> TokenWithSecret:
    """An address and its password, for a token: how a program signs in."""
    archive = archive_of_app()
    person = service.find_person(archive, json_data.email)
    if person is None or not person.password:
        # As much work as a true password costs, so that the time tells nobody who is known here.
        hash_password(json_data.password)
        raise _wrong_password()
    if not verify_password(json_data.password, person.password) or not person.active:
        raise _wrong_password()
    actor = Actor(person.id, is_admin=person.is_admin, name=person.name)
    row, secret = service.make_token(archive, actor, name=json_data.name or "script")
    service.note_sign_in(archive, person.id)
    return TokenWithSecret(id=row.id, name=row.name, token=secret)


@tokens.post("/invitations/<secret>")
@tokens.input(InvitationAccepted)
@tokens.output(TokenWithSecret, status_code=201)
@tokens.doc(extensions=FOR_EVERYBODY)
def accept_invitation(secret: str, json_data: InvitationAccepted) -> TokenWithSecret:
    """Use a one-time link without its page: choose a password, and get a token.

    The secret is the last part of the link's address, the first administrator's or an invitation's.
    """
    archive = archive_of_app()
    # Before the costly hash: whoever guesses gets no work done here.
    service.read_invitation(archive, secret)
    person = service.accept_invitation(
        archive,
        secret,
        email=json_data.email or "",
        name=json_data.name,
        password_hash=hash_password(json_data.password),
    )
    actor = Actor(person.id, is_admin=person.is_admin, name=person.name)
    row, token = service.make_token(archive, actor, name="script")
    return TokenWithSecret(id=row.id, name=row.name, token=token)


@tokens.get("/tokens")
@tokens.output(Tokens)
def list_tokens() -> Tokens:
    """Your own tokens, the newest first."""
    return Tokens(
        tokens=[
            Token(
                id=row.id,
                name=row.name,
                created_at=row.created_at,
                used_at=row.used_at,
                expires_at=row.expires_at,
            )
            for row in service.list_tokens(archive_of_app(), current_actor())
        ]
    )


@tokens.post("/tokens")
@tokens.input(TokenMade)
@tokens.output(TokenWithSecret, status_code=201)
def make_token(json_data: TokenMade) -> TokenWithSecret:
    """Make a token with which a script acts for you."""
    row, secret = service.make_token(
        archive_of_app(), current_actor(), name=json_data.name, days=json_data.days
    )
    return TokenWithSecret(id=row.id, name=row.name, token=secret)


@tokens.delete("/tokens/<token_id>")
@tokens.output({}, status_code=204)
def end_token(token_id: str) -> str:
    """Make one of your tokens void."""
    service.end_token(archive_of_app(), current_actor(), token_id)
    return ""


def _wrong_password() -> SignInNeeded:
    return SignInNeeded(
        "The address or the password is not right",
        hint="Try again. Forgotten the password? An administrator can make a new link.",
    )
