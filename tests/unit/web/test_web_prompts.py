"""Prompts over HTTP: who may, what is refused, and that the scan reaches the process that answers once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plastinate.archive.tables import Case
from plastinate.engine.prompt_process import PromptProcess
from plastinate.engine.prompt_queue import PromptQueue
from plastinate.model.prompt_errors import PrompterBusy, PromptFlaw
from plastinate.services import prompts as service
from plastinate.services.access import Actor
from plastinate.services.prompts_file import read_prompts
from plastinate.web.app_state import state_of_app
from web_stage import ORIGINAL, Scene, Stage

TESTS = Path(__file__).parents[2]
CLICK = {"kind": "click", "points_index": [[1, 2, 3]]}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptQueue]:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    made = PromptQueue(PromptProcess(memory_bytes=4 << 30, wall_seconds=30, desk="prompt_desks:Echo"))
    yield made
    made.close()


def inspected(stage: Stage, scene: Scene) -> None:
    with stage.archive.database.write() as session:
        case = session.get(Case, scene.case)
        assert case is not None
        case.inspection = {"series": []}


@pytest.mark.slow
def test_a_scan_is_lent_to_the_process_once_and_asked_about_often(
    stage: Stage, scene: Scene, queue: PromptQueue
):
    inspected(stage, scene)
    actor = Actor(stage.people["editor"])
    asked = {"prompts": [CLICK], "modality": "CT"}
    first = service.mask_on_slice(stage.archive, queue, actor, scene.case, asked=asked)["asked"]
    again = service.mask_on_slice(stage.archive, queue, actor, scene.case, asked=asked)["asked"]
    assert Path(first["path"]).name == "scan.zip"
    # What it lay in is gone once it was read.
    assert not Path(first["path"]).exists()
    assert again["path"] is None
    assert again["prompts"] == [
        {**CLICK, "plane": "axial", "inside": True, "points_index": [[1.0, 2.0, 3.0]]}
    ]
    other = {"plane": "axial", "slice": 4, "series": 2}
    looked = service.look_at_slice(stage.archive, queue, actor, scene.case, asked=other)["asked"]
    assert (looked["slice"], looked["series"]) == (4, 2)
    assert looked["scan"] != first["scan"]
    assert len(ORIGINAL) > 0


def test_a_case_whose_scan_was_not_looked_at_waits(stage: Stage, scene: Scene):
    answer = stage.script("owner").post(f"/api/cases/{scene.case}/prompts/mask", json={"prompts": [CLICK]})
    assert (answer.status_code, answer.json["code"]) == (409, "request.conflict")


def test_a_case_in_the_trash_is_not_drawn_on(stage: Stage, scene: Scene):
    inspected(stage, scene)
    script = stage.script("owner")
    assert script.delete(f"/api/cases/{scene.case}").status_code == 204
    answer = script.post(f"/api/cases/{scene.case}/prompts/slice", json={"slice": 0})
    assert (answer.status_code, answer.json["code"]) == (409, "request.conflict")


@pytest.mark.parametrize(
    "prompt",
    [
        {**CLICK, "kind": "circle"},
        {**CLICK, "points_index": [[1, 2]]},
        {"kind": "click"},
        {**CLICK, "kind": "box"},
        {**CLICK, "inside": False},
        {**CLICK, "colour": "red"},
        {**CLICK, "points_index": [[1, 2, True]]},
        {**CLICK, "points_index": [[1, 2, "60"]]},
        {**CLICK, "inside": "true"},
        {**CLICK, "inside": 1},
    ],
)
def test_what_cannot_be_a_prompt_is_refused_before_anything_starts_and_in_a_file_too(
    stage: Stage, scene: Scene, tmp_path: Path, prompt
):
    inspected(stage, scene)
    script = stage.script("owner")
    for path, prompts in ((f"cases/{scene.case}/prompts/mask", [prompt]), ("wish", {"liver": [prompt]})):
        answer = script.post(f"/api/{path}", json={"prompts": prompts})
        assert answer.status_code == 422
        assert answer.json["code"] in ("prompt.flaw", "request.flaw")
        assert answer.json["hint"]
    (tmp_path / "drawn.json").write_text(json.dumps({"liver": [prompt]}))
    with pytest.raises(PromptFlaw):
        read_prompts(tmp_path / "drawn.json")


@pytest.mark.slow
def test_a_request_takes_as_many_points_as_the_pages_say_and_no_more_bytes_than_fit(stage: Stage):
    script = stage.script("owner")
    lasso = {
        "kind": "lasso",
        "points_lps_mm": [[-1234.5678, 0.1234 + step, -1234.5678] for step in range(2000)],
    }
    answer = script.post("/api/wish", json={"prompts": {"liver": [lasso] * 10}})
    assert answer.status_code == 200
    assert sum(len(each["points_lps_mm"]) for each in answer.json["prompts"]["liver"]) == 20_000
    answer = script.post("/api/wish", json={"prompts": {"liver": [lasso] * 20}})
    assert (answer.status_code, answer.json["code"]) == (413, "http.413")


def test_a_crowd_is_told_when_to_come_again(stage: Stage, scene: Scene, monkeypatch: pytest.MonkeyPatch):
    inspected(stage, scene)
    state = state_of_app(stage.app)
    monkeypatch.setattr(state.prompt_queue(), "_waiting_max", 0)
    answer = stage.script("owner").post(f"/api/cases/{scene.case}/prompts/slice", json={"slice": 0})
    assert (answer.status_code, answer.json["code"]) == (503, PrompterBusy.code)
    assert answer.headers["Retry-After"] == "5"


def test_taking_back_what_nobody_asked_is_no_fault(stage: Stage, scene: Scene):
    assert stage.script("editor").delete(f"/api/cases/{scene.case}/prompts").status_code == 204


def test_a_build_of_prompts_is_queued_with_what_was_drawn(stage: Stage, scene: Scene):
    body = {"prompts": {"My Organ": [CLICK]}, "modality": "CT"}
    answer = stage.script("owner").post(f"/api/cases/{scene.case}/jobs", json=body)
    assert answer.status_code == 202
    wish = stage.script("owner").post("/api/wish", json=body).json
    assert list(wish["prompts"]) == ["my-organ"]
    both = stage.script("owner").post("/api/wish", json={**body, "recipe": "ct-lungs"})
    assert both.status_code == 422
