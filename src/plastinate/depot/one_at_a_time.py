"""A name flows in, and whoever holds it works alone: two processes never fetch the same thing at once."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_AGAIN_S = 0.1


@contextmanager
def alone(folder: Path, name: str, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock `name` of a folder; wait for whoever holds it.

    The kernel lets go of it when its holder ends, however that ends, so there is no stale lock.

    Args:
        folder: made if needed.
        name: a plain file name.
        waiting: called while another process holds it; may raise to give up.

    Raises:
        OSError: the folder cannot be written.
    """
    locks = folder / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    held = os.open(locks / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _took(held):
            if waiting:
                waiting()
            time.sleep(LOOK_AGAIN_S)
        yield
    finally:
        os.close(held)


def _took(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
