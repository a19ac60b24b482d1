"""A worker on another host dies, or its cable is pulled in mid-job: the job ends once, and the same."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from job_rig import CHILD, JobRig, eventually, job_rig, processes_with
from two_hosts import TwoHosts, two_hosts

pytestmark = pytest.mark.slow
FORMATS = ["stl"]


@dataclass
class Site:
    hosts: TwoHosts
    rig: JobRig
    far: subprocess.Popen[bytes]
    undisturbed: dict[str, str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with two_hosts() as hosts, pytest.MonkeyPatch.context() as patch:
        for name, value in hosts.environment.items():
            patch.setenv(name, value)
        with job_rig(tmp_path_factory.mktemp("hosts"), **hosts.settings) as rig:
            rig.scheduler(hosts.settings["scheduler"])
            rig.dispatcher()
            far = start_far_worker(hosts, rig)
            job = rig.build(formats=FORMATS)
            assert rig.ended(job).state == "done"
            yield Site(hosts, rig, far, rig.hashes(job))


def start_far_worker(hosts: TwoHosts, rig: JobRig) -> subprocess.Popen[bytes]:
    """The other host has a disk of its own: another home."""
    home = rig.folder / f"far-home-{len(rig.started)}"
    return rig.worker("far", "--resource", "FAR=1", "--home", str(home), before=hosts.there)


def far_job(site: Site) -> str:
    """A job that has begun on the other host."""
    job = site.rig.build(formats=FORMATS, resources={"FAR": 1})
    assert site.rig.until(job, "running").worker.startswith("host-two")
    eventually(lambda: processes_with(CHILD, under=[site.far.pid]), what="a child over there")
    return job


def test_a_job_of_a_pulled_cable_is_done_by_another_host_and_once(site: Site):
    job = far_job(site)
    site.rig.worker("near", "--resource", "FAR=1")
    site.hosts.pull_the_cable()
    ended = site.rig.ended(job)
    site.hosts.plug_it_in()
    assert (ended.state, ended.attempt) == ("done", 2)
    assert not ended.worker.startswith("host-two")
    eventually(lambda: not processes_with(CHILD, under=[site.far.pid]), what="the end of the late child")
    assert site.rig.job(job).attempt == 2
    assert site.rig.hashes(job) == site.undisturbed


def test_a_job_outlives_the_other_host(site: Site):
    job = site.rig.build(formats=FORMATS)
    if not site.rig.until(job, "running").worker.startswith("host-two"):
        # The near worker has it; the next one goes where a worker is free.
        job = site.rig.build(formats=FORMATS)
    assert site.rig.until(job, "running").worker.startswith("host-two")
    eventually(lambda: processes_with(CHILD, under=[site.far.pid]), what="a child over there")
    # The process with its child, as when a machine goes.
    os.killpg(site.far.pid, signal.SIGKILL)
    site.far.wait()
    ended = site.rig.ended(job)
    assert (ended.state, ended.attempt) == ("done", 2)
    assert site.rig.hashes(job) == site.undisturbed
