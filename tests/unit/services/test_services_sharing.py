"""A case is opened to a person or to a link by its owner, and closed again at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Case, ShareLink, now
from plastinate.model.case_errors import Gone, NotAllowed, NotThere, RequestFlaw
from plastinate.services import cases, people, sharing
from plastinate.services.access import NOBODY, SYSTEM, Actor
from servers import EVERY_DATABASE, new_person

pytestmark = pytest.mark.parametrize("archive", EVERY_DATABASE, indirect=True)


@pytest.fixture
def ada(archive: Archive) -> Actor:
    return new_person(archive, "ada@example.org")


@pytest.fixture
def bo(archive: Archive) -> Actor:
    return new_person(archive, "bo@example.org")


@pytest.fixture
def case_id(archive: Archive, ada: Actor) -> str:
    with archive.database.write() as session:
        case = Case(title="x", owner_id=ada.person_id)
        session.add(case)
    return case.id


def test_sharing_again_changes_what_the_person_may_do(archive: Archive, ada: Actor, bo: Actor, case_id: str):
    row = sharing.share(archive, ada, case_id, email="BO@example.org", role="view")
    assert (row.person.email, row.role) == ("bo@example.org", "view")
    with pytest.raises(NotAllowed):
        cases.change_case(archive, bo, case_id, title="Bo's")
    sharing.share(archive, ada, case_id, person_id=bo.person_id, role="edit")
    assert cases.change_case(archive, bo, case_id, title="Bo's").title == "Bo's"
    assert [(each.person.email, each.role) for each in sharing.list_shares(archive, ada, case_id)] == [
        ("bo@example.org", "edit")
    ]


def test_whoever_a_case_is_shared_with_cannot_share_it_on(
    archive: Archive, ada: Actor, bo: Actor, case_id: str
):
    sharing.share(archive, ada, case_id, email="bo@example.org", role="edit")
    link, _ = sharing.make_link(archive, ada, case_id, hours=1)
    for ask in (
        lambda: sharing.share(archive, bo, case_id, email="ada@example.org", role="view"),
        lambda: sharing.list_shares(archive, bo, case_id),
        lambda: sharing.make_link(archive, bo, case_id, hours=1),
        lambda: sharing.list_links(archive, bo, case_id),
        lambda: sharing.end_link(archive, bo, case_id, link.id),
        lambda: sharing.unshare(archive, bo, case_id, ada.person_id),
    ):
        with pytest.raises(NotAllowed):
            ask()


def test_a_share_ends_by_the_owner_or_by_who_has_it(archive: Archive, ada: Actor, bo: Actor, case_id: str):
    for ender in (ada, bo):
        sharing.share(archive, ada, case_id, email="bo@example.org", role="view")
        sharing.unshare(archive, ender, case_id, bo.person_id)
        with pytest.raises(NotThere):
            cases.read_case(archive, bo, case_id)
    with pytest.raises(NotThere):
        sharing.unshare(archive, ada, case_id, bo.person_id)


def test_only_people_who_are_there_are_shared_with(archive: Archive, ada: Actor, bo: Actor, case_id: str):
    for given, error in [
        ({"email": "nobody@example.org", "role": "view"}, NotThere),
        ({"person_id": "nobody", "role": "view"}, NotThere),
        ({"role": "view"}, NotThere),
        ({"email": "bo@example.org", "role": "own"}, RequestFlaw),
        ({"email": "ada@example.org", "role": "view"}, RequestFlaw),
    ]:
        with pytest.raises(error):
            sharing.share(archive, ada, case_id, **given)
    people.change_person(archive, SYSTEM, bo.person_id, active=False)
    with pytest.raises(NotThere):
        sharing.share(archive, ada, case_id, email="bo@example.org", role="view")


def test_a_link_opens_its_case_for_anyone_until_it_expires_or_ends(
    archive: Archive, ada: Actor, case_id: str
):
    link, secret = sharing.make_link(archive, ada, case_id, hours=2, label="for the class")
    assert sharing.open_link(archive, secret) == case_id
    visitor = Actor(None, link_case_ids=sharing.cases_of_links(archive, [link.id]), via="link")
    assert cases.read_case(archive, visitor, case_id).id == case_id
    with pytest.raises(NotAllowed):
        cases.change_case(archive, visitor, case_id, title="no")
    assert [(each.id, each.label) for each in sharing.list_links(archive, ada, case_id)] == [
        (link.id, "for the class")
    ]
    with archive.database.write() as session:
        session.execute(update(ShareLink).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(Gone):
        sharing.open_link(archive, secret)
    assert sharing.cases_of_links(archive, [link.id]) == sharing.cases_of_links(archive, []) == frozenset()
    # What is over already leaves the list.
    sharing.end_link(archive, ada, case_id, link.id)
    for ask in (
        lambda: sharing.open_link(archive, secret),
        lambda: sharing.end_link(archive, ada, case_id, link.id),
    ):
        with pytest.raises(NotThere):
            ask()


def test_an_ended_link_opens_nothing_and_says_so(archive: Archive, ada: Actor, case_id: str):
    link, secret = sharing.make_link(archive, ada, case_id, hours=2)
    sharing.end_link(archive, ada, case_id, link.id)
    with pytest.raises(Gone):
        sharing.open_link(archive, secret)
    assert sharing.cases_of_links(archive, [link.id]) == frozenset()
    assert [each.is_over for each in sharing.list_links(archive, ada, case_id)] == [True]


def test_a_link_to_a_case_in_the_trash_opens_nothing(archive: Archive, ada: Actor, case_id: str):
    link, secret = sharing.make_link(archive, ada, case_id, hours=2)
    cases.trash_case(archive, ada, case_id)
    with pytest.raises(NotThere):
        sharing.open_link(archive, secret)
    visitor = Actor(None, link_case_ids=sharing.cases_of_links(archive, [link.id]), via="link")
    with pytest.raises(NotThere):
        cases.read_case(archive, visitor, case_id)


def test_a_link_has_an_end_within_a_year(archive: Archive, ada: Actor, case_id: str):
    for flaw in ({"hours": 0}, {"hours": 10_000}, {"hours": 1, "label": "x" * 201}):
        with pytest.raises(RequestFlaw):
            sharing.make_link(archive, ada, case_id, **flaw)


def test_to_strangers_there_is_nothing_to_share(archive: Archive, bo: Actor, case_id: str):
    for actor in (bo, NOBODY):
        for ask in (
            lambda actor: sharing.share(archive, actor, case_id, email="bo@example.org", role="view"),
            lambda actor: sharing.list_shares(archive, actor, case_id),
            lambda actor: sharing.make_link(archive, actor, case_id, hours=1),
            lambda actor: sharing.list_links(archive, actor, case_id),
            lambda actor: sharing.end_link(archive, actor, case_id, "x"),
            lambda actor: sharing.unshare(archive, actor, case_id, "x"),
        ):
            with pytest.raises(NotThere):
                ask(actor)
