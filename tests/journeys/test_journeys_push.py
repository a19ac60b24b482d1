"""`plastinate push` from a shell: whatever dies on the way, the server ends up with what was sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bead_scans import write_bead
from drawn_pictures import encoded, sphere
from job_rig import eventually
from plastinate.client.stored_zip import pack
from running_server import RunningServer, Visitor, counted, serving

pytestmark = pytest.mark.slow

MEBIBYTE = 1 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with serving(tmp_path) as running:
        token = running.first_administrator().post("/api/tokens", json={"name": "push"}).json()["token"]
        shell(tmp_path, "login", running.url, "--token", "-", typed=f"{token}\n")
        yield running


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A folder of a scan and of something large beside it."""
    folder = write_bead(tmp_path / "big")
    block = bytes(range(256)) * 4096
    with (folder / "large.bin").open("wb") as sink:
        for number in range(200):
            sink.write(number.to_bytes(4, "little") + block[4:])
    return folder


def started(home: Path, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "plastinate.cli.main", *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**counted(), "PATH": "/usr/bin:/bin", "HOME": str(home)},
    )


def shell(home: Path, *words: object, typed: str = "") -> str:
    with started(home, *words) as process:
        said, complained = process.communicate(typed, timeout=120)
    assert process.returncode == 0, complained
    return said


def upload_files(server: RunningServer) -> dict[str, int]:
    files = [path for path in (server.home / "uploads").rglob("*") if path.is_file()]
    return {path.name: path.stat().st_size for path in files}


def is_well_under_way(server: RunningServer) -> bool:
    return any(size > 30 * MEBIBYTE for size in upload_files(server).values())


def only_input(server: RunningServer) -> str:
    ada = Visitor(server.url)
    ada.sign_in()
    [case] = ada.get("/api/cases").json()["cases"]
    [kept] = ada.get(f"/api/cases/{case['id']}").json()["inputs"]
    return str(kept["sha256"])


def test_a_push_waits_for_a_server_that_was_killed_and_goes_on(
    server: RunningServer, big: Path, tmp_path: Path
):
    with started(tmp_path, "push", big, "--json") as push:
        eventually(lambda: is_well_under_way(server), what="a part of the upload")
        server.kill()
        assert push.poll() is None
        server.start()
        said, complained = push.communicate(timeout=120)
    assert push.returncode == 0, complained
    assert json.loads(said)["inputs"][0]["sha256"] == pack(big).sha256 == only_input(server)


def test_a_push_that_was_killed_goes_on_when_it_is_given_again(
    server: RunningServer, big: Path, tmp_path: Path
):
    with started(tmp_path, "push", big) as push:
        eventually(lambda: is_well_under_way(server), what="a part of the upload")
        push.kill()
    before = upload_files(server)
    assert max(before.values()) < pack(big).size
    shell(tmp_path, "push", big)
    assert only_input(server) == pack(big).sha256
    # Had it begun anew, there would be a second one.
    assert set(upload_files(server)) <= set(before)


def test_the_same_scan_may_be_pushed_twice(server: RunningServer, tmp_path: Path):
    scan = write_bead(tmp_path / "bead")
    first, second = shell(tmp_path, "push", scan), shell(tmp_path, "push", scan)
    assert first != second


def test_a_picture_is_pushed_and_its_model_pulled(server: RunningServer, tmp_path: Path):
    photo = tmp_path / "ball.png"
    photo.write_bytes(encoded(sphere((60, 80)).rgb))
    case = shell(tmp_path, "push", photo, "--as", "lithophane", "--width-mm", "40", "--wait").strip()
    shell(tmp_path, "pull", case, "-o", tmp_path / "models", "--format", "stl")
    names = {path.name for path in (tmp_path / "models").iterdir()}
    assert "lithophane-ESTIMATED.stl" in names
