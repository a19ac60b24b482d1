#!/usr/bin/env python3
"""A running archive in a folder -> a dated copy of it, whose rows and files belong together.

    python3 backup.py /var/lib/plastinate /mnt/backup

Files are copied before the rows and again after them. A file that a row of the copy names was there when
the rows were copied: the first pass has it, or it is so new that the server's sweep leaves it alone for a
day, and the second pass has it. What the copy before has is linked and not copied, so each copy is whole
and costs only what is new; to forget old ones, delete their folders. Needs only the standard library.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

UNFINISHED = ".unfinished"
BLOCK_BYTES = 1 << 20


def back_up(home: Path, copies: Path) -> tuple[Path, list[str]]:
    """Make one copy.

    Args:
        home: folder of the archive.
        copies: folder of the copies; another disk, best on another machine.

    Returns:
        The copy, and the names of files whose content is not what their name says.
    """
    copies.mkdir(mode=0o700, parents=True, exist_ok=True)
    earlier = max(copies.glob("20*"), default=None)
    fresh = copies / UNFINISHED
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "files").mkdir(mode=0o700, parents=True)
    damaged = _copy_files(home, fresh, earlier)
    _copy_rows(home / "plastinate.db", fresh / "plastinate.db")
    damaged += _copy_files(home, fresh, earlier)
    if (home / "secret-key").exists():
        shutil.copy2(home / "secret-key", fresh / "secret-key")
    os.sync()
    named = copies / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%f}"
    fresh.rename(named)
    return named, damaged


def _stored(files: Path) -> Iterator[Path]:
    """Every stored file, ab/cd/SHA-256, relative to the folder."""
    for path in files.glob("??/??/*"):
        yield path.relative_to(files)


def _copy_files(home: Path, fresh: Path, earlier: Path | None) -> list[str]:
    """Take what the copy has not got yet; the names of those that are damaged."""
    damaged = []
    for name in _stored(home / "files"):
        target = fresh / "files" / name
        if target.exists() or target.with_suffix(".damaged").exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if earlier is not None and (earlier / "files" / name).exists():
            os.link(earlier / "files" / name, target)
            continue
        try:
            digest = _copy(home / "files" / name, target)
        except FileNotFoundError:
            # Deleted for good since the folder was listed.
            continue
        if digest != name.name:
            # Under another name, so that the next copy does not take it for the true one.
            target.rename(target.with_suffix(".damaged"))
            damaged.append(str(home / "files" / name))
    return damaged


def _copy(source: Path, target: Path) -> str:
    """Copy a file and hash what was read."""
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("xb") as writing:
        while block := reading.read(BLOCK_BYTES):
            digest.update(block)
            writing.write(block)
    target.chmod(0o400)
    return digest.hexdigest()


def _copy_rows(source: Path, target: Path) -> None:
    """The database as it is at one moment; whoever writes to it meanwhile does not wait."""
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=60)) as rows:
        rows.execute("VACUUM INTO ?", (str(target),))


def main() -> int:
    """Make one copy and say where it is."""
    parser = argparse.ArgumentParser(description="Copy a running archive.")
    parser.add_argument("home", type=Path, help="folder of the archive, PLASTINATE_HOME")
    parser.add_argument("copies", type=Path, help="folder of the copies")
    given = parser.parse_args()
    os.umask(0o077)
    named, damaged = back_up(given.home, given.copies)
    print(named)
    for path in damaged:
        print(f"damaged: {path} is not what its name says", file=sys.stderr)
    return 1 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
