"""Every error has one shape, with the engine's own codes and hints, and no trace of the inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from plastinate.model import case_errors, errors
from plastinate.model.errors import PlastinateError
from plastinate.web import assets
from plastinate.web.problems import STATUSES, status_of
from web_stage import Scene, Stage

SHAPE = {"type", "title", "status", "detail", "code", "hint", "where"}


def _classes() -> list[type[PlastinateError]]:
    found = {
        value
        for module in (errors, case_errors)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, PlastinateError)
    }
    return sorted(found, key=lambda each: each.code)


@pytest.mark.parametrize("kind", _classes(), ids=lambda kind: kind.code)
def test_every_error_has_a_status(kind: type[PlastinateError]):
    bare = kind.__new__(kind)
    assert 400 <= status_of(bare) <= 507
    assert any(each in STATUSES for each in kind.__mro__)


def test_a_problem_says_what_and_what_to_do(stage: Stage):
    answer = stage.browser("owner").get("/api/cases/nothing-of-that-id")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) == SHAPE
    assert answer.json["type"] == "urn:plastinate:problem:request.not-there"
    assert answer.json["code"] == "request.not-there"
    assert answer.json["hint"]


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/api/nothing", {}, 404),
        ("PUT", "/api/cases", {"json": {}}, 405),
        ("POST", "/api/tokens", {"data": b"{", "content_type": "application/json"}, 400),
        ("POST", "/api/tokens", {"data": b"name=x", "content_type": "text/plain"}, 415),
        ("POST", "/api/tokens", {"data": b"[" * 2_000_000, "content_type": "application/json"}, 413),
        ("POST", "/api/tokens", {"json": {"name": "x", "days": "soon"}}, 422),
        ("POST", "/api/tokens", {"json": ["x"]}, 422),
        ("POST", "/api/tokens", {"json": {"nom": "x"}}, 422),
        ("GET", "/api/cases?page=0", {}, 422),
        ("GET", "/api/cases?page=many", {}, 422),
        ("PATCH", "/api/cases/{case}", {"json": {"title": "x"}, "headers": {"If-Match": "new"}}, 400),
    ],
)
def test_what_cannot_be_read_is_a_problem_too(
    stage: Stage, scene: Scene, method: str, path: str, more: dict[str, object], status: int
):
    answer = stage.browser("owner").open(path.format(case=scene.case), method=method, **more)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert set(answer.json) == SHAPE
    assert answer.json["status"] == status


def test_a_flawed_field_is_named(stage: Stage):
    answer = stage.browser("owner").post("/api/tokens", json={"name": "x", "days": 0})
    assert answer.json["where"] == "days"
    assert "days" in answer.json["detail"]


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_deeply_nested_json_is_refused(stage: Stage, depth: int):
    answer = stage.browser("owner").post("/api/tokens", data="[" * depth, content_type="application/json")
    assert answer.status_code == 400


def test_a_compressed_body_is_refused_unread(stage: Stage):
    answer = stage.browser("owner").post(
        "/api/tokens", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}, content_type="application/json"
    )
    assert answer.status_code == 415


def test_a_fault_of_ours_tells_nothing_of_the_inside(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    stage.app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    stage.archive.database.dispose()
    monkeypatch.setattr(stage.archive.database.engine, "connect", lambda: 1 / 0, raising=False)
    answer = stage.visitor().get("/api/health")
    assert answer.status_code == 500
    assert "Zero" not in answer.text
    assert answer.json["code"] == "system.error"


@pytest.mark.parametrize("path", ["/sign-in", "/cases", "/welcome/unknown"])
def test_an_installation_without_pages_says_so_and_serves_programs(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str
):
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / "manifest.json")
    answer = stage.visitor().get(path, follow_redirects=True, headers={"Accept": "text/html"})
    assert answer.status_code in (404, 410)
    assert answer.mimetype == "text/plain"
    assert "Traceback" not in caplog.text
    assert stage.script("owner").get("/api/cases").status_code == 200
    answer = stage.visitor().get("/sign-in", headers={"Accept": "text/html"})
    assert "installed without its pages. [system.pages-missing]" in answer.text
    assert "/openapi.json" in answer.text
