"""Uploads by tus: what is acknowledged is there, one writer at a time, nobody sees another's."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from plastinate.archive.tables import Upload, now
from web_stage import Stage, open_stage

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = "application/offset+octet-stream"
BYTES = bytes(range(256)) * 4


def _begin(client: FlaskClient, size: int = len(BYTES), name: str = "scan.zip", **more: Any) -> TestResponse:
    metadata = "filename " + base64.b64encode(name.encode()).decode()
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    return client.post("/api/uploads", headers=headers, **more)


def _append(client: FlaskClient, path: str, offset: int, data: Any, **more: Any) -> TestResponse:
    headers = {**TUS, "Upload-Offset": str(offset)}
    return client.patch(path, data=data, headers=headers, content_type=CHUNK, **more)


def _stream(client: FlaskClient, path: str, offset: int, body: Any, *, length: int | None) -> TestResponse:
    """Append what is read from a stream; without a length it goes chunk by chunk until it ends."""
    headers = {**TUS, "Upload-Offset": str(offset)}
    environ: dict[str, Any] = {"wsgi.input": body}
    if length is None:
        headers["Transfer-Encoding"] = "chunked"
        environ["wsgi.input_terminated"] = True
    else:
        environ["CONTENT_LENGTH"] = str(length)
    return client.patch(path, headers=headers, content_type=CHUNK, environ_overrides=environ)


def _offset(client: FlaskClient, path: str) -> int:
    return int(client.head(path, headers=TUS).headers["Upload-Offset"])


def _file(stage: Stage, path: str) -> Path:
    return stage.archive.settings.uploads_folder / path.rpartition("/")[2]


def test_the_server_says_what_it_speaks(stage: Stage):
    for path in ("/api/uploads", "/api/uploads/anything"):
        headers = stage.visitor().options(path).headers
        assert headers["Tus-Version"] == headers["Tus-Resumable"] == "1.0.0"
        assert set(headers["Tus-Extension"].split(",")) == {
            "creation",
            "creation-with-upload",
            "expiration",
            "termination",
        }
        assert int(headers["Tus-Max-Size"]) == stage.archive.settings.upload_bytes


@pytest.mark.slow
def test_an_upload_goes_in_pieces_and_becomes_a_case(stage: Stage):
    browser = stage.browser("owner")
    begun = _begin(browser, name='Thorax "ü\r\n.zip')
    path = begun.headers["Location"]
    assert (begun.status_code, _offset(browser, path)) == (201, 0)
    for start in range(0, len(BYTES), 300):
        answer = _append(browser, path, start, BYTES[start : start + 300])
        assert answer.status_code == 204
        assert int(answer.headers["Upload-Offset"]) == _offset(browser, path) == min(start + 300, len(BYTES))
        assert answer.headers["Upload-Expires"].endswith("GMT")
    upload_id = path.rpartition("/")[2]
    made = browser.post("/api/cases", json={"upload_ids": [upload_id]})
    again = browser.post("/api/cases", json={"upload_ids": [upload_id]})
    assert made.status_code == 201
    assert made.json["id"] == again.json["id"]
    (original,) = made.json["inputs"]
    assert original["sha256"] == hashlib.sha256(BYTES).hexdigest()
    # A name is one line, whoever writes two.
    assert original["name"] == 'Thorax "ü .zip'
    (job,) = browser.get(f"/api/cases/{made.json['id']}/jobs").json["jobs"]
    assert (job["kind"], job["state"], job["position"]) == ("inspect", "queued", 1)


def test_the_first_piece_may_come_along(stage: Stage):
    browser = stage.browser("owner")
    answer = _begin(browser, data=BYTES[:100], content_type=CHUNK)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "100")
    assert _append(browser, answer.headers["Location"], 100, BYTES[100:]).status_code == 204


def test_a_piece_that_begins_elsewhere_is_refused_and_nothing_changes(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    _append(browser, path, 0, BYTES[:100])
    for offset in (0, 99, 101, 10**15):
        assert _append(browser, path, offset, b"x").status_code == 409
    assert _file(stage, path).read_bytes() == BYTES[:100]


def test_a_second_writer_is_told_to_wait(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    arrived, go_on = threading.Event(), threading.Event()

    class Slow(io.RawIOBase):
        """A body whose second half comes when it is told to."""

        def __init__(self) -> None:
            self.parts = iter([BYTES[:100], BYTES[100:200]])

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            part = next(self.parts, b"")
            if part == BYTES[100:200]:
                arrived.set()
                assert go_on.wait(10)
            buffer[: len(part)] = part
            return len(part)

    answers: list[TestResponse] = []
    slow = threading.Thread(target=lambda: answers.append(_stream(browser, path, 0, Slow(), length=200)))
    slow.start()
    assert arrived.wait(10)
    other = stage.script("owner")
    refused = _append(other, path, 0, b"x")
    assert (refused.status_code, refused.json["code"]) == (423, "request.busy")
    assert "Retry-After" in refused.headers
    go_on.set()
    slow.join(10)
    assert answers[0].status_code == 204
    assert _file(stage, path).read_bytes() == BYTES[:200]


def test_a_lock_that_another_process_holds_counts(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    with _file(stage, path).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert _append(browser, path, 0, b"x").status_code == 423
        assert browser.delete(path, headers=TUS).status_code == 423
    assert _append(browser, path, 0, b"x").status_code == 204


@pytest.mark.parametrize("is_announced", [True, False])
def test_more_bytes_than_were_announced_are_refused(stage: Stage, is_announced: bool):
    browser = stage.browser("owner")
    path = _begin(browser, size=10).headers["Location"]
    _append(browser, path, 0, b"12345")
    length = 10 if is_announced else None
    answer = _stream(browser, path, 5, io.BytesIO(b"6789012345"), length=length)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")
    assert _file(stage, path).stat().st_size <= 10


@pytest.mark.slow
def test_an_upload_larger_than_allowed_does_not_begin(tmp_path: Path):
    stage = open_stage(tmp_path, upload_bytes=1000)
    answer = _begin(stage.browser("owner"), size=1001)
    assert (answer.status_code, answer.json["code"]) == (413, "request.too-large")
    assert list(stage.archive.settings.uploads_folder.iterdir()) == []
    stage.close()


def test_a_body_that_breaks_off_is_kept_as_far_as_it_came(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    answer = _stream(browser, path, 0, io.BytesIO(BYTES[:300]), length=900)
    assert answer.status_code == 204
    assert answer.headers["Upload-Offset"] == "300"
    assert _append(browser, path, 300, BYTES[300:]).status_code == 204


def test_others_know_nothing_of_an_upload(stage: Stage):
    path = _begin(stage.browser("owner")).headers["Location"]
    for who in ("other", "admin", "editor"):
        browser = stage.browser(who)
        assert browser.head(path, headers=TUS).status_code == 404
        assert _append(browser, path, 0, b"x").status_code == 404
        assert browser.delete(path, headers=TUS).status_code == 404
    assert stage.visitor().head(path, headers=TUS).status_code == 401
    assert _file(stage, path).read_bytes() == b""


@pytest.mark.parametrize(
    "name",
    ["unknown", "..%2f..%2fsecret-key", "..", "%2e%2e", "%00", "a" * 3000, "..%5c..%5cx", "%c0%ae%c0%ae"],
)
def test_an_id_that_is_none_answers_404(stage: Stage, name: str):
    browser = stage.browser("owner")
    for answer in (
        browser.head(f"/api/uploads/{name}", headers=TUS),
        _append(browser, f"/api/uploads/{name}", 0, b"x"),
        browser.delete(f"/api/uploads/{name}", headers=TUS),
    ):
        assert answer.status_code in (404, 405), name


def test_an_upload_whose_time_has_run_out_is_gone(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    with stage.archive.database.write() as session:
        session.execute(update(Upload).values(expires_at=now()))
    assert browser.head(path, headers=TUS).status_code == 410
    answer = _append(browser, path, 0, b"x")
    assert (answer.status_code, answer.json["code"]) == (410, "request.gone")
    assert browser.post("/api/cases", json={"upload_ids": [path.rpartition("/")[2]]}).status_code == 410


def test_an_upload_can_be_given_up(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    _append(browser, path, 0, BYTES[:10])
    assert browser.delete(path, headers=TUS).status_code == 204
    assert not _file(stage, path).exists()
    assert browser.head(path, headers=TUS).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "5"}, 412),
        ({"Tus-Resumable": "0.2.2", "Upload-Length": "5"}, 412),
        ({**TUS}, 400),
        ({**TUS, "Upload-Length": "-1"}, 400),
        ({**TUS, "Upload-Length": "1e3"}, 400),
        ({**TUS, "Upload-Length": "9" * 5000}, 400),
        ({**TUS, "Upload-Length": "٣"}, 400),
        ({**TUS, "Upload-Defer-Length": "1"}, 400),
        ({**TUS, "Upload-Length": "5", "Upload-Metadata": "filename not-base64!"}, 400),
        ({**TUS, "Upload-Length": "5", "Upload-Metadata": "filename " + "QUJD" * 5000}, 400),
        ({**TUS, "Upload-Length": "5", "Upload-Metadata": ""}, 201),
        ({**TUS, "Upload-Length": "0"}, 201),
    ],
)
def test_headers_are_read_strictly(stage: Stage, headers: dict[str, str], status: int):
    encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert stage.browser("owner").post("/api/uploads", headers=encoded).status_code == status


def test_pieces_come_as_pieces(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    headers = {**TUS, "Upload-Offset": "0"}
    for kind in ("application/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert browser.patch(path, data=b"x", headers=headers, content_type=kind).status_code == 415
    missing = browser.patch(path, data=b"x", headers=TUS, content_type=CHUNK)
    assert missing.status_code == 400


def test_a_case_is_not_made_of_half_an_upload(stage: Stage):
    browser = stage.browser("owner")
    path = _begin(browser).headers["Location"]
    _append(browser, path, 0, BYTES[:10])
    answer = browser.post("/api/cases", json={"upload_ids": [path.rpartition("/")[2]]})
    assert (answer.status_code, answer.json["code"]) == (409, "request.conflict")


@pytest.mark.slow
def test_a_large_piece_is_not_held_in_memory(stage: Stage):
    size = 64 << 20

    class Zeros(io.RawIOBase):
        """As many zeros as are wanted, none of them kept."""

        left = size

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            count = min(len(buffer), self.left)
            buffer[:count] = bytes(count)
            self.left -= count
            return count

    browser = stage.browser("owner")
    path = _begin(browser, size=size).headers["Location"]
    tracemalloc.start()
    try:
        answer = _stream(browser, path, 0, Zeros(), length=size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 204
    assert os.path.getsize(_file(stage, path)) == size  # noqa: PTH202
    assert peak < 8 << 20


@pytest.fixture(autouse=True)
def _room(stage: Stage) -> Iterator[None]:
    yield
    for left in stage.archive.settings.uploads_folder.iterdir():
        left.unlink()
