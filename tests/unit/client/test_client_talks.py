"""What the client sends, keeps and believes, before a server that is not to be trusted."""

from __future__ import annotations

import hashlib
import http.server
import json
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plastinate.cli.main import cli
from plastinate.client import cases, logins
from plastinate.client.connection import Server, server_at
from plastinate.client.download import chosen, download
from plastinate.client.stored_zip import Packet
from plastinate.model.case_errors import (
    RequestFlaw,
    ServerRefused,
    ServerUnreachable,
    SignInNeeded,
    UnsafeAddress,
)
from plastinate.model.errors import CannotWrite

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(answer: Callable[[str, str, dict[str, str]], Answer]) -> Iterator[Server]:
    """A server of the standard library that answers as it is told, on a free port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.command, self.path, dict(self.headers))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *about: object) -> None:
            del about

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield Server(f"http://127.0.0.1:{server.server_address[1]}", "pl_secret")
        finally:
            server.shutdown()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in (logins.URL_VARIABLE, logins.TOKEN_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_a_refusal_is_told_in_the_servers_own_words():
    problem = {"detail": "There is no such case.", "code": "request.not-there", "hint": "Look again."}
    with (
        answering(lambda *_: (404, {}, json.dumps(problem).encode())) as server,
        pytest.raises(ServerRefused, match="There is no such case") as raised,
    ):
        server.ask("GET", "/api/cases/x")
    assert (raised.value.remote_code, raised.value.hint) == ("request.not-there", "Look again.")
    assert raised.value.status == 404


@pytest.mark.parametrize("body", [b"<h1>Bad gateway</h1>", b"[1]", b'{"detail": 1}', b""])
def test_a_refusal_without_a_problem_is_told_by_its_status(body: bytes):
    with answering(lambda *_: (502, {}, body)) as server, pytest.raises(ServerRefused, match="502"):
        server.ask("GET", "/api/me")


def test_what_is_no_json_is_not_plastinate():
    with (
        answering(lambda *_: (200, {}, b"hello")) as server,
        pytest.raises(ServerUnreachable, match="not Plastinate"),
    ):
        server.ask("GET", "/api/me")


def test_a_token_does_not_follow_a_redirect():
    asked: list[str] = []

    def elsewhere(method: str, path: str, headers: dict[str, str]) -> Answer:
        asked.append(headers["Authorization"])
        return 302, {"Location": "/api/me"}, b""

    with answering(elsewhere) as server, pytest.raises(ServerRefused, match="302"):
        server.ask("GET", "/api/cases")
    assert asked == ["Bearer pl_secret"]


def test_nobody_there_is_a_sentence():
    with answering(lambda *_: (200, {}, b"{}")) as server:
        pass
    with pytest.raises(ServerUnreachable, match="refused"):
        server.ask("GET", "/api/me")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://127.0.0.1:8000/cases/x", "http://127.0.0.1:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("scans.example.org", "https://scans.example.org"),
        ("https://Scans.Example.org:8443/", "https://scans.example.org:8443"),
    ],
)
def test_addresses_are_taken_as_people_write_them(written: str, meant: str):
    assert server_at(written).url == meant


@pytest.mark.parametrize(
    "written", ["ftp://example.org", "http://", "https://a:b:c", "file:///etc/passwd", ""]
)
def test_what_is_no_address_is_refused(written: str):
    with pytest.raises(RequestFlaw):
        server_at(written)


def test_a_password_does_not_cross_the_network_in_the_clear():
    with pytest.raises(UnsafeAddress, match="https"):
        server_at("http://scans.example.org")


def test_tokens_are_kept_for_their_owner_only_and_the_last_server_is_meant():
    first, second = Server("https://a.example", "pl_a"), Server("https://b.example", "pl_b")
    logins.remember(first)
    kept = logins.remember(second)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert logins.signed_in() == second
    assert logins.signed_in("a.example") == first
    with pytest.raises(SignInNeeded) as raised:
        logins.signed_in("https://c.example")
    assert "plastinate login https://c.example" in raised.value.hint


def test_a_server_that_is_signed_out_of_leaves_no_other_in_its_place():
    first, second = Server("https://a.example", "pl_a"), Server("https://b.example", "pl_b")
    logins.remember(first, is_given=True)
    logins.remember(second)
    assert (logins.kept_for("a.example"), logins.kept_for()) == ((first, True), (second, False))
    logins.forget(second.url)
    for ask in (logins.kept_for, logins.signed_in):
        with pytest.raises(SignInNeeded):
            ask()
    assert logins.signed_in("a.example") == first
    logins.remember(first)
    assert logins.kept_for() == (first, False)


def test_a_token_is_void_or_was_or_the_servers_fault_is_told():
    void = json.dumps({"detail": "The token is not valid.", "code": "request.sign-in", "hint": "Sign in."})

    def answer(status: int) -> Callable[[str, str, dict[str, str]], Answer]:
        return lambda *_: (status, {}, void.encode())

    with answering(answer(401)) as server:
        assert not cases.end_token(server)
    with answering(answer(503)) as server, pytest.raises(ServerRefused):
        cases.end_token(server)


def test_a_folder_is_named_by_title_and_id_and_stays_when_the_case_is_renamed(tmp_path: Path):
    case = {"id": "abc23xyz77abc23xyz77", "title": "../Thorax: \u202eAnna\0"}
    folder = cases.folder_for(case, tmp_path)
    assert folder == tmp_path / "Thorax-Anna-abc23xyz"
    folder.mkdir()
    assert cases.folder_for({**case, "title": "Renamed"}, tmp_path) == folder
    assert cases.folder_for({"id": "zzz99zzz99", "title": "\u2026"}, tmp_path).name == "case-zzz99zzz"
    assert len(cases.folder_for({"id": "q" * 20, "title": "ü" * 300}, tmp_path).name.encode()) < 120


def test_a_script_signs_in_by_its_environment(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(SignInNeeded):
        logins.signed_in()
    monkeypatch.setenv(logins.URL_VARIABLE, "https://c.example")
    monkeypatch.setenv(logins.TOKEN_VARIABLE, "pl_c")
    assert logins.signed_in() == Server("https://c.example", "pl_c")


def test_a_damaged_file_of_tokens_is_as_none(tmp_path: Path):
    path = logins.config_folder() / logins.FILE
    path.parent.mkdir(parents=True)
    for text in ("{", "[]", '{"tokens": 3}', '{"tokens": {}}'):
        path.write_text(text)
        with pytest.raises(SignInNeeded):
            logins.signed_in()


def job(state: str, share: float) -> bytes:
    return json.dumps({"state": state, "share_done": share, "doing": "surface", "error": None}).encode()


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_job_is_waited_for_through_an_absence_of_its_server_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, status: int
):
    monkeypatch.setattr(cases, "POLL_S", 0.0)
    answers: list[Answer] = [
        (200, {}, job("running", 0.4)), (status, {}, b""), (status, {}, b""), (200, {}, job("done", 1.0))
    ]  # fmt: skip
    told: list[tuple[float, str]] = []
    with answering(lambda *_: answers.pop(0)) as server:
        done = cases.wait_for(server, "x", progress=lambda share, doing: told.append((share, doing)))
    assert done["state"] == "done"
    assert told == [(0.4, "surface"), (0.4, cases.WAITING), (0.4, cases.WAITING), (1.0, "surface")]


def test_a_job_whose_server_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cases, "POLL_S", 0.0)
    monkeypatch.setattr(cases, "PATIENCE_S", 0.0)
    with answering(lambda *_: (503, {}, b"")) as server, pytest.raises(ServerRefused, match="503"):
        cases.wait_for(server, "x")


@pytest.mark.parametrize("given", ["", "Of my own"])
def test_a_push_leaves_the_name_to_the_scan_where_nobody_gives_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
):
    (tmp_path / "scan.v2").mkdir()
    (tmp_path / "scan.v2" / "a.dcm").write_bytes(b"1")
    sent: list[object] = []

    def make_case(server: Server, packet: Packet, *, title: str, progress: object) -> dict[str, str]:
        del server, progress
        sent.extend((packet.name, title))
        return {"id": "x"}

    monkeypatch.setattr(cases, "make_case", make_case)
    monkeypatch.setattr(logins, "signed_in", lambda url: Server(url or "http://localhost"))
    words = ["push", str(tmp_path / "scan.v2"), *(["--title", given] if given else [])]
    cli.main(args=words, standalone_mode=False)
    assert sent == ["scan.v2.zip", given]


def promised(name: str, content: bytes) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": name, "size": len(content), "sha256": digest, "url": f"http://elsewhere.example/{name}"}


def test_files_are_fetched_proven_and_not_fetched_twice(tmp_path: Path):
    asked: list[str] = []
    content = b"solid" * 1000

    def give(method: str, path: str, headers: dict[str, str]) -> Answer:
        asked.append(path)
        return 200, {}, content

    with answering(give) as server:
        for _ in range(2):
            assert download(server, [promised("models/a.stl", content)], tmp_path) == [
                tmp_path / "models/a.stl"
            ]
    assert asked == ["/models/a.stl"]
    assert (tmp_path / "models" / "a.stl").read_bytes() == content
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["a.stl"]


@pytest.mark.parametrize(
    ("sent", "length", "error"),
    [(b"other", 5, ServerRefused), (b"longer than said", 16, ServerRefused), (b"sol", 5, ServerUnreachable)],
)
def test_other_bytes_than_promised_leave_nothing(
    tmp_path: Path, sent: bytes, length: int, error: type[Exception]
):
    with (
        answering(lambda *_: (200, {"Content-Length": str(length)}, sent)) as server,
        pytest.raises(error),
    ):
        download(server, [promised("a.stl", b"solid")], tmp_path)
    assert list(tmp_path.glob("*a.stl*")) == []


@pytest.mark.parametrize("name", ["../a", "/etc/a", "a/../../b", "..", "", ".ssh/a", "a\\b", "a\nb", "a\0b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    with answering(lambda *_: (200, {}, b"x")) as server, pytest.raises(ServerRefused, match="no place"):
        download(server, [promised(name, b"x")], tmp_path)


def test_a_folder_that_refuses_is_a_sentence(tmp_path: Path):
    (tmp_path / "out").write_bytes(b"in the way")
    with answering(lambda *_: (200, {}, b"x")) as server, pytest.raises(CannotWrite):
        download(server, [promised("a", b"x")], tmp_path / "out")


def test_a_choice_of_formats_keeps_what_belongs_to_them():
    names = ["scene.obj", "scene.mtl", "scene.glb", "labels.nii.gz", "certificate.html", "preview.png"]
    files = [{"name": name} for name in names]
    assert [each["name"] for each in chosen(files, [])] == names
    assert [each["name"] for each in chosen(files, ["obj", "nifti"])] == [
        "scene.obj",
        "scene.mtl",
        "labels.nii.gz",
        "certificate.html",
    ]


@pytest.mark.parametrize(
    "text", ["", "a b", "../x", "https://a.example/", "https://a.example/cases/", "x" * 41]
)
def test_what_is_no_case_is_refused(text: str):
    with pytest.raises(RequestFlaw):
        cases.case_named(text)


ANSWERS = {
    "a list": b"[1]",
    "nothing": b"null",
    "a number": b"5",
    "an object of other kinds": b'{"name": 1, "email": [], "title": {}, "builds": {}, "jobs": 1, "id": 7}',
    "lists of other kinds": b'{"builds": [1], "jobs": [null], "inputs": ["x"]}',
    "a build of nothing": b'{"builds": [{}], "jobs": [{}], "state": null}',
    "files of nothing": b'{"builds": [{"title": "x", "files": [{}]}], "state": "done", "share_done": "x"}',
    "no size": b'{"builds": [{"title": "x", "files": [{"name": "a", "sha256": "", "url": "/"}]}]}',
    "depths": b"[" * 100_000,
}
QUESTIONS: dict[str, Callable[[Server], object]] = {
    "who": cases.who_am_i,
    "case": lambda server: cases.read_case(server, "abc"),
    "builds": lambda server: cases.newest_build(server, "abc"),
    "jobs": lambda server: cases.wait_for_all(server, "abc"),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_another_kind_is_not_plastinate(answer: str, question: str):
    def server_told(*_: object) -> Answer:
        return 200, {}, ANSWERS[answer]

    with answering(server_told) as server, pytest.raises(ServerUnreachable, match="is not Plastinate"):
        QUESTIONS[question](server)


def test_a_refusal_of_endless_depth_is_told_by_its_status():
    def server_told(*_: object) -> Answer:
        return 401, {}, b"[" * 100_000

    with answering(server_told) as server, pytest.raises(ServerRefused, match="The server answers 401"):
        server.ask("GET", "/api/me")


def test_no_words_of_a_server_move_the_terminal():
    moving = "\x1b[2J\x1b]0;title\x07Ada\r\nLovelace\u202e"
    with answering(lambda *_: (200, {}, json.dumps({"name": moving, "email": ""}).encode())) as server:
        assert cases.who_am_i(server) == "[2J]0;titleAda Lovelace"
    problem = json.dumps({"detail": moving, "code": "a\x1bb", "hint": "\x1b"}).encode()
    with answering(lambda *_: (422, {}, problem)) as server, pytest.raises(ServerRefused) as refused:
        server.ask("GET", "/api/me")
    told = f"{refused.value.sentence}{refused.value.remote_code}{refused.value.hint}"
    assert told.isprintable()


@pytest.mark.parametrize("url", ["@evil.example/x", ".evil.example/x", "9/x", "/ä", ""])
def test_no_address_of_a_file_leads_to_another_host(tmp_path: Path, url: str):
    asked: list[str] = []

    def answer(method: str, path: str, headers: dict[str, str]) -> Answer:
        asked.append(path)
        return 200, {}, b"abc"

    with answering(answer) as server, pytest.raises(ServerUnreachable, match="is not Plastinate"):
        download(server, [{**promised("a", b"abc"), "url": url}], tmp_path)
    assert asked == []


@pytest.mark.parametrize("name", ["x" * 5000, "C:x", "a/" * 3000 + "b"])
def test_a_name_that_no_folder_takes_is_a_sentence(tmp_path: Path, name: str):
    def server_told(*_: object) -> Answer:
        return 200, {}, b"abc"

    with answering(server_told) as server, pytest.raises((CannotWrite, ServerRefused)) as fault:
        download(server, [promised(name, b"abc")], tmp_path)
    assert fault.value.sentence
    assert list(tmp_path.iterdir()) == []
