"""The system's accounts -> bytes that this process may still take."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path


def spare_memory_bytes() -> int:
    """Memory that is left: on the machine, in the container, under this process's own limit.

    Where the system keeps no such accounts (macOS), half of its memory.
    """
    left = [_of_machine(), _of_container(), _of_process()]
    return max(0, min(number for number in left if number is not None))


def _of_machine() -> int:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _of_container(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    # "max" where there is no limit, and then int() refuses it.
    with suppress(OSError, ValueError):
        limit = int((folder / "memory.max").read_text())
        return limit - int((folder / "memory.current").read_text())
    return None


def _of_process() -> int | None:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return limit - pages * os.sysconf("SC_PAGE_SIZE")
    return limit
