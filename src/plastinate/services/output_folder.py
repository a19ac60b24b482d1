"""An output folder that is filled whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plastinate.model.errors import CannotWrite

PARTIAL_PREFIX = ".plastinate-partial-"


@contextmanager
def output_folder(target: Path) -> Iterator[Path]:
    """A folder to write into, whose files appear in `target` only when the block ends well.

    The work happens in a hidden sibling on the same disk, so that each file
    arrives by a rename: after a crash, a full disk or `kill -9` the target holds
    its old files or the new ones, never half of one. A sibling that a killed run
    left behind is cleared by the next run in the same place.

    Args:
        target: the folder people will look into; made if it does not exist.

    Raises:
        CannotWrite: the place is not writable, or the disk is full.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(target)
        partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL_PREFIX}{os.getpid()}-", dir=target))
    except OSError as error:
        raise CannotWrite(str(target), error.strerror or str(error)) from error
    try:
        yield partial
        for source in sorted(path for path in partial.rglob("*") if path.is_file()):
            final = target / source.relative_to(partial)
            final.parent.mkdir(parents=True, exist_ok=True)
            source.replace(final)
    except OSError as error:
        raise CannotWrite(str(target), error.strerror or str(error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _clear_abandoned(target: Path) -> None:
    for leftover in target.glob(f"{PARTIAL_PREFIX}*"):
        owner = leftover.name.removeprefix(PARTIAL_PREFIX).split("-")[0]
        if owner.isdigit() and not _is_running(int(owner)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
