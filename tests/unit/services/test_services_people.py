"""People come in by a link that works once, and somebody is always left to administer."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from plastinate.archive.archive import Archive
from plastinate.archive.tables import ApiToken, Case, Invitation, Person, now
from plastinate.model.case_errors import (
    Conflict,
    Gone,
    NotAllowed,
    NotThere,
    PlastinateError,
    RequestFlaw,
    SignInNeeded,
    UsedUp,
)
from plastinate.services import people
from plastinate.services.access import NOBODY, SYSTEM, Actor
from servers import EVERY_DATABASE, new_person

pytestmark = pytest.mark.parametrize("archive", EVERY_DATABASE, indirect=True)


def first(archive: Archive, email: str = "ada@example.org") -> Actor:
    token = people.first_invitation(archive)
    person = people.accept_invitation(archive, token, email=email, name="Ada", password_hash="h")
    return Actor(person.id, is_admin=person.is_admin)


def test_the_first_link_makes_an_administrator_once(archive: Archive):
    void = people.first_invitation(archive)
    token = people.first_invitation(archive)
    assert people.read_invitation(archive, token) is None
    with pytest.raises(NotThere):
        people.accept_invitation(archive, void, email="a@b.c", name="", password_hash="h")
    person = people.accept_invitation(archive, token, email=" Ada@B.c ", name=" Ada ", password_hash="h")
    assert (person.email, person.name, person.is_admin, person.active) == ("ada@b.c", "Ada", True, True)
    with pytest.raises(UsedUp):
        people.accept_invitation(archive, token, email="eve@b.c", name="", password_hash="h")
    assert people.first_invitation(archive) is None
    assert people.find_person(archive, "ADA@b.C ").id == person.id


def test_of_many_who_use_the_first_link_at_once_one_wins(archive: Archive):
    token = people.first_invitation(archive)
    ready, won = threading.Barrier(4), []

    def accept(number: int) -> None:
        ready.wait()
        try:
            email = f"p{number}@example.org"
            won.append(
                people.accept_invitation(archive, token, email=email, name="", password_hash="h").email
            )
        except UsedUp:
            pass

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with archive.database.read() as session:
        assert list(session.scalars(select(Person.email))) == won
    assert len(won) == 1


def test_the_first_administrator_takes_over_cases_without_an_owner(archive: Archive):
    with archive.database.write() as session:
        session.add(Case(title="sample"))
    ada = first(archive)
    with archive.database.read() as session:
        assert session.scalar(select(Case.owner_id)) == ada.person_id


def test_an_address_that_is_none_does_not_use_the_link_up(archive: Archive):
    token = people.first_invitation(archive)
    for email in ("", "ada", "a@", "@b", "a b@c", "a@b\n", "a" * 250 + "@b.org", "a\0@b.c"):
        if email.strip() == "a@b":
            continue
        with pytest.raises(RequestFlaw) as caught:
            people.accept_invitation(archive, token, email=email, name="", password_hash="h")
        assert caught.value.where == "email"
    assert people.accept_invitation(archive, token, email="a@b", name="", password_hash="h").email == "a@b"


def test_an_invited_person_chooses_a_password_with_a_link_that_works_once(archive: Archive):
    ada = first(archive)
    person, token = people.invite(archive, ada, email="bo@example.org", name="Bo")
    assert person.password is None
    assert people.read_invitation(archive, token).email == "bo@example.org"
    accepted = people.accept_invitation(archive, token, email="eve@evil.org", name="", password_hash="h2")
    assert (accepted.id, accepted.email, accepted.name) == (person.id, "bo@example.org", "Bo")
    assert (accepted.password, accepted.is_admin) == ("h2", False)
    for use in (
        people.read_invitation,
        lambda a, t: people.accept_invitation(a, t, email="", name="", password_hash="x"),
    ):
        with pytest.raises(UsedUp):
            use(archive, token)
    with pytest.raises(Conflict):
        people.invite(archive, ada, email="BO@example.org")


def test_a_link_runs_out_and_a_new_one_voids_it(archive: Archive):
    ada = first(archive)
    person, old = people.invite(archive, ada, email="bo@example.org")
    new = people.invite_again(archive, ada, person.id)
    with pytest.raises(NotThere):
        people.read_invitation(archive, old)
    with archive.database.write() as session:
        session.execute(update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(Gone):
        people.accept_invitation(archive, new, email="", name="", password_hash="h")
    with pytest.raises(NotThere):
        people.read_invitation(archive, "no such token \ud800")


def test_only_administrators_invite_list_and_change(archive: Archive):
    first(archive)
    bo = new_person(archive, "bo@example.org")
    for actor, error in ((NOBODY, SignInNeeded), (bo, NotAllowed)):
        for ask in (
            lambda actor: people.invite(archive, actor, email="x@example.org"),
            lambda actor: people.invite_again(archive, actor, bo.person_id),
            lambda actor: people.list_people(archive, actor),
            lambda actor: people.change_person(archive, actor, bo.person_id, is_admin=True),
        ):
            with pytest.raises(error):
                ask(actor)
    assert [person.email for person in people.list_people(archive, SYSTEM)] == [
        "ada@example.org",
        "bo@example.org",
    ]


def test_the_last_administrator_stays(archive: Archive):
    ada = first(archive)
    invited, _ = people.invite(archive, ada, email="cy@example.org", is_admin=True)
    for change in ({"active": False}, {"is_admin": False}):
        with pytest.raises(Conflict):
            people.change_person(archive, ada, ada.person_id, **change)
    bo = new_person(archive, "bo@example.org", is_admin=True)
    assert not people.change_person(archive, bo, ada.person_id, is_admin=False).is_admin
    with pytest.raises(Conflict):
        people.change_person(archive, bo, bo.person_id, active=False)
    assert invited.is_admin


def test_two_administrators_who_dismiss_each_other_do_not_both_succeed(archive: Archive):
    ada, bo = first(archive), new_person(archive, "bo@example.org", is_admin=True)
    ready, said = threading.Barrier(2), []

    def dismiss(actor: Actor, other: Actor) -> None:
        ready.wait()
        try:
            people.change_person(archive, actor, other.person_id, is_admin=False)
            said.append("done")
        except PlastinateError:
            said.append("refused")

    threads = [threading.Thread(target=dismiss, args=pair) for pair in ((ada, bo), (bo, ada))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["done", "refused"]
    with archive.database.read() as session:
        assert session.scalar(select(func.count()).where(Person.is_admin)) == 1


@pytest.mark.slow
def test_a_new_password_and_being_shut_out_end_every_sign_in(archive: Archive):
    ada = first(archive)
    marks = [people.read_person(archive, ada.person_id).fs_uniquifier]
    marks.append(people.set_password(archive, ada.person_id, password_hash="new").fs_uniquifier)
    bo = new_person(archive, "bo@example.org", is_admin=True)
    marks.append(people.change_person(archive, bo, ada.person_id, active=False).fs_uniquifier)
    assert len(set(marks)) == 3
    with pytest.raises(Conflict):
        people.invite_again(archive, bo, ada.person_id)


def test_people_choose_their_own_name_and_language(archive: Archive):
    ada = first(archive)
    person = people.change_self(archive, ada, name=" Ada L. ", locale="de")
    assert (person.name, person.locale) == ("Ada L.", "de")
    with pytest.raises(RequestFlaw):
        people.change_self(archive, ada, name="x" * 201)
    with pytest.raises(SignInNeeded):
        people.change_self(archive, SYSTEM, name="x")
    people.note_sign_in(archive, ada.person_id)
    assert people.read_person(archive, ada.person_id).signed_in_at is not None


def test_a_token_acts_for_its_person_until_it_ends(archive: Archive):
    ada = first(archive)
    row, secret = people.make_token(archive, ada, name="laptop")
    assert secret.startswith("pl_")
    assert secret not in str(vars(row))
    assert people.person_of_token(archive, secret).id == ada.person_id
    assert people.list_tokens(archive, ada)[0].used_at is not None
    for wrong in ("", "pl_x", secret[:-1], secret + "x", "\ud800"):
        assert people.person_of_token(archive, wrong) is None
    people.end_token(archive, ada, row.id)
    assert people.person_of_token(archive, secret) is None
    with pytest.raises(NotThere):
        people.end_token(archive, ada, row.id)


def test_a_token_dies_with_its_time_and_sleeps_while_its_person_is_shut_out(archive: Archive):
    ada = first(archive)
    bo = new_person(archive, "bo@example.org")
    row, secret = people.make_token(archive, bo, name="x", days=1)
    people.change_person(archive, ada, bo.person_id, active=False)
    assert people.person_of_token(archive, secret) is None
    people.change_person(archive, ada, bo.person_id, active=True)
    assert people.person_of_token(archive, secret) is not None
    with archive.database.write() as session:
        session.get(ApiToken, row.id).expires_at = now() - timedelta(seconds=1)
    assert people.person_of_token(archive, secret) is None
    with pytest.raises(NotThere):
        people.end_token(archive, ada, row.id)
    for flaw in ({"name": ""}, {"name": "x", "days": 0}, {"name": "x", "days": 9999}):
        with pytest.raises(RequestFlaw):
            people.make_token(archive, bo, **flaw)
