"""Questions of many threads -> one process, one by one; few may wait, and later ones replace earlier."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from plastinate.engine.prompt_process import PromptProcess
from plastinate.model.errors import PlastinateError
from plastinate.model.prompt_errors import PrompterBusy, PromptReplaced

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

    def __len__(self) -> int:
        """How many are answered or wait, without those that were replaced."""
        with self._changed:
            return self._waiting()

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
            if self._waiting() >= self._waiting_max:
                raise PrompterBusy
            self._line.append((asker, mark))
        try:
            with self._changed:
                self._changed.wait_for(lambda: mark in self._taken_back or self._line[0][1] is mark)
                if mark in self._taken_back:
                    raise PromptReplaced
            yield partial(self._ask, mark)
        finally:
            with self._changed:
                self._line.remove((asker, mark))
                self._taken_back.discard(mark)
                self._changed.notify_all()

    def take_back(self, asker: str) -> None:
        """Answer nothing more of what this asker has asked.

        What waits goes at once. What is worked on is worked on to its end, and its answer dropped: to end
        the process would cost everybody the scans it keeps. Only what takes long is ended, by the thread
        that asked it, so that nobody else's request can be hit.
        """
        with self._changed:
            self._taken_back.update(mark for whose, mark in self._line if whose == asker)
            self._changed.notify_all()

    def _ask(self, mark: object, request: dict[str, Any]) -> dict[str, Any]:
        def is_wanted() -> bool:
            return mark not in self._taken_back

        try:
            answer = self._process.ask(request, is_wanted=is_wanted) if is_wanted() else {}
        except PlastinateError:
            if is_wanted():
                raise
            raise PromptReplaced from None
        if not is_wanted():
            raise PromptReplaced
        return answer

    def _waiting(self) -> int:
        return sum(mark not in self._taken_back for _, mark in self._line)

    def close(self) -> None:
        """End the process."""
        with self._changed:
            self._taken_back.update(mark for _, mark in self._line)
            self._changed.notify_all()
        self._process.end()
