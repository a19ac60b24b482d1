"""How many threads a kernel may use."""

from __future__ import annotations

import pytest

from plastinate.model.errors import ParameterError
from plastinate.native.load import THREADS_MAX, thread_count


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
