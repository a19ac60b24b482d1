"""How much of a request is waited for before it is given a thread."""

from __future__ import annotations

import pytest

from plastinate.web.arriving import HEAD_BYTES_MAX, HeadTooLong, Request, request_begun, told_to_go_on
from plastinate.web.bodies import BODY_BYTES_MAX


def begun(line: str, *headers: str, body: bytes = b"") -> Request:
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()
    found = request_begun(head + body)
    assert found is not None
    return found


def waited_for(line: str, *headers: str) -> int:
    """How many bytes of the body."""
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""])
    return begun(line, *headers).whole_bytes - len(head)


def test_nothing_is_known_before_the_head_has_ended():
    head = b"POST /api/cases HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    assert [request_begun(head[:count]) for count in range(len(head))] == [None] * len(head)
    assert request_begun(head) is not None


def test_a_page_needs_its_head_and_a_form_its_body():
    assert waited_for("GET /cases") == 0
    assert waited_for("POST /sign-in", "Content-Length: 70") == 70
    assert waited_for("POST /sign-in", "content-length:70 ") == 70


def test_a_body_that_is_too_large_is_not_waited_for():
    assert waited_for("POST /api/cases", f"Content-Length: {BODY_BYTES_MAX}") == BODY_BYTES_MAX
    assert waited_for("POST /api/cases", f"Content-Length: {BODY_BYTES_MAX + 1}") == 0
    assert waited_for("POST /api/cases", "Content-Length: " + "9" * 30) == 0


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("PATCH /api/uploads/x", ["Content-Length: 5"]),
        ("POST /api/uploads", ["Content-Length: 5"]),
        ("PATCH /api/uploads/x", ["Transfer-Encoding: chunked"]),
        ("POST /api/cases", ["transfer-encoding: chunked"]),
        ("GET /api/builds/x/files/scene.glb", []),
        ("GET /api/builds/x/archive?names=a", []),
        ("GET /api/cases/x/archive", []),
    ],
)
def test_what_takes_long_waits_its_turn_and_for_no_body(line: str, headers: list[str]):
    assert begun(line, *headers).is_transfer
    assert waited_for(line, *headers) == 0


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("GET /cases", []),
        ("POST /api/uploads", ["Upload-Length: 5"]),
        ("HEAD /api/uploads/x", []),
        ("GET /api/cases/x", []),
        ("GET /api/builds/x", []),
        ("POST /api/cases", ["Content-Length: 5"]),
    ],
)
def test_what_is_quick_waits_for_nobody(line: str, headers: list[str]):
    assert not begun(line, *headers).is_transfer


def test_headers_without_end_are_refused():
    endless = b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES_MAX
    with pytest.raises(HeadTooLong):
        request_begun(endless)
    assert request_begun(endless[: HEAD_BYTES_MAX - 1]) is None


def test_a_sender_who_waits_to_be_told_is_told_once():
    head = b"POST /sign-in HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
    found = request_begun(head)
    assert found is not None
    assert found.expects
    told = request_begun(told_to_go_on(head))
    assert told is not None
    assert not told.expects
    assert told.whole_bytes == found.whole_bytes - len("\r\nExpect: 100-Continue")
    # An upload is told by whoever reads it, once it is known to be allowed.
    assert not begun("PATCH /api/uploads/x", "Expect: 100-continue", "Content-Length: 9").expects
