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
from plastinate.services import jobs
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


def test_a_build_made_before_there_was_a_viewer_does_not_stand_in_for_one_with_it(
    rig: JobRig, case: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "ALWAYS", ())
    older = submit(rig, case)
    assert submit(rig, case).id == older.id
    monkeypatch.undo()
    assert submit(rig, case).id != older.id


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


def earlier(case: str, seconds: float, pace: list[list[float]], **request: object) -> Job:
    """A build that is done."""
    moment = now()
    job = Job(case_id=case, kind="build", state="done", finished_at=moment, pace=pace)
    job.started_at, job.request = moment - timedelta(seconds=seconds), request or dict(WISH)
    return job


def under_way(case: str, seconds: float, pace: list[list[float]]) -> Job:
    """The same build once more, which began so many seconds ago."""
    job = Job(case_id=case, kind="build", state="running", attempt=1, pace=pace, request=dict(WISH))
    job.share_done = pace[-1][0] if pace else 0.0
    job.started_at = now() - timedelta(seconds=seconds)
    return job


def forget(rig: JobRig) -> None:
    with rig.archive.database.write() as session:
        for job in session.query(Job).filter(Job.state == "done"):
            session.delete(job)


def left(rig: JobRig, case: str) -> list[float | None]:
    return [view.remaining_s for view in list_jobs(rig.archive, SYSTEM, case) if view.job.state != "done"]


def test_the_time_left_is_that_of_earlier_jobs_from_the_same_share_on(rig: JobRig, case: str):
    forget(rig)
    with rig.archive.database.write() as session:
        # Half of the work takes a tenth of the time.
        session.add_all(earlier(case, seconds, [[0.5, seconds / 10]]) for seconds in (30, 40, 50))
        session.add(under_way(case, 4, [[0.5, 4.0]]))
    waiting = submit(rig, case)
    of_running, of_waiting = left(rig, case)[1], left(rig, case)[0]
    assert of_running == pytest.approx(36, abs=1)
    # One worker: first what is left of the other, then the usual forty.
    assert of_waiting == pytest.approx(76, abs=2)
    assert read_job(rig.archive, SYSTEM, waiting.id).as_dict()["remaining_s"] == pytest.approx(76, abs=2)


def test_in_a_long_step_the_time_left_falls_and_never_rises(rig: JobRig, case: str):
    forget(rig)
    guesses = []
    with rig.archive.database.write() as session:
        session.add(earlier(case, 40, [[0.5, 4.0]]))
        running = under_way(case, 0, [[0.5, 4.0]])
        session.add(running)
    for seconds in (4, 10, 20, 39):
        with rig.archive.database.write() as session:
            session.get_one(Job, running.id).started_at = now() - timedelta(seconds=seconds)
        guesses += left(rig, case)
    assert guesses == pytest.approx([36, 30, 20, 1], abs=0.5)


def test_nothing_is_said_of_a_job_that_takes_longer_than_any_before(rig: JobRig, case: str):
    forget(rig)
    with rig.archive.database.write() as session:
        session.add_all([earlier(case, 40, [[0.5, 4.0]]), under_way(case, 60, [[0.5, 4.0]])])
    submit(rig, case)
    assert left(rig, case) == [None, None]


def test_a_job_that_is_slower_than_the_others_so_far_is_taken_to_stay_so(rig: JobRig, case: str):
    forget(rig)
    with rig.archive.database.write() as session:
        session.add_all([earlier(case, 40, [[0.5, 10.0]]), under_way(case, 20, [[0.5, 20.0]])])
    assert left(rig, case) == pytest.approx([60], abs=1)


def test_jobs_about_something_else_say_nothing_before_this_one_is_well_on(rig: JobRig, case: str):
    forget(rig)
    with rig.archive.database.write() as session:
        session.add(earlier(case, 40, [[0.5, 20.0]], recipe="ct-chest"))
        running = under_way(case, 4, [[0.1, 4.0]])
        session.add(running)
    assert left(rig, case) == [None]
    with rig.archive.database.write() as session:
        session.get_one(Job, running.id).pace = [[0.1, 4.0], [0.5, 4.0]]
    assert left(rig, case) == pytest.approx([4], abs=0.5)


