"""An ingest job -> a child process with limits -> its JSON answer and its voxels in shared memory.

Parsers of untrusted files inflate, recurse and crash. They do it in a child
that may be killed: the parent never opens the files, never unpickles, and reads
back one JSON answer and one block of plain numbers.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, ParserStopped
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.wire import error_from
from plastinate.stages.ingest.workspace import private_folder

Progress = Callable[[int, int, str], None]

# One answer lists every file that was set aside; more text than this is an attack.
LONGEST_ANSWER_BYTES = 256 << 20


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
        request: what `child.py` is asked, JSON values.
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
        receive, send = os.pipe()
        whole = {**request, "limits": limits.as_dict(), "workspace": workspace, "voxels_fd": shared}
        whole["parent"] = os.getpid()
        try:
            whole["answer_fd"] = send
            child = _start(module, whole, keep=(send, shared), complaints=complaints.fileno())
            os.close(send)
            send = -1
            try:
                answer = _listen(child, receive, limits=limits, progress=progress)
            finally:
                _kill(child)
                _show(complaints.fileno())
            if answer is None:
                raise ParserStopped(_reason(child.returncode, limits))
            if "error" in answer:
                raise error_from(answer["error"])
            return Answer(answer["result"], _map(shared, answer["result"].get("array")))
        finally:
            for descriptor in (receive, send, shared):
                if descriptor >= 0:
                    os.close(descriptor)


def _shared_memory(workspace: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("plastinate-voxels", os.MFD_CLOEXEC)
    descriptor, name = tempfile.mkstemp(dir=workspace)
    Path(name).unlink()
    return descriptor


def _start(
    module: str, request: dict[str, Any], *, keep: tuple[int, ...], complaints: int
) -> subprocess.Popen[bytes]:
    # -P: a file called numpy.py in the folder of scans must not be imported.
    child = subprocess.Popen(  # noqa: S603 (the module is named in our own sources)
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        pass_fds=keep,
        start_new_session=True,
        # Nothing here multiplies matrices, and each idle BLAS thread reserves memory.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps(request).encode())
    except BaseException:
        _kill(child)
        raise
    return child


def _listen(
    child: subprocess.Popen[bytes], receive: int, *, limits: Limits, progress: Progress | None
) -> dict[str, Any] | None:
    """Read JSON lines until the one that is not progress; None if the child went without it."""
    deadline = time.monotonic() + limits.wall_seconds
    pending = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise ParserStopped(f"it took longer than {limits.wall_seconds} s")
        if not select.select([receive], [], [], min(left, 5.0))[0]:
            continue
        block = os.read(receive, 1 << 16)
        if not block:
            child.wait(timeout=10)
            return None
        pending += block
        if len(pending) > LONGEST_ANSWER_BYTES:
            raise ParserStopped("its answer is longer than any scan's")
        while (end := pending.find(b"\n")) >= 0:
            message = json.loads(bytes(pending[:end]))
            del pending[: end + 1]
            if "progress" not in message:
                return dict(message)
            if progress is not None:
                done, total, what = message["progress"]
                progress(int(done), int(total), str(what))


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started; nothing to do if it is already gone."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            child.kill()
        child.wait()


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
