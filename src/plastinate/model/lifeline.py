"""A process that was started for another ends with it, even when that one is killed with -9."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, *, number: int = signal.SIGKILL) -> None:
    """Ask the kernel to signal this process when the thread that started it ends.

    Call it first thing, from the main thread. The parent has to start its children from a thread
    that lives as long as it does. Where the kernel cannot do this (only Linux can), nothing happens.

    Args:
        parent: process number of the parent, as the parent told it: it may have died before this line.
        number: the signal to be sent.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        _leave()


def _leave() -> NoReturn:
    os._exit(128 + signal.SIGKILL)
