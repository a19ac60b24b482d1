"""People over the API, for administrators: who may sign in, and who is invited."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import url_for

from plastinate.archive import tables
from plastinate.services import people as service
from plastinate.web.actor import current_actor
from plastinate.web.app_state import archive_of_app
from plastinate.web.payloads_people import Invitation, People, Person, PersonChanged, PersonInvited
from plastinate.web.public_address import public_address

people = APIBlueprint("api_people", __name__, url_prefix="/api/people", tag="People")


@people.get("")
@people.output(People)
def list_people() -> People:
    """Everybody who may sign in, or is invited. Administrators only."""
    found = service.list_people(archive_of_app(), current_actor())
    return People(people=[_person(row) for row in found])


@people.post("")
@people.input(PersonInvited)
@people.output(Invitation, status_code=201)
def invite(json_data: PersonInvited) -> Invitation:
    """Invite somebody: the answer holds the link to give them. Administrators only."""
    row, secret = service.invite(
        archive_of_app(),
        current_actor(),
        email=json_data.email,
        name=json_data.name,
        is_admin=json_data.is_admin,
    )
    return Invitation(person=_person(row), url=public_address(url_for("welcome.show", token=secret)))


@people.patch("/<person_id>")
@people.input(PersonChanged)
@people.output(Person)
def change_person(person_id: str, json_data: PersonChanged) -> Person:
    """Let somebody sign in or not; make them an administrator or not. Administrators only."""
    row = service.change_person(
        archive_of_app(),
        current_actor(),
        person_id,
        active=json_data.is_active,
        is_admin=json_data.is_admin,
        name=json_data.name,
    )
    return _person(row)


@people.post("/<person_id>/invitation")
@people.output(Invitation, status_code=201)
def invite_again(person_id: str) -> Invitation:
    """A new link for somebody to choose a password with; earlier ones are void. Administrators only."""
    archive, actor = archive_of_app(), current_actor()
    secret = service.invite_again(archive, actor, person_id)
    row = next(row for row in service.list_people(archive, actor) if row.id == person_id)
    return Invitation(person=_person(row), url=public_address(url_for("welcome.show", token=secret)))


def _person(row: tables.Person) -> Person:
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        is_active=row.active,
        is_admin=row.is_admin,
        is_invited=row.password is None,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
    )
