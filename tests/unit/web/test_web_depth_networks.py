"""Which depth networks there are, on whose terms, and that none is fetched before it is agreed to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from card_networks import above
from depth_models import like_midas
from model_shelf import Places, card, set_places, sha256
from plastinate.archive.tables import Case, Job
from plastinate.depot.agreements import keep_word
from plastinate.depot.model_files import model_folder
from plastinate.depot.registry import card_named
from web_stage import Scene, Stage

NAME = "midas-v21-small"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return set_places(tmp_path, monkeypatch)


@pytest.fixture
def photo(stage: Stage, places: Places) -> Scene:
    """A case that is one photograph."""
    scene = stage.new_scene(state="done")
    with stage.archive.database.write() as session:
        case = session.get_one(Case, scene.case)
        picture = {"kind": "photo", "rows": 240, "columns": 320, "name": "ball.png"}
        case.inspection = {
            "files_looked_at": 1,
            "findings": [],
            "set_aside": [],
            "series": [],
            "picture": picture,
        }
    return scene


def queued(stage: Stage, scene: Scene) -> dict[str, Any] | None:
    with stage.archive.database.read() as session:
        job = session.query(Job).filter_by(case_id=scene.case, state="queued", kind="build").one_or_none()
        return None if job is None else job.request


def asked(stage: Stage, scene: Scene, **wish: Any) -> TestResponse:
    return stage.script("owner").post(f"/api/cases/{scene.case}/jobs", json=wish)


def test_every_network_is_told_with_its_terms_and_whether_a_word_is_needed(stage: Stage, places: Places):
    listed = stage.visitor().get("/api/depth-networks").get_json()["networks"]

    assert [each["name"] for each in listed] == ["depth-small", "depth-anything-v2-small", NAME]
    assert [each["needs_agreement"] for each in listed] == [False, True, True]
    assert [each["licence"] for each in listed] == ["MIT", "Apache-2.0", "MIT"]
    assert all(each["trained_on"] and each["not_for"] and each["code_licence"] for each in listed)
    assert listed[1]["bytes_to_fetch"] > 90e6


def test_a_build_by_a_network_that_nobody_agreed_to_is_refused_with_code_and_hint(stage: Stage, photo: Scene):
    refused = asked(stage, photo, picture={"kind": "scene", "depth": NAME})
    assert refused.status_code == 422, refused.get_json()
    assert refused.get_json()["code"] == "model.licence"
    assert "MIT" in refused.get_json()["detail"]
    assert "agreed: true" in refused.get_json()["hint"]
    assert queued(stage, photo) is None

    unknown = asked(stage, photo, picture={"kind": "scene", "depth": "no-such-network"})
    assert (unknown.status_code, unknown.get_json()["code"]) == (422, "model.not-found")

    assert asked(stage, photo, picture={"kind": "scene", "depth": NAME, "agreed": True}).status_code == 202
    assert queued(stage, photo)["picture"]["agreed"] is True


def test_a_model_of_ones_own_that_forbids_commerce_is_refused_until_somebody_says_so(
    stage: Stage, places: Places
):
    network = above(100.0, 300.0)
    (places.own / "lungs").mkdir(parents=True)
    (places.own / "lungs" / "net.onnx").write_bytes(network)
    pinned = {"model__file": "net.onnx", "model__bytes": len(network), "model__sha256": sha256(network)}
    labels = {"output_labels__1": "heart", "output_labels__2": "liver", "input__patch": [24, 24, 24]}
    text = card("lungs", commercial_use=False, licence="CC-BY-NC-4.0", **pinned, **labels)
    (places.own / "lungs" / "card.toml").write_text(text)
    scene = stage.new_scene(state="done")

    refused = asked(stage, scene, recipe="own:lungs")
    assert refused.status_code == 422, refused.get_json()
    assert refused.get_json()["code"] == "model.licence"
    assert "forbids commercial use" in refused.get_json()["detail"]
    assert "--non-commercial" in refused.get_json()["hint"]

    keep_word(card_named("lungs"), model_folder(card_named("lungs")))
    assert asked(stage, scene, recipe="own:lungs").status_code == 202


@pytest.mark.slow
def test_the_form_shows_each_licence_and_size_and_asks_for_agreement(stage: Stage, photo: Scene):
    browser = stage.browser("owner")
    page = browser.get(f"/cases/{photo.case}").text
    for words in (
        "How far away things are",
        "Fine",
        "99.1 MB",
        "licence Apache-2.0",
        "I have read this licence",
    ):
        assert words in page
    assert re.search(r'name="depth" value="depth-small" checked', page)

    form = {"what": "picture", "kind": "scene", "size": "unknown", "formats": "glb", "depth": NAME}
    refused = browser.post(f"/cases/{photo.case}/build", data=form, follow_redirects=True).text
    assert "Agree to the licence of this network" in refused
    assert re.search(rf'name="depth" value="{NAME}" checked', refused)
    assert queued(stage, photo) is None

    browser.post(f"/cases/{photo.case}/build", data={**form, "agreed": NAME})
    wish = queued(stage, photo)
    assert wish is not None
    assert (wish["picture"]["depth"], wish["picture"]["agreed"]) == (NAME, True)


@pytest.mark.slow
def test_a_network_that_is_here_and_agreed_to_is_no_longer_asked_about(
    stage: Stage, photo: Scene, places: Places
):
    folder = model_folder(card_named(NAME))
    folder.mkdir(parents=True)
    (folder / f"{NAME}.onnx").write_bytes(like_midas())
    keep_word(card_named(NAME), folder)

    page = stage.browser("owner").get(f"/cases/{photo.case}").text
    assert f'name="agreed" value="{NAME}"' not in page
    assert 'name="agreed" value="depth-anything-v2-small"' in page
    form = {"what": "picture", "kind": "object", "size": "unknown", "formats": "glb", "depth": NAME}
    stage.browser("owner").post(f"/cases/{photo.case}/build", data=form)
    assert queued(stage, photo)["picture"]["agreed"] is False


@pytest.mark.slow
def test_a_network_that_the_server_may_not_fetch_cannot_be_chosen(
    stage: Stage, photo: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "command")
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    refused = asked(stage, photo, picture={"kind": "scene", "depth": NAME, "agreed": True})
    assert (refused.status_code, refused.get_json()["code"]) == (501, "model.absent")
    assert queued(stage, photo) is None

    browser = stage.browser("owner")
    page = browser.get(f"/cases/{photo.case}").text
    assert re.search(rf'name="depth" value="{NAME}" disabled', page)
    assert 'name="agreed"' not in page
    assert "only whoever runs it brings it" in page
    form = {"what": "picture", "kind": "scene", "size": "unknown", "formats": "glb", "depth": NAME}
    again = browser.post(f"/cases/{photo.case}/build", data={**form, "agreed": NAME}, follow_redirects=True)
    assert "1 thing needs another look" in again.text
    listed = stage.visitor().get("/api/depth-networks").get_json()["networks"]
    assert not any(each["may_come"] for each in listed)
