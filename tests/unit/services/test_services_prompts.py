"""Files of prompts, recipes made of them, and the desk that keeps scans and answers about their slices."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bead_scans import RADIUS_MM, write_bead
from plastinate.model.case_errors import RequestFlaw
from plastinate.model.errors import EmptyMask, ParameterError, PathNotFound
from plastinate.model.prompt_errors import PromptFlaw, PromptOutside
from plastinate.pipeline.plan import plan
from plastinate.pipeline.run import RunOptions
from plastinate.recipes.load import recipe_for_prompts
from plastinate.services.build_models import BuildRequest, build_models
from plastinate.services.build_wish import checked_wish, require_kinds
from plastinate.services.prompt_desk import PromptDesk, run_lengths
from plastinate.services.prompts_file import read_prompts
from plastinate.stages import catalog
from plastinate.stages.segment import from_prompts
from tiny_prompter import BrightInBox

TOML = """
[[left-kidney]]
kind = "box"
points_index = [[4, 2, 3], [4, 20, 30]]

[[left-kidney]]
kind = "click"
inside = false
points_lps_mm = [[1.5, 2, 3]]
"""


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> PromptDesk:
    monkeypatch.setitem(catalog.DOORS, "box-prompter", catalog.Method("tiny_prompter:BrightInBox"))
    return PromptDesk()


@pytest.fixture(scope="module")
def bead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bead(tmp_path_factory.mktemp("bead") / "scan")


def ball_of(bead: Path) -> np.ndarray:
    """(S, R, C) the ball's voxels, as the stand-in sees them: three quarters up the window for organs."""
    return np.asarray(catalog.door("read-volume")(bead).volume.array > 140)


def boxes(ball: np.ndarray, *numbers: int) -> list[dict[str, object]]:
    """A box on each slice, a pixel wider than the ball there; on the middle one where none is named."""
    made = []
    for number in numbers or (int(np.median(np.argwhere(ball)[:, 0])),):
        places = np.argwhere(ball[number])
        low, high = (places.min(axis=0) - 1).tolist(), (places.max(axis=0) + 1).tolist()
        made.append({"kind": "box", "points_index": [[number, *low], [number, *high]]})
    return made


def asked(bead: Path | None, **more: object) -> dict[str, object]:
    path = None if bead is None else str(bead)
    return {"scan": "bead", "path": path, "series": None, "phase": None, "modality": None, **more}


def test_a_file_of_prompts_is_read_as_toml_and_as_json(tmp_path):
    (tmp_path / "drawn.toml").write_text(TOML)
    drawn = read_prompts(tmp_path / "drawn.toml")
    assert [each["kind"] for each in drawn["left-kidney"]] == ["box", "click"]
    (tmp_path / "drawn.json").write_text(json.dumps(drawn))
    assert read_prompts(tmp_path / "drawn.json") == drawn


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "liver = 3"),
        ("a.toml", "[[liver"),
        ("a.json", "[]"),
        ("a.json", "{}"),
        ("a.json", '{"liver": [{"kind": "box"}]}'),
        ("a.json", '{"Liver": [], "liver": []}'),
        ("a.json", "[" * 100_000),
    ],
)
def test_a_file_that_holds_no_prompts_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(PromptFlaw):
        read_prompts(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PathNotFound, match=r"none\.toml"):
        read_prompts(tmp_path / "none.toml")


def test_a_recipe_of_prompts_expects_what_is_plausible_for_an_organ_it_knows():
    click = [{"kind": "click", "points_index": [[1, 2, 3]]}]
    recipe = recipe_for_prompts({"liver": click, "My Lump": click}, "CT")
    assert recipe.structures == ("liver", "my-lump")
    assert recipe.expect["liver"].volume_ml is not None
    assert recipe.expect["my-lump"].volume_ml is None
    assert [each.method for each in plan(recipe)] == ["from-prompts", "from-prompts", "shared-net"]
    with pytest.raises(ParameterError):
        recipe_for_prompts({"???": click}, "CT")


def test_a_wish_of_prompts_is_one_of_the_wishes():
    click = {"drawn": [{"kind": "click", "points_index": [[1, 2, 3]]}]}
    wish = checked_wish({"prompts": click}, inspection=None)
    assert wish["prompts"]["drawn"][0]["plane"] == "axial"
    with pytest.raises(ParameterError, match="only one of them"):
        checked_wish({"prompts": click, "organs": ["liver"]}, inspection=None)
    with pytest.raises(PromptFlaw):
        checked_wish({"prompts": {}}, inspection=None)


@pytest.mark.slow
def test_prompts_of_elsewhere_that_cannot_be_taken_are_a_flaw_of_the_request():
    with pytest.raises(RequestFlaw) as told:
        require_kinds({"prompts": {"liver": [{"kind": "circle"}]}})
    assert told.value.where == "prompts"


