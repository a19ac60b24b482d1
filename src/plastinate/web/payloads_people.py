"""People, their tokens, and what they share with each other, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from plastinate.web.payloads import Email, Label, Password, PersonNamed, Role
from plastinate.web.payloads_about import Payload

# The longest is what Flask-Security takes where a password is changed.
PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 10, 128
NewPassword = Annotated[
    str, StringConstraints(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
]


class Share(Payload):
    """A person a case is shared with."""

    person: PersonNamed
    role: Role
    created_at: datetime


class Shares(Payload):
    """Everybody a case is shared with."""

    shares: list[Share]


class ShareMade(Payload):
    """Share a case with the person of this address."""

    email: Email
    role: Role = "view"


class ShareChanged(Payload):
    """What the person may do from now on."""

    role: Role


class Link(Payload):
    """A link with which whoever has it may view a case until it expires."""

    id: str
    label: str
    created_at: datetime
    expires_at: datetime


class Links(Payload):
    """Every link of a case that has not expired."""

    links: list[Link]


class LinkMade(Payload):
    """A new link."""

    hours: int = Field(168, ge=1, le=24 * 365)
    label: Label = ""


class LinkWithSecret(Payload):
    """A new link. Its address is shown this once."""

    id: str
    url: str
    label: str
    expires_at: datetime


class Token(Payload):
    """A token with which a script acts for a person."""

    id: str
    name: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


class Tokens(Payload):
    """The tokens of the person who asks."""

    tokens: list[Token]


class TokenMade(Payload):
    """A new token."""

    name: Label = "script"
    days: int | None = Field(None, ge=1, le=3650, description="Left out: until it is deleted.")


class TokenWithSecret(Payload):
    """A new token. The secret is shown this once."""

    id: str
    name: str
    token: str


class SignIn(Payload):
    """An address and its password, for a token: how a program signs in."""

    email: Email
    password: Password
    name: Label = "script"


class InvitationAccepted(Payload):
    """Who has come, and the password they choose."""

    email: Email | None = Field(None, description="Of the first administrator; others have theirs already.")
    name: Label = ""
    password: NewPassword


class Person(Payload):
    """A person, as an administrator sees them."""

    id: str
    email: str
    name: str
    is_active: bool
    is_admin: bool
    is_invited: bool = Field(description="Invited, and not yet come.")
    created_at: datetime
    signed_in_at: datetime | None


class People(Payload):
    """Everybody who may sign in."""

    people: list[Person]


class PersonInvited(Payload):
    """Invite somebody."""

    email: Email
    name: Label = ""
    is_admin: bool = False


class Invitation(Payload):
    """Somebody was invited. The address is to be given to them; it is shown this once."""

    person: Person
    url: str


class PersonChanged(Payload):
    """What is to change about a person; what is left out stays."""

    is_active: bool | None = None
    is_admin: bool | None = None
    name: Label | None = None
