"""The process that answers prompts and may die: it keeps scans and what the network saw of their slices.

Started by `prompt_process.py` as `python -m plastinate.engine.prompt_child`. It binds its life to its
parent's, limits itself, and then answers one JSON line with another until nobody has asked for a while.
"""

from __future__ import annotations

import errno
import json
import os
import select
import sys
import traceback
from typing import Any

from plastinate.stages.ingest.child import Line, limit_process

# A page that is being written comes before the next answer.
NICENESS = 5
# A scan and a network are 1 to 2 GB; whoever thinks longer than this waits for them again.
IDLE_S = 600.0
LONGEST_REQUEST_BYTES = 64 << 20


def answer(desk: Any, request: dict[str, Any], *, memory_bytes: int) -> dict[str, Any]:
    """What the desk says, or its failure in words."""
    from plastinate.model.errors import MemoryShort, PlastinateError
    from plastinate.stages.ingest.wire import error_as_dict

    wanting = {"error": error_as_dict(MemoryShort(f"the scan beside {memory_bytes >> 30} GB of others"))}
    try:
        return {"result": desk.answer(request)}
    except PlastinateError as error:
        return {"error": error_as_dict(error)}
    except MemoryError:
        desk.forget()
        return wanting
    except Exception as error:  # a slip of ours costs this answer, and is told
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            desk.forget()
            return wanting
        traceback.print_exc()
        unforeseen = PlastinateError(f"Something unforeseen happened: {type(error).__name__}: {error}")
        unforeseen.hint = "Report it, with the scan's kind and what was drawn."
        return {"error": error_as_dict(unforeseen)}


def lines(descriptor: int, *, idle_s: float) -> Any:
    """The lines that come, until there are no more, or none for so long."""
    pending = bytearray()
    while True:
        while (end := pending.find(b"\n")) >= 0:
            yield bytes(pending[:end])
            del pending[: end + 1]
        if len(pending) > LONGEST_REQUEST_BYTES or not select.select([descriptor], [], [], idle_s)[0]:
            return
        block = os.read(descriptor, 1 << 16)
        if not block:
            return
        pending += block


def main() -> int:
    """Read the first line, which is about this process; then answer each."""
    asked = lines(sys.stdin.fileno(), idle_s=IDLE_S)
    about = json.loads(next(asked))
    limit_process(about["limits"])
    if about["parent"] != os.getppid():
        # It died before this process had bound its life to it.
        return 1
    os.nice(NICENESS)
    from plastinate.engine.kinds import load

    desk = load(about["desk"])()
    line = Line(about["answer_fd"])
    for text in asked:
        line.send(answer(desk, json.loads(text), memory_bytes=about["limits"]["memory_bytes"]))
    return 0


if __name__ == "__main__":
    ended = main()
    sys.stderr.flush()
    # Freeing volumes takes time, and nothing is left to save.
    os._exit(ended)
