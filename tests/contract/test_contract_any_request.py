"""Requests that a machine makes up from openapi.json: whatever comes, the answer is one that stands there.

They come from the owner of a case and from an administrator, and every second one asks for something that is
really there, so that requests get past the front door.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from plastinate.services import uploads
from plastinate.services.access import Actor
from plastinate.web.app_state import state_of_app
from plastinate.web.openapi import FILE
from plastinate.web.tus_headers import CHUNK_TYPE
from web_stage import Stage, open_stage

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
schema = schemathesis.openapi.from_path(FILE)
schemathesis.serializer.alias(CHUNK_TYPE, "application/octet-stream")
FIXED = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = open_stage(tmp_path_factory.mktemp("any"), upload_bytes=1 << 20)
    # A stream says what there is, and ends.
    state_of_app(stage.app).stream_s = 0.0
    yield stage
    stage.close()


@pytest.mark.slow
@schema.parametrize()
@FIXED
def test_no_request_meets_a_fault_or_an_answer_that_is_not_described(case: schemathesis.Case, stage: Stage):
    _ask_for_what_is_there(case, stage)
    for who in ("admin", "owner"):
        response = case.call(app=stage.app, headers={"Authorization": f"Bearer {stage.tokens[who]}"})
        case.validate_response(response, checks=CHECKS)


def test_the_description_is_sound():
    schema.validate()


def _ask_for_what_is_there(case: schemathesis.Case, stage: Stage) -> None:
    asked = case.path_parameters
    if not asked or sum(len(str(value)) for value in asked.values()) % 2:
        return
    scene = stage.new_scene()
    upload = uploads.begin_upload(stage.archive, Actor(stage.people["owner"]), name="scan", size=64)
    known = {
        "case_id": scene.case,
        "job_id": scene.job,
        "build_id": scene.build,
        "link_id": scene.link,
        "upload_id": upload.id,
        "person_id": stage.people["other"],
        "name": "scene.glb",
        "number": 1,
    }
    for name in asked:
        asked[name] = known.get(name, asked[name])
