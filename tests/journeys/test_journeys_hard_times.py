"""A full disk and hostile files, before a real server: it says no in words, stays well, and goes on."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bead_scans import write_bead
from job_rig import processes_with
from plastinate.client.stored_zip import pack
from running_server import RunningServer, serving
from server_talk import TUS, begin, case_of, done, offset_of, send

pytestmark = pytest.mark.slow

MEBIBYTE = 1 << 20
DISK_MB = 96


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, on a loop device."""
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as sink:
        sink.truncate(DISK_MB * MEBIBYTE)
    made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], capture_output=True, check=False)
    mounted = subprocess.run(["mount", "-o", "loop", image, place], capture_output=True, check=False)
    if made.returncode or mounted.returncode:
        pytest.skip("this machine mounts nothing")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path, *, leave: int) -> Path:
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as sink:
        os.posix_fallocate(sink.fileno(), 0, free - leave)
    return filler


def test_a_full_disk_answers_507_harms_nothing_and_is_forgotten_when_there_is_room(
    disk: Path, tmp_path: Path
):
    scan, big = pack(write_bead(tmp_path / "scan")), tmp_path / "big.bin"
    big.write_bytes(os.urandom(24 * MEBIBYTE))
    packet = pack(big)
    with serving(disk) as server:
        ada = server.first_administrator()
        earlier = case_of(ada, scan)
        done(ada, ada.get(f"/api/cases/{earlier['id']}/jobs").json()["jobs"][0]["id"])
        location = begin(ada, packet)
        assert send(ada, location, packet, size=4 * MEBIBYTE) == 4 * MEBIBYTE
        filler = fill(disk, leave=10 * MEBIBYTE)
        refused = ada.post("/api/uploads", headers={**TUS, "Upload-Length": str(60 * MEBIBYTE)})
        assert (refused.status_code, refused.json()["code"]) == (507, "system.store-full")
        headers = {
            **TUS,
            "Upload-Offset": str(4 * MEBIBYTE),
            "Content-Type": "application/offset+octet-stream",
        }
        refused = ada.patch(location, data=packet.read(4 * MEBIBYTE, 24 * MEBIBYTE), headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (507, "system.store-full")
        assert ada.get(f"/api/cases/{earlier['id']}").json()["inspection"]["series"]
        assert ada.get("/cases").ok
        filler.unlink()
        offset = offset_of(ada, location)
        assert offset >= 4 * MEBIBYTE
        assert send(ada, location, packet, begin=offset, size=24 * MEBIBYTE) == packet.size
        case = ada.post("/api/cases", json={"upload_ids": [location.rpartition("/")[2]]}).json()
        assert case["inputs"][0]["sha256"] == packet.sha256


def test_a_zip_that_would_burst_costs_only_itself(tmp_path: Path):
    scan = write_bead(tmp_path / "scan")
    with zipfile.ZipFile(tmp_path / "mixed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in scan.iterdir():
            archive.write(path, f"good/{path.name}")
        archive.writestr("../../outside.dcm", b"x" * 1000)
        archive.writestr("nested.zip", _zeros_zip(2048))
        link = zipfile.ZipInfo("link.dcm")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with serving(tmp_path) as server:
        ada = server.first_administrator()
        case = case_of(ada, pack(tmp_path / "mixed.zip"))
        before = _memory(server)
        done(ada, ada.get(f"/api/cases/{case['id']}/jobs").json()["jobs"][0]["id"])
        [series] = ada.get(f"/api/cases/{case['id']}").json()["inspection"]["series"]
        assert (series["is_usable"], series["frame_count"]) == (True, 22)
        assert _memory(server) - before < 100 * MEBIBYTE
        assert not any("passwd" in path.name or "outside" in path.name for path in server.home.rglob("*"))


def _zeros_zip(megabytes: int) -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros.dcm", "w", force_zip64=True) as member,
    ):
        for _ in range(megabytes):
            member.write(bytes(MEBIBYTE))
    return target.getvalue()


def _memory(server: RunningServer) -> int:
    """Bytes that the server's own processes hold; what a job's child holds is its own affair."""
    assert server.process
    total = 0
    for module in ("plastinate.web.server", "plastinate.engine.dispatch"):
        for number in processes_with(module, under=[server.process.pid]):
            pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            total += pages * os.sysconf("SC_PAGE_SIZE")
    return total
