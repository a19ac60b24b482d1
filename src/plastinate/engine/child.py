"""The process that does a job and may die: a task in, results in a folder, one JSON answer out.

Started by `attempt.py` as `python -m plastinate.engine.child`. It binds its life to
its parent's and limits itself before it loads anything.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from plastinate.stages.ingest.child import Line, limit_process

# Pages are read while jobs run: where both want a core, the page has it.
NICENESS = 10
PROGRESS_STEPS = 10_000
PROGRESS_PERIOD_S = 0.1


class Voice:
    """Progress to the parent: each new step at once, shares of a step now and then."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._doing = ""
        self._said_at = 0.0

    def say(self, event: Any) -> None:
        """Take a `ProgressEvent`."""
        now = time.monotonic()
        if event.doing != self._doing or now - self._said_at >= PROGRESS_PERIOD_S:
            self._doing, self._said_at = event.doing, now
            done = round(event.share_done * PROGRESS_STEPS)
            self._line.send({"progress": [done, PROGRESS_STEPS, event.doing]})


def answer(request: dict[str, Any], *, line: Line) -> dict[str, Any]:
    """Do the job; the outcome, or its failure in words."""
    from plastinate.engine.kinds import Task, load
    from plastinate.engine.outcome import is_full
    from plastinate.model.case_errors import JobOutOfMemory, StoreFull
    from plastinate.model.errors import PlastinateError, ScratchFull
    from plastinate.pipeline.progress import Progress
    from plastinate.stages.ingest.wire import error_as_dict

    task = Task(request["request"], tuple(Path(path) for path in request["inputs"]), Path(request["folder"]))
    wanting = error_as_dict(JobOutOfMemory(request["limits"]["memory_bytes"]))
    try:
        return {"result": load(request["work"])(task, progress=Progress(say=Voice(line).say))}
    except ScratchFull:
        # A job's scratch lies where the archive does.
        return {"error": error_as_dict(StoreFull())}
    except PlastinateError as error:
        return {"error": error_as_dict(error)}
    except MemoryError:
        return {"error": wanting}
    except Exception as error:  # a slip of ours costs this job, and is told, not tried again
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return {"error": wanting}
        if is_full(error):
            return {"error": error_as_dict(StoreFull())}
        traceback.print_exc()
        unforeseen = PlastinateError(f"Something unforeseen happened: {type(error).__name__}: {error}")
        unforeseen.hint = "Report it, with the scan's kind and what was asked for."
        return {"error": error_as_dict(unforeseen)}


def main() -> int:
    """Read the request, do it, answer."""
    request = json.loads(sys.stdin.buffer.read())
    limit_process(request["limits"])
    if request["parent"] != os.getppid():
        # It died before this process had bound its life to it.
        return 1
    os.nice(NICENESS)
    line = Line(request["answer_fd"])
    line.send(answer(request, line=line))
    return 0


if __name__ == "__main__":
    ended = main()
    sys.stderr.flush()
    # Freeing a volume's worth of objects takes time, and nothing is left to save.
    os._exit(ended)
