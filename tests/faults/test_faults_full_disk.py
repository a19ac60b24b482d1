"""The disk of the archive is full in the middle of a job: it fails and says so, and with room all goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from job_rig import JobRig, job_rig
from plastinate.engine.attempt import run_attempt

pytestmark = pytest.mark.slow
DISK_MB = 24


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, and a small one."""
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts nothing")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, *, but_kb: int) -> Path:
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - but_kb * 1024)
    return filler


def attempt(rig: JobRig, job: str, *, seen: int = 0) -> str:
    return run_attempt(job, seen, rig.settings.environment())


# Room for the database and not for what is unpacked; for that, and not for all the models.
@pytest.mark.parametrize("but_kb", [300, 1200])
def test_a_full_disk_fails_the_job_and_harms_nothing_that_was_kept(disk: Path, but_kb: int):
    with job_rig(disk.parent, home=disk / "home", lease_seconds=60) as rig:
        earlier = rig.build(formats=["stl"])
        assert attempt(rig, earlier) == "done"
        job = rig.build()
        filler = fill(disk, but_kb=but_kb)
        attempt(rig, job)
        failed = rig.job(job)
        assert failed.state == "failed"
        assert failed.error is not None
        assert failed.error["code"] == "system.store-full"
        assert rig.scratch_folders() == []
        for sha256 in rig.hashes(earlier).values():
            assert rig.archive.files.read(sha256)
        filler.unlink()
        again = rig.build()
        assert attempt(rig, again) == "done"
        assert rig.hashes(again)
