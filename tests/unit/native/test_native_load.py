"""How many threads a kernel may use, and how it is called from several."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from plastinate.model.errors import ParameterError
from plastinate.native.load import FOLDER, THREADS_MAX, _Library, thread_count


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "abc", "\u00b2", str(THREADS_MAX + 1), "9" * 5000])
def test_a_count_of_threads_that_means_nothing_is_refused(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLASTINATE_THREADS", text)
    with pytest.raises(ParameterError, match="PLASTINATE_THREADS") as caught:
        thread_count()
    assert len(caught.value.sentence) < 200


def test_a_count_of_threads_is_taken_from_the_environment_or_the_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLASTINATE_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("PLASTINATE_THREADS", "")
    assert 1 <= thread_count() <= THREADS_MAX


def test_threads_that_ask_first_for_a_kernel_get_one_and_the_same_function():
    # A second one would have a return type of its own: a handle cut to 32 bits ends in a crash.
    barrier = threading.Barrier(8)
    for _ in range(50):
        fresh = _Library(str(FOLDER / "contour.so"))

        def ask(fresh: _Library = fresh) -> int:
            barrier.wait(20)
            return id(fresh.contour_plan)

        with ThreadPoolExecutor(8) as pool:
            assert len({asked.result() for asked in [pool.submit(ask) for _ in range(8)]}) == 1
