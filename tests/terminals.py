"""A command at a terminal of its own, where somebody types when they are asked.

said, status = at_a_terminal(["plastinate", "login", url], ["me@example.org", "password"], environment=...)
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

PATIENCE_S = 60.0


def at_a_terminal(
    command: Sequence[str], answers: Sequence[str], *, environment: Mapping[str, str]
) -> tuple[str, int]:
    """Run it, answering each question when it has come; what the screen shows, and the status."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        list(command),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=dict(environment),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    said, left, deadline = "", list(answers), time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.05)[0]:
                said += os.read(master, 65536).decode(errors="replace")
            elif process.poll() is not None:
                break
            # A password is asked for with the echo off, and what was typed before that is thrown away.
            elif left and said.rstrip().endswith(":") and (len(left) > 1 or not _echoes(slave)):
                os.write(master, f"{left.pop(0)}\n".encode())
                said += "\n"
        return said, process.wait(timeout=max(0.1, deadline - time.monotonic()))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
        os.close(slave)


def _echoes(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
