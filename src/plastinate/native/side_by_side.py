"""Independent pieces of work -> their results, in the order given, worked on at once where cores allow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from plastinate.native.lanes import LANES, GivenUp, Lane
from plastinate.native.load import core_count
from plastinate.native.spare_memory import spare_memory_bytes

T = TypeVar("T")
# Beyond this, lanes cost memory and gain nothing: the largest organ alone takes as long as all the others.
LANES_MAX = 8
# The share of the spare memory that may be counted on: up to four jobs of a server ask at the same time.
MEMORY_SHARE = 4


def say_nothing(done: int, total: int) -> None:
    """Progress for those whom nobody asked for any."""
    del done, total


def side_by_side(
    tasks: Sequence[Callable[[], T]],
    *,
    after: Mapping[int, int] = MappingProxyType({}),
    bytes_each: int = 0,
    progress: Callable[[int, int], None] = say_nothing,
) -> list[T]:
    """Do tasks in threads beside each other; kernels release the interpreter's lock, and so do they.

    At most LANES_MAX at once, at most one for each core (see `core_count`),
    and as many as a quarter of the spare memory holds; always at least one. May be
    called from within a task: both then share the same cores. What comes out is
    the same however many are at work.

    Args:
        tasks: begun in the order given, or later where they have to wait.
        after: number of a task -> number of the earlier one that must be done before it.
        bytes_each: memory that one takes at most while it runs, 0 where that is little.
        progress: told by the thread that did a task how many are done, and of how many.

    Returns:
        What each returned, in the order of the tasks.

    Raises:
        Exception: what the first of them to fail, in the order given, raised.
    """
    most = min(LANES_MAX, len(tasks))
    if bytes_each and most > 1:
        most = max(1, min(most, spare_memory_bytes() // MEMORY_SHARE // bytes_each))
    return _Crew(tasks, after=after, most=most, progress=progress).run()


class _Crew(Generic[T]):
    """The lanes that do one list of tasks: the thread that asks, and helpers while cores are free."""

    def __init__(
        self,
        tasks: Sequence[Callable[[], T]],
        *,
        after: Mapping[int, int],
        most: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self._tasks = tasks
        self._after = after
        self._most = most
        self._progress = progress
        self._lock = threading.Lock()
        self._left = list(range(len(tasks)))
        self._at_work = 1
        self._results: dict[int, T] = {}
        self._errors: dict[int, BaseException] = {}
        self._helpers: list[tuple[threading.Thread, Lane]] = []

    def run(self) -> list[T]:
        with LANES.working() as lane, _listed(self):
            self._first = lane
            try:
                self._work()
                if self._is_interrupted():
                    self._join()
                else:
                    self._rest()
            except BaseException:
                # Ctrl-C between two tasks, or in the waiting: the helpers must not outlive the call.
                self._give_up()
                self._join()
                raise
        if self._errors:
            raise self._errors[min(self._errors, key=self._weight)]
        return [self._results[number] for number in range(len(self._tasks))]

    def recruit(self) -> None:
        """Start one helper, which may start the next, while tasks, memory and a core are left."""
        with self._lock:
            if self._at_work == self._most or self._ready() is None:
                return
            lane = LANES.another(cores=core_count(), parent=self._first)
            if lane is None:
                return
            helper = threading.Thread(target=self._help, args=(lane,), name="beside")
            try:
                helper.start()
            except RuntimeError:
                # No more threads for this process: slower, not wrong.
                LANES.leave(lane)
                return
            self._helpers.append((helper, lane))
            self._at_work += 1

    def _work(self) -> None:
        while (number := self._next()) is not None:
            self.recruit()
            try:
                made = self._tasks[number]()
                with self._lock:
                    self._results[number] = made
                    done = len(self._results)
                self._progress(done, len(self._tasks))
            except BaseException as error:  # raised again where the results are asked for
                with self._lock:
                    self._errors[number] = error
                if not isinstance(error, Exception):
                    self._give_up()

    def _next(self) -> int | None:
        """The number of a task to do now; None where this thread has nothing more to do."""
        with self._lock:
            number = self._ready()
            if number is None:
                self._at_work -= 1
            else:
                self._left.remove(number)
            return number

    def _ready(self) -> int | None:
        """The first task that may begin now; one that waits for another is begun by whoever does that."""
        # Once one has failed, those before it are still done: the first failure is the one to tell.
        end = min(self._errors, default=len(self._tasks))
        for number in self._left:
            if number < end and (number not in self._after or self._after[number] in self._results):
                return number
        return None

    def _help(self, lane: Lane) -> None:
        with LANES.working(lane):
            self._work()
        _tell_of_a_free_core()

    def _rest(self) -> None:
        """Wait for the helpers, and let others have the core meanwhile."""
        with LANES.resting(self._first, cores=core_count()):
            _tell_of_a_free_core()
            self._join()

    def _join(self) -> None:
        number = 0
        while number < len(self._helpers):
            self._helpers[number][0].join()
            number += 1

    def _is_interrupted(self) -> bool:
        with self._lock:
            return any(not isinstance(error, Exception) for error in self._errors.values())

    def _give_up(self) -> None:
        with self._lock:
            self._left.clear()
            for _, lane in self._helpers:
                lane.is_over = True

    def _weight(self, number: int) -> tuple[bool, bool, int]:
        """An interruption before a failure, a failure before what was given up for it."""
        error = self._errors[number]
        return isinstance(error, GivenUp), isinstance(error, Exception), number


_AT_WORK: list[_Crew[Any]] = []


@contextmanager
def _listed(crew: _Crew[Any]) -> Iterator[None]:
    _AT_WORK.append(crew)
    try:
        yield
    finally:
        _AT_WORK.remove(crew)


def _tell_of_a_free_core() -> None:
    # A crew that began when every core was taken would else notice only when one of its own tasks ends.
    for crew in tuple(_AT_WORK):
        crew.recruit()
