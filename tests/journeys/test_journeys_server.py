"""What a person and their programs live through with a real `plastinate serve`, over HTTP."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from job_rig import eventually, processes_with
from plastinate.client.stored_zip import Packet, pack
from running_server import EMAIL, RunningServer, Visitor, counted, serving
from server_talk import TUS, begin, case_of, done, offset_of, send

pytestmark = pytest.mark.slow

WISH: dict[str, Any] = {"threshold": [500, None], "name": "Marble", "formats": ["glb", "stl"]}


def built(visitor: Visitor, case_id: str, wish: dict[str, Any] = WISH) -> dict[str, Any]:
    for job in visitor.get(f"/api/cases/{case_id}/jobs").json()["jobs"]:
        done(visitor, job["id"])
    answer = visitor.post(f"/api/cases/{case_id}/jobs", json=wish)
    assert answer.status_code == 202, answer.text
    done(visitor, answer.json()["id"])
    build: dict[str, Any] = visitor.get(f"/api/cases/{case_id}/builds").json()["builds"][0]
    return build


def test_a_scan_goes_up_and_models_with_their_certificate_come_down(ada: Visitor, scan: Path):
    packet = pack(scan)
    case = case_of(ada, packet)
    assert case["inputs"][0]["sha256"] == packet.sha256
    build = built(ada, case["id"])
    assert [organ["name"] for organ in build["summary"]["organs"]] == ["Marble"]
    assert {"scene.glb", "models/marble.stl", "certificate.html", "preview.png"} <= {
        each["name"] for each in build["files"]
    }
    for each in build["files"]:
        answer = ada.get(each["url"])
        assert hashlib.sha256(answer.content).hexdigest() == each["sha256"], each["name"]
        if not each["name"].endswith(".png"):
            assert answer.headers["Content-Disposition"].startswith("attachment"), each["name"]
    part = ada.get(build["files"][0]["url"], headers={"Range": "bytes=2-5"})
    assert (part.status_code, len(part.content)) == (206, 4)
    seen = ada.get(f"/api/cases/{case['id']}").json()
    assert seen["inspection"]["series"][0]["modality"] == "CT"
    assert ada.get(seen["thumbnail"]).headers["Content-Type"] == "image/png"


def test_a_case_is_carried_away_whole_and_comes_back_the_same(ada: Visitor, scan: Path):
    case = case_of(ada, pack(scan), "Travels")
    before = built(ada, case["id"])
    archive = ada.get(f"/api/cases/{case['id']}/archive").content
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert json.loads(opened.read("manifest.json"))["case"]["title"] == "Travels"
    packet = Packet("travels.zip", len(archive), "", pack(scan).pieces)
    location = begin(ada, packet)
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert ada.patch(location, data=archive, headers=headers).status_code == 204
    again = ada.post("/api/cases", json={"upload_ids": [location.rpartition("/")[2]]}).json()
    done(ada, ada.get(f"/api/cases/{again['id']}/jobs").json()["jobs"][0]["id"])
    after = ada.get(f"/api/cases/{again['id']}/builds").json()["builds"][0]
    assert ada.get(f"/api/cases/{again['id']}").json()["title"] == "Travels"
    assert [(f["name"], f["sha256"]) for f in after["files"]] == [
        (f["name"], f["sha256"]) for f in before["files"]
    ]


def test_the_one_time_link_works_once(server: RunningServer, ada: Visitor):
    late = Visitor(server.url)
    assert late.get(server.link).status_code in (404, 410)
    assert ada.get("/api/me").json()["is_admin"]


def test_the_description_of_the_api_is_served(server: RunningServer):
    described = Visitor(server.url).get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert "/api/cases/{case_id}/jobs" in described["paths"]


def test_progress_flows_until_the_job_is_done(ada: Visitor, scan: Path):
    case = case_of(ada, pack(scan), "Watched")
    states: list[str] = []
    with ada.get(f"/api/cases/{case['id']}/events", stream=True) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith(b"data:"):
                states += [job["state"] for job in json.loads(line[5:])]
                if states[-1] == "done":
                    break
    assert states[-1] == "done"


def test_streams_beyond_a_third_of_the_threads_are_sent_away_and_pages_still_come(ada: Visitor, scan: Path):
    case = case_of(ada, pack(scan), "Crowded")
    path = f"/api/cases/{case['id']}/events"
    streams = [ada.get(path, stream=True) for _ in range(16)]
    try:
        refused = [each for each in streams if each.status_code == 503]
        assert 10 >= len(streams) - len(refused) >= 8
        assert all(int(each.headers["Retry-After"]) > 0 for each in refused)
        assert ada.get("/cases").ok
    finally:
        for each in streams:
            each.close()


def test_500_silent_connections_do_not_hold_a_page_up(server: RunningServer, ada: Visitor):
    host, _, port = server.url.partition("//")[2].partition(":")
    with ExitStack() as silent:
        for _ in range(500):
            silent.enter_context(socket.create_connection((host, int(port))))
        assert Visitor(server.url).get("/sign-in", timeout=20).ok
        assert ada.get("/cases", timeout=20).ok


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "X-Forwarded-Host", "X-Forwarded-Prefix"])
def test_nobody_says_by_a_header_where_the_server_is(server: RunningServer, name: str):
    connection = http.client.HTTPConnection(server.url.partition("//")[2], timeout=30)
    connection.request("GET", "/", headers={name: "/evil.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (302, "/cases")
    connection.close()


def command(*words: object, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plastinate.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        env={**counted(), "PATH": "/usr/bin:/bin", "HOME": str(home)},
        timeout=120,
        check=False,
    )


def test_a_second_server_on_the_same_archive_or_port_is_refused_in_words(
    server: RunningServer, tmp_path: Path
):
    ran = command("serve", "--home", server.home, "--port", "0", home=tmp_path)
    assert (ran.returncode, "[system.home-taken]" in ran.stderr) == (7, True), ran.stderr
    port = server.url.rpartition(":")[2]
    ran = command("serve", "--home", tmp_path / "other", "--port", port, home=tmp_path)
    assert (ran.returncode, "[system.cannot-listen]" in ran.stderr) == (7, True), ran.stderr


@pytest.mark.parametrize("words", [("--public",), ("--host", "0.0.0.0"), ("--public", "--proxies", "1")])
def test_a_server_without_tls_is_for_this_machine_only(words: tuple[str, ...], tmp_path: Path):
    ran = command("serve", "--home", tmp_path / "home", "--port", "0", *words, home=tmp_path)
    assert (ran.returncode, "[system.unsafe-address]" in ran.stderr) == (7, True), ran.stderr


def test_term_stops_everything_within_ten_seconds_with_streams_open(scan: Path, tmp_path: Path):
    with serving(tmp_path) as server:
        ada = server.first_administrator()
        case = case_of(ada, pack(scan))
        streams = [ada.get(f"/api/cases/{case['id']}/events", stream=True) for _ in range(5)]
        assert all(each.ok for each in streams)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 10
        assert processes_with(str(server.home)) == []


def test_a_server_that_is_killed_takes_all_its_processes_along_and_nothing_is_lost(
    scan: Path, tmp_path: Path
):
    with serving(tmp_path) as server:
        ada = server.first_administrator()
        case = case_of(ada, pack(scan))
        assert server.process
        below = processes_with("plastinate", under=[server.process.pid])
        assert len(below) >= 3
        server.kill()
        eventually(lambda: not any(Path(f"/proc/{each}").exists() for each in below), what="their end")
        server.start()
        assert ada.get("/api/me").json()["name"] == "Ada Lovelace"
        assert built(ada, case["id"])["summary"]["organs"]


@pytest.mark.parametrize("module", ["plastinate.web.server", "plastinate.engine.dispatch"])
def test_a_part_that_is_killed_is_there_again(server: RunningServer, ada: Visitor, scan: Path, module: str):
    assert server.process
    supervisor = [server.process.pid]
    packet = pack(scan)
    location = begin(ada, packet)
    send(ada, location, packet, size=20_000)
    before = processes_with(module, under=supervisor)
    for number in before:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    eventually(lambda: set(processes_with(module, under=supervisor)) - set(before), what="its return")
    offset = eventually(lambda: offset_of(ada, location), what="an answer")
    assert offset == 20_000
    assert send(ada, location, packet, begin=offset) == packet.size
    case = ada.post("/api/cases", json={"upload_ids": [location.rpartition("/")[2]]}).json()
    done(ada, ada.get(f"/api/cases/{case['id']}/jobs").json()["jobs"][0]["id"])


def test_a_home_that_cannot_be_had_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    for words in (("serve", "--port", "0"), ("worker", "--scheduler", "tcp://127.0.0.1:1")):
        ran = command(*words, "--home", tmp_path / "file" / "home", home=tmp_path)
        assert (ran.returncode, "[system.setting]" in ran.stderr) == (7, True), ran.stderr
        assert "--home" in ran.stderr


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path):
    flawed = tmp_path / "flawed.pem"
    flawed.write_text("no certificate at all")
    for certificate, words in (("nope.pem", "nope.pem: it cannot be read"), (flawed, "they are no pair")):
        pair = ("--certificate", certificate, "--key", flawed)
        ran = command("serve", "--home", tmp_path / "home", "--port", "0", "--public", *pair, home=tmp_path)
        assert (ran.returncode, "[system.setting]" in ran.stderr) == (7, True), ran.stderr
        assert words in ran.stderr
        assert "PEM files" in ran.stderr


def test_under_its_own_certificate_cookies_are_kept_to_tls(scan: Path, tmp_path: Path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    options = ("--public", "--host", "127.0.0.1", "--certificate", str(certificate), "--key", str(key))
    with serving(tmp_path, *options) as server:
        assert server.url.startswith("https://")
        ada = Visitor(server.url)
        ada.verify = str(certificate)
        ada.welcome(server.link, email=EMAIL, name="Ada")
        cookie = next(each for each in ada.cookies if "plastinate" in each.name)
        assert (cookie.name, cookie.secure) == ("__Host-plastinate", True)
        assert "max-age" in ada.get("/cases").headers["Strict-Transport-Security"]
        assert case_of(ada, pack(scan))["title"] == "Bead"


def test_the_first_administrator_may_be_made_by_a_program(tmp_path: Path):
    with serving(tmp_path) as server:
        address = server.link.replace("/welcome/", "/api/invitations/")
        chosen = {"email": EMAIL, "name": "Ada", "password": "long enough for one"}
        assert requests.post(address, json={**chosen, "email": None}, timeout=30).status_code == 422
        answer = requests.post(address, json=chosen, timeout=30)
        assert answer.status_code == 201, answer.text
        bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
        assert requests.get(f"{server.url}/api/me", headers=bearer, timeout=30).json()["is_admin"]
        assert requests.post(address, json=chosen, timeout=30).status_code in (404, 410)


@pytest.mark.network
def test_the_first_visitor_is_shown_the_sample_becoming_organs(tmp_path: Path):
    with serving(tmp_path, "--sample", "chest-ct") as server:
        ada = Visitor(server.url)
        ada.welcome(server.link, email=EMAIL, name="Ada")
        [case] = ada.get("/api/cases").json()["cases"]
        assert (case["title"], case["owner"]["name"]) == ("Chest CT with contrast (sample)", "Ada")
        for job in ada.get(f"/api/cases/{case['id']}/jobs").json()["jobs"]:
            done(ada, job["id"])
        [build] = ada.get(f"/api/cases/{case['id']}/builds").json()["builds"]
        lights = {organ["id"]: organ["light"] for organ in build["summary"]["organs"]}
        # A vein full of contrast agent leaves the bones in doubt, and the scan's end cuts the kidneys.
        doubtful = {lights.pop(name) for name in ("skeleton", "kidney-left", "kidney-right")}
        assert (doubtful, set(lights.values()), len(lights)) == ({"amber"}, {"green"}, 6)


def test_a_sample_that_cannot_be_fetched_is_no_reason_not_to_serve(tmp_path: Path):
    nowhere = {
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": "/dev/null",
        "PLASTINATE_CACHE": str(tmp_path / "cache"),
    }
    with serving(tmp_path, "--sample", "chest-ct", **nowhere) as server:
        assert server.first_administrator().get("/api/cases").json()["total"] == 0
        assert "[system.download-failed]" in (tmp_path / "server.log").read_text()
    ran = command("serve", "--home", tmp_path / "other", "--port", "0", "--sample", "no-such", home=tmp_path)
    assert (ran.returncode, "[recipe.not-found]" in ran.stderr) == (5, True), ran.stderr
    assert "The samples are" in ran.stderr
