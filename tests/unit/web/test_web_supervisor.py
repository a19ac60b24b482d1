"""The processes of a server are started, watched, started again and stopped together."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plastinate.model.case_errors import ServerEnded
from plastinate.web import supervisor
from plastinate.web.supervisor import Part, supervise

STAYS = "import time; open({mark!r}, 'a').write('x'); time.sleep(600)"
DEADLINE_S = 20.0


class Stop(Exception):
    """Stands for the signal that ends the server."""


def part(code: str, name: str = "part") -> Part:
    return Part(name, [sys.executable, "-c", code])


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def run(parts: list[Part], meanwhile: Callable[[], None]) -> list[str]:
    """Supervise until `meanwhile`, which runs beside it, has ended; what happened."""
    heard: list[str] = []
    ready, tells = os.pipe()
    os.write(tells, b"+")

    def interrupt() -> None:
        until(lambda: "ready" in heard)
        meanwhile()
        os.kill(os.getpid(), signal.SIGUSR1)

    def stop(number: int, frame: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, stop)
    beside = threading.Thread(target=interrupt)
    beside.start()
    try:
        supervise(parts, environment=os.environ, ready=ready, on_ready=lambda: heard.append("ready"))
    except Stop:
        heard.append("stopped")
    finally:
        beside.join()
        signal.signal(signal.SIGUSR1, before)
        os.close(ready)
        os.close(tells)
    return heard


def test_a_stop_ends_every_part(tmp_path: Path):
    marks = [tmp_path / "a", tmp_path / "b"]
    parts = [part(STAYS.format(mark=str(mark))) for mark in marks]
    numbers: list[int] = []

    def both_run() -> None:
        until(lambda: all(length(mark) for mark in marks))
        numbers.extend(each.process.pid for each in parts if each.process)

    assert run(parts, both_run) == ["ready", "stopped"]
    assert len(numbers) == 2
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_a_part_that_is_killed_starts_again(tmp_path: Path):
    mark = tmp_path / "mark"
    one = part(STAYS.format(mark=str(mark)))

    def kill_it() -> None:
        until(lambda: length(mark) == 1)
        assert one.process
        one.process.kill()
        until(lambda: length(mark) == 2)

    assert run([one], kill_it) == ["ready", "stopped"]
    assert mark.read_text() == "xx"


def test_a_part_that_never_stays_ends_the_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_S", 0.01)
    ready, tells = os.pipe()
    os.write(tells, b"+")
    with pytest.raises(ServerEnded) as raised:
        supervise(
            [part("raise SystemExit(3)", "dispatcher")],
            environment=os.environ,
            ready=ready,
            on_ready=lambda: None,
        )
    assert raised.value.status == 3
    assert "dispatcher" in raised.value.sentence


def test_a_part_that_dies_before_the_server_was_ready_ends_it_at_once(tmp_path: Path):
    mark = tmp_path / "mark"
    ready, _ = os.pipe()
    code = f"open({str(mark)!r}, 'a').write('x'); raise SystemExit(4)"
    with pytest.raises(ServerEnded):
        supervise([part(code)], environment=os.environ, ready=ready, on_ready=lambda: None)
    assert mark.read_text() == "x"


def test_a_part_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervisor, "PATIENCE_S", 0.3)
    mark = tmp_path / "mark"
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAYS.format(mark=str(mark))
    assert run([part(deaf)], lambda: until(lambda: length(mark) == 1)) == ["ready", "stopped"]


def test_children_of_a_part_end_with_it(tmp_path: Path):
    child = tmp_path / "child"
    code = (
        "import subprocess, sys, time; "
        f"p = subprocess.Popen([sys.executable, '-c', {'import time; time.sleep(600)'!r}]); "
        f"open({str(child)!r}, 'w').write(str(p.pid)); time.sleep(600)"
    )
    watched: list[int] = []

    def grown() -> None:
        until(lambda: length(child) > 0)
        watched.append(os.pidfd_open(int(child.read_text())))

    run([part(code)], grown)
    assert select.select(watched, [], [], DEADLINE_S)[0] == watched


def test_a_process_bound_to_its_parent_dies_when_the_parent_is_killed(tmp_path: Path):
    mark = tmp_path / "mark"
    child = (
        "import os, sys, time; from plastinate.model.lifeline import die_with_parent; "
        "die_with_parent(int(sys.argv[1])); "
        f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    )
    code = (
        "import os, subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        until(lambda: length(mark) > 0)
        watched = os.pidfd_open(int(mark.read_text()))
        parent.kill()
        assert select.select([watched], [], [], DEADLINE_S)[0] == [watched]


def test_a_process_whose_parent_has_gone_already_does_not_begin():
    code = "from plastinate.model.lifeline import die_with_parent; die_with_parent(1 << 21); print('went on')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (137, "")
