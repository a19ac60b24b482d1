"""A shelf shows of each case the newest work and the newest models, however many came before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, Case, Job, now
from plastinate.services.case_cards import cards_of
from servers import EVERY_DATABASE

pytestmark = pytest.mark.parametrize("archive", EVERY_DATABASE, indirect=True)


def case_with(archive: Archive, *, states: list[str], organs: list[str]) -> Case:
    """A case with jobs and builds, the oldest first."""
    with archive.database.write() as session:
        case = Case(title="x")
        session.add(case)
        session.flush()
        for number, state in enumerate(states):
            job = Job(case_id=case.id, kind="build", state=state, created_at=now() + timedelta(hours=number))
            session.add(job)
        for number, organ in enumerate(organs):
            build = Build(case_id=case.id, title=organ, summary={"organs": [{"name": organ}]})
            build.created_at = now() + timedelta(hours=number)
            session.add(build)
        return case


def test_the_newest_build_and_the_newest_job_are_shown(archive: Archive):
    first = case_with(archive, states=["done", "failed"], organs=["Heart", "Lung"])
    second = case_with(archive, states=["failed", "done"], organs=["Skin"])
    third = case_with(archive, states=[], organs=[])
    cards = cards_of(archive, [first, second, third])
    assert [[organ["name"] for organ in cards[each.id].organs] for each in (first, second, third)] == [
        ["Lung"],
        ["Skin"],
        [],
    ]
    assert cards[first.id].job is not None
    assert (cards[second.id].job, cards[third.id].job) == (None, None)
