"""Which Python threads work side by side now, and how many of the cores each of them may use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class GivenUp(BaseException):
    """Nobody waits for this lane's work any more. Not an Exception: no step may take it for a result."""


@dataclass(eq=False)
class Lane:
    """One thread that works beside others.

    Attributes:
        parent: the lane whose work it shares; None for the thread that began.
        is_over: its work, and that of the lanes below it, is no longer wanted.
    """

    parent: Lane | None = None
    is_over: bool = False

    @property
    def is_given_up(self) -> bool:
        """Whether it, or a lane above it, is over."""
        return self.is_over or (self.parent is not None and self.parent.is_given_up)


class Lanes:
    """The lanes of this process: never more of them at work than there are cores.

    The cores are shared out anew whenever a kernel is called, so that the last
    organ at work soon has all of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._coming_back = 0
        self._working: dict[Lane, None] = {}  # in the order they began
        self._here = threading.local()

    def share_of(self, cores: int) -> int:
        """How many of so many cores the calling thread may use; all of them outside of any lane.

        Raises:
            GivenUp: the calling thread's work is no longer wanted.
        """
        lane = self._lane_here()
        if lane is None:
            return cores
        if lane.is_given_up:
            raise GivenUp
        with self._lock:
            # Twice the fair share, so that none lies idle, took 6 % more processor time and gained nothing.
            # The one that began first has most to do: it gets what does not divide.
            rank = list(self._working).index(lane)
            return max(1, cores // len(self._working) + (rank < cores % len(self._working)))

    def another(self, *, cores: int, parent: Lane) -> Lane | None:
        """A further lane beside its parent, for a thread about to start; None when every core has one."""
        with self._lock:
            if len(self._working) + self._coming_back >= cores:
                return None
            lane = Lane(parent)
            self._working[lane] = None
            return lane

    @contextmanager
    def working(self, lane: Lane | None = None) -> Iterator[Lane]:
        """Be a lane while the block lasts: the one given, the one that this thread is, or a new one."""
        before = self._lane_here()
        lane = lane or before or Lane()
        with self._lock:
            self._working[lane] = None
        self._here.lane = lane
        try:
            yield lane
        finally:
            self._here.lane = before
            if lane is not before:
                self.leave(lane)

    @contextmanager
    def resting(self, lane: Lane, *, cores: int) -> Iterator[None]:
        """Lend the lane's cores to others while it only waits; it comes back when one is free."""
        self.leave(lane)
        try:
            yield
            with self._lock:
                self._coming_back += 1
                try:
                    self._lock.wait_for(lambda: len(self._working) < cores)
                    self._working[lane] = None
                finally:
                    self._coming_back -= 1
        finally:
            # Interrupted, it comes back at once: it has others to tell that they may end.
            with self._lock:
                self._working[lane] = None

    def leave(self, lane: Lane) -> None:
        """Count a lane no longer."""
        with self._lock:
            self._working.pop(lane, None)
            self._lock.notify_all()

    def _lane_here(self) -> Lane | None:
        lane: Lane | None = getattr(self._here, "lane", None)
        return lane


LANES = Lanes()
