"""What jobs of an engine's child may come to, as functions that a request can name."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from plastinate.engine.kinds import Task
from plastinate.model.errors import EmptyInput, ScratchFull
from plastinate.pipeline.progress import Progress


def well(task: Task, *, progress: Progress) -> dict[str, Any]:
    """Say what it does, and give back what it was asked."""
    with progress.step("count the beads", share=1.0) as within:
        within(0.5)
    return {"asked": task.request, "scan": task.scan.name}


def grumbling(task: Task, *, progress: Progress) -> dict[str, Any]:
    """Do it, while a library finds something odd in the scan and quotes it."""
    print("Invalid value for VR PN: 'Muster^Anna'", file=sys.stderr)
    return {}


def nothing_there(task: Task, *, progress: Progress) -> dict[str, Any]:
    """An error of the engine's own."""
    raise EmptyInput(task.scan.name)


def no_room_to_unpack(task: Task, *, progress: Progress) -> dict[str, Any]:
    """The engine's word for a full disk of temporary files."""
    raise ScratchFull


def disk_full(task: Task, *, progress: Progress) -> dict[str, Any]:
    """A full disk, behind another error."""
    try:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise ValueError("not written") from error


def memory_out(task: Task, *, progress: Progress) -> dict[str, Any]:
    """Python's word for want of memory."""
    raise MemoryError


def kernel_memory_out(task: Task, *, progress: Progress) -> dict[str, Any]:
    """The kernel's word for it."""
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


def slip(task: Task, *, progress: Progress) -> dict[str, Any]:
    """A fault of the program's own."""
    raise KeyError("beads")


def publish(session: Any, job: Any, *, result: Any, files: Any) -> None:
    """Nothing is kept of it."""
