"""How a run tells where it is, and how it is stopped."""

from __future__ import annotations

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
