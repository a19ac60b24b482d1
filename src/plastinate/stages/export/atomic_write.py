"""Bytes in, a whole file or none out: nothing half-written ever bears a final name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from plastinate.model.errors import CannotWrite

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than this system or its limits allow",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "the folder does not exist",
    errno.ENOTDIR: "part of the path is a file, not a folder",
    errno.EISDIR: "there is a folder of that name",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reports an error",
}


class HashingFile:
    """A file being written, with the SHA-256 of what went into it.

    Attributes:
        byte_count: bytes written so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.byte_count = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes."""
        view = memoryview(data).cast("B")
        self._digest.update(view)
        written = 0
        while written < len(view):
            written += self._stream.write(view[written:])
        self.byte_count += len(view)
        return len(view)

    def tell(self) -> int:
        """Bytes written so far: the stream only ever grows."""
        return self.byte_count

    def flush(self) -> None:
        """Hand what was written to the system."""
        self._stream.flush()

    @property
    def sha256(self) -> str:
        """The hash of everything written so far, as hexadecimal digits."""
        return self._digest.hexdigest()


def reason_of(error: OSError) -> str:
    """What a failed write means, in words."""
    return REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[HashingFile]:
    """Open `path` for writing; it appears under its name only when the block ends well.

    The bytes go to a hidden file in the same folder (so that the last step is a
    rename within one file system), are forced to the disk, and the hidden file
    takes the final name. On any error, Ctrl-C included, the hidden file is removed
    and an older file of that name is left as it was.

    Raises:
        CannotWrite: the system refused; the reason in words.
    """
    path = Path(path)
    hidden = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        with hidden.open("wb") as stream:
            yield (written := HashingFile(cast(BinaryIO, stream)))
            written.flush()
            os.fsync(stream.fileno())
        hidden.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove(hidden)
        raise CannotWrite(str(path), reason_of(error)) from error
    except BaseException:
        _remove(hidden)
        raise


def write_bytes(path: Path, data: bytes | memoryview) -> str:
    """Write a whole file at once.

    Returns:
        The SHA-256 of the bytes.

    Raises:
        CannotWrite: the system refused.
    """
    with writing(path) as stream:
        stream.write(data)
    return stream.sha256


def make_folder(folder: Path) -> Path:
    """Make a folder and its parents where they are missing.

    Raises:
        CannotWrite: the system refused.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(str(folder), reason_of(error)) from error
    return folder


def _remove(hidden: Path) -> None:
    with contextlib.suppress(OSError):
        hidden.unlink()


def _sync_folder(folder: Path) -> None:
    # Without this a power cut may forget the rename; some file systems cannot do it.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
