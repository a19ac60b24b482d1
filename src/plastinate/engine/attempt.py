"""One attempt at a job, on a worker's thread: claim it, fetch the files, watch the child, write the result.

The row of the job is the truth. Every write names the attempt and is refused
once another has begun, so an attempt that was given up for lost can do no harm.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import platform
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from plastinate.engine.kinds import kind_named, load
from plastinate.engine.pulse import Interrupted, Pulse, stopping
from plastinate.model.case_errors import DatabaseFailed, JobTooLong, StoreFailed, StoreFull
from plastinate.model.errors import PlastinateError, SystemFault
from plastinate.model.owner import own_mark
from plastinate.settings import read_settings
from plastinate.stages.ingest.child_process import TimeIsUp, converse
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.workspace import private_folder

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive
    from plastinate.archive.files import StoredFile
    from plastinate.archive.tables import Job

CHILD = "plastinate.engine.child"
TICK_S = 0.25
# How long the last word is repeated to a database that does not answer. The fence keeps it harmless.
LAST_WORD_S = 120.0
# A polite stop is nobody's fault and does not count against the job.
NEVER = 1 << 30
COMPLAINT_BYTES = 20_000

log = logging.getLogger("plastinate.engine")


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        state: what is written into the row; "left" writes nothing, for the job is another's by now.
        result, files: of a job that is done.
        error: of one that failed: code, sentence, hint.
        because: of one that is given back.
        counts: whether the loss counts as one of the tries.
    """

    state: Literal["done", "failed", "cancelled", "given back", "left"]
    result: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    because: str = ""
    counts: bool = True


def run_attempt(job_id: str, seen_attempt: int, environment: Mapping[str, str] | None = None) -> str:
    """Try a job once.

    Args:
        job_id: which.
        seen_attempt: what the row bore when this attempt was ordered; if it has moved on, nothing is done.
        environment: settings as PLASTINATE_... variables; None for those of this process.

    Returns:
        What came of it, for the log.
    """
    from plastinate.archive import jobs

    if stopping.is_set():
        return "not begun"
    archive = _archive(None if environment is None else tuple(sorted(environment.items())))
    with archive.database.write() as session:
        attempt = jobs.claim(session, job_id, seen_attempt=seen_attempt, worker=own_label())
        job = jobs.job(session, job_id) if attempt is not None else None
        inputs = [] if job is None else _inputs(session, job)
    if attempt is None or job is None:
        return "not ours"
    with Pulse(archive, job_id=job_id, attempt=attempt) as pulse:
        outcome = _tried(archive, job, inputs, pulse)
        # The scratch folder is gone by now: a full disk may have room again for the last word.
        said = _last_word(archive, job, attempt, outcome)
    log.info("job %s (%s), attempt %s: %s", job_id, job.kind, attempt, said)
    return said


def own_label() -> str:
    """This process, for people and for `engine.dispatch`, which looks whether it is still there."""
    return f"{platform.node()[:150]} {own_mark()}"


@cache
def _archive(environment: tuple[tuple[str, str], ...] | None) -> Archive:
    from plastinate.archive.archive import open_archive

    return open_archive(read_settings(None if environment is None else dict(environment)))


def _inputs(session: Any, job: Job) -> list[tuple[str, str]]:
    """Name and content of each original file of the job's case."""
    from plastinate.archive.tables import Case

    case = session.get(Case, job.case_id)
    return [] if case is None else [(each.name, each.sha256) for each in case.inputs]


def _tried(archive: Archive, job: Job, inputs: list[tuple[str, str]], pulse: Pulse) -> Outcome:
    scratch = archive.settings.home / "scratch"
    try:
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with private_folder(scratch) as folder:
            return _in_folder(archive, job, inputs, pulse, folder=Path(folder))
    except Interrupted as interrupted:
        return {
            "cancel": Outcome("cancelled"),
            "stopping": Outcome("given back", because="its worker was asked to stop", counts=False),
        }.get(interrupted.verdict, Outcome("left"))
    except TimeIsUp:
        return _failed(JobTooLong(archive.settings.job_seconds))
    except (StoreFailed, DatabaseFailed) as fault:
        # The network's fault and not the job's: the next attempt may find it mended.
        return Outcome("given back", because=fault.sentence[0].lower() + fault.sentence[1:].rstrip("."))
    except PlastinateError as error:
        return _failed(error)
    except OSError as error:
        return _failed(
            StoreFull() if is_full(error) else SystemFault(f"The worker's machine failed: {error}.")
        )


