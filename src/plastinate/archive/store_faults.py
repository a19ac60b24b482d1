"""What a disk or a store says when it refuses -> StoreFull or StoreFailed, in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from plastinate.model.case_errors import StoreFailed, StoreFull

FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def store_faults() -> Iterator[None]:
    """Name what goes wrong inside the block.

    Raises:
        StoreFull: the disk or the quota is used up.
        StoreFailed: anything else that a file system or an object store says.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreFull from error
        raise StoreFailed(_first_line(error.strerror or str(error) or type(error).__name__)) from error
    except BaseError as error:
        raise StoreFailed(_first_line(str(error) or type(error).__name__)) from error


def _first_line(words: str) -> str:
    lines = words.strip().splitlines() or ["it says nothing"]
    return lines[0].strip().rstrip(".")[:200]
