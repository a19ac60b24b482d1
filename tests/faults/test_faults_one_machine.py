"""Whatever of one machine's processes is killed, stopped or told to end: a job ends once, and the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from job_rig import CHILD, JobRig, eventually, job_rig, processes_with

pytestmark = pytest.mark.slow
FORMATS = ["stl"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobRig]:
    with job_rig(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(rig: JobRig) -> dict[str, str]:
    """The files of a job that nothing happened to."""
    dispatcher = rig.dispatcher()
    job = rig.build(formats=FORMATS)
    assert rig.ended(job).state == "done"
    rig.kill(dispatcher)
    return rig.hashes(job)


def test_a_killed_child_costs_one_attempt(rig: JobRig, undisturbed: dict[str, str]):
    dispatcher = rig.dispatcher()
    job = rig.build(formats=FORMATS)
    os.kill(rig.child(), signal.SIGKILL)
    ended = rig.ended(job)
    assert (ended.state, ended.attempt) == ("done", 2)
    assert rig.hashes(job) == undisturbed
    assert rig.scratch_folders() == []
    rig.kill(dispatcher)


def test_a_job_outlives_the_process_that_watches_it(rig: JobRig, undisturbed: dict[str, str]):
    dispatcher = rig.dispatcher()
    job = rig.build(formats=FORMATS)
    child = rig.child()
    rig.kill(dispatcher)
    eventually(lambda: not Path(f"/proc/{child}").exists(), within_s=20, what="the child's end")
    dispatcher = rig.dispatcher()
    ended = rig.ended(job)
    assert (ended.state, ended.attempt) == ("done", 2)
    assert rig.hashes(job) == undisturbed
    assert rig.scratch_folders() == []
    rig.kill(dispatcher)


def test_an_attempt_that_slept_past_its_lease_is_refused(rig: JobRig, undisturbed: dict[str, str]):
    sleeper = rig.dispatcher()
    job = rig.build(formats=FORMATS)
    rig.child()
    rig.kill(sleeper, signal.SIGSTOP)
    other = rig.dispatcher()
    ended = rig.ended(job)
    rig.kill(sleeper, signal.SIGCONT)
    eventually(
        lambda: not processes_with(CHILD, under=[sleeper.pid]), within_s=20, what="the end of the late child"
    )
    assert (ended.state, ended.attempt) == ("done", 2)
    assert rig.job(job).attempt == 2
    assert rig.hashes(job) == undisturbed
    rig.kill(sleeper)
    rig.kill(other)


def test_a_job_that_always_dies_fails_with_the_reason_and_the_queue_goes_on(
    rig: JobRig, undisturbed: dict[str, str]
):
    dispatcher = rig.dispatcher()
    job = rig.build(formats=FORMATS)
    next_job = rig.build(formats=FORMATS)
    for attempt in (1, 2, 3):
        eventually(lambda number=attempt: rig.job(job).attempt == number, what=f"attempt {attempt}")
        os.kill(rig.child(), signal.SIGKILL)
        eventually(lambda number=attempt: rig.job(job).lost_because or rig.job(job).attempt > number)
        eventually(lambda number=attempt: rig.job(job).attempt > number or rig.job(job).state == "failed")
    failed = rig.ended(job)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "job.lost"
    assert "SIGKILL" in failed.error["sentence"]
    assert rig.ended(next_job).state == "done"
    assert rig.hashes(next_job) == undisturbed
    rig.kill(dispatcher)


def test_cancelling_ends_a_child_that_listens_to_nothing(rig: JobRig, undisturbed: dict[str, str]):
    del undisturbed
    dispatcher = rig.dispatcher()
    job = rig.build(formats=FORMATS)
    child = rig.child()
    # Deaf as code is that runs for minutes between two of Python's instructions.
    os.kill(child, signal.SIGSTOP)
    rig.cancel(job)
    assert rig.until(job, "cancelled", within_s=20).lost_because == ""
    eventually(lambda: not Path(f"/proc/{child}").exists(), within_s=20, what="the child's end")
    eventually(lambda: rig.scratch_folders() == [], within_s=20, what="the end of its files")
    rig.kill(dispatcher)


def test_a_polite_stop_gives_the_job_back_and_does_not_count_it_lost(
    rig: JobRig, undisturbed: dict[str, str]
):
    job = rig.build(formats=FORMATS)
    dispatcher = rig.dispatcher()
    rig.child()
    dispatcher.send_signal(signal.SIGTERM)
    assert dispatcher.wait(timeout=20) == 0
    waiting = rig.job(job)
    assert (waiting.state, waiting.attempt, waiting.polite_stops) == ("queued", 1, 1)
    dispatcher = rig.dispatcher()
    assert rig.ended(job).state == "done"
    assert rig.hashes(job) == undisturbed
    rig.kill(dispatcher)
