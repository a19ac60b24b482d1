"""Wishes become jobs; jobs are read, with their place in the queue and the time they need, and cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from plastinate import __version__
from plastinate.archive import jobs
from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, Case, Job, now
from plastinate.engine.kinds import place_in_queue
from plastinate.model.case_errors import Conflict, NotThere
from plastinate.services.access import Actor, case_for
from plastinate.services.build_wish import ALWAYS, checked_wish
from plastinate.services.time_left import TELLING_SHARE, Course, guess_left_s, is_alike
from plastinate.services.work_build import request_key

BUILD = "build"
# From so many earlier jobs of a kind the time of the next is guessed.
EARLIER_MAX = 12
# Everybody else's wait behind them, and each is looked at four times a second.
UNFINISHED_MAX = 200
MEANWHILE = "The case is in the trash."


@dataclass(frozen=True)
class JobView:
    """A job, and what is known of when it will be done.

    Attributes:
        job: the row.
        position: 1 for the next in the queue; None unless it waits.
        remaining_s: guessed seconds until it is done; None where nobody can tell.
    """

    job: Job
    position: int | None = None
    remaining_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        row = self.job
        return {
            "id": row.id,
            "case_id": row.case_id,
            "kind": row.kind,
            "request": dict(row.request),
            "state": row.state,
            # As it is counted where a job is given up: a worker that was asked to stop costs no try.
            "attempt": row.attempt - row.polite_stops,
            "share_done": round(row.share_done, 4),
            "doing": row.doing,
            "found": list(row.found or ()) if row.state == jobs.RUNNING else [],
            "is_cancel_requested": row.is_cancel_requested,
            "error": None
            if row.error is None
            else {key: row.error[key] for key in ("code", "sentence", "hint")},
            "lost_because": row.lost_because,
            "created_at": _written(row.created_at),
            "started_at": _written(row.started_at),
            "finished_at": _written(row.finished_at),
            "position": self.position,
            "remaining_s": None if self.remaining_s is None else round(self.remaining_s, 1),
        }


def submit_build(archive: Archive, actor: Actor, case_id: str, *, request: Mapping[str, Any]) -> Job:
    """Queue a build. The same wish again finds the job that waits, runs or is done.

    Args:
        archive: where the case is.
        actor: who asks; needs to be allowed to edit.
        case_id: of the case.
        request: see `services/build_wish.py`.

    Raises:
        NotThere, NotAllowed: as `case_for`.
        Conflict: the case is in the trash, or this person has very many jobs that have not ended.
        RequestFlaw: a field that cannot be taken.
        RecipeError, InputError: what the recipes or the scan do not have.
    """
    with archive.database.write() as session:
        case = case_for(session, actor, case_id, need="edit")
        if case.trashed_at is not None:
            raise Conflict(MEANWHILE, hint="Restore it first.")
        _require_few(session, actor)
        return queue_build(session, case, person_id=actor.person_id, request=request)


def queue_build(session: Session, case: Case, *, person_id: str | None, request: Mapping[str, Any]) -> Job:
    """The job for a wish about a case, made or found, in a session of the caller's.

    Raises:
        RequestFlaw, RecipeError, InputError: as `submit_build`.
    """
    wish = checked_wish(request, inspection=case.inspection)
    # What every build holds belongs to it: one made before there was a viewer does not stand in for the next.
    asked = {**wish, "always": ALWAYS}
    key = request_key(asked, [each.sha256 for each in case.inputs], version=__version__)
    same = select(Job).where(Job.case_id == case.id, Job.request_key == key, Job.kind == BUILD)
    for earlier in session.scalars(same.order_by(Job.created_at.desc())):
        is_coming = earlier.state in jobs.UNFINISHED and not earlier.is_cancel_requested
        if is_coming or (earlier.state == jobs.DONE and _has_build(session, earlier)):
            return earlier
    return jobs.add_job(
        session, case_id=case.id, person_id=person_id, kind=BUILD, request=wish, request_key=key
    )


def cancel_job(archive: Archive, actor: Actor, job_id: str) -> JobView:
    """Stop a job: at once while it waits, within seconds while it runs; one that has ended stays as it is.

    Raises:
        NotThere, NotAllowed: as `case_for`.
    """
    with archive.database.write() as session:
        _job_for(session, actor, job_id, need="edit")
        jobs.request_cancel(session, job_id)
    return read_job(archive, actor, job_id)


def read_job(archive: Archive, actor: Actor, job_id: str) -> JobView:
    """One job.

    Raises:
        NotThere: there is none that this person may know of.
    """
    with archive.database.read() as session:
        job = _job_for(session, actor, job_id, need="view")
        return _views(session, [job], workers=archive.settings.workers)[0]


def read_glimpse(archive: Archive, actor: Actor, job_id: str) -> bytes:
    """A picture of what a running job has found so far, a PNG.

    Raises:
        NotThere: no such job to this person, or nothing found yet, or it has ended.
    """
    with archive.database.read() as session:
        picture = _job_for(session, actor, job_id, need="view").glimpse
    if picture is None:
        raise NotThere("picture")
    return picture


def list_jobs(archive: Archive, actor: Actor, case_id: str) -> list[JobView]:
    """Every job of a case, the newest first.

    Raises:
        NotThere: there is no case that this person may know of.
    """
    with archive.database.read() as session:
        case_for(session, actor, case_id, need="view")
        return _views(session, jobs.jobs_of_case(session, case_id), workers=archive.settings.workers)


def _require_few(session: Session, actor: Actor) -> None:
    mine = select(func.count()).select_from(Job).where(Job.person_id == actor.person_id)
    if (session.scalar(mine.where(Job.state.in_(jobs.UNFINISHED))) or 0) >= UNFINISHED_MAX:
        raise Conflict(
            f"{UNFINISHED_MAX} jobs of yours wait or run.", hint="Wait until some are done, or stop some."
        )


def _job_for(session: Session, actor: Actor, job_id: str, *, need: Any) -> Job:
    job = jobs.job(session, job_id)
    if job is None:
        raise NotThere("job")
    try:
        case_for(session, actor, job.case_id, need=need)
    except NotThere as error:
        raise NotThere("job") from error
    return job


def _has_build(session: Session, job: Job) -> bool:
    return bool(session.scalar(select(exists().where(Build.job_id == job.id))))


def _views(session: Session, rows: Sequence[Job], *, workers: int) -> list[JobView]:
    if all(row.state not in jobs.UNFINISHED for row in rows):
        return [JobView(row) for row in rows]
    unfinished = jobs.unfinished(session)
    done = {kind: _done_of_late(session, kind) for kind in {row.kind for row in unfinished}}
    left = {row.id: _left_s(row, done[row.kind]) for row in unfinished}
    queue = sorted(unfinished, key=lambda row: place_in_queue(row.kind, row.created_at))
    waiting = [row.id for row in queue if row.state == jobs.QUEUED]
    views = []
    for row in rows:
        if row.state not in jobs.UNFINISHED:
            views.append(JobView(row))
            continue
        position = waiting.index(row.id) + 1 if row.id in waiting else None
        remaining = left.get(row.id)
        if position is not None and remaining is not None:
            ahead = [left[each] for each in waiting[: position - 1]]
            ahead += [left[each.id] for each in unfinished if each.state == jobs.RUNNING]
            # Whoever is ahead shares the workers; with fewer ahead than workers, nobody waits.
            if len(ahead) >= workers:
                known = [each for each in ahead if each is not None]
                is_known = len(known) == len(ahead)
                remaining = remaining + sum(known) / max(workers, 1) if is_known else None
        views.append(JobView(row, position, remaining))
    return views


@dataclass(frozen=True)
class _Earlier:
    """A job that came to its end."""

    case_id: str
    request: Mapping[str, Any]
    course: Course


def _done_of_late(session: Session, kind: str) -> list[_Earlier]:
    """The last jobs of a kind that were done, with how each went along."""
    asked = select(Job.case_id, Job.request, Job.pace, Job.started_at, Job.finished_at)
    finished = asked.where(Job.kind == kind, Job.state == jobs.DONE)
    return [
        _Earlier(case_id, request, Course(pace or (), (ended - begun).total_seconds()))
        for case_id, request, pace, begun, ended in session.execute(
            finished.order_by(Job.finished_at.desc()).limit(EARLIER_MAX)
        )
        if begun is not None and ended is not None
    ]


def _left_s(row: Job, done: Sequence[_Earlier]) -> float | None:
    """From jobs about the same, of the same scan where there are any; from others only once it is well on."""
    alike = [each for each in done if is_alike(row.request, each.request)]
    chosen = [each for each in alike if each.case_id == row.case_id] or alike
    has_begun = row.state == jobs.RUNNING and row.started_at is not None
    marks = row.pace or () if has_begun else ()
    if not chosen and marks and marks[-1][0] >= TELLING_SHARE:
        chosen = list(done)
    elapsed_s = (now() - row.started_at).total_seconds() if has_begun and row.started_at else 0.0
    return guess_left_s(elapsed_s, marks, [each.course for each in chosen])


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
