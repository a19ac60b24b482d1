"""A private temporary folder for one ingest job, and the end of those that killed jobs left behind."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plastinate.model.errors import ScratchFull
from plastinate.model.owner import is_running, machine_mark, own_mark

_NAME = re.compile(r"plastinate-([0-9a-f]{8})-([0-9]{1,9})-")


@contextmanager
def private_folder(place: Path | None = None) -> Iterator[str]:
    """A folder that is gone when the block ends; after `kill -9`, when the next job of this user begins.

    Args:
        place: where it is made; by default where all temporary files lie.
    """
    place = place or Path(tempfile.gettempdir())
    clear_abandoned(place)
    with tempfile.TemporaryDirectory(prefix=f"plastinate-{own_mark()}-", dir=place) as folder:
        yield folder


@contextmanager
def written(target: Path) -> Iterator[Callable[[bytes], object]]:
    """A new file to write blocks into. A disk without room is told from a damaged source.

    Yields:
        What takes a block.

    Raises:
        ScratchFull: there is no room for it.
    """
    try:
        with target.open("xb") as file:
            yield file.write
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ScratchFull from error
        raise


def clear_abandoned(place: Path) -> None:
    """Remove the folders of this user's jobs on this machine whose process is dead.

    Args:
        place: where temporary folders are made; other people's are left alone.
    """
    try:
        entries = [entry for entry in os.scandir(place) if _NAME.match(entry.name)]
    except OSError:
        return
    for entry in entries:
        found = _NAME.match(entry.name)
        if found is None or found[1] != machine_mark() or is_running(int(found[2])):
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            # Another job, started at the same moment, cleared it first.
            continue
        if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid():
            shutil.rmtree(entry.path, ignore_errors=True)
