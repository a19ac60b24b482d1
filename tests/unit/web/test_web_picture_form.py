"""The form that asks for a model of one picture or of two: what it offers, and what it asks for."""

from __future__ import annotations

import html
import re
import sys
from typing import Any

import pytest
from flask.testing import FlaskClient

from plastinate.archive.tables import Case, Job
from plastinate.model.coins import COINS_MM
from plastinate.web.picture_form import choices_of
from plastinate.web.wording_pictures import COIN_WORDS
from web_stage import Scene, Stage

PHOTO = {"kind": "photo", "rows": 240, "columns": 320, "name": "left.png", "format": "png"}
LENS = {"focal_from": "file", "focal_35mm": 50.0}


def seen(stage: Stage, **more: Any) -> Scene:
    """A case that is a picture, after its first look."""
    scene = stage.new_scene(state="done")
    looked = {"files_looked_at": 1, "findings": [], "set_aside": [], "series": []}
    with stage.archive.database.write() as session:
        session.get_one(Case, scene.case).inspection = {**looked, "picture": {**PHOTO, **more}}
    return scene


def pair(stage: Stage) -> Scene:
    return seen(stage, second={"name": "right.png"}, focal_from="guess", focal_35mm=37.5)


def queued(stage: Stage, scene: Scene) -> dict[str, Any] | None:
    with stage.archive.database.read() as session:
        job = session.query(Job).filter_by(case_id=scene.case, state="queued", kind="build").one_or_none()
        return None if job is None else job.request["picture"]


def sent(browser: FlaskClient, scene: Scene, **form: Any) -> str:
    """The page that answers the form."""
    whole = {"what": "picture", "size": "unknown", "formats": "glb", **form}
    answer = browser.post(f"/cases/{scene.case}/build", data=whole, follow_redirects=True)
    return html.unescape(answer.text)


def kinds(page: str) -> list[str]:
    return re.findall(r'name="kind" value="(\w+)"', page)


def first_choice(page: str) -> str:
    return re.search(r'name="kind" value="(\w+)" checked', page)[1]  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "first"), [("photo", "object"), ("x-ray", "lithophane"), ("slice", "lithophane")]
)
def test_what_suits_a_picture_is_chosen_to_begin_with(stage: Stage, kind: str, first: str):
    page = stage.browser("owner").get(f"/cases/{seen(stage, kind=kind).case}").text
    assert kinds(page) == ["object", "scene", "lithophane", "relief"]
    assert first_choice(page) == first


@pytest.mark.slow
def test_the_lens_of_the_file_is_shown_and_another_one_may_be_stated(stage: Stage):
    scene, browser = seen(stage, **LENS), stage.browser("owner")
    assert "Left empty: 50 mm, as the file says." in browser.get(f"/cases/{scene.case}").text
    assert "“wide” is no number" in sent(browser, scene, kind="scene", focal_35mm="wide")
    assert queued(stage, scene) is None
    sent(browser, scene, kind="scene", focal_35mm="28")
    assert (queued(stage, scene) or {})["focal_35mm"] == 28.0


@pytest.mark.slow
def test_two_pictures_are_offered_as_a_scene_whose_left_one_is_said(stage: Stage):
    scene, browser = pair(stage), stage.browser("owner")
    page = browser.get(f"/cases/{scene.case}").text
    assert kinds(page) == ["pair", "object", "scene", "lithophane", "relief"]
    assert first_choice(page) == "pair"
    sent(browser, scene, **{"kind": "pair", "pair-which": "2", "pair-back": "flat"})
    wish = queued(stage, scene) or {}
    assert (wish["kind"], wish["is_pair"], wish["which"], wish["back"]) == ("scene", True, 2, "flat")
    assert wish["baseline_mm"] is None


@pytest.mark.slow
def test_the_distance_of_two_cameras_is_asked_for_where_it_is_said_to_be_known(stage: Stage):
    scene, browser = pair(stage), stage.browser("owner")
    page = sent(browser, scene, kind="pair", size="cameras", baseline_mm="")
    assert "Say how far apart the two were taken." in page
    assert "It is a number from 0.1 to 100,000." in sent(
        browser, scene, kind="pair", size="cameras", baseline_mm="0"
    )
    assert queued(stage, scene) is None
    sent(browser, scene, kind="pair", size="cameras", baseline_mm="65,5")
    assert (queued(stage, scene) or {})["baseline_mm"] == 65.5


