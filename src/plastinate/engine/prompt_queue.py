"""Questions of many threads -> one process, one by one; few may wait, and later ones replace earlier."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plastinate.engine.prompt_process import PromptProcess
from plastinate.model.prompt_errors import PrompterBusy, PrompterLost, PromptReplaced

# A quarter of the server's 32 threads: pages need the others.
WAITING_MAX = 8

Ask = Callable[[dict[str, Any]], dict[str, Any]]


class PromptQueue:
    """Who is being answered, and who waits.

    Args:
        process: what answers.
        waiting_max: how many may wait or be answered at the same time.
    """

    def __init__(self, process: PromptProcess, *, waiting_max: int = WAITING_MAX) -> None:
        self._process = process
        self._waiting_max = waiting_max
        self._changed = threading.Condition()
        self._line: list[tuple[str, object]] = []
        self._taken_back: set[object] = set()

    @contextmanager
    def turn(self, asker: str) -> Iterator[Ask]:
        """Wait for the process, and have it to oneself.

        Args:
            asker: whose earlier questions that still wait are replaced by this one.

        Yields:
            What takes a request.

        Raises:
            PrompterBusy: too many wait already.
            PromptReplaced: a later question of the same asker came, or it was taken back.
            PrompterLost: the process went away without an answer.
        """
        mark = object()
        with self._changed:
            for whose, other in self._line[1:]:
                if whose == asker:
                    self._taken_back.add(other)
            self._changed.notify_all()
            if sum(other not in self._taken_back for _, other in self._line) >= self._waiting_max:
                raise PrompterBusy
            self._line.append((asker, mark))
        try:
            with self._changed:
                self._changed.wait_for(lambda: mark in self._taken_back or self._line[0][1] is mark)
                if mark in self._taken_back:
                    raise PromptReplaced
            try:
                yield self._process.ask
            except PrompterLost:
                if mark in self._taken_back:
                    raise PromptReplaced from None
                raise
        finally:
            with self._changed:
                self._line.remove((asker, mark))
                self._taken_back.discard(mark)
                self._changed.notify_all()

    def take_back(self, asker: str) -> None:
        """Answer nothing more of what this asker has asked: what waits goes, what is worked on is ended."""
        with self._changed:
            mine = [mark for whose, mark in self._line if whose == asker]
            self._taken_back.update(mine)
            is_worked_on = bool(mine) and self._line[0][1] is mine[0]
            self._changed.notify_all()
        if is_worked_on:
            self._process.end()

    def close(self) -> None:
        """End the process."""
        with self._changed:
            self._taken_back.update(mark for _, mark in self._line)
            self._changed.notify_all()
        self._process.end()
