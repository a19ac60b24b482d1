"""An output folder -> what an earlier build has left there, as the certificate in it lists it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

CERTIFICATE = "certificate.json"
FORMAT = "plastinate-certificate/"
# Written beside every certificate; it cannot list them, for it is a part of them or they are made after it.
BESIDE = ("certificate.html", "run.json", "preview.png")
# A whole body's is a tenth of it.
BYTES_MAX = 16_000_000


def former_files(target: Path) -> tuple[str, ...]:
    """The files of the build whose certificate lies in `target`: relative names, the certificate last.

    Only what the certificate lists and what has the SHA-256 that stands there: a file that somebody else put
    there, or has changed since, is not among them, and nothing outside the folder is.
    """
    certificate = _certificate(target / CERTIFICATE)
    if certificate is None:
        return ()
    listed = certificate.get("outputs")
    outputs = listed if isinstance(listed, dict) else {}
    ours = [
        name for name, digest in outputs.items() if _is_within(target, name) and _has(target, name, digest)
    ]
    beside = [name for name in BESIDE if _is_within(target, name)]
    return (*sorted({*ours, *beside} - {CERTIFICATE}), CERTIFICATE)


def _certificate(path: Path) -> Mapping[str, Any] | None:
    try:
        if path.is_symlink() or path.stat().st_size > BYTES_MAX:
            return None
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    is_one = isinstance(found, dict) and str(found.get("format", "")).startswith(FORMAT)
    return found if is_one else None


def _is_within(target: Path, name: str) -> bool:
    """Whether it names a plain file below the folder, reached through no link."""
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or "\0" in name or PurePosixPath(name).is_absolute():
        return False
    places = [target.joinpath(*parts[: number + 1]) for number in range(len(parts))]
    return not any(place.is_symlink() for place in places) and places[-1].is_file()


def _has(target: Path, name: str, digest: object) -> bool:
    try:
        with (target / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False
