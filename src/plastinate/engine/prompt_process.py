"""The parent's side of the process that answers prompts: started when first asked, anew when it has gone."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from plastinate.model.prompt_errors import PrompterLost
from plastinate.stages.ingest.child_process import without_secrets
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.wire import error_from

CHILD = "plastinate.engine.prompt_child"
# What in the child keeps the scans and answers: services lie above the engine.
DESK = "plastinate.services.prompt_desk:PromptDesk"
LONGEST_ANSWER_BYTES = 64 << 20
# Of a process that lives for days; a single answer is watched by the clock.
CPU_SECONDS = 10_000_000
# From the end of what it says to the end of a process.
ENDING_S = 5.0
# An answer nobody waits for may take so long: twice a first look at a CT, which reads the scan. To end the
# process costs everybody the scans it keeps, so it ends only for what would hold up everybody for longer.
UNWANTED_S = 10.0
# How often it is looked whether anybody still waits.
LOOK_S = 0.25


def always() -> bool:
    """Somebody waits for the answer until it comes."""
    return True


@dataclass(eq=False)
class _Running:
    child: subprocess.Popen[bytes]
    answers: int


class PromptProcess:
    """One such process at most, asked by one thread at a time; any thread may end it.

    Args:
        memory_bytes: address space it may take, the scans that it keeps among it.
        wall_seconds: that one answer may take.
        unwanted_seconds: that one may take once nobody waits for it.
        desk: what answers, "module:class".
    """

    def __init__(
        self,
        *,
        memory_bytes: int,
        wall_seconds: float,
        unwanted_seconds: float = UNWANTED_S,
        desk: str = DESK,
    ) -> None:
        self._memory_bytes, self._desk = memory_bytes, desk
        self._wall_seconds, self._unwanted_seconds = wall_seconds, min(wall_seconds, unwanted_seconds)
        self._running: _Running | None = None
        # Whoever holds it may close what is read from: else a number could be another file's by then.
        self._asking = threading.RLock()

    def ask(self, request: dict[str, Any], *, is_wanted: Callable[[], bool] = always) -> dict[str, Any]:
        """The answer to a request, JSON values both; by a new process where the last one has gone.

        Args:
            request: what the desk takes.
            is_wanted: whether anybody still waits for the answer; asked while it is worked on.

        Raises:
            PlastinateError: whatever the answer was in place of a result.
            PrompterLost: there was none.
        """
        text = json.dumps(request, allow_nan=False).encode() + b"\n"
        with self._asking:
            running = self._alive() or self._start()
            try:
                answer = self._exchange(running, text, is_wanted)
            except BrokenPipeError:
                # It left, for want of work, between the look and the question.
                self.end()
                answer = self._exchange(self._start(), text, is_wanted)
        if "error" in answer:
            raise error_from(answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def end(self) -> None:
        """End the process, if there is one, in the middle of an answer too."""
        _kill(self._running)
        # Another thread that reads from it sees its end at once, and closes what it read from.
        if not self._asking.acquire(timeout=ENDING_S):
            return
        try:
            running, self._running = self._running, None
            _kill(running)
            _close(running)
        finally:
            self._asking.release()

    def _alive(self) -> _Running | None:
        running = self._running
        if running is not None and running.child.poll() is not None:
            self.end()
            return None
        return running

    def _start(self) -> _Running:
        receive, send = os.pipe()
        started: list[subprocess.Popen[bytes]] = []
        is_started = threading.Event()

        def keep() -> None:
            # The child ends with the thread that started it, so that thread stays as long as the child does.
            try:
                started.append(_spawn(send))
            finally:
                is_started.set()
            started[0].wait()

        threading.Thread(target=keep, name="prompt-process", daemon=True).start()
        is_started.wait()
        os.close(send)
        if not started:
            os.close(receive)
            raise PrompterLost("its process could not be started")
        self._running = _Running(started[0], receive)
        limits = replace(
            Limits.from_environment(), memory_bytes=self._memory_bytes, cpu_seconds=CPU_SECONDS
        ).as_dict()
        about = {"parent": os.getpid(), "answer_fd": send, "limits": limits, "desk": self._desk}
        assert started[0].stdin is not None  # noqa: S101 - it was asked for
        started[0].stdin.write(json.dumps(about).encode() + b"\n")
        return self._running

    def _exchange(self, running: _Running, text: bytes, is_wanted: Callable[[], bool]) -> dict[str, Any]:
        assert running.child.stdin is not None  # noqa: S101 - it was asked for
        running.child.stdin.write(text)
        running.child.stdin.flush()
        begun, pending = time.monotonic(), bytearray()
        while not pending.endswith(b"\n"):
            longest = self._wall_seconds if is_wanted() else self._unwanted_seconds
            left = begun + longest - time.monotonic()
            is_ready = left > 0 and bool(select.select([running.answers], [], [], min(left, LOOK_S))[0])
            if left > 0 and not is_ready:
                continue
            block = os.read(running.answers, 1 << 16) if is_ready else b""
            if not block or len(pending) > LONGEST_ANSWER_BYTES:
                status = _status(running.child) if is_ready else None
                self.end()
                raise PrompterLost(_reason(is_ready, status))
            pending += block
        answer: dict[str, Any] = json.loads(bytes(pending))
        return answer


def _kill(running: _Running | None) -> None:
    if running is not None and running.child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.child.pid, signal.SIGKILL)


def _close(running: _Running | None) -> None:
    if running is None:
        return
    running.child.wait()
    with contextlib.suppress(OSError):
        os.close(running.answers)
    if running.child.stdin is not None:
        with contextlib.suppress(OSError):
            running.child.stdin.close()


def _spawn(send: int) -> subprocess.Popen[bytes]:
    # -P: a file called numpy.py in the working folder must not be imported.
    return subprocess.Popen(  # noqa: S603 (the module is named in our own sources)
        [sys.executable, "-P", "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=(send,),
        start_new_session=True,
        env=without_secrets(os.environ),
    )


def _status(child: subprocess.Popen[bytes]) -> int | None:
    """How a child ended that has closed its end of the line; None if it lives on all the same."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return child.wait(timeout=ENDING_S)
    return None


def _reason(was_ready: bool, status: int | None) -> str:
    if not was_ready:
        return "it took longer than an answer may"
    if status is not None and status < 0:
        likely = ", most likely for want of memory" if status == -signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-status).name}{likely}"
    return "its process ended"
