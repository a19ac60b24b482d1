"""How a run tells where it is, and how it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from plastinate.model.errors import Cancelled


@dataclass(frozen=True)
class ProgressEvent:
    """Where a run is: a share of the whole and what it is doing, in words."""

    share_done: float
    doing: str


def _say_nothing(event: ProgressEvent) -> None:
    del event


def _never() -> bool:
    return False


@dataclass
class Progress:
    """A run's voice and ear.

    Attributes:
        say: called with each event; must return quickly.
        is_cancelled: asked between steps; True stops the run with `Cancelled`.
        wall_s: seconds spent, by step.
    """

    say: Callable[[ProgressEvent], None] = _say_nothing
    is_cancelled: Callable[[], bool] = _never
    wall_s: dict[str, float] = field(default_factory=dict)
    _done: float = 0.0

    def finish(self) -> None:
        """Say that all is done: what a run had no need of leaves its share untold."""
        self.say(ProgressEvent(1.0, "done"))

    @contextmanager
    def step(self, doing: str, *, share: float) -> Iterator[Callable[[float], None]]:
        """Run one step that makes up `share` of the whole.

        Yields:
            A function that takes how much of this step is done, 0 to 1.

        Raises:
            Cancelled: the run was asked to stop.
        """

        def within(done: float) -> None:
            if self.is_cancelled():
                raise Cancelled
            self.say(ProgressEvent(min(1.0, self._done + share * min(1.0, max(0.0, done))), doing))

        within(0.0)
        begun = time.perf_counter()
        try:
            yield within
        finally:
            self.wall_s[doing] = self.wall_s.get(doing, 0.0) + time.perf_counter() - begun
        self._done = min(1.0, self._done + share)
        within(0.0)
