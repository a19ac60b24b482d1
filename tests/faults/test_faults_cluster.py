"""A scheduler, its workers and the dispatcher are processes of their own, and each may die in mid-job."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from job_rig import CHILD, JobRig, eventually, free_port, job_rig, processes_with

pytestmark = pytest.mark.slow
FORMATS = ["stl"]


@dataclass
class Cluster:
    rig: JobRig
    scheduler: subprocess.Popen[bytes]
    dispatcher: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]
    undisturbed: dict[str, str]

    def worker_of(self, job: str) -> subprocess.Popen[bytes]:
        """The worker that runs a job."""
        process = int(self.rig.until(job, "running").worker.rpartition("-")[2])
        return next(worker for worker in self.workers if worker.pid == process)

    def running(self) -> str:
        """A job whose child is at work."""
        job = self.rig.build(formats=FORMATS)
        self.rig.until(job, "running")
        self.rig.child()
        return job

    def add_worker(self, name: str) -> None:
        self.workers.append(self.rig.worker(name))

    def require_same(self, job: str, *, attempt: int) -> None:
        ended = self.rig.ended(job)
        assert (ended.state, ended.attempt) == ("done", attempt)
        assert self.rig.hashes(job) == self.undisturbed


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    address = f"tcp://127.0.0.1:{free_port()}"
    with job_rig(tmp_path_factory.mktemp("cluster"), scheduler=address) as rig:
        made = Cluster(rig, rig.scheduler(address), rig.dispatcher(), [rig.worker("first")], {})
        job = rig.build(formats=FORMATS)
        assert rig.ended(job).state == "done"
        made.undisturbed = rig.hashes(job)
        yield made


def test_a_job_outlives_its_worker(cluster: Cluster):
    job = cluster.running()
    cluster.rig.kill(cluster.worker_of(job))
    cluster.add_worker("second")
    cluster.require_same(job, attempt=2)


def test_a_dispatcher_that_comes_back_finds_the_attempt_that_goes_on(cluster: Cluster):
    job = cluster.running()
    cluster.rig.kill(cluster.dispatcher)
    cluster.dispatcher = cluster.rig.dispatcher()
    cluster.require_same(job, attempt=1)


def test_a_scheduler_that_comes_back_takes_no_attempt_with_it(cluster: Cluster):
    job = cluster.running()
    cluster.rig.kill(cluster.scheduler)
    cluster.scheduler = cluster.rig.scheduler(cluster.rig.settings.scheduler)
    cluster.require_same(job, attempt=1)
    later = cluster.rig.build(formats=FORMATS)
    cluster.require_same(later, attempt=1)


def test_no_work_waits_behind_a_worker_that_sleeps_and_what_it_says_on_waking_is_refused(cluster: Cluster):
    cluster.add_worker("third")
    job = cluster.running()
    sleeper = cluster.worker_of(job)
    cluster.rig.kill(sleeper, signal.SIGSTOP)
    cluster.require_same(job, attempt=2)
    cluster.rig.kill(sleeper, signal.SIGCONT)
    eventually(
        lambda: not processes_with(CHILD, under=[sleeper.pid]), within_s=30, what="the late child's end"
    )
    assert cluster.rig.job(job).attempt == 2
    assert cluster.rig.hashes(job) == cluster.undisturbed


def test_a_job_goes_only_where_its_resources_are(cluster: Cluster):
    job = cluster.rig.build(formats=FORMATS, resources={"GPU": 1})
    plain = cluster.rig.build(formats=FORMATS)
    assert cluster.rig.ended(plain).state == "done"
    assert cluster.rig.job(job).state == "queued"
    worker = cluster.rig.worker("with-gpu", "--resource", "GPU=1")
    cluster.workers.append(worker)
    assert cluster.worker_of(job) is worker
    cluster.require_same(job, attempt=1)


def test_nothing_is_left_lying_about(cluster: Cluster):
    for worker in cluster.workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=30) == 0
    scratch = cluster.rig.settings.home / "scratch"
    assert list(scratch.glob("plastinate-*")) == []
