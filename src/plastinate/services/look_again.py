"""A case whose first look failed, for no fault of its files -> a new first look, queued."""

from __future__ import annotations

from sqlalchemy import select

from plastinate.archive import jobs
from plastinate.archive.archive import Archive
from plastinate.archive.tables import Job
from plastinate.model.case_errors import Conflict
from plastinate.services.access import Actor, case_for
from plastinate.services.cases import INSPECT


def look_again(archive: Archive, actor: Actor, case_id: str) -> Job:
    """Queue a look at a case's files; finds the one that waits or runs.

    Raises:
        NotThere, NotAllowed: as `case_for`; needs to be allowed to edit.
        Conflict: the case is in the trash.
    """
    with archive.database.write() as session:
        case = case_for(session, actor, case_id, need="edit")
        if case.trashed_at is not None:
            raise Conflict("The case is in the trash.", hint="Restore it first.")
        coming = select(Job).where(
            Job.case_id == case_id, Job.kind == INSPECT, Job.state.in_(jobs.UNFINISHED)
        )
        earlier = session.scalars(coming).first()
        return earlier or jobs.add_job(
            session, case_id=case_id, person_id=actor.person_id, kind=INSPECT, request={}
        )
