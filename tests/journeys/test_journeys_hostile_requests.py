"""Requests that no browser sends, before a real server: refused in words, and nobody else notices."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

import pytest

from running_server import RunningServer, Visitor

pytestmark = pytest.mark.slow


def connected(server: RunningServer) -> socket.socket:
    host, _, port = server.url.partition("//")[2].partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def test_400_clients_that_do_not_hang_up_hold_no_page_up(server: RunningServer, ada: Visitor):
    with ExitStack() as links:
        for _ in range(400):
            link = links.enter_context(connected(server))
            link.sendall(head("GET /api/health", "Connection: close"))
        for _ in range(5):
            assert ada.get("/cases", timeout=20).ok
    assert ada.get("/cases", timeout=20).ok


JSON = "Content-Type: application/json"
REFUSED = {
    "a body of gigabytes": (head("POST /api/cases", JSON, "Content-Length: 4294967296") + b"{", 413),
    "a length that is none": (head("POST /api/cases", JSON, "Content-Length: -1"), 400),
    "two lengths": (head("POST /api/cases", JSON, "Content-Length: 1", "Content-Length: 2"), 400),
    "a length and chunks": (
        head("POST /api/cases", JSON, "Content-Length: 5", "Transfer-Encoding: chunked"),
        400,
    ),
    "a chunk that is none": (head("POST /api/sign-in", JSON, "Transfer-Encoding: chunked") + b"zz\r\n", 400),
    "a packed body": (
        head("POST /api/cases", JSON, "Content-Encoding: gzip", "Content-Length: 3") + b"\x1f\x8b\x08",
        415,
    ),
    "headers without end": (head("GET /cases", "X: " + "a" * 10_000), 431),
    "a line without end": (head("GET /" + "a" * 10_000), 414),
    "a header within a header": (head("GET /cases", "X: a\rb"), 400),
    "noise": (os.urandom(50).replace(b"\n", b"") + b"\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n", 400),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_request_is_refused_at_once(server: RunningServer, sent: bytes, status: int):
    with connected(server) as link:
        link.sendall(sent)
        assert link.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_refused_body_ends_its_connection_in_so_many_words(ada: Visitor):
    body = b'{"title": "' + b"a" * (1 << 20) + b'"}'
    for _ in range(10):
        answer = ada.post("/api/cases", data=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["Connection"]) == (413, "close")
        # Were it not said, this would now and then go into a connection that is being closed.
        assert ada.get("/api/me").ok


def test_many_files_may_be_chosen_by_name(ada: Visitor):
    names = ",".join(f"models/organ-{number}.stl" for number in range(250))
    assert ada.get(f"/api/builds/none/archive?names={names}").status_code == 404
