"""A request -> the Python that has TotalSegmentator, in a process with limits -> its answer.

Why its own program and not its weights in a graph of ours: each task resamples, looks roughly, crops, runs up
to five networks and mends the result in its own way, and that whole is what its published figures are of.
Why a process of its own: it brings torch and gigabytes with it, opens weights in Python's pickle format, and
can only be stopped, or kept from taking all memory, from outside.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from plastinate.model.depot_errors import ExtraAbsent, NetworkUnsound
from plastinate.model.errors import MemoryShort
from plastinate.native.spare_memory import spare_memory_bytes

PACKAGE = "TotalSegmentator"
PYTHON = "PLASTINATE_TOTALSEGMENTATOR"
KEY = "PLASTINATE_TOTALSEGMENTATOR_KEY"
CHILD = Path(__file__).with_name("child.py")
LOOK_AGAIN_S = 0.2
PATIENCE_S = 5.0
# A whole body on two cores takes an hour or more; whoever waits longer has lost it.
WALL_SECONDS = 6 * 3600
FILE_BYTES = 32 << 30
# Less than this does not even hold the program.
LEAST_BYTES = 3 << 30
# What nothing of a server's own settings is to reach: foreign code runs there.
OWN_SETTINGS = "PLASTINATE_"

Message = Mapping[str, Any]


def ignored(message: Message) -> None:
    """Do nothing with it."""
    del message


def python_with_it() -> str:
    """The Python that has TotalSegmentator: the one of PLASTINATE_TOTALSEGMENTATOR, else this one.

    Raises:
        ExtraAbsent: there is none.
    """
    chosen = os.environ.get(PYTHON, "").strip()
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise ExtraAbsent(PACKAGE, f"{PYTHON} names {chosen}, which is no program")
        return found
    if importlib.util.find_spec("totalsegmentator") is None:
        raise ExtraAbsent(PACKAGE, "it is not installed here")
    return sys.executable


def is_offered() -> bool:
    """Whether somebody has set this machine up for TotalSegmentator."""
    return (
        bool(os.environ.get(PYTHON, "").strip()) or importlib.util.find_spec("totalsegmentator") is not None
    )


def ask(
    request: Message,
    *,
    weights: Path,
    key: str = "",
    limits: Mapping[str, int] | None = None,
    told: Callable[[Message], None] = ignored,
) -> dict[str, Any]:
    """Have the child do one thing.

    Args:
        request: see `child.py`, JSON values.
        weights: the folder where TotalSegmentator keeps its networks.
        key: the licence key, for tasks that need one.
        limits: "data", "file" (bytes) and "cpu" (seconds) that the child may take.
        told: called with each line on the way, and with an empty one several times a second; what it raises
            ends the child.

    Raises:
        ExtraAbsent: there is no TotalSegmentator here, or not one that this can talk to.
        MemoryShort: it ran out of memory.
        NetworkUnsound: it failed otherwise.
    """
    python = python_with_it()
    with tempfile.TemporaryDirectory(prefix="plastinate-totalsegmentator-") as folder:
        place = Path(folder)
        job = place / "request.json"
        job.write_text(json.dumps({**request, "limits": dict(limits or {})}), encoding="utf-8")
        _settle(place / "home", key)
        environment = _environment(place, weights)
        with (place / "said.txt").open("w+b") as said, _running(python, job, environment, said) as process:
            answer = _converse(process, told)
            if answer is None or "failed" in answer:
                said.seek(0)
                raise _fault(answer, process.returncode, said.read().decode("utf-8", "replace"))
            done: dict[str, Any] = answer["done"]
            return done


def limits_here(*, is_on_gpu: bool) -> dict[str, int]:
    """What a prediction may take: the memory that is left; a GPU's driver maps more than it uses."""
    memory = {} if is_on_gpu else {"data": max(spare_memory_bytes(), LEAST_BYTES)}
    return {**memory, "file": FILE_BYTES, "cpu": WALL_SECONDS * (os.cpu_count() or 1)}


def has_gpu() -> bool:
    """Whether the driver of an NVIDIA GPU is at work here."""
    return Path("/dev/nvidiactl").exists()


def _settle(home: Path, key: str) -> None:
    """The package's own settings, for this one run: it is to tell nobody of it."""
    home.mkdir()
    settings: dict[str, Any] = {
        "totalseg_id": "plastinate",
        "send_usage_stats": False,
        "statistics_disclaimer_shown": True,
        "prediction_counter": 0,
    }
    if key:
        settings["license_number"] = key
    (home / "config.json").write_text(json.dumps(settings), encoding="utf-8")


def _environment(place: Path, weights: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
    return {
        **kept,
        "TOTALSEG_HOME_DIR": str(place / "home"),
        "TOTALSEG_WEIGHTS_PATH": str(weights),
        "TMPDIR": str(place),
        "MPLCONFIGDIR": str(place),
    }


@contextmanager
def _running(
    python: str, job: Path, environment: dict[str, str], said: IO[bytes]
) -> Iterator[subprocess.Popen[str]]:
    # Tied to this process: it ends with it, even if that is killed.
    tied = [sys.executable, "-m", "plastinate.depot.tied_program", str(os.getpid()), str(job.parent)]
    process = subprocess.Popen(  # noqa: S603 - fixed words and paths of our own, no shell
        [*tied, python, str(CHILD), str(job)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=said,
        env=environment,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _converse(process: subprocess.Popen[str], told: Callable[[Message], None]) -> Message | None:
    """What the child says last; None where it ended without a word."""
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True)
    reader.start()
    ends_at = time.monotonic() + WALL_SECONDS
    while time.monotonic() < ends_at:
        try:
            line = lines.get(timeout=LOOK_AGAIN_S)
        except queue.Empty:
            told({})
            continue
        if line is None:
            process.wait()
            return None
        message = json.loads(line)
        if "done" in message or "failed" in message:
            process.wait()
            return dict(message)
        told(message)
    raise NetworkUnsound(PACKAGE, f"took longer than {WALL_SECONDS // 3600} hours")


def _pump(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        if line.startswith("{"):
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the child and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
    if process.stdout:
        process.stdout.close()


def _fault(answer: Message | None, status: int | None, said: str) -> Exception:
    if answer is not None and answer["failed"] == "memory":
        return MemoryShort(f"{PACKAGE}'s networks on this scan")
    if status in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return MemoryShort(f"{PACKAGE}'s networks on this scan: the system ended it")
    if answer is not None and answer["reason"].startswith(("ModuleNotFoundError", "No module named")):
        return ExtraAbsent(PACKAGE, f"the Python that should have it says: {answer['reason']}")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = (answer or {}).get("reason") or (lines[-1] if lines else f"it ended with status {status}")
    return NetworkUnsound(PACKAGE, f"failed ({words.rstrip('.')[:300]})")