def test_the_same_scan_says_more_than_any_other(rig: JobRig, case: str):
    forget(rig)
    other = keep_case(rig.archive, owner_id=None, title="other", files=[("scan.zip", rig.scan)])
    with rig.archive.database.write() as session:
        session.query(Job).filter_by(case_id=other.id).delete()
        session.add_all([earlier(other.id, 400, []), earlier(other.id, 500, []), earlier(case, 30, [])])
    submit(rig, case)
    assert left(rig, case)[0] == pytest.approx(30, abs=0.1)


@pytest.mark.slow
def test_an_attempt_writes_down_when_it_had_done_which_share(rig: JobRig, case: str):
    job = submit(rig, case, formats=["stl"])
    assert run_attempt(job.id, 0, rig.settings.environment()) == "done"
    ended = read_job(rig.archive, SYSTEM, job.id).job
    assert ended.pace is not None
    assert len(ended.pace) > 3
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.pace == sorted(ended.pace)
    assert [share for share, _ in ended.pace] == sorted({share for share, _ in ended.pace})
    assert ended.pace[-1][1] <= (ended.finished_at - ended.started_at).total_seconds()
    with rig.archive.database.write() as session:
        session.get_one(Job, job.id).state = "queued"
        assert rows.claim(session, job.id, seen_attempt=1, worker="x") == 2
    # Another attempt begins anew.
    assert read_job(rig.archive, SYSTEM, job.id).job.pace is None


def test_nobody_fills_the_queue_for_everybody_else(
    rig: JobRig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(jobs, "UNFINISHED_MAX", 3)
    with rig.archive.database.write() as session:
        bo, cy = Person(email="bo@jobs.example"), Person(email="cy@jobs.example")
        session.add_all([bo, cy])
    mine = keep_case(rig.archive, owner_id=bo.id, title="mine", files=[("scan.zip", rig.scan)])
    theirs = keep_case(rig.archive, owner_id=cy.id, title="theirs", files=[("scan.zip", rig.scan)])
    for number in (100, 200):
        submit_build(rig.archive, Actor(bo.id), mine.id, request={**WISH, "triangles": number})
    with pytest.raises(Conflict, match="3 jobs of yours"):
        submit_build(rig.archive, Actor(bo.id), mine.id, request={**WISH, "triangles": 300})
    assert submit_build(rig.archive, Actor(cy.id), theirs.id, request=WISH).state == "queued"
    [first, *_] = list_jobs(rig.archive, Actor(bo.id), mine.id)
    cancel_job(rig.archive, Actor(bo.id), first.job.id)
    assert (
        submit_build(rig.archive, Actor(bo.id), mine.id, request={**WISH, "triangles": 300}).state == "queued"
    )


def test_a_worker_that_was_asked_to_stop_is_no_try_that_people_see(rig: JobRig, case: str):
    job = submit(rig, case)
    seen = []
    for attempt, is_polite in ((1, True), (2, True), (3, False), (4, True)):
        with rig.archive.database.write() as session:
            rows.claim(session, job.id, seen_attempt=attempt - 1, worker="elsewhere")
        seen.append(read_job(rig.archive, SYSTEM, job.id).as_dict()["attempt"])
        with rig.archive.database.write() as session:
            told = {"because": "it went away", "attempts_max": 3, "is_polite": is_polite}
            assert rows.give_back(session, job.id, attempt, **told) == "queued"
    assert seen == [1, 1, 1, 2]


def test_nothing_is_claimed_about_the_time_of_a_first_job(tmp_path: Path):
    with job_rig(tmp_path) as rig:
        job = rig.build()
        assert read_job(rig.archive, SYSTEM, job).remaining_s is None
        with rig.archive.database.read() as session:
            assert session.get(Case, rig.job(job).case_id) is not None
