from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from plastinate.stages.ingest.workspace import clear_abandoned, private_folder

HOLD = """
from plastinate.stages.ingest.workspace import private_folder
with private_folder() as folder:
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_the_folder_of_a_killed_job_goes_when_the_next_begins(place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as job:
        assert job.stdout is not None
        left = Path(job.stdout.readline().strip())
        (left / "patient").write_text("inflated")
        with private_folder() as mine:
            assert left.is_dir(), "its job still runs"
            assert Path(mine).is_dir()
        job.send_signal(signal.SIGKILL)
    assert left.parent == place
    assert left.is_dir()
    with private_folder() as mine:
        assert [str(entry) for entry in place.iterdir()] == [mine]
    assert list(place.iterdir()) == []


def test_what_is_not_a_dead_job_of_this_machine_stays(place: Path) -> None:
    with private_folder() as mine:
        machine = Path(mine).name.split("-")[1]
    dead = f"plastinate-{machine}-999999999-x"
    (place / "elsewhere").mkdir()
    (place / dead).symlink_to(place / "elsewhere")
    (place / "plastinate-00000000-999999999-x").mkdir()
    (place / f"plastinate-{machine}-{os.getpid()}-x").mkdir()
    (place / "plastinate-sample").mkdir()
    before = sorted(place.iterdir())
    clear_abandoned(place)
    assert sorted(place.iterdir()) == before
    (place / dead).unlink()
    (place / dead).mkdir()
    clear_abandoned(place)
    assert not (place / dead).exists()
