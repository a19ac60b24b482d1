"""How a run tells where it is, and how it is asked to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import Cancelled
from plastinate.model.geometry import Geometry

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ProgressEvent:
    """Where a run is: a share of the whole and what it is doing, in words."""

    share_done: float
    doing: str


def _say_nothing(event: ProgressEvent) -> None:
    del event


def _show_nothing(structure: str, mask: Mask, geometry: Geometry) -> None:
    del structure, mask, geometry


def _never() -> bool:
    return False


@dataclass
class Progress:
    """A run's voice and ear; steps that run side by side may share it.

    Attributes:
        say: called with each event, by one thread at a time, not always the same; must return quickly.
        found: called with each structure asked for as soon as its voxels are known, between two steps: its id,
            its (S, R, C) mask, not to be changed, and the grid; must return quickly.
        is_cancelled: asked between steps, likewise; True stops the run with `Cancelled`.
        wall_s: seconds spent, by step, in the order begun; those of steps side by side overlap.
    """

    say: Callable[[ProgressEvent], None] = _say_nothing
    found: Callable[[str, Mask, Geometry], None] = _show_nothing
    is_cancelled: Callable[[], bool] = _never
    wall_s: dict[str, float] = field(default_factory=dict)
    _done: float = 0.0
    _told: float = 0.0
    # What of the steps now running is done, as shares of the whole, the one begun first in front.
    _running: dict[_Step, float] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the steps that run now, the one begun first in front."""
        with self._lock:
            return tuple(step.doing for step in self._running)

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
        step = _Step(doing)

        def within(done: float) -> None:
            with self._lock:
                self._running[step] = share * min(1.0, max(0.0, done))
                self._tell(step)

        begun = time.perf_counter()
        try:
            with self._lock:
                self.wall_s.setdefault(doing, 0.0)
                self._running[step] = 0.0
                self._tell(step, is_new=True)
            yield within
        finally:
            with self._lock:
                self.wall_s[doing] += time.perf_counter() - begun
                self._running.pop(step, None)
        with self._lock:
            self._done += share
            self._tell(step)

    def _tell(self, step: _Step, *, is_new: bool = False) -> None:
        if self.is_cancelled():
            raise Cancelled
        # Of steps side by side each is named when it begins, then the one that has been at work longest.
        doing = step.doing if is_new else next(iter(self._running), step).doing
        # Never backwards, not by a rounding either.
        self._told = max(self._told, min(1.0, self._done + sum(self._running.values())))
        self.say(ProgressEvent(self._told, doing))


@dataclass(frozen=True, eq=False)
class _Step:
    """One step that runs; another of the same name is another."""

    doing: str
