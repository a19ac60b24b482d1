"""Who may do what with a case: one table, written out."""

from __future__ import annotations

import pytest

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Case, Share, now
from plastinate.model.case_errors import NotAllowed, NotThere, SignInNeeded
from plastinate.services.access import (
    NOBODY,
    SYSTEM,
    Actor,
    case_for,
    require_admin,
    require_person,
    role_on,
)
from servers import new_person

ROLES = {
    "nobody": ("none", "none"),
    "other": ("none", "none"),
    "visitor": ("view", "none"),
    "viewer": ("view", "none"),
    "editor": ("edit", "none"),
    "owner": ("own", "own"),
    "admin": ("admin", "admin"),
    "system": ("admin", "admin"),
}


def everyone(archive: Archive, case_id: str) -> dict[str, Actor]:
    people = {name: new_person(archive, f"{name}@example.org") for name in ("other", "viewer", "editor")}
    with archive.database.write() as session:
        for role, name in (("view", "viewer"), ("edit", "editor")):
            session.add(Share(case_id=case_id, person_id=people[name].person_id, role=role))
    return {
        **people,
        "nobody": NOBODY,
        "visitor": Actor(None, link_case_ids=frozenset([case_id]), via="link"),
        "admin": new_person(archive, "admin@example.org", is_admin=True),
        "system": SYSTEM,
    }


def test_each_is_what_the_table_says_and_the_trash_is_for_owner_and_administrator(archive: Archive):
    owner = new_person(archive, "owner@example.org")
    with archive.database.write() as session:
        case = Case(title="x", owner_id=owner.person_id)
        session.add(case)
    actors = {**everyone(archive, case.id), "owner": owner}
    with archive.database.write() as session:
        here = session.get(Case, case.id)
        shown = {name: role_on(session, actor, here) for name, actor in actors.items()}
        here.trashed_at = now()
        trashed = {name: role_on(session, actor, here) for name, actor in actors.items()}
    assert {name: (shown[name], trashed[name]) for name in actors} == ROLES


def test_what_one_may_not_know_of_is_not_there_and_what_one_may_only_see_is_not_allowed(archive: Archive):
    owner = new_person(archive, "owner@example.org")
    with archive.database.write() as session:
        case = Case(title="x", owner_id=owner.person_id)
        session.add(case)
    actors = {**everyone(archive, case.id), "owner": owner}
    expected = {"none": "NNN", "view": "yAA", "edit": "yyA", "own": "yyy", "admin": "yyy"}
    with archive.database.read() as session:
        for name, actor in actors.items():
            said = ""
            for need in ("view", "edit", "own"):
                try:
                    case_for(session, actor, case.id, need=need)
                    said += "y"
                except NotThere:
                    said += "N"
                except NotAllowed:
                    said += "A"
            assert said == expected[ROLES[name][0]], name
        with pytest.raises(NotThere):
            case_for(session, SYSTEM, "no-such-case", need="view")


def test_a_case_without_an_owner_is_for_administrators(archive: Archive):
    ada = new_person(archive, "ada@example.org")
    with archive.database.write() as session:
        case = Case(title="x")
        session.add(case)
        session.flush()
        assert role_on(session, NOBODY, case) == role_on(session, ada, case) == "none"


def test_nobody_in_particular_is_asked_to_sign_in(archive: Archive):
    ada = new_person(archive, "ada@example.org")
    assert require_person(ada) == ada.person_id
    for actor in (NOBODY, SYSTEM):
        with pytest.raises(SignInNeeded):
            require_person(actor)
    require_admin(SYSTEM)
    with pytest.raises(SignInNeeded):
        require_admin(NOBODY)
    with pytest.raises(NotAllowed):
        require_admin(ada)
