"""Steps that run -> the most memory that this process and its children held while each of them did."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# What lasts less than that may go unseen; a step that matters for memory lasts longer.
EVERY_S = 0.02


@contextmanager
def memory_watch(running: Callable[[], Sequence[str]]) -> Iterator[dict[str, float]]:
    """Look every fiftieth of a second at how much memory is held, and by which steps.

    Args:
        running: names of the steps that run now; memory of steps side by side counts for each.

    Yields:
        Step -> peak, MB (10^6 bytes), filled while the block runs; empty where the system does not say.
    """
    peaks: dict[str, float] = {}
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(EVERY_S):
            held = held_mb()
            for name in running() if held else ():
                peaks[name] = max(peaks.get(name, 0.0), held)

    thread = threading.Thread(target=watch, name="memory-watch", daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        is_over.set()
        thread.join()


def held_mb() -> float:
    """Resident memory of this process and its children, MB; 0 where the system does not say (no /proc)."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(_resident_pages(pid) for pid in (os.getpid(), *_children(os.getpid()))) * page / 1e6


def _resident_pages(pid: int) -> int:
    try:
        resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
    except (OSError, ValueError):
        return 0
    # Voxels on their way from a child lie in memory shared by both: counted once, in the parent.
    return int(resident) - (int(shared) if pid != os.getpid() else 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except (OSError, ValueError):
        return found
    return found
