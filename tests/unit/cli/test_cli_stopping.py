"""The first signal ends the work politely; the second ends a process that cannot listen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from job_rig import eventually
from plastinate.cli.stopping import SAME_WISH_S

# One call of C that takes many seconds without Python's lock, as a kernel does.
DEAF = """
import hashlib
from plastinate.cli.stopping import stopping_politely
with stopping_politely():
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 200_000_000)
"""
IDLE = """
import time
from plastinate.cli.stopping import Stopped, stopping_politely
try:
    with stopping_politely():
        print("ready", flush=True)
        time.sleep(30)
except Stopped as stopped:
    time.sleep(0.3)
    print("cleared", stopped.number, flush=True)
"""
IMPORTING = """
import sys, time
from plastinate.cli.stopping import Stopped, stopping_politely
sys.path.insert(0, {folder!r})
try:
    with stopping_politely():
        import slow
        time.sleep(30)
except Stopped as stopped:
    print("imported" if "slow" in sys.modules else "half", stopped.number, flush=True)
"""


def started(program: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_a_second_signal_ends_a_process_deep_in_a_calculation():
    process = started(DEAF)
    calculate(process, 0.3)
    process.send_signal(signal.SIGTERM)
    # Two signals closer together than this mean one.
    calculate(process, SAME_WISH_S + 0.2)
    assert process.poll() is None, "the calculation is over too soon to tell"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM


def calculate(process: subprocess.Popen[str], seconds: float) -> None:
    """Let it go on for so long by its own clock, which stands still while others have the processor."""

    def used() -> float:
        words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    begun = used()
    eventually(lambda: used() - begun > seconds, what="the calculation")


def test_one_signal_lets_the_clearing_up_happen():
    process = started(IDLE)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == f"cleared {int(signal.SIGTERM)}\n"


def test_a_module_that_is_being_imported_is_imported_before_the_work_ends(tmp_path: Path):
    # Stopped half-way an import can keep its lock, and threads beside it wait for ever.
    (tmp_path / "slow.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(0.3)\n")
    process = started(IMPORTING.format(folder=str(tmp_path)))
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == f"imported {int(signal.SIGTERM)}\n"
