"""How a run tells where it is, and how it is stopped."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from plastinate.model.errors import Cancelled
from plastinate.pipeline.progress import Progress, ProgressEvent


def test_shares_add_up_and_never_pass_the_whole():
    heard: list[ProgressEvent] = []
    progress = Progress(say=heard.append)
    with progress.step("one", share=0.5) as within:
        within(0.5)
        within(7.0)
    with progress.step("two", share=0.9):
        pass
    assert [round(event.share_done, 3) for event in heard] == [0.0, 0.25, 0.5, 0.5, 0.5, 1.0]


def test_time_is_kept_by_step_even_where_one_fails():
    progress = Progress()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), progress.step("divide", share=0.1):
            raise ZeroDivisionError
    assert list(progress.wall_s) == ["divide"]
    assert progress.wall_s["divide"] > 0


def test_a_request_to_stop_ends_the_step_it_is_in():
    answers = iter([False, True])
    progress = Progress(is_cancelled=lambda: next(answers))
    with pytest.raises(Cancelled), progress.step("long", share=1.0) as within:
        within(0.1)


def test_steps_side_by_side_never_run_backwards_and_name_what_still_goes_on():
    heard: list[ProgressEvent] = []
    progress = Progress(say=heard.append)
    with progress.step("long", share=0.6) as long:
        long(0.5)
        with progress.step("short", share=0.2) as short:
            short(0.5)
            long(0.75)
        long(0.25)
    assert [(event.doing, round(event.share_done, 3)) for event in heard] == [
        ("long", 0.0),
        ("long", 0.3),
        ("short", 0.3),
        ("long", 0.4),
        ("long", 0.55),
        ("long", 0.65),
        ("long", 0.65),
        ("long", 0.8),
    ]


def test_many_threads_tell_one_after_another():
    inside = threading.Lock()
    heard: list[float] = []

    def say(event: ProgressEvent) -> None:
        assert inside.acquire(blocking=False), "two threads tell at once"
        heard.append(event.share_done)
        inside.release()

    progress = Progress(say=say)

    def work(number: int) -> None:
        for turn in range(20):
            with progress.step(f"step {number}.{turn}", share=1 / 160) as within:
                within(0.5)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [None] * 8
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1.0)
    assert len(progress.wall_s) == 160
