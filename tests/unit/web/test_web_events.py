"""A stream tells every change of a case's jobs, holds few threads, and ends when it should."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from plastinate.archive.tables import Job
from plastinate.web import events
from plastinate.web.app_state import end_streams, state_of_app
from web_stage import Scene, Stage


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.02)


def _events(chunks: Iterator[bytes]) -> Iterator[list[dict[str, Any]]]:
    for chunk in chunks:
        if "event: jobs" in chunk.decode():
            yield json.loads(chunk.decode().partition("data: ")[2])


def _change(stage: Stage, scene: Scene, **values: Any) -> None:
    with stage.archive.database.write() as session:
        session.execute(update(Job).where(Job.id == scene.job).values(**values))


def test_a_stream_tells_how_things_are_and_then_every_change(stage: Stage, scene: Scene):
    answer = stage.browser("viewer").get(f"/api/cases/{scene.case}/events")
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    found = _events(answer.iter_encoded())
    assert next(found)[0]["state"] == "queued"
    _change(stage, scene, state="running", attempt=1, share_done=0.25, doing="surface: lung-left")
    (job,) = next(found)
    assert (job["state"], job["share_done"], job["doing"]) == ("running", 0.25, "surface: lung-left")
    answer.close()


def test_a_stream_holds_what_asking_would_answer(stage: Stage, scene: Scene):
    browser = stage.browser("viewer")
    answer = browser.get(f"/api/cases/{scene.case}/events")
    assert next(_events(answer.iter_encoded())) == browser.get(f"/api/cases/{scene.case}/jobs").json["jobs"]
    answer.close()


def test_a_quiet_stream_gives_signs_of_life(stage: Stage, scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    answer = stage.browser("viewer").get(f"/api/cases/{scene.case}/events")
    chunks = answer.iter_encoded()
    next(chunks)
    assert next(chunks).startswith(b":")
    answer.close()


def test_more_streams_than_the_server_can_spare_are_told_to_ask_instead(stage: Stage, scene: Scene):
    state_of_app(stage.app).streams_max = 3
    browser = stage.browser("viewer")
    opened = [browser.get(f"/api/cases/{scene.case}/events") for _ in range(3)]
    refused = browser.get(f"/api/cases/{scene.case}/events")
    assert (refused.status_code, refused.json["code"]) == (503, "system.too-many-streams")
    assert int(refused.headers["Retry-After"]) > 0
    assert browser.get(f"/api/cases/{scene.case}/jobs").status_code == 200
    opened.pop().close()
    again = browser.get(f"/api/cases/{scene.case}/events")
    assert again.status_code == 200
    for each in (*opened, again):
        each.close()


@pytest.mark.slow
def test_a_stream_ends_when_the_server_does(stage: Stage, scene: Scene):
    answer = stage.browser("viewer").get(f"/api/cases/{scene.case}/events")
    chunks = answer.iter_encoded()
    next(chunks)
    threading.Timer(0.1, end_streams, [stage.app]).start()
    deadline = time.monotonic() + 10
    assert list(chunks) == []
    assert time.monotonic() < deadline
    assert stage.browser("viewer").get(f"/api/cases/{scene.case}/events").status_code == 503


def test_a_stream_ends_after_a_while(stage: Stage, scene: Scene):
    state_of_app(stage.app).stream_s = 0.0
    answer = stage.browser("viewer").get(f"/api/cases/{scene.case}/events")
    assert len(list(answer.iter_encoded())) == 1


def test_a_stream_ends_when_the_case_is_no_longer_shared(stage: Stage, scene: Scene):
    answer = stage.browser("viewer").get(f"/api/cases/{scene.case}/events")
    chunks = answer.iter_encoded()
    next(chunks)
    gone = stage.browser("owner").delete(f"/api/cases/{scene.case}/shares/{stage.people['viewer']}")
    assert gone.status_code == 204
    assert list(chunks) == []


def test_a_stream_of_a_case_that_is_not_yours_does_not_open(stage: Stage, scene: Scene):
    assert stage.browser("other").get(f"/api/cases/{scene.case}/events").status_code == 404
    assert state_of_app(stage.app)._streams == 0