def _in_folder(
    archive: Archive, job: Job, inputs: list[tuple[str, str]], pulse: Pulse, *, folder: Path
) -> Outcome:
    paths: list[Path] = []
    (folder / "input").mkdir()
    (folder / "out").mkdir()
    (folder / "temporary").mkdir()
    for name, sha256 in inputs:
        pulse.tell(0.0, "fetch the files")
        pulse.require()
        target = _free_name(folder / "input", name)
        archive.files.fetch(sha256, target)
        paths.append(target)
    answer = _child_answer(archive, job, paths, pulse, folder=folder)
    if isinstance(answer, Outcome):
        return answer
    kept: dict[str, StoredFile] = {}
    pulse.tell(1.0, "keep the files")
    for path in sorted(path for path in (folder / "out").rglob("*") if path.is_file()):
        pulse.require()
        kept[path.relative_to(folder / "out").as_posix()] = archive.files.keep(path, move=True)
    pulse.require()
    return Outcome("done", result=answer, files=kept)


def _child_answer(
    archive: Archive, job: Job, paths: list[Path], pulse: Pulse, *, folder: Path
) -> dict[str, Any] | Outcome:
    """What the child made, or how it ended without."""
    settings = archive.settings
    limits = replace(
        Limits.from_environment(),
        memory_bytes=settings.job_memory_bytes,
        cpu_seconds=settings.job_seconds * (os.cpu_count() or 1),
        wall_seconds=settings.job_seconds,
    )
    request = {
        "work": kind_named(job.kind).work,
        "request": job.request,
        "inputs": [str(path) for path in paths],
        "folder": str(folder),
        "limits": limits.as_dict(),
    }
    with tempfile.TemporaryFile() as complaints:
        ending = converse(
            CHILD,
            request,
            complaints=complaints.fileno(),
            wall_seconds=settings.job_seconds,
            # What it unpacks lies in its own folder, and goes with it.
            environment={"TMPDIR": str(folder / "temporary")},
            progress=lambda done, total, doing: pulse.tell(done / total, doing),
            tick=pulse.require,
            tick_seconds=TICK_S,
        )
        complaints.seek(0)
        said = complaints.read()[-COMPLAINT_BYTES:].decode(errors="replace")
    if said:
        log.warning("job %s: %s", job.id, said)
    if ending.answer is None:
        return _without_answer(ending.status, settings.job_seconds)
    answer = _without_places(ending.answer, folder)
    if "error" in answer:
        return Outcome("failed", error={name: answer["error"][name] for name in ("code", "sentence", "hint")})
    return dict(answer["result"])


def _without_places(answer: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same, with files called by their names: where they lay during the job is nobody's business."""
    text = json.dumps(answer)
    for place in (f"{folder}/input/", f"{folder}/out/", f"{folder}/unpacked/", f"{folder}/", str(folder)):
        text = text.replace(place, "")
    cleared: dict[str, Any] = json.loads(text)
    return cleared


def _without_answer(status: int | None, seconds: int) -> Outcome:
    if status == -signal.SIGXCPU:
        return _failed(JobTooLong(seconds))
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        likely = ", most likely for want of memory" if status == -signal.SIGKILL else ""
        return Outcome("given back", because=f"its process was ended by {name}{likely}")
    return Outcome("given back", because=f"its process ended without an answer (status {status})")


def _failed(error: PlastinateError) -> Outcome:
    return Outcome("failed", error=error.as_dict())


def is_full(error: BaseException | None) -> bool:
    """Whether the disk was full, somewhere behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def _free_name(folder: Path, name: str) -> Path:
    """Where a file of that name goes: the name is kept as far as it is harmless, for formats of two files."""
    parts = name.replace("\\", "/").split("/")
    last = "".join(letter if letter.isprintable() else "_" for letter in parts[-1]).strip(" .")[-100:]
    wanted = target = folder / (last or "file")
    number = 2
    while target.exists():
        target = wanted.with_name(f"{number}-{wanted.name}")
        number += 1
    return target


def _last_word(archive: Archive, job: Job, attempt: int, outcome: Outcome) -> str:
    """Write down how the attempt ended, for as long as it takes the database to answer."""
    deadline = time.monotonic() + LAST_WORD_S
    pause = 0.1
    while True:
        try:
            return _written(archive, job, attempt, outcome)
        except DatabaseFailed as fault:
            if time.monotonic() + pause > deadline:
                return f"left: {fault.sentence}"
        except StoreFull as full:
            outcome = _failed(full)
            if time.monotonic() + pause > deadline:
                return "left: the disk is full"
        except PlastinateError as error:
            outcome = _failed(error)
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
            tries = archive.settings.attempts if outcome.counts else NEVER
            given = jobs.give_back(session, job.id, attempt, because=outcome.because, attempts_max=tries)
            return f"{outcome.because}: {given}"
    return outcome.state


def _after_refusal(session: Any, job: Job, attempt: int) -> str:
    """The commit of a try before may have gone through and only its answer been lost."""
    from plastinate.archive import jobs

    row = jobs.job(session, job.id)
    return "done" if row is not None and row.state == "done" and row.attempt == attempt else "refused"
