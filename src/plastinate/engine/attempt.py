"""One attempt at a job, on a worker's thread: claim it, fetch the files, watch the child, write the result.

The row of the job is the truth. Every write names the attempt and is refused
once another has begun, so an attempt that was given up for lost can do no harm.
"""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from plastinate.engine.child_answer import TICK_S, child_answer
from plastinate.engine.outcome import Outcome, failed, is_full, write_down
from plastinate.engine.pulse import Interrupted, Pulse, stopping
from plastinate.model.case_errors import DatabaseFailed, JobTooLong, StoreFailed, StoreFull
from plastinate.model.errors import PlastinateError, SystemFault
from plastinate.model.owner import own_mark
from plastinate.settings import read_settings
from plastinate.stages.ingest.child_process import TimeIsUp
from plastinate.stages.ingest.workspace import private_folder

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive
    from plastinate.archive.files import StoredFile
    from plastinate.archive.tables import Job

T = TypeVar("T")
log = logging.getLogger("plastinate.engine")


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
        said = write_down(archive, job, attempt, outcome)
    if not said.endswith("failed"):  # that is told where it is written down, with its reason
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
            "stopping": Outcome("given back", because="its worker was asked to stop", is_polite=True),
        }.get(interrupted.verdict, Outcome("left"))
    except TimeIsUp:
        return failed(JobTooLong(archive.settings.job_seconds))
    except (StoreFailed, DatabaseFailed) as fault:
        # The network's fault and not the job's: the next attempt may find it mended.
        return Outcome("given back", because=fault.sentence[0].lower() + fault.sentence[1:].rstrip("."))
    except PlastinateError as error:
        return failed(error)
    except OSError as error:
        return failed(
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
        _watched(pulse, partial(archive.files.fetch, sha256, target))
        paths.append(target)
    answer = child_answer(archive.settings, job, paths, pulse, folder=folder)
    if isinstance(answer, Outcome):
        return answer
    kept: dict[str, StoredFile] = {}
    pulse.tell(1.0, "keep the files")
    for path in sorted(path for path in (folder / "out").rglob("*") if path.is_file()):
        name = path.relative_to(folder / "out").as_posix()
        kept[name] = _watched(pulse, partial(archive.files.keep, path, move=True))
    pulse.require()
    return Outcome("done", result=answer, files=kept)


def _watched(pulse: Pulse, work: Callable[[], T]) -> T:
    """Do what may take long on a slow network, and do not wait for it once the attempt must not go on."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # raised where it is waited for, or of no interest any more
            done.set_exception(error)

    threading.Thread(target=run, name="files", daemon=True).start()
    while not wait([done], timeout=TICK_S).done:
        pulse.require()
    return done.result()


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
