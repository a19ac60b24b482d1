"""Tasks that do not depend on each other share the cores, and nothing of it shows in what comes out."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from plastinate.native.load import thread_count
from plastinate.native.side_by_side import LANES_MAX, side_by_side
from plastinate.native.spare_memory import spare_memory_bytes

DEADLINE_S = 20.0


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch):
    return lambda number: monkeypatch.setenv("PLASTINATE_THREADS", str(number))


def wait_for(event: threading.Event) -> None:
    assert event.wait(DEADLINE_S), "nobody came"


class Crowd:
    """Counts how many are in it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def pass_through(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        threading.Event().wait(0.002)
        with self._lock:
            self._now -= 1


def test_results_come_in_the_order_asked_whoever_ends_first(cores):
    cores(2)
    second_is_done = threading.Event()

    def first() -> str:
        wait_for(second_is_done)
        return "first"

    def second() -> str:
        second_is_done.set()
        return "second"

    assert side_by_side([first, second]) == ["first", "second"]


def test_one_core_does_one_task_after_another_and_starts_no_thread(cores):
    cores(1)
    assert set(side_by_side([threading.get_ident] * 5)) == {threading.get_ident()}


def test_never_more_are_at_work_than_there_are_cores_not_even_one_within_another(cores):
    cores(3)
    crowd = Crowd()
    inner = [crowd.pass_through] * 6
    side_by_side([lambda: side_by_side(inner)] * 6)
    assert 1 <= crowd.most <= 3


def test_many_cores_do_not_bring_more_organs_into_memory_than_stated(cores):
    cores(64)
    crowd = Crowd()
    side_by_side([crowd.pass_through] * 40)
    assert crowd.most <= LANES_MAX


def test_what_memory_does_not_hold_twice_is_done_one_by_one(cores):
    cores(4)
    threads = side_by_side([threading.get_ident] * 4, bytes_each=spare_memory_bytes())
    assert set(threads) == {threading.get_ident()}


def test_the_cores_are_shared_out_and_the_last_one_at_work_has_them_all(cores):
    cores(5)
    both, counted = (threading.Barrier(2, timeout=DEADLINE_S) for _ in range(2))

    def count() -> int:
        both.wait()
        together = thread_count()
        counted.wait()
        return together

    def count_again() -> tuple[int, int]:
        together = count()
        for _ in range(10_000):
            if thread_count() == 5:
                break
            threading.Event().wait(0.002)
        return together, thread_count()

    other, (own, alone) = side_by_side([count, count_again])
    assert (other + own, alone) == (5, 5)
    assert thread_count() == 5


def test_a_task_waits_for_the_one_it_needs_and_holds_up_no_other(cores):
    cores(2)
    third_is_done = threading.Event()
    order: list[str] = []

    def first() -> None:
        wait_for(third_is_done)
        order.append("first")

    def third() -> None:
        order.append("third")
        third_is_done.set()

    side_by_side([first, lambda: order.append("second"), third], after={1: 0})
    assert order == ["third", "first", "second"]


def test_what_waited_is_done_side_by_side_too(cores):
    cores(2)
    both = threading.Barrier(2, timeout=DEADLINE_S)
    side_by_side([lambda: 0, both.wait, both.wait], after={1: 0, 2: 0})
    assert not both.broken


def test_nothing_that_waits_for_a_failure_is_begun_and_what_stands_before_it_is(cores):
    for number in (1, 2, 4):
        cores(number)
        begun: list[int] = []

        def note(task: int, begun: list[int] = begun) -> None:
            begun.append(task)
            if task == 2:
                raise ValueError(task)

        with pytest.raises(ValueError, match="2"):
            side_by_side([partial(note, task) for task in range(5)], after={1: 0, 3: 2, 4: 3})
        assert sorted(begun) == [0, 1, 2]


def test_a_core_that_falls_free_helps_those_who_found_none(cores):
    cores(2)
    both_began, helped = threading.Event(), threading.Event()

    def short() -> None:
        wait_for(both_began)

    def long() -> list[None]:
        # It begins when both cores are taken; its second task runs beside the first once one is free.
        return side_by_side([lambda: (both_began.set(), wait_for(helped))[1], helped.set])

    side_by_side([short, long])
    assert helped.is_set()


def test_the_first_failure_in_the_order_asked_is_told_and_later_ones_are_not_begun(cores):
    cores(2)
    later_failed = threading.Event()
    begun: list[int] = []

    def first() -> None:
        wait_for(later_failed)
        raise ValueError("first")

    def second() -> None:
        later_failed.set()
        raise KeyError("second")

    with pytest.raises(ValueError, match="first"):
        side_by_side([first, second, *(lambda: begun.append(1) for _ in range(5))])
    assert begun == []


def test_an_interruption_ends_the_others_at_their_next_kernel(cores):
    cores(2)
    helper_works = threading.Event()
    reached_the_end: list[bool] = []

    def interrupted() -> None:
        wait_for(helper_works)
        raise KeyboardInterrupt

    def works_on() -> None:
        helper_works.set()
        for _ in range(10_000):
            thread_count()
            threading.Event().wait(0.002)
        reached_the_end.append(True)

    with pytest.raises(KeyboardInterrupt):
        side_by_side([interrupted, works_on])
    assert reached_the_end == []
    assert not [thread for thread in threading.enumerate() if thread.name == "beside"]
    assert thread_count() == 2


def test_an_interruption_reaches_the_helpers_of_helpers(cores):
    cores(3)
    all_work = threading.Barrier(3, timeout=DEADLINE_S)

    def interrupted() -> None:
        all_work.wait()
        raise KeyboardInterrupt

    def works_on() -> None:
        all_work.wait()
        for _ in range(10_000):
            thread_count()
            threading.Event().wait(0.002)
        raise AssertionError("nobody told it to end")

    with pytest.raises(KeyboardInterrupt):
        side_by_side([interrupted, lambda: side_by_side([works_on, works_on])])
    assert not [thread for thread in threading.enumerate() if thread.name == "beside"]


def test_an_interruption_does_not_wait_for_the_work_of_others(cores):
    cores(2)
    both_work = threading.Barrier(2, timeout=DEADLINE_S)
    reached_the_end: list[bool] = []

    def interrupted() -> None:
        both_work.wait()
        raise KeyboardInterrupt

    def works_on(*, meets: bool) -> None:
        if meets:
            both_work.wait()
        for _ in range(10_000):
            thread_count()
            threading.Event().wait(0.002)
        reached_the_end.append(True)

    others = [partial(works_on, meets=True), partial(works_on, meets=False)]
    with pytest.raises(KeyboardInterrupt):
        side_by_side([lambda: side_by_side([interrupted]), lambda: side_by_side(others)])
    assert reached_the_end == []


def test_progress_is_told_after_each_task(cores):
    cores(2)
    heard: list[tuple[int, int]] = []
    side_by_side([lambda: None] * 4, progress=lambda done, total: heard.append((done, total)))
    assert len(heard) == 4
    assert max(heard) == (4, 4)


def test_no_task_gives_no_result():
    assert side_by_side([]) == []
