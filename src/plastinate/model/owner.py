"""Who made a temporary folder: named in the folder, so that the next run may clear what a dead one left."""

from __future__ import annotations

import os
import platform
import zlib


def machine_mark() -> str:
    """Eight hex digits for this machine: a shared disk holds the work of others, with other processes."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def own_mark() -> str:
    """This machine and this process, to be put into the name of a folder."""
    return f"{machine_mark()}-{os.getpid()}"


def is_running(process: int) -> bool:
    """Whether a process of that number runs on this machine; True where that cannot be told."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
