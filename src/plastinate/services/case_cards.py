"""Cases -> what a shelf shows of each: work under way or the last one's failure, and the newest models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from plastinate.archive.archive import Archive
from plastinate.archive.jobs import UNFINISHED
from plastinate.archive.tables import Build, Case, Job


@dataclass(frozen=True)
class CaseCard:
    """What a shelf shows of a case beside its title.

    Attributes:
        job: the newest job, while it waits or runs, or where it failed; None where there is nothing to tell.
        organs: of the newest build, as its summary names them.
    """

    job: Job | None
    organs: tuple[dict[str, Any], ...]


def cards_of(archive: Archive, cases: Sequence[Case]) -> dict[str, CaseCard]:
    """A card for each case. Who may see the cases was asked when they were listed."""
    ids = [case.id for case in cases]
    with archive.database.read() as session:
        jobs = session.scalars(select(Job).where(Job.case_id.in_(ids)).order_by(Job.created_at))
        newest_job = {job.case_id: job for job in jobs}
        builds = session.scalars(select(Build).where(Build.case_id.in_(ids)).order_by(Build.created_at))
        newest_build = {build.case_id: build for build in builds}
    return {
        each: CaseCard(
            job=job if (job := newest_job.get(each)) and job.state in {*UNFINISHED, "failed"} else None,
            organs=tuple(newest_build[each].summary.get("organs", ())) if each in newest_build else (),
        )
        for each in ids
    }
