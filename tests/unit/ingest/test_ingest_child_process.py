from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plastinate.stages.ingest.child_process import Ending, TimeIsUp, converse

CHILD = """
import json, os, signal, sys, time
request = json.loads(sys.stdin.buffer.read())
def send(message):
    os.write(request["answer_fd"], json.dumps(message).encode() + b"\\n")
"""


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ending]:
    """Converse with a child that runs these lines."""

    def run(lines: str, **options: Any) -> Ending:
        (tmp_path / "made_up_child.py").write_text(CHILD + lines)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with tempfile.TemporaryFile() as complaints:
            return converse(
                "made_up_child", {}, complaints=complaints.fileno(), **{"wall_seconds": 30, **options}
            )

    return run


def test_progress_is_heard_and_then_the_answer(ask: Callable[..., Ending]):
    heard: list[tuple[int, int, str]] = []
    ending = ask(
        'send({"progress": [1, 2, "half"]}); send({"result": {"sum": 3}})',
        progress=lambda *event: heard.append(event),
    )
    assert heard == [(1, 2, "half")]
    assert ending.answer == {"result": {"sum": 3}}


def test_a_child_knows_no_secret_of_the_server(ask: Callable[..., Ending], monkeypatch: pytest.MonkeyPatch):
    for name in ("PLASTINATE_DATABASE", "PLASTINATE_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "a secret")
    monkeypatch.setenv("PLASTINATE_LIMIT_FILES", "7")
    ending = ask(
        'send({"result": {"told": sorted(v for v in os.environ.values() if v in ("a secret", "7"))}})'
    )
    assert ending.answer == {"result": {"told": ["7"]}}


def test_how_a_child_went_without_an_answer_is_told(ask: Callable[..., Ending]):
    for lines, status in (("sys.exit(5)", 5), ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV)):
        ending = ask(lines)
        assert (ending.answer, ending.status) == (None, status)


def test_a_silent_child_is_looked_after_all_the_same(ask: Callable[..., Ending]):
    class Enough(Exception):
        pass

    pids: list[int] = []
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            raise Enough

    with pytest.raises(Enough):
        ask("time.sleep(60)", tick=tick, tick_seconds=0.05, started=pids.append)
    assert not Path(f"/proc/{pids[0]}").exists()


def test_the_clock_ends_a_child(ask: Callable[..., Ending]):
    pids: list[int] = []
    with pytest.raises(TimeIsUp):
        ask("time.sleep(60)", wall_seconds=0.5, started=pids.append)
    assert not Path(f"/proc/{pids[0]}").exists()


def test_what_a_child_started_ends_with_it(ask: Callable[..., Ending], tmp_path: Path):
    lines = f"""
import subprocess
other = subprocess.Popen(["sleep", "60"])
open({str(tmp_path / "pid")!r}, "w").write(str(other.pid))
send({{"progress": [0, 1, "started"]}})
time.sleep(60)
"""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(lines, progress=stop)
    other = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    # The signal has been sent; the system takes its own moment to end the process.
    deadline = time.monotonic() + 10
    while _is_alive(other) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(other)


def _is_alive(stat: Path) -> bool:
    try:
        return not stat.read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return False
