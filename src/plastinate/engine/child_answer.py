"""A job and its files -> what the child made of them, or how it ended without: watched, and explained."""

from __future__ import annotations

import json
import logging
import os
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plastinate.engine.early_look import EarlyLooks
from plastinate.engine.kinds import kind_named
from plastinate.engine.outcome import Outcome, failed
from plastinate.engine.pulse import Pulse
from plastinate.model.case_errors import JobTooLong
from plastinate.model.errors import PlastinateError
from plastinate.stages.ingest.child_process import converse
from plastinate.stages.ingest.limits import Limits

if TYPE_CHECKING:
    from plastinate.archive.tables import Job
    from plastinate.settings import Settings

CHILD = "plastinate.engine.child"
TICK_S = 0.25
COMPLAINT_BYTES = 20_000
DEBUG = "PLASTINATE_DEBUG"

log = logging.getLogger("plastinate.engine")


def child_answer(
    settings: Settings, job: Job, paths: list[Path], pulse: Pulse, *, folder: Path
) -> dict[str, Any] | Outcome:
    """Run the child of an attempt.

    Args:
        settings: its limits.
        job: what to do.
        paths: the case's files, inside the folder.
        pulse: told of its progress; asked all the time whether it may go on.
        folder: its own; "out" gets the results, "temporary" what else it writes.

    Returns:
        The result, JSON values; or the outcome of the attempt, where there is none.

    Raises:
        Interrupted: the attempt must not go on.
        TimeIsUp: the child took longer than a job may.
    """
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
    looks = EarlyLooks(folder)

    def tick() -> None:
        pulse.require()
        if look := looks.new():
            pulse.show(look)

    with tempfile.TemporaryFile() as complaints:
        ending = converse(
            CHILD,
            request,
            complaints=complaints.fileno(),
            wall_seconds=settings.job_seconds,
            # What it unpacks lies in its own folder, and goes with it.
            environment={"TMPDIR": str(folder / "temporary")},
            progress=lambda done, total, doing: pulse.tell(done / total, doing),
            tick=tick,
            tick_seconds=TICK_S,
        )
        complaints.seek(0)
        said = complaints.read()[-COMPLAINT_BYTES:].decode(errors="replace")
    if said and (_is_slip(ending.answer) or os.environ.get(DEBUG)):
        log.warning("job %s: %s", job.id, said)
    if ending.answer is None:
        return _without_answer(ending.status, settings.job_seconds)
    answer = _without_places(ending.answer, folder)
    if "error" in answer:
        return Outcome("failed", error={name: answer["error"][name] for name in ("code", "sentence", "hint")})
    return dict(answer["result"])


def _is_slip(answer: dict[str, Any] | None) -> bool:
    """Whether the program itself was at fault: only then is what its libraries said worth a line of the log.

    They quote the scan, names included, and what is odd about a scan is told in the job's own words.
    """
    return answer is None or answer.get("error", {}).get("code") == PlastinateError.code


def _without_places(answer: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same, with files called by their names: where they lay during the job is nobody's business."""
    text = json.dumps(answer)
    for place in (f"{folder}/input/", f"{folder}/out/", f"{folder}/unpacked/", f"{folder}/", str(folder)):
        text = text.replace(place, "")
    cleared: dict[str, Any] = json.loads(text)
    return cleared


def _without_answer(status: int | None, seconds: int) -> Outcome:
    if status == -signal.SIGXCPU:
        return failed(JobTooLong(seconds))
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        likely = ", most likely for want of memory" if status == -signal.SIGKILL else ""
        return Outcome("given back", because=f"its process was ended by {name}{likely}")
    return Outcome("given back", because=f"its process ended without an answer (status {status})")
