"""An archive with a small scan, and the processes that do jobs, each of which a test may kill.

rig = JobRig(tmp_path);  rig.dispatcher();  job = rig.build();  rig.kill(...);  rig.ended(job)
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from phantom_grid import PLAIN
from phantom_series import write_series
from phantoms import sphere
from plastinate.archive import jobs
from plastinate.archive.archive import Archive, open_archive
from plastinate.archive.tables import Build, Case, Job
from plastinate.engine.attempt import run_attempt
from plastinate.services.access import SYSTEM
from plastinate.services.cases import keep_case, read_case
from plastinate.services.jobs import cancel_job, queue_build
from plastinate.settings import Settings, read_settings

T = TypeVar("T")
WISH: dict[str, Any] = {"threshold": [500.0, 3000.0], "any_modality": True}
# Time and memory stand in these two, and differ between any two runs.
DIFFERS = {"run.json", "certificate.html"}
CHILD = "plastinate.engine.child"


def eventually(look: Callable[[], T], *, within_s: float = 60.0, what: str = "it") -> T:
    """What `look` gives once that is true; fails after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within_s:g} s")
        time.sleep(0.02)


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def phantom_zip(path: Path, *, voxel_mm: float = 1.0) -> Path:
    """A ball, scanned; smaller voxels make more work."""
    folder = path.with_suffix("")
    write_series(sphere(), folder, replace(PLAIN, spacing_mm=(voxel_mm,) * 3))
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path


def processes_with(words: str, *, under: Sequence[int] = ()) -> list[int]:
    """Processes whose command line holds these words, below the given ones (or anywhere)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words in line and (not under or set(_ancestors(int(entry.name))) & set(under)):
                found.append(int(entry.name))
    return found


def _ancestors(process: int) -> Iterator[int]:
    while process > 1:
        with suppress(OSError, ValueError):
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()[1])
            yield process
            continue
        return


class JobRig:
    """Everything of one archive; `close` ends what was started."""

    def __init__(self, folder: Path, *, scan: Path | None = None, **settings: Any) -> None:
        self.folder = folder
        self.settings: Settings = read_settings(
            {}, **{"home": folder / "home", "lease_seconds": 6, "workers": 1, **settings}
        )
        self.archive: Archive = open_archive(self.settings)
        self.scan = scan or phantom_zip(folder / "scan.zip")
        self.started: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        for process in reversed(self.started):
            self.kill(process)
        self.archive.close()

    def build(self, *, resources: dict[str, Any] | None = None, **wish: Any) -> str:
        """A new case and a build job for it; its id."""
        case = keep_case(self.archive, owner_id=None, title="phantom", files=[("scan.zip", self.scan)])
        with self.archive.database.write() as session:
            # The first look is another job, and not what these tests are about.
            for job in jobs.jobs_of_case(session, case.id):
                session.delete(job)
        with self.archive.database.write() as session:
            made = session.get(Case, case.id)
            assert made is not None
            job = queue_build(session, made, person_id=None, request={**WISH, **wish})
            job.resources = resources or {}
            return job.id

    def job(self, job_id: str) -> Job:
        with self.archive.database.read() as session:
            found = jobs.job(session, job_id)
        assert found is not None
        return found

    def until(self, job_id: str, *states: str, within_s: float = 60.0) -> Job:
        def look() -> Job | None:
            job = self.job(job_id)
            return job if job.state in states else None

        return eventually(look, within_s=within_s, what=f"{states} of job {job_id}")

    def ended(self, job_id: str, *, within_s: float = 90.0) -> Job:
        return self.until(job_id, "done", "failed", "cancelled", within_s=within_s)

    def cancel(self, job_id: str) -> None:
        cancel_job(self.archive, SYSTEM, job_id)

    def child(self, *, within_s: float = 30.0) -> int:
        """The process that does the job just now."""
        roots = [process.pid for process in self.started]
        return eventually(lambda: processes_with(CHILD, under=roots), within_s=within_s, what="a child")[0]

    def hashes(self, job_id: str) -> dict[str, str]:
        """Name -> SHA-256 of the one build that a job made, without what differs between any two runs."""
        with self.archive.database.read() as session:
            (build,) = session.scalars(select(Build).where(Build.job_id == job_id))
            assert all(self.archive.files.exists(file.sha256) for file in build.files)
            return {file.name: file.sha256 for file in build.files if file.name not in DIFFERS}

    def scratch_folders(self) -> list[str]:
        """The folders of attempts."""
        return sorted(path.name for path in (self.settings.home / "scratch").glob("plastinate-*"))

    def start(self, *command: str, before: Sequence[str] = (), **environment: str) -> subprocess.Popen[bytes]:
        """Start `python COMMAND`; its words go to a file beside the archive."""
        log = (self.folder / f"process-{len(self.started)}.log").open("wb")
        process = subprocess.Popen(
            [*before, sys.executable, "-P", *command],
            env={**os.environ, **self.settings.environment(), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.started.append(process)
        return process

    def dispatcher(self, **environment: str) -> subprocess.Popen[bytes]:
        return self.start("-m", "plastinate.engine.dispatch", **environment)

    def scheduler(self, address: str, *, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        host, port = address.removeprefix("tcp://").split(":")
        options = ["--host", host, "--port", port, "--dashboard-address", f"{host}:0"]
        return self.start("-m", "distributed.cli.dask_scheduler", *options, before=before)

    def worker(
        self, name: str, *options: str, before: Sequence[str] = (), **environment: str
    ) -> subprocess.Popen[bytes]:
        command = ["-m", "plastinate.cli.main", "worker", "--name", name, *options]
        return self.start(*command, before=before, **environment)

    def kill(self, process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
        """Signal one process, and it alone; a killed one is buried."""
        with suppress(ProcessLookupError):
            process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait(timeout=30)


@contextmanager
def job_rig(folder: Path, **settings: Any) -> Iterator[JobRig]:
    rig = JobRig(folder, **settings)
    try:
        yield rig
    finally:
        rig.close()


def looked_at(rig: JobRig, *files: tuple[str, Path]) -> tuple[Case, Job]:
    """A case of these files after its first look."""
    case = keep_case(rig.archive, owner_id=None, title="", files=files)
    with rig.archive.database.read() as session:
        (look,) = jobs.jobs_of_case(session, case.id)
    run_attempt(look.id, 0, rig.settings.environment())
    return read_case(rig.archive, SYSTEM, case.id), rig.job(look.id)
