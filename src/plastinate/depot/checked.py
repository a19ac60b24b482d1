"""A file and its pinned SHA-256 flow in, whether they agree comes out: read once, then known by its date."""

from __future__ import annotations

import hashlib
from pathlib import Path

# Path -> (its size, date and number, and the SHA-256 that these bytes had), in this process.
_known: dict[Path, tuple[tuple[int, int, int], str]] = {}


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_pinned(path: Path, sha256: str) -> bool:
    """Whether a file is there and has the pinned bytes.

    It is read whole the first time, and again whenever its size, date or number changes.
    """
    try:
        about = path.stat()
        stamp = (about.st_size, about.st_mtime_ns, about.st_ino)
        known = _known.get(path)
        if known is None or known[0] != stamp:
            known = (stamp, file_sha256(path))
            _known[path] = known
    except OSError:
        return False
    return known[1] == sha256
