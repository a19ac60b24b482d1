"""A case's page is true: what was built, what was not found, what was stopped, in the order it happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from plastinate.archive.tables import Build, Case, Job, now
from plastinate.services import jobs as job_service
from plastinate.services.build_wish import checked_wish
from plastinate.web import case_page
from plastinate.web.build_page import worst_light
from web_stage import Scene, Stage

ORGAN = {"id": "skull", "name": "Skull", "colour": "#eeeeee", "light": "amber", "volume_ml": 500.0}
MISSING = {"id": "brain", "name": "Brain", "reason": "no bone above 300 HU"}


def change(stage: Stage, scene: Scene, **summary: Any) -> None:
    with stage.archive.database.write() as session:
        session.get_one(Build, scene.build).summary = summary


def pages_of(stage: Stage, scene: Scene) -> tuple[str, str, str]:
    """The shelf, the case's page and the build's."""
    browser = stage.browser("owner")
    case = f"/cases/{scene.case}"
    return tuple(browser.get(path).text for path in ("/cases", case, f"{case}/builds/{scene.build}"))  # type: ignore[return-value]


def test_an_organ_that_was_asked_for_and_not_found_has_a_row_with_its_reason(stage: Stage, scene: Scene):
    change(stage, scene, organs=[{**ORGAN, "reasons": []}], not_found=[MISSING])
    shelf, case, build = pages_of(stage, scene)
    assert "1 not found" in shelf
    for page in (case, build):
        assert "1 of 2 found" in page
    row = case.partition(">Brain<")[2].partition("</li>")[0]
    assert 'class="light missing"' in row
    assert "no bone above 300 HU" in row


def test_a_build_of_single_organs_is_called_by_those_that_were_found(stage: Stage, scene: Scene):
    change(stage, scene, organs=[{**ORGAN, "reasons": []}], not_found=[MISSING])
    with stage.archive.database.write() as session:
        build = session.get_one(Build, scene.build)
        build.title, build.request = "Skull, Brain", {"organs": ["skull", "brain"]}
    browser = stage.browser("owner")
    browser.set_cookie("language", "de")
    page = browser.get(f"/cases/{scene.case}/builds/{scene.build}").text
    assert "<h1>Schädel</h1>" in page
    assert "Skull" not in page


def test_a_build_from_before_this_was_written_down_is_shown_as_it_was(stage: Stage, scene: Scene):
    change(stage, scene, organs=[{**ORGAN, "reasons": []}])
    for page in pages_of(stage, scene):
        assert "not found" not in page


def test_the_light_of_a_build_is_that_of_its_least_trustworthy_organ():
    lights = [{"light": light} for light in ("green", "red", "amber")]
    assert worst_light(lights) == "red"
    assert worst_light(lights[:1]) == "green"
    assert worst_light([]) == ""


def add_job(stage: Stage, scene: Scene, state: str, *, ago: int, **more: Any) -> str:
    with stage.archive.database.write() as session:
        job = Job(case_id=scene.case, kind="build", state=state, created_at=now() - timedelta(minutes=ago))
        job.request = checked_wish({"recipe": "ct-lungs"}, inspection=None)
        for name, value in more.items():
            setattr(job, name, value)
        session.add(job)
        session.flush()
        return job.id


def test_a_build_that_was_stopped_leaves_its_trace_and_can_be_begun_again(stage: Stage):
    scene = stage.new_scene(state="done")
    stopped = add_job(stage, scene, "cancelled", ago=0)
    browser = stage.browser("owner")
    page = browser.get(f"/cases/{scene.case}").text
    assert "stopped" in page.partition('data-region="work"')[2].partition('data-region="results"')[0]
    assert f"/jobs/{stopped}/again" in page
    assert browser.post(f"/jobs/{stopped}/again").status_code == 303
    page = browser.get(f"/cases/{scene.case}").text
    history = page.partition('data-region="history"')[2].partition("</section>")[0]
    assert "Stopped" in history
    # What was asked for again needs no button any more.
    assert f"/jobs/{stopped}/again" not in page


def test_the_history_is_told_from_the_latest_on_and_without_the_newest():
    def at(minutes: int) -> Any:
        return now() - timedelta(minutes=minutes)

    def job(name: str, state: str, minutes: int) -> Any:
        return _Job(name, state, at(minutes))

    jobs = [job("d", "failed", 1), job("c", "cancelled", 2), job("b", "done", 3), job("a", "failed", 5)]
    builds = [{"title": "newest", "created_at": at(3)}, {"title": "older", "created_at": at(4)}]
    told = case_page.history_of(jobs, builds)
    assert [line["build"]["title"] if "build" in line else line["job"].id for line in told] == [
        "c",
        "older",
        "a",
    ]
    assert [line.get("may_again") for line in told] == [True, None, True]


class _Job:
    """What a history reads of a job."""

    kind = "build"

    def __init__(self, name: str, state: str, created_at: Any) -> None:
        self.id = name
        self.request = {"recipe": name}
        self.state = state
        self.created_at = created_at


def test_what_a_job_wrote_is_on_the_page_that_knows_the_job_as_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    """The page's script waits for jobs to end that the page shows as going on, and for no others."""
    scene = stage.new_scene(state="running")
    list_jobs = job_service.list_jobs

    def end_after(*given: Any) -> Any:
        seen = list_jobs(*given)
        with stage.archive.database.write() as session:
            session.get_one(Job, scene.job).state = "done"
            session.get_one(Case, scene.case).title = "Written by the job"
        return seen

    monkeypatch.setattr(job_service, "list_jobs", end_after)
    page = stage.browser("owner").get(f"/cases/{scene.case}").text
    assert "Written by the job" in page
    assert "&#34;running&#34;" in page.partition("data-jobs-known=")[2].partition(">")[0]


def test_the_last_step_is_not_yet_the_end(stage: Stage):
    scene = stage.new_scene(state="running")
    with stage.archive.database.write() as session:
        job = session.get_one(Job, scene.job)
        job.share_done, job.doing = 1.0, "keep the files"
    page = stage.browser("owner").get(f"/cases/{scene.case}").text
    assert "99%" in page
    assert "100%" not in page
    assert "Storing the results" in page
