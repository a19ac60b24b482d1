"""The process that may die: reads untrusted files under limits, answers in JSON lines.

Started by `sandbox.py` as `python -m plastinate.stages.ingest.child`, with the
request on its standard input. It limits itself before it opens anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn, Protocol

PR_SET_PDEATHSIG = 1
# A pipe line for every file of 400 would cost more than it tells.
PROGRESS_PERIOD_S = 0.05


def limit_process(limits: dict[str, int]) -> None:
    """Bind this process to its limits, and its life to its parent's."""
    largest_file = max(limits["inflated_bytes"], 4 * limits["voxels"])
    wanted = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: largest_file,
        resource.RLIMIT_CORE: 0,
    }
    with contextlib.suppress(OSError):
        # Should the machine run short of memory, this process goes first, and not the server.
        Path("/proc/self/oom_score_adj").write_text("1000")
    for which, soft in wanted.items():
        hard = resource.getrlimit(which)[1]
        top = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        resource.setrlimit(which, (top, hard))
    # Should the parent be killed with -9, nobody is left to stop this process.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Line:
    """The way back to the parent: progress now and then, one answer at the end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last = 0.0

    def send(self, message: dict[str, Any]) -> None:
        """Write one JSON line."""
        data = json.dumps(message, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]

    def progress(self, done: int, total: int, what: str) -> None:
        """Report, unless the last report is only just out."""
        now = time.monotonic()
        if done >= total or now - self._last >= PROGRESS_PERIOD_S:
            self._last = now
            self.send({"progress": [done, total, what]})


class Job(Protocol):
    """What a child may be asked to do: JSON values in, JSON values out."""

    def __call__(self, request: dict[str, Any], *, line: Line) -> dict[str, Any]:
        """Do it."""


class SharedVoxels:
    """The block of memory that the parent will map: made once, at its final size."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory: mmap.mmap | None = None

    def make(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """A zeroed array of that shape in shared memory."""
        import numpy as np

        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        os.ftruncate(self._descriptor, 0)
        os.ftruncate(self._descriptor, size)
        self._memory = mmap.mmap(self._descriptor, size)
        return np.frombuffer(self._memory, dtype=dtype).reshape(shape)


def read_scan(request: dict[str, Any], *, line: Line) -> dict[str, Any]:
    """Inspect a path or read a volume of it."""
    from plastinate.stages.ingest import jobs
    from plastinate.stages.ingest.limits import Limits

    limits = Limits(**request["limits"])
    return jobs.run(request, limits=limits, line=line, shared=SharedVoxels(request["voxels_fd"]))


def answer(request: dict[str, Any], *, line: Line, do: Job = read_scan) -> dict[str, Any]:
    """The outcome of a job, or its failure in words."""
    from plastinate.model.errors import ParserStopped, PlastinateError
    from plastinate.stages.ingest.limits import Limits
    from plastinate.stages.ingest.wire import error_as_dict

    limits = Limits(**request["limits"])
    wanting = ParserStopped(f"it needed more than {limits.memory_bytes / (1 << 30):.1f} GB of memory")
    try:
        return {"result": do(request, line=line)}
    except PlastinateError as error:
        return {"error": error_as_dict(error)}
    except MemoryError:
        return {"error": error_as_dict(wanting)}
    except OSError as error:
        # A map that does not fit into the address space is refused by the system, not by Python.
        if error.errno != errno.ENOMEM:
            raise
        return {"error": error_as_dict(wanting)}
    except RecursionError:
        return {"error": error_as_dict(ParserStopped("a file nests its contents without end"))}


def main(do: Job = read_scan) -> int:
    """Read the request, do it, answer."""
    request = json.loads(sys.stdin.buffer.read())
    limit_process(request["limits"])
    if request.get("parent", os.getppid()) != os.getppid():
        # It died before this process had bound its life to it.
        return 1
    line = Line(request["answer_fd"])
    line.send(answer(request, line=line, do=do))
    return 0


def serve(do: Job) -> NoReturn:
    """The whole life of such a process."""
    status = main(do)
    sys.stderr.flush()
    # Freeing a volume's worth of objects takes time, and nothing is left to save.
    os._exit(status)


if __name__ == "__main__":
    serve(read_scan)
