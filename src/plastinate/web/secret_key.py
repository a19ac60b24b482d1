"""Settings -> the key that signs sessions: given, or made once and kept in the home for its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from plastinate.settings import Settings

FILE = "secret-key"


def secret_key(settings: Settings) -> str:
    """The key of this archive's sessions, 256 bits; the same one after every start.

    Two servers that start at once agree: the file is linked into place whole, and the second one reads
    what the first has made.
    """
    if settings.secret_key:
        return settings.secret_key
    path = settings.home / FILE
    if not path.exists():
        _make(path)
    return path.read_text(encoding="ascii").strip()


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = path.with_name(f".{FILE}-{os.getpid()}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
