from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from job_rig import JobRig, eventually, job_rig
from plastinate.archive import jobs
from plastinate.engine.attempt import own_label
from plastinate.engine.cluster import Cluster
from plastinate.engine.dispatch import Dispatcher, run
from plastinate.engine.kinds import HOUSEKEEPING, KINDS, kind_named, load
from plastinate.engine.pulse import stopping
from plastinate.model.errors import RecipeNotFound

pytestmark = pytest.mark.slow


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobRig]:
    """With a lease that no test waits for, unless it asks for another."""
    with job_rig(tmp_path, lease_seconds=getattr(request, "param", 600)) as made:
        yield made


short_lease = pytest.mark.parametrize("rig", [3], indirect=True)


@pytest.fixture
def dispatcher(rig: JobRig) -> Iterator[Dispatcher]:
    made = Dispatcher(rig.archive, Cluster(rig.settings))
    yield made
    made.stop()
    stopping.clear()


def claim(rig: JobRig, job: str, *, worker: str) -> None:
    with rig.archive.database.write() as session:
        assert jobs.claim(session, job, seen_attempt=rig.job(job).attempt, worker=worker) is not None


def turn_until_ended(rig: JobRig, dispatcher: Dispatcher, job: str) -> None:
    eventually(lambda: dispatcher.turn() or rig.job(job).state in ("done", "failed"))


def test_a_queued_job_is_done_without_anything_being_configured(rig: JobRig, dispatcher: Dispatcher):
    job = rig.build(formats=["stl"])
    turn_until_ended(rig, dispatcher, job)
    assert rig.job(job).state == "done"


@short_lease
def test_an_attempt_of_another_is_left_alone_while_its_heart_beats(rig: JobRig, dispatcher: Dispatcher):
    job = rig.build()
    claim(rig, job, worker="elsewhere 00000000-1")
    for _ in range(20):
        dispatcher.turn()
        with rig.archive.database.write() as session:
            assert jobs.report(session, job, 1, share_done=0.5, doing="on and on") == "go on"
        threading.Event().wait(0.1)
    assert (rig.job(job).state, rig.job(job).attempt) == ("running", 1)
    assert dispatcher.orders == {}


@short_lease
def test_an_attempt_whose_heart_stands_is_given_back(rig: JobRig, dispatcher: Dispatcher):
    job = rig.build(formats=["stl"])
    claim(rig, job, worker="elsewhere 00000000-1")
    eventually(lambda: dispatcher.turn() or rig.job(job).lost_because, within_s=10)
    assert "silent" in rig.job(job).lost_because
    assert (rig.job(job).state, rig.job(job).attempt) == ("queued", 1)


def test_a_worker_of_this_machine_that_is_dead_is_not_waited_for(rig: JobRig, dispatcher: Dispatcher):
    job = rig.build()
    dead = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(dead, 0)
    claim(rig, job, worker=own_label().rpartition("-")[0] + f"-{dead}")
    dispatcher.turn()
    assert (rig.job(job).state, rig.job(job).lost_because) == ("queued", "its worker was ended")


@short_lease
def test_the_last_loss_fails_the_job(rig: JobRig, dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture):
    job = rig.build()
    for _ in range(3):
        claim(rig, job, worker="elsewhere 00000000-1")
        dispatcher.orders.clear()
        eventually(lambda: dispatcher.turn() or rig.job(job).state != "running", within_s=10)
    failed = rig.job(job)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "job.lost"
    assert f"of case {failed.case_id} failed: [job.lost] its worker" in caplog.text


def test_a_cancelled_job_is_not_begun(rig: JobRig, dispatcher: Dispatcher):
    job = rig.build()
    rig.cancel(job)
    dispatcher.turn()
    assert dispatcher.orders == {}
    assert rig.job(job).state == "cancelled"


def test_a_full_queue_is_done_in_order_by_one_worker(rig: JobRig):
    queue = [rig.build(formats=["stl"], name=f"ball {number}") for number in range(3)]
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(rig.archive,), kwargs={"stop": stop})
    thread.start()
    try:
        ended = [rig.ended(job) for job in queue]
    finally:
        stop.set()
        thread.join()
        stopping.clear()
    assert [job.state for job in ended] == ["done"] * 3
    begun = [job.started_at for job in ended]
    assert begun == sorted(begun)


def test_an_embedded_worker_that_is_gone_is_started_again(rig: JobRig, dispatcher: Dispatcher):
    first = rig.build(formats=["stl"])
    turn_until_ended(rig, dispatcher, first)
    local = dispatcher.cluster._local
    local.sync(local.scheduler.remove_worker, next(iter(local.scheduler.workers)), stimulus_id="test")
    second = rig.build(formats=["stl"])
    turn_until_ended(rig, dispatcher, second)
    assert rig.job(second).state == "done"


def test_an_unreachable_scheduler_leaves_the_job_in_the_queue(tmp_path: Path):
    with job_rig(tmp_path, scheduler="tcp://127.0.0.1:1") as rig:
        dispatcher = Dispatcher(rig.archive, Cluster(rig.settings))
        job = rig.build()
        dispatcher.turn()
        dispatcher.turn()
        assert rig.job(job).state == "queued"
        dispatcher.cluster.close()


def test_every_kind_leads_to_functions_that_are_there():
    for kind in KINDS.values():
        assert callable(load(kind.work))
        assert callable(load(kind.publish))
    assert callable(load(HOUSEKEEPING))


def test_an_unknown_kind_is_named():
    with pytest.raises(RecipeNotFound, match="kind of job"):
        kind_named("weave")
