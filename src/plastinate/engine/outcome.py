"""How an attempt ended -> the last word in its job's row, for as long as it takes the database to answer."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from plastinate.engine.kinds import kind_named, load
from plastinate.model.case_errors import DatabaseFailed, JobLost, StoreFull
from plastinate.model.errors import PlastinateError
from plastinate.model.every_error import error_classes

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive
    from plastinate.archive.files import StoredFile
    from plastinate.archive.tables import Job

# How long the last word is repeated to a database that does not answer. The fence keeps it harmless.
LAST_WORD_S = 120.0

log = logging.getLogger("plastinate.engine")


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        state: what is written into the row; "left" writes nothing, for the job is another's by now.
        result, files: of a job that is done.
        error: of one that failed: code, sentence, hint.
        because: of one that is given back.
        is_polite: the worker was asked to stop, which does not count as one of the tries.
    """

    state: Literal["done", "failed", "cancelled", "given back", "left"]
    result: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    because: str = ""
    is_polite: bool = False


def failed(error: PlastinateError) -> Outcome:
    """The outcome of an error."""
    return Outcome("failed", error=error.as_dict())


def is_full(error: BaseException | None) -> bool:
    """Whether the disk was full, somewhere behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def note_failure(job: Job, code: str, *, because: str = "") -> None:
    """Log that a job has failed, and why, in the words of the code alone.

    The row's own sentence may name files or what stands in them; a log is read by others than the row.
    """
    reason = because or _meaning(code)
    log.warning("job %s (%s) of case %s failed: [%s] %s", job.id, job.kind, job.case_id, code, reason)


def _meaning(code: str) -> str:
    """What an error of that code says of itself, whatever it is about this time.

    >>> _meaning("input.no-images")
    'Nothing in the input is an image'
    """
    found = error_classes().get(code, PlastinateError)
    is_told = found is not PlastinateError
    return (found.__doc__ or "").partition("\n")[0].rstrip(".") if is_told else "a fault of the program's own"


def write_down(archive: Archive, job: Job, attempt: int, outcome: Outcome) -> str:
    """Write down how the attempt ended, for as long as it takes the database to answer."""
    if outcome.state == "left":
        return "left"
    deadline = time.monotonic() + LAST_WORD_S
    pause = 0.1
    while True:
        try:
            said = _written(archive, job, attempt, outcome)
            if said == "failed":
                note_failure(job, outcome.error["code"])
            elif said == f"{outcome.because}: failed":
                note_failure(job, JobLost.code, because=outcome.because)
            return said
        except DatabaseFailed as fault:
            if time.monotonic() + pause > deadline:
                return f"left: {fault.sentence}"
        except StoreFull as full:
            outcome = failed(full)
            if time.monotonic() + pause > deadline:
                return "left: the disk is full"
        except PlastinateError as error:
            outcome = failed(error)
        time.sleep(pause)
        pause = min(2 * pause, 5.0)


def _written(archive: Archive, job: Job, attempt: int, outcome: Outcome) -> str:
    from plastinate.archive import jobs

    with archive.database.write() as session:
        if outcome.state == "done":
            # First the row, whose lock everyone else waits for; what is published stands or falls with it.
            if not jobs.finish(session, job.id, attempt):
                return _after_refusal(session, job, attempt)
            publish = load(kind_named(job.kind).publish)
            publish(session, job, result=outcome.result, files=outcome.files)
        elif outcome.state == "failed":
            return "failed" if jobs.fail(session, job.id, attempt, dict(outcome.error)) else "refused"
        elif outcome.state == "cancelled":
            return "cancelled" if jobs.mark_cancelled(session, job.id, attempt) else "refused"
        elif outcome.state == "given back":
            given = jobs.give_back(
                session,
                job.id,
                attempt,
                because=outcome.because,
                attempts_max=archive.settings.attempts,
                is_polite=outcome.is_polite,
            )
            return f"{outcome.because}: {given}"
    return outcome.state


def _after_refusal(session: Any, job: Job, attempt: int) -> str:
    """The commit of a try before may have gone through and only its answer been lost."""
    from plastinate.archive import jobs

    row = jobs.job(session, job.id)
    return "done" if row is not None and row.state == "done" and row.attempt == attempt else "refused"
