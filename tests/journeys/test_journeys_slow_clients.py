"""Clients that take all the time in the world, before a real server: the others do not notice them."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from running_server import RunningServer, Visitor, serving
from server_talk import TUS

pytestmark = pytest.mark.slow

MANY = 60
PIECE = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def ada(server: RunningServer) -> Visitor:
    return server.first_administrator()


@pytest.fixture(scope="module")
def token(ada: Visitor) -> str:
    return str(ada.post("/api/tokens", json={"name": "slow"}).json()["token"])


def connected(server: RunningServer, *, window: int = 0) -> socket.socket:
    host, _, port = server.url.partition("//")[2].partition(":")
    link = socket.socket()
    link.settimeout(20)
    if window:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    link.connect((host, int(port)))
    return link


@contextmanager
def crowd(server: RunningServer, begins: bytes, *, drip: bytes = b"", window: int = 0) -> Iterator[None]:
    """Many who begin a request, and then send or read next to nothing."""
    links = [connected(server, window=window) for _ in range(MANY)]
    try:
        for link in links:
            link.sendall(begins)
        for _ in range(3):
            for link in links:
                with suppress(OSError):
                    link.sendall(drip)
        yield
    finally:
        for link in links:
            link.close()


def answer(link: socket.socket, *pieces: bytes) -> bytes:
    """All that comes back until the other side ends."""
    for piece in pieces:
        link.sendall(piece)
    said = b""
    while block := link.recv(1 << 16):
        said += block
    link.close()
    return said


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def require_quick(ada: Visitor) -> None:
    for path in ("/cases", "/api/me", "/static/built/manifest.json"):
        assert ada.get(path, timeout=5).status_code in (200, 404), path
    assert ada.post("/api/cases", json={"upload_ids": ["nothing"]}, timeout=5).status_code == 404


SLOW = {
    "headers": head("GET /cases")[:-2] + b"X-Slow: ",
    "an empty line first": b"\r\n\r\nGET /cases HT",
    "json": head("POST /api/sign-in", "Content-Type: application/json", "Content-Length: 90000"),
    "form": head("POST /sign-in", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 9000"),
    "chunks": head("POST /api/sign-in", "Content-Type: application/json", "Transfer-Encoding: chunked"),
    "after a refusal": head("PATCH /api/uploads/x", "Tus-Resumable: 1.0.0", "Content-Length: 99999999"),
}


@pytest.mark.parametrize("begins", SLOW.values(), ids=SLOW)
def test_a_crowd_that_sends_a_byte_now_and_then_holds_no_page_up(
    server: RunningServer, ada: Visitor, begins: bytes
):
    with crowd(server, begins, drip=b"1"):
        require_quick(ada)


@pytest.mark.parametrize("length", ["Content-Length: 99999999", "Transfer-Encoding: chunked"])
def test_a_crowd_of_slow_uploads_holds_no_page_up(
    server: RunningServer, ada: Visitor, token: str, length: str
):
    mine = f"Authorization: Bearer {token}"
    kind = [f"{name}: {value}" for name, value in PIECE.items()]
    begins = head("POST /api/uploads", mine, "Tus-Resumable: 1.0.0", "Upload-Length: 99999999", *kind, length)
    with crowd(server, begins, drip=b"1"):
        require_quick(ada)


def test_a_crowd_that_does_not_read_its_files_holds_no_page_up(
    server: RunningServer, ada: Visitor, token: str
):
    case = uploaded(ada, os.urandom(8 << 20))
    begins = head(f"GET /api/cases/{case}/archive", f"Authorization: Bearer {token}")
    with crowd(server, begins, window=4096):
        require_quick(ada)
    assert len(ada.get(f"/api/cases/{case}/archive").content) > 8 << 20


def test_a_crowd_that_does_not_hang_up_holds_no_page_up(server: RunningServer, ada: Visitor):
    with crowd(server, head("GET /api/health", "Connection: close")):
        require_quick(ada)


def uploaded(ada: Visitor, data: bytes) -> str:
    """A case of one file."""
    begun = ada.post("/api/uploads", headers={**TUS, "Upload-Length": str(len(data))})
    place = begun.headers["Location"]
    sent = ada.patch(place, data=data, headers={**TUS, **PIECE, "Upload-Offset": "0"}, timeout=60)
    assert sent.status_code == 204, sent.text
    made = ada.post("/api/cases", json={"upload_ids": [place.rpartition("/")[2]]})
    return str(made.json()["id"])


def test_more_uploads_than_go_on_at_a_time_all_come_through(ada: Visitor, server: RunningServer, token: str):
    def one(number: int) -> str:
        visitor = Visitor(server.url)
        visitor.headers["Authorization"] = f"Bearer {token}"
        return uploaded(visitor, bytes([number]) * (2 << 20))

    with ThreadPoolExecutor(40) as pool:
        assert len(set(pool.map(one, range(40)))) == 40


def test_several_requests_in_one_breath_are_answered_in_order(server: RunningServer):
    said = answer(
        connected(server),
        head("GET /api/health") * 3 + head("GET /api/me") + head("GET /nothing", "Connection: close"),
    )
    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"200"] * 4 + [b"404"]


def test_a_body_that_comes_byte_by_byte_is_read_whole(server: RunningServer, token: str):
    body = b'{"upload_ids": ["none"]}'
    begins = head(
        "POST /api/cases",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        "Connection: close",
        f"Content-Length: {len(body)}",
    )
    said = answer(connected(server), *(bytes([each]) for each in begins + body))
    assert said.startswith(b"HTTP/1.1 404")
    assert b"There is no such upload" in said


def test_whoever_waits_to_be_told_to_go_on_is_told(server: RunningServer):
    link = connected(server)
    form = "Content-Type: application/x-www-form-urlencoded"
    link.sendall(
        head("POST /sign-in", "Expect: 100-continue", form, "Content-Length: 7", "Connection: close")
    )
    assert link.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer(link, b"email=a").startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (head("GET /cases", "X: " + "a" * 70_000), 431),
        (head("POST /api/cases", "Content-Type: application/json", "Content-Length: 4294967296") + b"{", 413),
        (head("POST /api/cases", "Content-Type: application/json", "Content-Length: -1"), 400),
        (
            head("POST /api/sign-in", "Content-Type: application/json", "Transfer-Encoding: chunked")
            + b"zz\r\n",
            400,
        ),
        (os.urandom(50) + b"\r\n\r\n", 400),
    ],
    ids=["headers", "length", "negative", "chunk", "noise"],
)
def test_what_cannot_be_a_request_is_refused_at_once(server: RunningServer, sent: bytes, status: int):
    link = connected(server)
    link.sendall(sent)
    assert link.recv(100).startswith(f"HTTP/1.1 {status} ".encode())
    link.close()


def test_a_public_server_with_its_own_certificate_is_as_patient(tmp_path: Path):
    import ssl
    import subprocess

    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    options = ("--public", "--host", "127.0.0.1", "--certificate", str(certificate), "--key", str(key))
    with serving(tmp_path, *options) as server:
        ada = Visitor(server.url)
        ada.verify = str(certificate)
        # Half a greeting, a greeting of another kind, and half a request behind a whole one.
        with (
            crowd(server, b"\x16\x03\x01", drip=b"\x00"),
            crowd(server, head("GET /cases")),
        ):
            assert ada.get("/sign-in", timeout=5).ok
        trust = ssl.create_default_context(cafile=str(certificate))
        link = trust.wrap_socket(connected(server), server_hostname="localhost")
        link.sendall(head("GET /sign-in")[:-4])
        assert ada.get("/sign-in", timeout=5).ok
        link.close()
