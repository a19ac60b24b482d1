"""A job's row says the truth about it, and only the attempt that runs may change it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from plastinate.archive import jobs
from plastinate.archive.archive import Archive
from plastinate.archive.tables import Case, Job
from servers import EVERY_DATABASE

pytestmark = pytest.mark.parametrize("archive", EVERY_DATABASE, indirect=True)


def queued(archive: Archive, **given: object) -> str:
    with archive.database.write() as session:
        case = Case(title="x")
        session.add(case)
        session.flush()
        whole = {"kind": "build", "request": {"recipe": "ct-chest"}, **given}
        return jobs.add_job(session, case_id=case.id, person_id=None, **whole).id


def claimed(archive: Archive, job_id: str, *, seen: int = 0) -> int | None:
    with archive.database.write() as session:
        return jobs.claim(session, job_id, seen_attempt=seen, worker="w")


def read(archive: Archive, job_id: str) -> Job:
    with archive.database.read() as session:
        found = jobs.job(session, job_id)
    assert found is not None
    return found


def reported(archive: Archive, job_id: str, attempt: int, share: float = 0.5) -> str:
    with archive.database.write() as session:
        return jobs.report(session, job_id, attempt, share_done=share, doing="look")


def given_back(archive: Archive, job_id: str, attempt: int) -> str:
    with archive.database.write() as session:
        return jobs.give_back(session, job_id, attempt, because="its worker died", attempts_max=3)


def ended(archive: Archive, job_id: str, attempt: int) -> list[bool]:
    """What every way to end an attempt answers."""
    with archive.database.write() as session:
        return [
            jobs.finish(session, job_id, attempt),
            jobs.fail(session, job_id, attempt, {"code": "x"}),
            jobs.mark_cancelled(session, job_id, attempt),
        ]


def test_a_job_waits_runs_and_is_done(archive: Archive):
    job_id = queued(archive, request_key="k", resources={"GPU": 1})
    waiting = read(archive, job_id)
    assert (waiting.state, waiting.attempt, waiting.request_key) == ("queued", 0, "k")
    assert (waiting.request, waiting.resources) == ({"recipe": "ct-chest"}, {"GPU": 1})
    assert claimed(archive, job_id) == 1
    assert reported(archive, job_id, 1) == "go on"
    running = read(archive, job_id)
    assert (running.state, running.worker, running.share_done, running.doing) == ("running", "w", 0.5, "look")
    with archive.database.write() as session:
        assert jobs.finish(session, job_id, 1)
    done = read(archive, job_id)
    assert (done.state, done.share_done, done.error) == ("done", 1.0, None)
    assert done.created_at <= done.started_at <= done.heard_at <= done.finished_at


def test_a_job_that_fails_says_why(archive: Archive):
    job_id = queued(archive)
    claimed(archive, job_id)
    error = {"code": "input.gap", "sentence": "A slice is missing.", "hint": "Export again."}
    with archive.database.write() as session:
        assert jobs.fail(session, job_id, 1, error)
    failed = read(archive, job_id)
    assert (failed.state, failed.error) == ("failed", error)


def test_of_many_who_claim_at_once_one_wins(archive: Archive):
    job_id = queued(archive)
    ready, won = threading.Barrier(6), []

    def claim() -> None:
        ready.wait()
        won.append(claimed(archive, job_id))

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each or 0 for each in won) == [0, 0, 0, 0, 0, 1]
    assert read(archive, job_id).attempt == 1


def test_a_job_whose_worker_fell_silent_is_claimed_over_its_head(archive: Archive):
    job_id = queued(archive)
    assert claimed(archive, job_id) == 1
    assert claimed(archive, job_id, seen=1) == 2
    assert claimed(archive, job_id, seen=1) is None


def test_a_stale_attempt_has_no_say(archive: Archive):
    job_id = queued(archive)
    claimed(archive, job_id)
    claimed(archive, job_id, seen=1)
    assert reported(archive, job_id, 1) == "stale"
    assert given_back(archive, job_id, 1) == "stale"
    assert ended(archive, job_id, 1) == [False, False, False]
    running = read(archive, job_id)
    assert (running.state, running.attempt, running.doing) == ("running", 2, "")


def test_an_attempt_that_was_given_back_has_no_say(archive: Archive):
    job_id = queued(archive)
    claimed(archive, job_id)
    assert given_back(archive, job_id, 1) == "queued"
    assert reported(archive, job_id, 1) == "stale"
    assert ended(archive, job_id, 1) == [False, False, False]
    waiting = read(archive, job_id)
    assert (waiting.state, waiting.lost_because, waiting.worker) == ("queued", "its worker died", "")


def test_a_worker_that_was_asked_to_stop_costs_a_job_no_try(archive: Archive):
    job_id = queued(archive)
    for attempt in (1, 2, 3, 4):
        claimed(archive, job_id, seen=attempt - 1)
        with archive.database.write() as session:
            told = {"because": "its worker was asked to stop", "attempts_max": 3, "is_polite": True}
            assert jobs.give_back(session, job_id, attempt, **told) == "queued"
    for attempt, state in ((5, "queued"), (6, "queued"), (7, "failed")):
        claimed(archive, job_id, seen=attempt - 1)
        assert given_back(archive, job_id, attempt) == state
    error = read(archive, job_id).error
    assert error is not None
    assert "lost 3 times" in error["sentence"]


def test_a_job_ends_once(archive: Archive):
    job_id = queued(archive)
    claimed(archive, job_id)
    assert ended(archive, job_id, 1) == [True, False, False]
    assert (reported(archive, job_id, 1), given_back(archive, job_id, 1)) == ("stale", "stale")
    assert claimed(archive, job_id, seen=1) is None
    assert read(archive, job_id).state == "done"


def test_what_a_stale_attempt_wrote_beside_goes_with_its_refusal(archive: Archive):
    job_id = queued(archive)
    claimed(archive, job_id)
    claimed(archive, job_id, seen=1)
    with archive.database.write() as session:
        session.execute(update(Case).values(notes="from a stale attempt"))
        if not jobs.finish(session, job_id, 1):
            session.rollback()
    with archive.database.read() as session:
        assert session.query(Case).one().notes == ""


def test_the_third_lost_attempt_is_the_last(archive: Archive):
    job_id = queued(archive)
    for attempt in (1, 2):
        assert claimed(archive, job_id, seen=attempt - 1) == attempt
        assert given_back(archive, job_id, attempt) == "queued"
    assert claimed(archive, job_id, seen=2) == 3
    assert given_back(archive, job_id, 3) == "failed"
    failed = read(archive, job_id)
    assert failed.state == "failed"
    assert failed.error["code"] == "job.lost"
    assert failed.error["sentence"] == "The job was lost 3 times; the last time its worker died."
    assert claimed(archive, job_id, seen=3) is None


def test_a_job_that_waits_is_cancelled_at_once(archive: Archive):
    job_id = queued(archive)
    with archive.database.write() as session:
        assert jobs.request_cancel(session, job_id) == "cancelled"
        assert jobs.request_cancel(session, job_id) == "cancelled"
        assert jobs.request_cancel(session, "no such job") == ""
    assert claimed(archive, job_id) is None


def test_a_job_that_runs_hears_that_it_shall_stop(archive: Archive):
    job_id = queued(archive)
    claimed(archive, job_id)
    with archive.database.write() as session:
        assert jobs.request_cancel(session, job_id) == "running"
    assert reported(archive, job_id, 1) == "cancel"
    with archive.database.write() as session:
        assert jobs.mark_cancelled(session, job_id, 1)
    assert read(archive, job_id).state == "cancelled"


def test_a_job_that_was_lost_after_it_was_cancelled_is_not_tried_again(archive: Archive):
    job_id = queued(archive)
    claimed(archive, job_id)
    with archive.database.write() as session:
        jobs.request_cancel(session, job_id)
    assert claimed(archive, job_id, seen=1) is None
    assert given_back(archive, job_id, 1) == "cancelled"


def test_words_too_long_for_the_table_are_cut(archive: Archive):
    job_id = queued(archive)
    with archive.database.write() as session:
        jobs.claim(session, job_id, seen_attempt=0, worker="w" * 1000)
        assert jobs.report(session, job_id, 1, share_done=9, doing="d" * 1000) == "go on"
        assert jobs.report(session, job_id, 1, share_done=float("nan"), doing="d") == "go on"
        assert jobs.give_back(session, job_id, 1, because="b" * 1000, attempts_max=1) == "failed"
    assert read(archive, job_id).share_done == 0.0


def test_unfinished_jobs_come_oldest_first_and_those_of_a_case_newest_first(archive: Archive):
    first, second, third = queued(archive), queued(archive), queued(archive)
    claimed(archive, second)
    with archive.database.write() as session:
        jobs.request_cancel(session, third)
        case_id = session.get(Job, first).case_id
        fourth = jobs.add_job(session, case_id=case_id, person_id=None, kind="build", request={}).id
    with archive.database.read() as session:
        assert [job.id for job in jobs.unfinished(session)] == [first, second, fourth]
        assert [job.id for job in jobs.jobs_of_case(session, case_id)] == [fourth, first]


def test_of_many_jobs_that_are_over_the_last_are_listed_and_none_that_waits_is_left_out(archive: Archive):
    with archive.database.write() as session:
        case = Case(title="x")
        session.add(case)
        session.flush()
        states = [jobs.QUEUED, *[jobs.CANCELLED] * jobs.ENDED_LISTED, jobs.FAILED]
        for number, state in enumerate(states):
            when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
            session.add(Job(case_id=case.id, kind="build", request={}, state=state, created_at=when))
        session.flush()
        listed = [job.state for job in jobs.jobs_of_case(session, case.id)]
    assert listed == [jobs.FAILED, *[jobs.CANCELLED] * (jobs.ENDED_LISTED - 1), jobs.QUEUED]


def test_what_an_attempt_has_found_is_there_while_it_runs_and_goes_with_it(archive: Archive):
    def look(job_id: str) -> tuple[list[str] | None, bytes | None]:
        with archive.database.read() as session:
            row = session.get_one(Job, job_id)
            return row.found, row.glimpse

    def shown(job_id: str, attempt: int) -> str:
        with archive.database.write() as session:
            return jobs.report(
                session, job_id, attempt, share_done=0.2, doing="x", look=(["heart"], b"picture")
            )

    job_id = queued(archive)
    assert claimed(archive, job_id) == 1
    assert shown(job_id, 1) == "go on"
    assert reported(archive, job_id, 1) == "go on"
    assert look(job_id) == (["heart"], b"picture")
    assert given_back(archive, job_id, 1) == "queued"
    assert look(job_id) == (None, None)
    assert claimed(archive, job_id, seen=1) == 2
    assert (shown(job_id, 1), look(job_id)) == ("stale", (None, None))
    assert shown(job_id, 2) == "go on"
    with archive.database.write() as session:
        assert jobs.finish(session, job_id, 2)
    assert look(job_id) == (None, None)
