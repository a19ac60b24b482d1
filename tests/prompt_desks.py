"""Desks for the process that answers prompts, as classes that a request can name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from plastinate.model.prompt_errors import PromptOutside


class Echo:
    """Answers what it was asked, once it was given the scan; does odd things when asked to.

    A request may hold "do": "refuse", "slip", "die", "hold" (until it is ended) or "wait" for a file.
    """

    def __init__(self) -> None:
        self._scans: set[str] = set()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        todo = request.get("do")
        if todo == "refuse":
            raise PromptOutside("There is nothing", where="prompts[0]")
        if todo == "slip":
            raise KeyError("a slip")
        if todo == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if todo in ("hold", "wait"):
            Path(request["begun"]).touch()
            while todo == "hold" or not Path(request["until"]).exists():
                time.sleep(0.01)
        if "scan" in request and request["scan"] not in self._scans:
            if request.get("path") is None:
                return {"needs_scan": True}
            self._scans.add(request["scan"])
        return {"asked": request, "process": os.getpid()}

    def forget(self) -> None:
        self._scans.clear()
