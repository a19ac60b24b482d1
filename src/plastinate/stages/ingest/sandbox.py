"""An ingest job -> a child process with limits -> its JSON answer and its voxels in shared memory.

Parsers of untrusted files inflate, recurse and crash. They do it in a child
that may be killed: the parent never opens the files, never unpickles, and reads
back one JSON answer and one block of plain numbers.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, ParserStopped
from plastinate.stages.ingest.child_process import Progress, TimeIsUp, converse
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.wire import error_from
from plastinate.stages.ingest.workspace import private_folder

# Nothing here multiplies matrices, and each idle BLAS thread reserves memory.
ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, eq=False)
class Answer:
    """What the child said, and the voxels it left behind (None for an inspection)."""

    data: dict[str, Any]
    voxels: npt.NDArray[Any] | None


def run_job(
    request: dict[str, Any],
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    module: str = "plastinate.stages.ingest.child",
) -> Answer:
    """Run one ingest job in a child process and bring back its answer.

    Args:
        request: what `child.py` is asked, JSON values; a "workspace" in it is used instead of a private
            folder, and what is unpacked there stays.
        limits: memory, processor time, file size and clock of the child; by default those of the environment.
        progress: called with (done, total, what) as the child reports.
        module: what the child runs; it calls `serve` of `child.py`.

    Returns:
        The answer; its voxels are a writable map of the shared memory, not a copy.

    Raises:
        ParserStopped: the child crashed, or ran out of memory or time.
        PlastinateError: whatever the job itself raised, as the same class.
    """
    limits = limits or Limits.from_environment()
    with (
        private_folder() as workspace,
        tempfile.TemporaryFile() as complaints,
    ):
        shared = _shared_memory(workspace)
        whole = {"workspace": workspace, **request, "limits": limits.as_dict(), "voxels_fd": shared}
        try:
            try:
                ending = converse(
                    module,
                    whole,
                    complaints=complaints.fileno(),
                    wall_seconds=limits.wall_seconds,
                    keep=(shared,),
                    environment=ONE_BLAS_THREAD,
                    progress=progress,
                )
            except TimeIsUp as error:
                raise ParserStopped(f"it took longer than {limits.wall_seconds} s") from error
            finally:
                _show(complaints.fileno())
            answer = ending.answer
            if answer is None:
                raise ParserStopped(_reason(ending.status, limits))
            if "error" in answer:
                raise error_from(answer["error"])
            return Answer(answer["result"], _map(shared, answer["result"].get("array")))
        finally:
            os.close(shared)


def _shared_memory(workspace: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("plastinate-voxels", os.MFD_CLOEXEC)
    descriptor, name = tempfile.mkstemp(dir=workspace)
    Path(name).unlink()
    return descriptor


def _show(complaints: int) -> None:
    if os.environ.get("PLASTINATE_DEBUG"):
        os.lseek(complaints, 0, os.SEEK_SET)
        sys.stderr.write(os.read(complaints, 1 << 20).decode(errors="replace"))


def _reason(returncode: int | None, limits: Limits) -> str:
    if returncode == -signal.SIGXCPU:
        return f"it used more than {limits.cpu_seconds} s of processor time"
    if returncode == -signal.SIGXFSZ:
        return "it wrote more than a scan can hold"
    if returncode == -signal.SIGKILL:
        return "the system ended it, most likely for want of memory"
    if returncode is not None and returncode < 0:
        return f"a decoder crashed on one of the files ({signal.Signals(-returncode).name})"
    return f"it ended without an answer (status {returncode})"


def _map(shared: int, array: dict[str, Any] | None) -> npt.NDArray[Any] | None:
    """The child's voxels where they lie; the map keeps the memory when the descriptor closes."""
    if array is None:
        return None
    dtype: np.dtype[Any] = np.dtype(np.int16) if array["dtype"] == "int16" else np.dtype(np.float32)
    slices, rows, columns = (int(n) for n in array["shape"])
    size = slices * rows * columns * dtype.itemsize
    if size != os.fstat(shared).st_size or size == 0:
        raise DamagedFile("the volume", "its size changed on the way")
    flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
    memory = mmap.mmap(shared, size, flags=flags)
    voxels: npt.NDArray[Any] = np.frombuffer(memory, dtype=dtype)
    return voxels.reshape(slices, rows, columns)
