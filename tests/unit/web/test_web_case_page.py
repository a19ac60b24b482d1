"""A case's page is true: what was built, what was not found, what was stopped, in the order it happened."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from found_series import let_be_found, series
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


@pytest.mark.slow
def test_an_organ_that_was_asked_for_and_not_found_has_a_row_with_its_reason(stage: Stage, scene: Scene):
    change(stage, scene, organs=[{**ORGAN, "reasons": []}], not_found=[MISSING])
    shelf, case, build = pages_of(stage, scene)
    assert "1 not found" in shelf
    for page in (case, build):
        assert "1 of 2 found" in page
    row = case.partition(">Brain<")[2].partition("</li>")[0]
    assert 'class="light missing"' in row
    assert "no bone above 300 HU" in row


@pytest.mark.slow
def test_of_much_that_was_not_found_the_names_stand_together(stage: Stage, scene: Scene):
    many = [{**MISSING, "id": f"rib-left-{n}", "name": f"Left rib {n}"} for n in range(1, 13)]
    change(stage, scene, organs=[{**ORGAN, "reasons": []}], not_found=many)
    _, case, _ = pages_of(stage, scene)
    assert "Left rib 1, Left rib 2, Left rib 3" in case
    assert case.count('class="light missing"') == 1
    paper = stage.browser("owner").get(f"/cases/{scene.case}/builds/{scene.build}/view").text
    assert "Left rib 1, Left rib 2, Left rib 3" in paper


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


def fail(stage: Stage, scene: Scene, code: str, **wish: Any) -> str:
    """A build that failed just now for a reason of this kind."""
    failed = add_job(stage, scene, "failed", ago=0)
    with stage.archive.database.write() as session:
        job = session.get_one(Job, failed)
        job.request = {**job.request, **wish}
        job.error = {"code": code, "sentence": "It did not work.", "hint": "Do something else.", "where": ""}
    return failed


@pytest.mark.slow
def test_what_can_only_fail_again_offers_another_choice_and_not_the_same_again(stage: Stage):
    scene = stage.new_scene(state="done")
    let_be_found(stage.archive, scene.case, series(1, "CT"))
    browser = stage.browser("owner")
    for code, may_again in (("job.lost", True), ("system.store-full", True), ("result.empty", False)):
        failed = fail(stage, scene, code)
        page = browser.get(f"/cases/{scene.case}").text
        work = page.partition('data-region="work"')[2].partition('data-region="results"')[0]
        assert (f"/jobs/{failed}/again" in work, "Change what is built" in work) == (may_again, not may_again)
        assert "missing slices bridged" not in work
    add_job(stage, scene, "done", ago=0)
    page = browser.get(f"/cases/{scene.case}").text
    assert f"/jobs/{failed}/again" not in page


@pytest.mark.slow
def test_a_build_that_met_missing_slices_is_asked_for_with_them_bridged_by_one_press(stage: Stage):
    scene = stage.new_scene(state="done")
    let_be_found(stage.archive, scene.case, series(1, "CT"))
    fail(stage, scene, "input.gap-in-series", recipe="ct-head")
    browser = stage.browser("owner")
    page = browser.get(f"/cases/{scene.case}").text
    form = page.partition('data-region="work"')[2].partition("<form")[2].partition("</form>")[0]
    assert "Build with missing slices bridged" in form
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert browser.post(f"/cases/{scene.case}/build", data=sent).status_code == 303
    with stage.archive.database.read() as session:
        queued = session.query(Job).filter_by(case_id=scene.case, state="queued").one()
        assert (queued.request["recipe"], queued.request["allow_gaps"]) == ("ct-head", True)


@pytest.mark.slow
def test_the_page_goes_on_at_the_work_that_was_begun_with_its_choices_kept(stage: Stage):
    scene = stage.new_scene(state="done")
    let_be_found(stage.archive, scene.case, series(1, "CT", "Thorax"))
    browser = stage.browser("owner")
    form = {"what": "recipe", "recipe": "ct-skin", "formats": ["glb", "3mf"], "compression": "draco"}
    answer = browser.post(f"/cases/{scene.case}/build", data=form)
    begun = answer.headers["Location"].partition("#")[2]
    page = browser.get(answer.headers["Location"].partition("#")[0]).text
    assert re.search(rf'id="{begun}" tabindex="-1"', page)
    for name, values in (("recipe", ["ct-skin"]), ("formats", ["glb", "3mf"]), ("compression", ["draco"])):
        inputs = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
        assert [each for each in inputs if " checked" in each] == [
            each for each in inputs if any(f'value="{value}"' in each for value in values)
        ]


@pytest.mark.slow
def test_a_packed_glb_says_who_opens_it_and_how_to_have_a_plain_one(stage: Stage, scene: Scene):
    browser = stage.browser("owner")
    for packed, told in (("meshopt", "model-viewer open it"), ("draco", "Blender open it"), ("none", "")):
        with stage.archive.database.write() as session:
            build = session.get_one(Build, scene.build)
            build.request = {**build.request, "compression": packed}
        page = browser.get(f"/cases/{scene.case}").text
        assert ("For a plain one" in page, told in page) == (bool(told), True)


@pytest.mark.slow
def test_whoever_may_only_look_is_not_told_to_build_again(stage: Stage, scene: Scene):
    with stage.archive.database.write() as session:
        build = session.get_one(Build, scene.build)
        build.request = {**build.request, "compression": "draco"}
    for path in (f"/cases/{scene.case}", f"/cases/{scene.case}/builds/{scene.build}/view"):
        told = {name: stage.browser(name).get(path).text for name in ("viewer", "editor")}
        assert all("Blender open it" in page for page in told.values())
        assert {name: "For a plain one" in page for name, page in told.items()} == {
            "viewer": False,
            "editor": True,
        }


@pytest.mark.slow
def test_the_3d_view_offers_sharing_to_whoever_may_share(stage: Stage, scene: Scene):
    path = f"/cases/{scene.case}/builds/{scene.build}/view"
    pages = {name: stage.browser(name).get(path).text for name in ("viewer", "editor", "owner")}
    assert [name for name, page in pages.items() if "data-can-share" in page] == ["owner"]


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
    error = None

    def __init__(self, name: str, state: str, created_at: Any) -> None:
        self.id = name
        self.request = {"recipe": name}
        self.state = state
        self.created_at = created_at


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_last_step_is_not_yet_the_end(stage: Stage):
    scene = stage.new_scene(state="running")
    with stage.archive.database.write() as session:
        job = session.get_one(Job, scene.job)
        job.share_done, job.doing = 1.0, "keep the files"
    page = stage.browser("owner").get(f"/cases/{scene.case}").text
    assert "99%" in page
    assert "100%" not in page
    assert "Storing the results" in page


@pytest.mark.slow
def test_what_a_running_build_has_found_is_shown_while_it_runs_and_not_after(stage: Stage):
    scene = stage.new_scene(state="running")
    browser = stage.browser("owner")

    def look() -> tuple[Any, str]:
        return browser.get(f"/api/jobs/{scene.job}").json, browser.get(f"/cases/{scene.case}").text

    with stage.archive.database.write() as session:
        session.get_one(Job, scene.job).found = ["lung-left", "lung-right", "heart"]
    job, page = look()
    assert job["found"] == ["lung-left", "lung-right", "heart"]
    assert f'src="{job["glimpse"]}"' in page
    assert "Both lungs, Heart" in page
    picture = browser.get(job["glimpse"])
    assert (picture.mimetype, picture.data[:4]) == ("image/png", b"\x89PNG")
    with stage.archive.database.write() as session:
        session.get_one(Job, scene.job).found = ["lung-left"]
    assert look()[0]["glimpse"] != job["glimpse"]
    with stage.archive.database.write() as session:
        session.get_one(Job, scene.job).state = "done"
    ended, page = look()
    assert (ended["found"], ended["glimpse"]) == ([], None)
    assert "glimpse" not in page


@pytest.mark.slow
def test_a_build_that_has_found_nothing_yet_shows_no_picture(stage: Stage):
    scene = stage.new_scene(state="running")
    with stage.archive.database.write() as session:
        job = session.get_one(Job, scene.job)
        job.found, job.glimpse = None, None
    page = stage.browser("owner").get(f"/cases/{scene.case}").text
    assert re.search(r'data-part="glimpse" hidden><img alt="" width="360">', page)
    assert stage.browser("owner").get(f"/api/jobs/{scene.job}/glimpse").status_code == 404


def test_a_job_by_totalsegmentator_is_called_by_its_task_in_the_reader_s_language(stage: Stage):
    from types import SimpleNamespace

    from plastinate.web.case_page import job_title

    job = SimpleNamespace(kind="build", request={"recipe": "totalsegmentator:liver-segments"})
    for language, title in (("en", "Liver segments"), ("de", "Lebersegmente")):
        with stage.app.test_request_context(headers={"Accept-Language": language}):
            assert job_title(job) == f"TotalSegmentator: {title}"
