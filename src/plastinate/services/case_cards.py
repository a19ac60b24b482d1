"""Cases -> what a shelf shows of each: work under way or the last one's failure, and the newest models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from plastinate.archive.archive import Archive
from plastinate.archive.jobs import UNFINISHED
from plastinate.archive.tables import Build, Case, Job


@dataclass(frozen=True)
class CaseCard:
    """What a shelf shows of a case beside its title.

    Attributes:
        job: the newest job, while it waits or runs, or where it failed; None where there is nothing to tell.
        organs: of the newest build, as its summary names them.
        missing: how many more were asked for in it and not found.
    """

    job: Job | None
    organs: tuple[dict[str, Any], ...]
    missing: int = 0


def cards_of(archive: Archive, cases: Sequence[Case]) -> dict[str, CaseCard]:
    """A card for each case. Who may see the cases was asked when they were listed."""
    ids = [case.id for case in cases]
    with archive.database.read() as session:
        jobs = session.scalars(select(Job).where(Job.id.in_(_newest(Job, ids))))
        newest_job = {job.case_id: job for job in jobs}
        # Not the rows as a whole: each would bring all its files along.
        builds = select(Build.case_id, Build.summary).where(Build.id.in_(_newest(Build, ids)))
        summaries: dict[str, Any] = {each.case_id: each.summary for each in session.execute(builds)}
    return {
        each: CaseCard(
            job=job if (job := newest_job.get(each)) and job.state in {*UNFINISHED, "failed"} else None,
            organs=tuple(summary.get("organs", ())),
            missing=len(summary.get("not_found", ())),
        )
        for each in ids
        for summary in [summaries.get(each, {})]
    }


def _newest(table: type[Job] | type[Build], case_ids: Sequence[str]) -> Select[str]:
    """The id of the newest row for each case."""
    newest_first = func.row_number().over(
        partition_by=table.case_id, order_by=(table.created_at.desc(), table.id)
    )
    ranked = select(table.id, newest_first.label("place")).where(table.case_id.in_(case_ids)).subquery()
    return select(ranked.c.id).where(ranked.c.place == 1)
