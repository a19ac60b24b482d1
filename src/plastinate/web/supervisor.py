"""Commands flow in, running processes come out: watched, started again when one dies, stopped together.

`plastinate serve` is this supervisor and two processes: the web server, and the dispatcher that hands
jobs to the engine. They know each other through the archive alone, so either may die at any moment and
take up where it was. Each binds its life to the supervisor's.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from plastinate.model.case_errors import ServerEnded

# A life shorter than this counts as a failed start; so many of them in a row end the server.
SHORT_LIFE_S = 3.0
FAILED_STARTS_MAX = 5
LONGEST_PAUSE_S = 4.0
# From TERM to KILL. The web server needs up to 5 s for the requests that are under way.
PATIENCE_S = 8.0


@dataclass
class Part:
    """One process of the server.

    Attributes:
        name: for people.
        command: what to run.
        keep: file descriptors that it inherits.
    """

    name: str
    command: Sequence[str]
    keep: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    watched: int = -1
    failed_starts: int = 0
    started_at: float = 0.0
    due_at: float = 0.0


def supervise(
    parts: Sequence[Part],
    *,
    environment: Mapping[str, str],
    ready: int,
    on_ready: Callable[[], None],
) -> None:
    """Run the parts until a signal raises in here or one of them cannot be kept running.

    Call it from the main thread: the parts die with the thread that started them.

    Args:
        parts: what to run.
        environment: theirs.
        ready: read end of a pipe; the first byte in it says that people may come.
        on_ready: called once, then.

    Raises:
        ServerEnded: a part died again and again right after its start, or before the server was ever ready.
    """
    is_ready = False
    poll = select.poll()
    poll.register(ready, select.POLLIN)
    try:
        while True:
            for part in parts:
                if part.process is None and time.monotonic() >= part.due_at:
                    _start(part, environment)
                    poll.register(part.watched, select.POLLIN)
            for descriptor, _ in poll.poll(_milliseconds_to_next_start(parts)):
                if descriptor == ready:
                    poll.unregister(ready)
                    is_ready = True
                    on_ready()
                    continue
                part = next(each for each in parts if each.watched == descriptor)
                poll.unregister(descriptor)
                status = _bury(part)
                if not is_ready or part.failed_starts >= FAILED_STARTS_MAX:
                    raise ServerEnded(part.name, status)
    finally:
        _stop(parts)


def _start(part: Part, environment: Mapping[str, str]) -> None:
    # A session of its own: Ctrl-C in the terminal goes to the supervisor, which stops its parts in order.
    part.process = subprocess.Popen(  # noqa: S603 (our own Python with our own modules)
        part.command,
        env=dict(environment),
        pass_fds=part.keep,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    part.watched = os.pidfd_open(part.process.pid)
    part.started_at = time.monotonic()


def _milliseconds_to_next_start(parts: Sequence[Part]) -> float | None:
    waits = [part.due_at - time.monotonic() for part in parts if part.process is None]
    return max(0.0, min(waits)) * 1000 + 1 if waits else None


def _bury(part: Part) -> int:
    """Clear away what a dead part left, and say when it may start again."""
    process = part.process
    assert process is not None  # noqa: S101 (only a part that runs is watched)
    # Before its number is given back: whatever it started in its own group ends too.
    _signal_group(process.pid, signal.SIGKILL)
    status = process.wait()
    os.close(part.watched)
    lived_s = time.monotonic() - part.started_at
    part.failed_starts = part.failed_starts + 1 if lived_s < SHORT_LIFE_S else 0
    pause_s = min(LONGEST_PAUSE_S, 0.25 * 2**part.failed_starts) if part.failed_starts else 0.0
    part.process, part.watched, part.due_at = None, -1, time.monotonic() + pause_s
    return status


def _signal_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _stop(parts: Sequence[Part]) -> None:
    running = [part for part in parts if part.process is not None]
    with _deaf_to_more():
        for part in running:
            assert part.process is not None  # noqa: S101
            part.process.terminate()
        deadline = time.monotonic() + PATIENCE_S
        for part in running:
            with contextlib.suppress(OSError):
                select.select([part.watched], [], [], max(0.0, deadline - time.monotonic()))
            _bury(part)


@contextmanager
def _deaf_to_more() -> Iterator[None]:
    """Let a second signal not break off the stopping; the shell's second Ctrl-C still ends it at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
