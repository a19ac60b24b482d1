from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from job_rig import WISH, JobRig, job_rig
from plastinate.archive import jobs as rows
from plastinate.archive.tables import Case, Job, Person, Share, now
from plastinate.engine.attempt import run_attempt
from plastinate.model.case_errors import Conflict, NotAllowed, NotThere
from plastinate.services.access import SYSTEM, Actor
from plastinate.services.builds import delete_build, list_builds
from plastinate.services.cases import keep_case, trash_case
from plastinate.services.jobs import cancel_job, list_jobs, read_job, submit_build


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobRig]:
    with job_rig(tmp_path_factory.mktemp("jobs")) as made:
        yield made


@pytest.fixture
def case(rig: JobRig) -> str:
    """A case whose first look is not queued; other tests' jobs are done with."""
    with rig.archive.database.write() as session:
        for job in rows.unfinished(session):
            job.state = "cancelled"
    made = keep_case(rig.archive, owner_id=None, title="phantom", files=[("scan.zip", rig.scan)])
    with rig.archive.database.write() as session:
        for job in rows.jobs_of_case(session, made.id):
            session.delete(job)
    return made.id


def submit(rig: JobRig, case: str, **wish: object) -> Job:
    return submit_build(rig.archive, SYSTEM, case, request={**WISH, **wish})


@pytest.mark.slow
def test_the_same_wish_again_finds_the_job_that_waits_runs_or_is_done(rig: JobRig, case: str):
    job = submit(rig, case, formats=["stl"])
    assert submit(rig, case, formats=["stl"]).id == job.id
    assert submit(rig, case, formats=["ply"]).id != job.id
    assert run_attempt(job.id, 0, rig.settings.environment()) == "done"
    assert submit(rig, case, formats=["stl"]).id == job.id
    (build,) = list_builds(rig.archive, SYSTEM, case)
    delete_build(rig.archive, SYSTEM, build.id)
    assert submit(rig, case, formats=["stl"]).id != job.id


def test_a_wish_after_a_failure_or_a_cancel_is_a_new_job(rig: JobRig, case: str):
    job = submit(rig, case)
    assert cancel_job(rig.archive, SYSTEM, job.id).job.state == "cancelled"
    assert submit(rig, case).id != job.id


def test_who_may_only_look_may_not_build_and_others_know_of_nothing(rig: JobRig, case: str):
    with rig.archive.database.write() as session:
        people = [Person(email=f"{name}-{case}@example.org") for name in ("viewer", "stranger")]
        session.add_all(people)
        session.flush()
        session.add(Share(case_id=case, person_id=people[0].id, role="view"))
        viewer, stranger = Actor(people[0].id), Actor(people[1].id)
    job = submit(rig, case)
    assert read_job(rig.archive, viewer, job.id).job.id == job.id
    with pytest.raises(NotAllowed):
        submit_build(rig.archive, viewer, case, request=WISH)
    with pytest.raises(NotAllowed):
        cancel_job(rig.archive, viewer, job.id)
    for ask in (
        lambda: read_job(rig.archive, stranger, job.id),
        lambda: cancel_job(rig.archive, stranger, job.id),
        lambda: read_job(rig.archive, SYSTEM, "nothing"),
    ):
        with pytest.raises(NotThere, match="job"):
            ask()


def test_a_case_in_the_trash_builds_nothing(rig: JobRig, case: str):
    trash_case(rig.archive, SYSTEM, case)
    with pytest.raises(Conflict):
        submit(rig, case)


def test_the_queue_is_counted_from_one_and_first_looks_come_first(rig: JobRig, case: str):
    first, second = submit(rig, case, name="first"), submit(rig, case, name="second")
    look = keep_case(rig.archive, owner_id=None, title="later", files=[("scan.zip", rig.scan)])
    positions = {view.job.id: view.position for view in list_jobs(rig.archive, SYSTEM, case)}
    assert positions == {first.id: 2, second.id: 3}
    assert [view.position for view in list_jobs(rig.archive, SYSTEM, look.id)] == [1]


def test_the_time_left_comes_from_what_is_done_and_from_earlier_jobs(rig: JobRig, case: str):
    with rig.archive.database.write() as session:
        for job in session.query(Job).filter(Job.state == "done"):
            session.delete(job)
        moment = now()
        for seconds in (30, 40, 50):
            done = Job(case_id=case, kind="build", state="done", finished_at=moment)
            done.started_at = moment - timedelta(seconds=seconds)
            session.add(done)
        running = Job(case_id=case, kind="build", state="running", attempt=1, share_done=0.5)
        running.started_at = moment - timedelta(seconds=10)
        session.add(running)
        session.flush()
    waiting = submit(rig, case)
    left = {view.job.id: view.remaining_s for view in list_jobs(rig.archive, SYSTEM, case)}
    assert left[running.id] == pytest.approx(10, abs=2)
    # One worker: first the other's ten seconds, then the usual forty.
    assert left[waiting.id] == pytest.approx(50, abs=3)
    assert read_job(rig.archive, SYSTEM, waiting.id).as_dict()["remaining_s"] == pytest.approx(50, abs=3)


def test_nothing_is_claimed_about_the_time_of_a_first_job(tmp_path: Path):
    with job_rig(tmp_path) as rig:
        job = rig.build()
        assert read_job(rig.archive, SYSTEM, job).remaining_s is None
        with rig.archive.database.read() as session:
            assert session.get(Case, rig.job(job).case_id) is not None
