"""A person's way through `deploy/nginx.conf`, with a real nginx before a real server."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bead_scans import write_bead
from job_rig import eventually
from plastinate.client.stored_zip import Packet, pack
from running_server import Visitor, serving
from servers import free_port

pytestmark = pytest.mark.slow

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
TUS = {"Tus-Resumable": "1.0.0"}
MAIN = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    types {{ text/css css; }}
    access_log off;
    client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def _settle(folder: Path, *, https: int, http_: int, server: int) -> Path:
    """Our file with ports that are free here and a certificate of its own."""
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    words += f" -addext subjectAltName=DNS:localhost -keyout {folder}/key.pem -out {folder}/cert.pem"
    subprocess.run(words.split(), check=True, capture_output=True)
    text = CONFIGURATION.read_text()
    for ours, here in {
        "listen [::]": "# ",
        "/etc/letsencrypt/live/scans.example.org/fullchain": f"{folder}/cert",
        "/etc/letsencrypt/live/scans.example.org/privkey": f"{folder}/key",
        "listen 80": f"listen 127.0.0.1:{http_}",
        "listen 443": f"listen 127.0.0.1:{https}",
        "scans.example.org": "localhost",
        "127.0.0.1:8000": f"127.0.0.1:{server}",
    }.items():
        assert ours in text
        text = text.replace(ours, here)
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    return folder / "nginx.conf"


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """The first administrator, who came through nginx."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None and os.environ.get("CI") != "true":
        pytest.skip("nginx is not installed here")
    assert nginx
    folder = tmp_path_factory.mktemp("nginx")
    https, server = free_port(), free_port()
    configuration = _settle(folder, https=https, http_=free_port(), server=server)
    subprocess.run([nginx, "-t", "-c", configuration], check=True, capture_output=True)
    proxy = subprocess.Popen([nginx, "-c", configuration])
    try:
        options = ("--port", str(server), "--proxies", "1", "--url", f"https://localhost:{https}")
        with serving(folder, *options) as running:
            visitor = Visitor(running.url)
            visitor.verify = str(folder / "cert.pem")
            visitor.trust_env = False
            visitor.welcome(running.link, email="ada@example.org", name="Ada Lovelace")
            yield visitor
    finally:
        proxy.terminate()
        proxy.wait(10)


def _connection(ada: Visitor) -> http.client.HTTPSConnection:
    """A connection on which a request can be sent, or an answer read, bit by bit."""
    place = urlsplit(ada.url)
    trust = ssl.create_default_context(cafile=str(ada.verify))
    return http.client.HTTPSConnection(place.hostname or "", place.port, context=trust, timeout=30)


def _headers(ada: Visitor) -> dict[str, str]:
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ada.cookies)
    return {"Cookie": cookies, "X-CSRF-Token": ada.csrf}


def _begun(ada: Visitor, size: int) -> str:
    answer = ada.post("/api/uploads", headers={**TUS, "Upload-Length": str(size)})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def _case_of(ada: Visitor, packet: Packet) -> str:
    location = _begun(ada, packet.size)
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    sent = ada.patch(location, data=packet.read(0, packet.size), headers=headers)
    assert sent.status_code == 204, sent.text
    made = ada.post("/api/cases", json={"title": "Bead", "upload_ids": [location.rpartition("/")[2]]})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_whoever_signs_in_through_nginx_has_a_cookie_that_is_kept_to_tls(ada: Visitor):
    (cookie,) = ada.cookies
    assert (cookie.name, cookie.secure, cookie.path) == ("__Host-plastinate", True, "/")
    answer = ada.get("/api/me")
    assert answer.json()["via"] == "session"
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_host_or_an_address_that_a_client_makes_up_does_not_reach_the_server(ada: Visitor):
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "198.51.100.7", "Forwarded": "host=evil"}
    answer = ada.get("/cases", headers=forged)
    assert answer.status_code == 200
    assert "evil" not in answer.text
    assert ada.get("/api/me", headers={"Host": "evil.example"}).status_code == 400


def test_a_piece_of_an_upload_is_on_the_servers_disk_while_the_rest_is_still_on_its_way(ada: Visitor):
    half = 2 << 20
    location = _begun(ada, 2 * half)
    connection = _connection(ada)
    connection.putrequest("PATCH", location)
    headers = {"Content-Length": str(2 * half), "Content-Type": "application/offset+octet-stream"}
    for name, value in {**_headers(ada), **TUS, "Upload-Offset": "0", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b"a" * half)

    def arrived() -> bool:
        # nginx holds back less than one of its own small buffers.
        return int(ada.head(location, headers=TUS).headers["Upload-Offset"]) > half - (1 << 18)

    eventually(arrived, within_s=20)
    connection.send(b"b" * half)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(2 * half))
    connection.close()


def test_a_body_that_is_no_upload_and_far_too_large_ends_at_nginx(ada: Visitor):
    assert ada.post("/api/cases", json={"title": "x" * (2 << 20)}).status_code == 413


def test_an_event_stream_tells_of_a_jobs_end_while_it_is_open(ada: Visitor, tmp_path: Path):
    case_id = _case_of(ada, pack(write_bead(tmp_path / "scan")))
    connection = _connection(ada)
    connection.request("GET", f"/api/cases/{case_id}/events", headers=_headers(ada))
    stream = connection.getresponse()
    assert stream.status == 200
    states = []
    while "done" not in states:
        line = stream.readline().decode()
        assert line, f"the stream ended after {states}"
        if line.startswith("data: "):
            states.append(json.loads(line.removeprefix("data: "))[0]["state"])
    assert states[0] in ("queued", "running")
    connection.close()
