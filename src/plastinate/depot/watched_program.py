"""A program that downloads into a folder flows in, how far it is comes out while it works."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from plastinate.model.errors import DownloadFailed

PROGRAM_SECONDS = 1800
LOOK_AGAIN_S = 0.1
PATIENCE_S = 5.0


def run_watched(
    command: list[str],
    what: str,
    into: Path,
    *,
    size_bytes: int,
    progress: Callable[[int, int], None],
    reason: Callable[[list[str]], str],
) -> None:
    """Run a program that downloads one file, and tell how much of it lies in its folder so far.

    Args:
        command: fixed words and pinned names; no shell sees it.
        what: the file that is fetched, for messages.
        into: the program's own folder: it works there, and collects its bytes there.
        size_bytes: of the file.
        progress: told (bytes so far, bytes in all); what it raises ends the program.
        reason: what the program said, line by line -> why it failed.

    Raises:
        DownloadFailed: it failed.
        OSError: the disk is full.
    """
    said = into / "said.txt"
    # Its temporary files lie on the disk of the cache, and are cleared together with the folder.
    environment = {**os.environ, "TMPDIR": str(into)}
    tied = [sys.executable, "-m", "plastinate.depot.tied_program", str(os.getpid()), str(into), *command]
    with said.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - fixed words and a pinned name, no shell
            tied, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
    try:
        ends_at = time.monotonic() + PROGRAM_SECONDS
        while process.poll() is None:
            if time.monotonic() > ends_at:
                raise DownloadFailed(what, f"it took longer than {PROGRAM_SECONDS // 60} minutes")
            progress(min(_largest_bytes(into), size_bytes), size_bytes)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_AGAIN_S)
    finally:
        _end(process)
    if process.returncode != 0:
        text = said.read_text(encoding="utf-8", errors="replace")
        if "No space left on device" in text or "ENOSPC" in text:
            raise OSError(28, "No space left on device")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        words = reason(lines) or f"the program that fetches ended with status {process.returncode}"
        raise DownloadFailed(what, words.rstrip("."))


def _largest_bytes(folder: Path) -> int:
    largest = 0
    for where, _, names in os.walk(folder):  # which passes over what is moved while it looks
        for name in names:
            with contextlib.suppress(OSError):
                largest = max(largest, (Path(where) / name).stat().st_size)
    return largest


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
