"""The process that answers prompts, and the line before it: it may die, be ended, and is never crowded."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from job_rig import eventually
from plastinate.engine.prompt_child import lines
from plastinate.engine.prompt_process import PromptProcess
from plastinate.engine.prompt_queue import PromptQueue
from plastinate.model.errors import PlastinateError
from plastinate.model.prompt_errors import PrompterBusy, PrompterLost, PromptOutside, PromptReplaced

TESTS = Path(__file__).parents[2]
DESK = "prompt_desks:Echo"


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptProcess]:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    made = PromptProcess(memory_bytes=4 << 30, wall_seconds=30, desk=DESK)
    yield made
    made.end()


def asking(queue: PromptQueue, asker: str, request: dict) -> tuple[threading.Thread, list]:
    """Ask in a thread; the list gets the answer or the error."""
    outcome: list = []

    def ask() -> None:
        try:
            with queue.turn(asker) as put:
                outcome.append(put(request))
        except PlastinateError as error:
            outcome.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, outcome


@pytest.mark.slow
def test_one_process_answers_until_it_goes_and_then_another(process):
    first, second = (process.ask({"number": number}) for number in (1, 2))
    assert first["asked"] == {"number": 1}
    assert first["process"] == second["process"] != os.getpid()
    with pytest.raises(PrompterLost, match="SIGKILL"):
        process.ask({"do": "die"})
    assert process.ask({})["process"] != first["process"]
    with pytest.raises(PromptOutside) as refused:
        process.ask({"do": "refuse"})
    assert refused.value.where == "prompts[0]"
    assert refused.value.hint == PromptOutside.hint
    with pytest.raises(PlastinateError, match="KeyError"):
        process.ask({"do": "slip"})


@pytest.mark.slow
def test_an_answer_that_takes_too_long_is_given_up_and_its_process_ended(process, tmp_path):
    impatient = PromptProcess(memory_bytes=4 << 30, wall_seconds=0.1, desk=DESK)
    with pytest.raises(PrompterLost, match="longer"):
        impatient.ask({"do": "hold", "begun": str(tmp_path / "begun")})
    impatient.end()


@pytest.mark.slow
def test_later_questions_replace_those_of_the_same_asker_that_wait(process, tmp_path):
    queue = PromptQueue(process, waiting_max=3)
    begun, until = tmp_path / "begun", tmp_path / "until"
    first, one = asking(queue, "ada", {"do": "wait", "begun": str(begun), "until": str(until)})
    eventually(begun.exists, what="the first question")
    second, two = asking(queue, "ada", {"number": 2})
    eventually(lambda: len(queue) == 2, what="the second in the line")
    third, three = asking(queue, "ada", {"number": 3})
    second.join()
    assert isinstance(two[0], PromptReplaced)
    other, four = asking(queue, "bo", {"number": 4})
    eventually(lambda: len(queue) == 3, what="another's in the line")
    with pytest.raises(PrompterBusy), queue.turn("cy"):
        pass
    until.touch()
    for thread in (first, third, other):
        thread.join()
    assert [each[0]["asked"].get("number") for each in (one, three, four)] == [None, 3, 4]
    assert len(queue) == 0


class HeldProcess:
    """Answers when it is let; says what it was asked, and breaks when it is ended."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.may_answer = threading.Event()

    def ask(self, request: dict, *, is_wanted) -> dict:
        self.asked.append(request["number"])
        self.may_answer.wait(30)
        return request

    def end(self) -> None:
        raise AssertionError("somebody's request may be in it")


def test_taking_back_drops_an_answer_and_never_ends_what_others_wait_for():
    process = HeldProcess()
    queue = PromptQueue(process)
    mine, dropped = asking(queue, "ada", {"number": 1})
    eventually(lambda: process.asked == [1], what="the question")
    theirs, answered = asking(queue, "bo", {"number": 2})
    eventually(lambda: len(queue) == 2, what="another's in the line")
    # However often somebody asks and takes back, nothing of it comes before who waits.
    for number in (3, 4, 5):
        queue.take_back("ada")
        again, gone = asking(queue, "ada", {"number": number})
        eventually(lambda: len(queue) == 2, what="the next in the line")
        queue.take_back("ada")
        again.join()
        assert isinstance(gone[0], PromptReplaced)
    process.may_answer.set()
    for thread in (mine, theirs):
        thread.join()
    assert isinstance(dropped[0], PromptReplaced)
    assert (answered, process.asked) == ([{"number": 2}], [1, 2])


def test_who_took_back_between_two_questions_of_a_turn_is_not_asked_about_again():
    process = HeldProcess()
    process.may_answer.set()
    queue = PromptQueue(process)
    with queue.turn("ada") as ask:
        assert ask({"number": 1}) == {"number": 1}
        queue.take_back("ada")
        with pytest.raises(PromptReplaced):
            ask({"number": 2})
    assert process.asked == [1]


@pytest.mark.slow
def test_what_the_process_keeps_outlives_an_answer_that_was_taken_back(process, tmp_path):
    queue = PromptQueue(process)
    lent = process.ask({"scan": "chest", "path": "here"})["process"]
    begun, until = tmp_path / "begun", tmp_path / "until"
    mine, dropped = asking(queue, "ada", {"do": "wait", "begun": str(begun), "until": str(until)})
    eventually(begun.exists, what="the question")
    queue.take_back("ada")
    until.touch()
    mine.join()
    assert isinstance(dropped[0], PromptReplaced)
    assert process.ask({"scan": "chest"})["process"] == lent


@pytest.mark.slow
def test_what_takes_long_is_ended_once_it_is_taken_back_and_others_are_answered_by_a_new_process(
    process, monkeypatch, tmp_path
):
    monkeypatch.setattr(process, "_unwanted_seconds", 0.01)
    queue = PromptQueue(process)
    begun = tmp_path / "begun"
    mine, held = asking(queue, "ada", {"do": "hold", "begun": str(begun)})
    eventually(begun.exists, what="the question")
    theirs, answered = asking(queue, "bo", {"number": 1})
    eventually(lambda: len(queue) == 2, what="another's in the line")
    queue.take_back("ada")
    for thread in (mine, theirs):
        thread.join()
    assert isinstance(held[0], PromptReplaced)
    assert answered[0]["asked"] == {"number": 1}


@pytest.mark.slow
def test_a_line_that_closes_ends_what_is_worked_on_at_once(process, tmp_path):
    queue = PromptQueue(process)
    begun = tmp_path / "begun"
    mine, held = asking(queue, "ada", {"do": "hold", "begun": str(begun)})
    eventually(begun.exists, what="the question")
    queue.close()
    mine.join()
    assert isinstance(held[0], PromptReplaced)


def test_a_process_leaves_when_nobody_has_asked_for_a_while():
    receive, send = os.pipe()
    os.write(send, b"one\ntwo\nhal")
    assert list(lines(receive, idle_s=0.01)) == [b"one", b"two"]
    os.close(send)
    assert list(lines(receive, idle_s=5)) == []
    os.close(receive)
