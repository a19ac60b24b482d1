"""Every operation of openapi.json, asked by everybody, answers exactly what the table says.

The table is `authorisation.csv`, written by hand: nobody becomes able to do something because a test was
generated from the code that lets them. A new operation fails here until it has a row.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from plastinate.services import people, uploads
from plastinate.services.access import SYSTEM, Actor
from plastinate.web.openapi import FILE, METHODS
from web_stage import PASSWORD, PEOPLE, Scene, Stage, open_stage

TABLE = Path(__file__).with_name("authorisation.csv")
EVERYBODY = ("anonymous", "guest", "other", "viewer", "editor", "owner", "admin")
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("patch", "/api/cases/{case_id}"): {"json": {"title": "Another"}},
    ("post", "/api/cases/{case_id}/jobs"): {"json": {"recipe": "ct-lungs"}},
    ("post", "/api/cases/{case_id}/prompts/slice"): {"json": {"slice": 0}},
    ("post", "/api/cases/{case_id}/prompts/mask"): {
        "json": {"prompts": [{"kind": "click", "points_index": [[0, 0, 0]]}]}
    },
    ("post", "/api/wish"): {"json": {"recipe": "ct-lungs"}},
    ("post", "/api/cases/{case_id}/shares"): {"json": {"email": "other@example.org", "role": "view"}},
    ("put", "/api/cases/{case_id}/shares/{person_id}"): {"json": {"role": "edit"}},
    ("post", "/api/cases/{case_id}/links"): {"json": {"hours": 1}},
    ("put", "/api/builds/{build_id}/measurements"): {"json": {"measurements": []}},
    ("post", "/api/sign-in"): {"json": {"email": "owner@example.org", "password": PASSWORD}},
    ("post", "/api/invitations/{secret}"): {"json": {"name": "Bo", "password": "long enough for one"}},
    ("post", "/api/tokens"): {"json": {"name": "mine"}},
    ("post", "/api/people"): {"json": {"email": "somebody-{unique}@example.org"}},
    ("patch", "/api/people/{person_id}"): {"json": {"is_active": True}},
    ("post", "/api/uploads"): {"headers": {**TUS, "Upload-Length": "5"}},
    ("head", "/api/uploads/{upload_id}"): {"headers": TUS},
    ("patch", "/api/uploads/{upload_id}"): {"headers": PIECE, "data": b"bytes"},
    ("delete", "/api/uploads/{upload_id}"): {"headers": TUS},
}


def _table() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _operations() -> set[tuple[str, str]]:
    paths = json.loads(FILE.read_text(encoding="utf-8"))["paths"]
    return {(method, path) for path, each in paths.items() for method in METHODS if method in each}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = open_stage(tmp_path_factory.mktemp("authorisation"))
    yield stage
    stage.close()


def _client(stage: Stage, who: str, scene: Scene, *, by_token: bool) -> FlaskClient:
    if who == "anonymous":
        return stage.visitor()
    if who == "guest":
        return stage.guest(scene)
    return stage.script(who) if by_token else stage.browser(who)


def _status(stage: Stage, who: str, method: str, path: str, *, by_token: bool) -> int:
    # Done: a person with very many jobs that wait is refused for that, whoever they are.
    scene = stage.new_scene(state="done")
    owner = Actor(stage.people["owner"])
    upload = uploads.begin_upload(stage.archive, owner, name="scan.zip", size=5)
    token, _ = people.make_token(stage.archive, owner, name="one of the owner's")
    email = f"invited-{scene.case}@example.org"
    _, secret = people.invite(stage.archive, SYSTEM, email=email)
    filled = path.format(
        secret=secret,
        case_id=scene.case,
        job_id=scene.job,
        build_id=scene.build,
        link_id=scene.link,
        upload_id=upload.id,
        token_id=token.id,
        person_id=stage.people["viewer"],
        name=quote("scene.glb"),
        number=1,
    )
    more = json.loads(
        json.dumps(BODIES.get((method, path), {}), default=bytes.decode).replace("{unique}", scene.case)
    )
    if (method, path) == ("post", "/api/cases"):
        uploads.append(stage.archive, owner, upload.id, offset=0, chunks=[b"bytes"])
        more = {"json": {"title": "New", "upload_ids": [upload.id]}}
    answer = _client(stage, who, scene, by_token=by_token).open(filled, method=method.upper(), **more)
    answer.close()
    return answer.status_code


def test_the_table_has_a_row_for_every_operation_and_no_other():
    assert {(row["method"], row["path"]) for row in _table()} == _operations()
    assert set(EVERYBODY) | {"method", "path"} == set(_table()[0])
    assert set(PEOPLE) < set(EVERYBODY)


@pytest.mark.parametrize("row", _table(), ids=lambda row: f"{row['method']} {row['path']}")
def test_everybody_gets_what_the_table_says(stage: Stage, row: dict[str, str]):
    found = {who: _status(stage, who, row["method"], row["path"], by_token=False) for who in EVERYBODY}
    assert found == {who: int(row[who]) for who in EVERYBODY}


@pytest.mark.parametrize("row", _table(), ids=lambda row: f"{row['method']} {row['path']}")
def test_a_token_may_do_what_its_person_may(stage: Stage, row: dict[str, str]):
    found = {who: _status(stage, who, row["method"], row["path"], by_token=True) for who in PEOPLE}
    assert found == {who: int(row[who]) for who in PEOPLE}
