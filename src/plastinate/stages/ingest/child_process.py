"""The parent's side of a process that may die: a request in, progress and one answer out, killed at the end.

The child half is `child.py` (or a module like it): it reads the request from
its standard input and writes JSON lines into a pipe. Whatever happens here, no
child outlives the call.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from plastinate.model.errors import ParserStopped

Progress = Callable[[int, int, str], None]

# One answer lists every file that was set aside; more text than this is an attack.
LONGEST_ANSWER_BYTES = 256 << 20

# What opens the archive's doors: a parser that a file has taken over must not find it lying about.
SECRET_VARIABLES = ("AWS_", "AZURE_", "DASK_", "GOOGLE_", "PG")
SECRET_SETTINGS = frozenset(f"PLASTINATE_{name}" for name in ("DATABASE", "LIMITER", "SECRET_KEY", "STORE"))


class TimeIsUp(Exception):
    """The child took longer than it may."""


@dataclass(frozen=True, eq=False)
class Ending:
    """How a child went: its answer (None if it went without one) and its status as `Popen` gives it."""

    answer: dict[str, Any] | None
    status: int | None


def converse(
    module: str,
    request: Mapping[str, Any],
    *,
    complaints: int,
    wall_seconds: float,
    keep: tuple[int, ...] = (),
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    tick: Callable[[], None] | None = None,
    tick_seconds: float = 5.0,
    started: Callable[[int], None] | None = None,
) -> Ending:
    """Start a child, send it the request, listen until it answers or goes; it is gone when this returns.

    Args:
        module: what the child runs.
        request: JSON values; "parent" and "answer_fd" are added.
        complaints: descriptor that takes its standard error.
        wall_seconds: how long it may take by the clock.
        keep: descriptors that it inherits.
        environment: changes to the environment.
        progress: called with (done, total, what) as the child reports; what it raises ends the child.
        tick: called at least every `tick_seconds`, whether the child speaks or not; likewise.
        tick_seconds: see `tick`.
        started: told the number of the child's process.

    Raises:
        TimeIsUp: the child took too long.
        ParserStopped: its answer is longer than any honest one.
    """
    receive, send = os.pipe()
    try:
        whole = {**request, "parent": os.getpid(), "answer_fd": send}
        child = _start(
            module, whole, keep=(send, *keep), complaints=complaints, environment=environment or {}
        )
        os.close(send)
        send = -1
        try:
            if started is not None:
                started(child.pid)
            answer = _listen(
                child,
                receive,
                wall_seconds=wall_seconds,
                progress=progress,
                tick=tick,
                tick_seconds=tick_seconds,
            )
        finally:
            _kill(child)
        return Ending(answer, child.returncode)
    finally:
        for descriptor in (receive, send):
            if descriptor >= 0:
                os.close(descriptor)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment less what opens a database or a store; no reader of scans needs it.

    >>> without_secrets({"PATH": "/bin", "PLASTINATE_DATABASE": "postgresql://me:word@host/it"})
    {'PATH': '/bin'}
    """
    return {
        name: value
        for name, value in environment.items()
        if name not in SECRET_SETTINGS and not name.startswith(SECRET_VARIABLES)
    }


def _start(
    module: str,
    request: dict[str, Any],
    *,
    keep: tuple[int, ...],
    complaints: int,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    # -P: a file called numpy.py in the folder of scans must not be imported.
    child = subprocess.Popen(  # noqa: S603 (the module is named in our own sources)
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        pass_fds=keep,
        start_new_session=True,
        env={**without_secrets(os.environ), **environment},
    )
    try:
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps(request).encode())
    except BaseException:
        _kill(child)
        raise
    return child


def _listen(
    child: subprocess.Popen[bytes],
    receive: int,
    *,
    wall_seconds: float,
    progress: Progress | None,
    tick: Callable[[], None] | None,
    tick_seconds: float,
) -> dict[str, Any] | None:
    """Read JSON lines until the one that is not progress; None if the child went without it."""
    deadline = time.monotonic() + wall_seconds
    pending = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeIsUp
        is_ready = bool(select.select([receive], [], [], min(left, tick_seconds))[0])
        if tick is not None:
            tick()
        if not is_ready:
            continue
        block = os.read(receive, 1 << 16)
        if not block:
            child.wait(timeout=10)
            return None
        pending += block
        if len(pending) > LONGEST_ANSWER_BYTES:
            raise ParserStopped("its answer is longer than any scan's")
        while (end := pending.find(b"\n")) >= 0:
            message = json.loads(bytes(pending[:end]))
            del pending[: end + 1]
            if "progress" not in message:
                return dict(message)
            if progress is not None:
                done, total, what = message["progress"]
                progress(int(done), int(total), str(what))


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started; nothing to do if it is already gone."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            child.kill()
        child.wait()