@pytest.mark.slow
def test_of_two_pictures_one_alone_may_be_taken(stage: Stage):
    scene = pair(stage)
    sent(stage.browser("owner"), scene, kind="object", which="2", plain="yes")
    wish = queued(stage, scene) or {}
    assert (wish["kind"], wish["is_pair"], wish["which"]) == ("object", False, 2)


@pytest.mark.slow
def test_what_a_server_lacks_for_two_pictures_is_said_before_anything_is_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "cv2", None)
    scene, browser = pair(stage), stage.browser("owner")
    page = html.unescape(browser.get(f"/cases/{scene.case}").text)
    assert re.search(r'value="pair"[^>]* disabled', page)
    assert "lacks OpenCV" in page
    assert first_choice(page) == "object"
    assert "OpenCV is not installed" in sent(browser, scene, kind="pair")
    wish = {"picture": {"kind": "scene", "is_pair": True}}
    refused = stage.script("owner").post(f"/api/cases/{scene.case}/jobs", json=wish)
    assert (refused.status_code, refused.get_json()["code"]) == (501, "system.part-missing")


def test_two_pictures_are_asked_for_in_the_api_and_refused_of_a_case_with_one(stage: Stage):
    wish = {"picture": {"kind": "scene", "is_pair": True, "which": 1, "baseline_mm": 65}}
    script = stage.script("owner")
    assert script.post(f"/api/cases/{pair(stage).case}/jobs", json=wish).status_code == 202
    refused = script.post(f"/api/cases/{seen(stage).case}/jobs", json=wish)
    assert refused.status_code == 422
    assert "one picture only" in refused.get_json()["detail"]


COIN = {"kind": "object", "size": "coin", "x1": "60", "y1": "40"}
LINE = {"kind": "scene", "size": "ruler", "x1": "60", "y1": "40", "x2": "300", "y2": "44"}


@pytest.mark.parametrize(
    ("form", "reference"),
    [
        ({**COIN, "coin": "us-quarter"}, {"coin": "us-quarter", "at": [60.0, 40.0]}),
        ({**COIN, "coin": "", "coin_mm": "20.5"}, {"coin": 20.5, "at": [60.0, 40.0]}),
        ({**LINE, "ruler_mm": "1"}, {"ruler_mm": 1.0, "line": [60.0, 40.0, 300.0, 44.0]}),
    ],
)
def test_a_coin_or_a_ruler_is_asked_for_and_stands_in_the_form_again(
    stage: Stage, form: dict[str, str], reference: dict[str, Any]
):
    scene, browser = seen(stage), stage.browser("owner")
    sent(browser, scene, **form)
    wish = queued(stage, scene) or {}
    assert wish["reference"] == reference
    again = choices_of({"picture": wish, "formats": ["glb"]})
    assert {name: again[name] for name in form} == form


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({**COIN, "x1": "", "coin": "1-euro"}, "Say which coin it is"),
        ({**COIN, "coin": ""}, "Say which coin it is"),
        ({**LINE, "ruler_mm": ""}, "how far apart the marks are"),
        ({**LINE, "ruler_mm": "-1"}, "its length is above 0"),
    ],
)
def test_a_coin_or_a_ruler_that_is_not_said_whole_is_asked_for_again(
    stage: Stage, form: dict[str, str], sentence: str
):
    scene, browser = seen(stage), stage.browser("owner")
    assert sentence in sent(browser, scene, **form)
    assert queued(stage, scene) is None


def test_a_diameter_that_was_typed_counts_whatever_the_list_stands_at(stage: Stage):
    scene, browser = seen(stage), stage.browser("owner")
    sent(browser, scene, **COIN, coin="1-euro", coin_mm="20.5")
    assert (queued(stage, scene) or {})["reference"] == {"coin": 20.5, "at": [60.0, 40.0]}


def test_every_coin_has_its_words():
    assert set(COIN_WORDS) == set(COINS_MM)
