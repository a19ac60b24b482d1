"""A job's row from queued to its end. Each write names its attempt; one statement decides if it holds.

An attempt that was overtaken (its worker slept, its link was cut) finds that
its writes change no row: it is told "stale" and has nothing more to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from plastinate.archive.tables import Job, now
from plastinate.model.case_errors import JobLost

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
UNFINISHED = (QUEUED, RUNNING)
WORDS_MAX = 300
WORKER_MAX = 200
# Of the jobs of a case that are over, as many are listed; what they made is listed by itself.
ENDED_LISTED = 100

# What was found so far is for those who wait: it goes with the attempt.
NO_LOOK: Mapping[str, Any] = {"found": None, "glimpse": None}

Report = Literal["go on", "cancel", "stale"]


def add_job(
    session: Session,
    *,
    case_id: str,
    person_id: str | None,
    kind: str,
    request: dict[str, Any],
    request_key: str = "",
    resources: Mapping[str, Any] | None = None,
) -> Job:
    """Queue a job; it is there once the session's transaction is.

    Args:
        session: to write in.
        case_id: the case it works on.
        person_id: who asked for it.
        kind: what is to be done ("inspect", "build").
        request: all that the work needs to know, as JSON.
        request_key: equal keys in one case mean equal results.
        resources: what a worker must have ("GPU": 1).
    """
    row = Job(
        case_id=case_id,
        person_id=person_id,
        kind=kind,
        request=request,
        request_key=request_key,
        resources=dict(resources or {}),
    )
    session.add(row)
    session.flush()
    return row


def claim(session: Session, job_id: str, *, seen_attempt: int, worker: str) -> int | None:
    """Begin the next attempt of a job that is queued, or whose attempt was lost.

    Args:
        session: to write in.
        job_id: the job.
        seen_attempt: its attempt when it was looked at; another's claim in between wins.
        worker: who will do it.

    Returns:
        The number of the new attempt, from 1; None if there is nothing to claim.
    """
    moment = now()
    won = _change(
        session,
        (
            Job.id == job_id,
            Job.attempt == seen_attempt,
            Job.state.in_(UNFINISHED),
            Job.is_cancel_requested.is_(False),
        ),
        attempt=seen_attempt + 1,
        state=RUNNING,
        worker=worker[:WORKER_MAX],
        share_done=0.0,
        doing="",
        pace=None,
        started_at=moment,
        heard_at=moment,
    )
    return seen_attempt + 1 if won else None


def report(
    session: Session,
    job_id: str,
    attempt: int,
    *,
    share_done: float,
    doing: str,
    pace: Sequence[tuple[float, float]] | None = None,
    look: tuple[Sequence[str], bytes] | None = None,
) -> Report:
    """Say how far an attempt is; this is also its heartbeat.

    Args:
        session: to write in.
        job_id: the job.
        attempt: the one that speaks.
        share_done: from 0 to 1.
        doing: a few words.
        pace: (share, seconds since the attempt began), from its beginning; None where there is nothing new.
        look: structures found so far and a PNG of them; None where there is nothing new.

    Returns:
        "go on"; "cancel" when someone asked for that; "stale" when the attempt has no say any more.
    """
    share = min(max(share_done, 0.0), 1.0) if share_done == share_done else 0.0
    marks: dict[str, Any] = {} if pace is None else {"pace": [list(mark) for mark in pace]}
    if look is not None:
        marks |= {"found": list(look[0]), "glimpse": look[1]}
    asked = session.execute(
        update(Job)
        .where(*_is_live(job_id, attempt))
        .values(share_done=share, doing=doing[:WORDS_MAX], heard_at=now(), **marks)
        .returning(Job.is_cancel_requested)
    ).scalar_one_or_none()
    if asked is None:
        return "stale"
    return "cancel" if asked else "go on"


def finish(session: Session, job_id: str, attempt: int) -> bool:
    """The attempt has done the job; False if it had no say any more, and then nothing may be published."""
    return _change(
        session,
        _is_live(job_id, attempt),
        state=DONE,
        share_done=1.0,
        doing="",
        error=None,
        lost_because="",
        finished_at=now(),
    )


def fail(session: Session, job_id: str, attempt: int, error: Mapping[str, str]) -> bool:
    """The job cannot be done, for a reason with code, sentence and hint; False if the attempt is stale."""
    return _change(session, _is_live(job_id, attempt), state=FAILED, error=dict(error), finished_at=now())


def mark_cancelled(session: Session, job_id: str, attempt: int) -> bool:
    """The attempt stopped because someone asked; False if it is stale."""
    return _change(session, _is_live(job_id, attempt), state=CANCELLED, doing="", finished_at=now())


def give_back(
    session: Session,
    job_id: str,
    attempt: int,
    *,
    because: str,
    attempts_max: int,
    is_polite: bool = False,
) -> Literal["queued", "failed", "cancelled", "stale"]:
    """An attempt was lost: another is to begin, unless it was the last one or someone asked to cancel.

    Args:
        session: to write in.
        job_id: the job.
        attempt: the one that was lost.
        because: why, in words that go on "the last time ...".
        attempts_max: how often a job is tried.
        is_polite: its worker was asked to stop, which does not count.

    Returns:
        The job's new state, or "stale" when another attempt has begun or the job is over.
    """
    live = _is_live(job_id, attempt)
    told = because[:WORDS_MAX]
    if _change(
        session,
        (*live, Job.is_cancel_requested.is_(True)),
        state=CANCELLED,
        doing="",
        lost_because=told,
        finished_at=now(),
    ):
        return "cancelled"
    last = (*live, Job.attempt - Job.polite_stops >= attempts_max)
    error = JobLost(attempts_max, told).as_dict()
    if not is_polite and _change(
        session, last, state=FAILED, error=error, lost_because=told, finished_at=now()
    ):
        return "failed"
    is_ours = _change(
        session,
        live,
        state=QUEUED,
        worker="",
        share_done=0.0,
        doing="",
        lost_because=told,
        polite_stops=Job.polite_stops + int(is_polite),
    )
    return "queued" if is_ours else "stale"


def request_cancel(session: Session, job_id: str) -> str:
    """Cancel a job that waits, at once; ask a running one to stop.

    Returns:
        Its state now: "cancelled", "running" (its attempt will hear of it), or how it had ended before;
        "" if there is no such job.
    """
    if _change(
        session,
        (Job.id == job_id, Job.state == QUEUED),
        state=CANCELLED,
        is_cancel_requested=True,
        finished_at=now(),
    ):
        return CANCELLED
    _change(session, (Job.id == job_id, Job.state == RUNNING), is_cancel_requested=True)
    return session.scalar(select(Job.state).where(Job.id == job_id)) or ""


def unfinished(session: Session) -> list[Job]:
    """Every job that has not ended, the oldest first."""
    return list(
        session.scalars(select(Job).where(Job.state.in_(UNFINISHED)).order_by(Job.created_at, Job.id))
    )


def job(session: Session, job_id: str) -> Job | None:
    """One job, or None."""
    return session.get(Job, job_id)


def jobs_of_case(session: Session, case_id: str) -> list[Job]:
    """The jobs of a case, the newest first: all that wait or run, and the last that ended."""
    newest = (Job.created_at.desc(), Job.id.desc())
    ended = (
        select(Job.id)
        .where(Job.case_id == case_id, Job.state.not_in(UNFINISHED))
        .order_by(*newest)
        .limit(ENDED_LISTED)
    )
    wanted = Job.state.in_(UNFINISHED) | Job.id.in_(ended)
    return list(session.scalars(select(Job).where(Job.case_id == case_id, wanted).order_by(*newest)))


def _is_live(job_id: str, attempt: int) -> tuple[ColumnElement[bool], ...]:
    """The fence: this attempt is the one that runs."""
    return Job.id == job_id, Job.attempt == attempt, Job.state == RUNNING


def _change(session: Session, where: tuple[ColumnElement[bool], ...], **values: Any) -> bool:
    """Change a row if it still is as `where` says; one statement, so that two cannot both win."""
    if "state" in values:
        values = {**NO_LOOK, **values}
    done = session.execute(update(Job).where(*where).values(**values))
    assert isinstance(done, CursorResult)  # noqa: S101 (an UPDATE has no other result)
    return done.rowcount == 1
