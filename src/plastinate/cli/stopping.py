"""Ctrl-C and its kin: the first ends the work politely, the second ends it at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# `timeout` and some supervisors signal the process and then its group: two signals that mean one.
SAME_WISH_S = 0.5
# While a module is imported, the wish is looked at again after so long.
AGAIN_S = 0.02


class Stopped(KeyboardInterrupt):
    """A signal asked to stop.

    Attributes:
        number: which signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def stopping_politely() -> Iterator[None]:
    """End on any polite signal as on Ctrl-C: what is half-written is cleared, the status tells which.

    Python acts on a signal between two of its own instructions, so it waits while
    a kernel runs. A thread hears of it at once and ends the process at the second
    one; the folder that is left half-filled is cleared by the next run there.

    Raises:
        Stopped: on the first signal, from wherever the work is.
    """
    wished: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            wished.append(number)
        # Raised in the midst of an import it may leave the lock of all imports held, for which the threads
        # beside this one would wait for ever.
        if _is_importing(frame):
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            raise Stopped(wished[0])

    for number in SIGNALS:
        # Under nohup, and for background jobs of a script, the caller has said to ignore it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    alarm = signal.signal(signal.SIGALRM, stop)
    hears, tells = os.pipe()
    os.set_blocking(tells, False)
    before = signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    threading.Thread(target=_end_on_the_second, args=(hears,), daemon=True).start()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.set_wakeup_fd(before)
        os.close(tells)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end_on_the_second(hears: int) -> None:
    first_at: float | None = None
    while heard := os.read(hears, 1):
        now = time.monotonic()
        if heard[0] not in SIGNALS:
            continue
        if first_at is None:
            first_at = now
        elif now - first_at > SAME_WISH_S:
            os._exit(128 + heard[0])
    os.close(hears)
