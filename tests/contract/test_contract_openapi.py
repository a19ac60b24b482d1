"""openapi.json is what the routes are, and the routes do what it says, whatever is sent to them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from plastinate.web.openapi import ALWAYS, FILE, METHODS, openapi_of, text_of
from web_stage import Stage, open_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = open_stage(tmp_path_factory.mktemp("openapi"))
    yield stage
    stage.close()


def test_the_file_is_what_the_routes_are(stage: Stage):
    # Compared here: to show where two long texts differ takes pytest longer than all tests.
    is_up_to_date = FILE.read_text(encoding="utf-8") == text_of(openapi_of(stage.app))
    assert is_up_to_date, "run `python -m plastinate.web.openapi` and look at what changed"


def test_the_server_answers_with_the_file(stage: Stage):
    answer = stage.visitor().get("/openapi.json")
    is_the_file = answer.json == json.loads(FILE.read_text(encoding="utf-8"))
    assert is_the_file


def test_every_operation_declares_the_problems_that_stand_before_every_route():
    spec = json.loads(FILE.read_text(encoding="utf-8"))
    for path, operations in spec["paths"].items():
        for method in METHODS:
            if method in operations:
                declared = set(operations[method]["responses"])
                assert {str(status) for status in ALWAYS} <= declared, (method, path)


def test_every_operation_has_a_name_and_a_sentence_of_its_own():
    spec = json.loads(FILE.read_text(encoding="utf-8"))
    found = [each[method] for each in spec["paths"].values() for method in METHODS if method in each]
    names = [operation["operationId"] for operation in found]
    assert len(names) == len(set(names))
    assert all(operation["summary"].endswith(".") for operation in found)