@pytest.mark.slow
def test_a_build_of_prompts_says_that_a_person_helped_and_what_was_drawn(bead, tmp_path, monkeypatch):
    monkeypatch.setattr(from_prompts, "prompter_here", BrightInBox)
    # The stand-in needs no weights.
    here = catalog.Method("plastinate.stages.segment.from_prompts:from_prompts")
    monkeypatch.setitem(catalog.SEGMENT, "from-prompts", here)
    ball = ball_of(bead)
    prompts = boxes(ball, *(int(each) for each in np.flatnonzero(ball.any(axis=(1, 2)))))
    click = {"kind": "click", "inside": False, "points_index": [[prompts[0]["points_index"][0][0], 1, 1]]}
    request = BuildRequest(
        bead,
        output=tmp_path / "out",
        prompts={"bead": [*prompts, click]},
        formats=("stl",),
        options=RunOptions(levels={"full": None}),
        with_preview=False,
    )
    scene = build_models(request).scene
    assert [node.id for node in scene.nodes] == ["bead"]
    assert "segment.assisted" in [each.code for each in scene.evidence.findings]
    step = next(each for each in scene.evidence.steps if each.method == "from-prompts")
    assert step.parameters["prompts"][0]["kind"] == "box"
    page = (tmp_path / "out" / "certificate.html").read_text()
    assert f"{len(prompts) + 1} drawn on slices" in page
    assert "box, axial: [" in page
    assert "click, axial, not meant: [" in page
    made_ml = scene.evidence.quality["bead"]["full"].mask_volume_ml
    voxel_ml = catalog.door("read-volume")(bead).volume.geometry.voxel_ml
    assert made_ml == pytest.approx(ball.sum() * voxel_ml, rel=0.1)


@pytest.mark.slow
def test_the_desk_asks_for_a_scan_once_and_keeps_it(desk, bead):
    prompts = boxes(ball_of(bead))
    assert desk.answer(asked(None, prompts=prompts)) == {"needs_scan": True}
    first = desk.answer(asked(bead, prompts=prompts))
    again = desk.answer(asked(None, prompts=prompts))
    assert (first["was_ready"], again["was_ready"]) == (False, True)
    assert first["pixels"] == sum(first["runs"][1::2]) == again["pixels"]
    assert sum(first["runs"]) == np.prod(first["shape"])
    assert first["area_mm2"] == pytest.approx(np.pi * RADIUS_MM**2, rel=0.2)
    desk.forget()
    assert "needs_scan" in desk.answer(asked(None, prompts=prompts))


@pytest.mark.slow
def test_the_desk_looks_at_a_slice_beforehand(desk, bead):
    prompts = boxes(ball_of(bead))
    number = prompts[0]["points_index"][0][0]
    looked = desk.answer(asked(bead, plane="axial", slice=number))
    assert not looked["was_ready"]
    assert 0 <= looked["slice"] < looked["slices"]
    with pytest.raises(PromptOutside):
        desk.answer(asked(None, plane="coronal", slice=100_000))


@pytest.mark.slow
def test_the_desk_keeps_no_more_than_it_may_and_always_the_last(bead, monkeypatch):
    monkeypatch.setitem(catalog.DOORS, "box-prompter", catalog.Method("tiny_prompter:BrightInBox"))
    desk = PromptDesk(kept_bytes=1)
    prompts = boxes(ball_of(bead))
    desk.answer(asked(bead, prompts=prompts))
    desk.answer({**asked(bead, prompts=prompts), "scan": "other"})
    assert "needs_scan" in desk.answer(asked(None, prompts=prompts))
    assert "pixels" in desk.answer({**asked(None, prompts=prompts), "scan": "other"})


@pytest.mark.slow
def test_prompts_on_two_slices_and_an_empty_answer_are_refused(desk, bead, monkeypatch):
    prompts = boxes(ball_of(bead))
    desk.answer(asked(bead, prompts=prompts))
    corners = prompts[0]["points_index"]
    elsewhere = [{"kind": "click", "points_index": [[corners[0][0] + 2, *corners[0][1:]]]}]
    with pytest.raises(PromptFlaw, match="one slice"):
        desk.answer(asked(None, prompts=prompts + elsewhere))
    monkeypatch.setattr(BrightInBox, "odds", lambda self, embedding, box: np.full((256, 256), -9, np.float32))
    with pytest.raises(EmptyMask):
        desk.answer(asked(None, prompts=prompts))


@pytest.mark.parametrize("rows", [["01", "10"], ["00", "00"], ["11", "11"], ["10", "01"]])
def test_run_lengths_tell_every_pixel(rows):
    mask = np.array([[each == "1" for each in row] for row in rows])
    runs = run_lengths(mask)
    told = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(mask.shape)
    assert (told == mask).all()
