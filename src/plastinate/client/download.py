"""The list of a build's files flows in, the files themselves come out, each proven by its SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from plastinate.client.connection import Server
from plastinate.model.case_errors import ServerRefused, ServerUnreachable
from plastinate.model.errors import CannotWrite
from plastinate.stages.export.atomic_write import reason_of
from plastinate.stages.export.formats import FORMATS

BLOCK = 1 << 20
# Goes with every choice of formats: a model without it does not say how far to trust it.
ALWAYS = ("certificate.html", "certificate.json")

Progress = Callable[[int, int, str], None]


def chosen(files: Sequence[Mapping[str, Any]], formats: Sequence[str]) -> list[Mapping[str, Any]]:
    """The files of these formats, and the certificate; without formats all files.

    >>> names = ({"name": "scene.glb"}, {"name": "models/heart.stl"}, {"name": "certificate.json"})
    >>> [each["name"] for each in chosen(names, ["stl"])]
    ['models/heart.stl', 'certificate.json']
    """
    if not formats:
        return list(files)
    suffixes = tuple(FORMATS[name].suffix for name in formats) + ((".mtl",) if "obj" in formats else ())
    return [each for each in files if each["name"].endswith(suffixes) or each["name"] in ALWAYS]


def download(
    server: Server, files: Sequence[Mapping[str, Any]], folder: Path, *, progress: Progress | None = None
) -> list[Path]:
    """Fetch files into a folder. What is there already with the right hash is left as it is.

    Args:
        server: with a token.
        files: `name`, `size`, `sha256` and `url` of each, as the server lists them.
        folder: made where it is missing.
        progress: called with bytes done, bytes in all, and the name.

    Raises:
        ServerRefused: the server gave other bytes than it promised, or a name that leads out of the folder.
        CannotWrite: the disk refuses.
    """
    total, done, written = sum(int(each["size"]) for each in files), 0, []
    for each in files:
        target = _target(folder, str(each["name"]))
        tell = partial(_tell, progress, done, total, str(each["name"]))
        with _refusing_in_words(target):
            is_there = _is_there(target, each)
        if not is_there:
            _fetch(server, each, target, tell)
        tell(int(each["size"]))
        done += int(each["size"])
        written.append(target)
    return written


def _tell(progress: Progress | None, before: int, total: int, name: str, count: int) -> None:
    if progress:
        progress(before + count, total, name)


def _target(folder: Path, name: str) -> Path:
    """Where a file goes. The server is not believed about places outside the folder."""
    parts = PurePosixPath(name).parts
    # A colon names a drive or a hidden stream of a file where there are such.
    is_sound = parts and not name.startswith("/") and name.isprintable() and not set(name) & set("\\:")
    if not is_sound or any(part in ("..", ".") or part.startswith(".") for part in parts):
        raise ServerRefused(f"The server names a file {name[:100]!r}, which is no place in a folder.")
    return folder.joinpath(*parts)


def _is_there(target: Path, promised: Mapping[str, Any]) -> bool:
    if not target.is_file() or target.stat().st_size != promised["size"]:
        return False
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == str(promised["sha256"])


def _fetch(server: Server, promised: Mapping[str, Any], target: Path, tell: Callable[[int], None]) -> None:
    part = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    # Of the address only the path: the token goes to the server that was signed in to, and to no other.
    path = urllib.parse.urlsplit(str(promised["url"])).path
    try:
        with _refusing_in_words(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = part.open("wb")
        with stream, server.open("GET", path) as response:
            digest, count = hashlib.sha256(), 0
            while (block := response.read(BLOCK)) and count <= promised["size"]:
                digest.update(block)
                count += len(block)
                # Inside, a disk that refuses would be taken for a server that went away.
                with _refusing_in_words(target):
                    stream.write(block)
                tell(count)
        if count < promised["size"]:
            raise ServerUnreachable(server.url, f"the connection broke off within {promised['name']}")
        if digest.hexdigest() != promised["sha256"]:
            raise ServerRefused(f"{promised['name']} arrived with other bytes than the server lists.")
        with _refusing_in_words(target):
            part.replace(target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


@contextmanager
def _refusing_in_words(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(str(target), reason_of(error)) from error
