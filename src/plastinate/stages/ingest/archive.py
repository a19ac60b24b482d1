"""A zip -> numbered files in a private folder, inflated and counted byte by byte.

Nothing in a zip's directory is believed: what may be unpacked is decided before
(`zip_directory.py`), sizes are counted while inflating, and names are words for
sentences and never paths.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from plastinate.model.errors import TooLarge, UnsafeArchive
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.few import FewFindings
from plastinate.stages.ingest.limits import RATIO_MATTERS_BYTES, Limits
from plastinate.stages.ingest.words import safe
from plastinate.stages.ingest.workspace import written
from plastinate.stages.ingest.zip_directory import Refusal, open_zip, refusals

BLOCK_BYTES = 1 << 20
# Reading a directory takes up to a second; an input with more archives that are refused was made to do harm.
REFUSED_ARCHIVES_MAX = 100
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError)
DAMAGED = (*UNREADABLE, zlib.error, EOFError, RuntimeError)


@dataclass
class Unpacking:
    """The running count over every archive of one input: what the caps are held against."""

    workspace: Path
    limits: Limits
    files: int = 0
    members: int = 0
    inflated_bytes: int = 0
    refused_archives: int = 0
    findings: FewFindings = field(default_factory=FewFindings)

    def new_file(self) -> Path:
        """A path of our own for the next member; no name from outside gets in."""
        self.files += 1
        return self.workspace / f"{self.files:06d}"

    def count(self, amount: int, *, name: str) -> None:
        """Add bytes that were just inflated.

        Raises:
            TooLarge: the input unpacks to more than it may.
        """
        self.inflated_bytes += amount
        self.require_room(0, name=name)

    def require_room(self, amount: int, *, name: str) -> None:
        """Refuse what would unpack to more than the input may, before it is inflated.

        Raises:
            TooLarge: it would.
        """
        reached = self.inflated_bytes + amount
        if reached > self.limits.inflated_bytes:
            raise TooLarge(name, "the unpacked size in bytes", value=reached, cap=self.limits.inflated_bytes)

    def count_members(self, amount: int, *, name: str) -> None:
        """Add the members of an archive that is about to be unpacked.

        Raises:
            TooLarge: it holds more than an archive may, or the input more than it may.
        """
        for value, cap in ((amount, self.limits.zip_members), (self.members + amount, self.limits.files)):
            if value > cap:
                raise TooLarge(name, "the number of files in the archive", value=value, cap=cap)
        self.members += amount

    def require_patience(self, *, name: str) -> None:
        """Refuse an archive unopened, once many were opened in vain.

        Raises:
            UnsafeArchive: they were.
        """
        if self.refused_archives >= REFUSED_ARCHIVES_MAX:
            raise UnsafeArchive(name, "too many archives beside it could not be unpacked")

    def take_back(self, target: Path, reached: int) -> None:
        """Undo the inflating of a file that is not kept: its bytes since `reached`, its room on the disk."""
        target.unlink(missing_ok=True)
        self.inflated_bytes = reached


def unpack(path: Path, *, name: str, depth: int, state: Unpacking) -> Iterator[tuple[Path, str]]:
    """Inflate a zip's members one by one into numbered files.

    A member that is damaged, linked, encrypted, a bomb or part of one costs only
    itself, and a bomb is not even inflated.

    Args:
        path: the archive.
        name: what to call it in sentences.
        depth: 1 for the input itself, 2 for an archive inside it.
        state: counts and findings, over all archives of the input.

    Yields:
        (path of the unpacked file, its name for sentences).

    Raises:
        UnsafeArchive: nested too deep, not readable as a zip, or nothing in it but bombs.
        TooLarge: more members than allowed, or nothing in it that stays within the caps.
        ScratchFull: the disk has no room.
    """
    limits = state.limits
    if depth > limits.archive_depth:
        raise UnsafeArchive(name, f"archives are nested more than {limits.archive_depth} deep")
    state.require_patience(name=name)
    refused: list[TooLarge | UnsafeArchive] = []
    count = 0
    try:
        with open_zip(path, name=name) as archive:
            members = archive.infolist()
            state.count_members(len(members), name=name)
            left_out = refusals(members, packed_bytes=max(path.stat().st_size, 1), limits=limits)
            for number, member in enumerate(members):
                if member.is_dir():
                    continue
                label = f"{name}/{safe(member.filename, longest=120)}"
                try:
                    target = _unpacked(archive, member, left_out.get(number), label=label, state=state)
                except (TooLarge, UnsafeArchive) as error:
                    refused.append(error)
                    continue
                if target is not None:
                    count += 1
                    yield target, label
    except UNREADABLE as error:
        raise UnsafeArchive(name, f"it cannot be read as a zip ({_words(error)})") from error
    if refused and count == 0:
        # Nothing else was in it: its own reason says more than that no image was found.
        raise refused[0]
    state.findings.extend(_left_out(error.path, error.sentence) for error in refused)


def _unpacked(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    refusal: Refusal | None,
    *,
    label: str,
    state: Unpacking,
) -> Path | None:
    """Inflate one member; None where it is left out, with its finding.

    Raises:
        UnsafeArchive: it is a bomb.
        TooLarge: it does not fit into what the input may unpack to.
    """
    if refusal is not None and refusal.is_bomb:
        raise UnsafeArchive(label, refusal.reason)
    if refusal is not None:
        state.findings.append(_skipped(label, refusal.reason))
        return None
    state.require_room(member.file_size, name=label)
    target, reached = state.new_file(), state.inflated_bytes
    try:
        with archive.open(member) as source:
            _inflate(source, target, label=label, state=state)
    except BaseException as error:
        state.take_back(target, reached)
        if not isinstance(error, DAMAGED):
            raise
        state.findings.append(_skipped(label, f"it is damaged ({_words(error)})"))
        return None
    return target


def _inflate(source: IO[bytes], target: Path, *, label: str, state: Unpacking) -> None:
    """Write one member, counting what really comes out."""
    with written(target) as sink:
        while block := source.read(BLOCK_BYTES):
            state.count(len(block), name=label)
            sink(block)


def gunzip(path: Path, *, name: str, state: Unpacking) -> Path:
    """Inflate a gzip file into a numbered file, under the same caps as a zip.

    Raises:
        UnsafeArchive: beyond the ratio.
        TooLarge: beyond the size.
        ScratchFull: the disk has no room.
        zlib.error, EOFError: damaged.
    """
    state.require_patience(name=name)
    ratio = state.limits.inflation_ratio
    most = max(RATIO_MATTERS_BYTES, ratio * path.stat().st_size)
    target, reached = state.new_file(), state.inflated_bytes
    engine = zlib.decompressobj(wbits=31)
    try:
        with path.open("rb") as source, written(target) as sink:
            while block := source.read(1 << 16):
                for piece in inflated(engine, block):
                    state.count(len(piece), name=name)
                    if state.inflated_bytes - reached > most:
                        raise UnsafeArchive(name, f"it unpacks to more than {ratio} times its size")
                    sink(piece)
        if not engine.eof:
            raise EOFError("it ends too early")
    except BaseException:
        state.take_back(target, reached)
        raise
    return target


def inflated(engine: zlib._Decompress, block: bytes) -> Iterator[bytes]:
    """What `block` inflates to, in pieces of bounded size."""
    while block and not engine.eof:
        yield engine.decompress(block, BLOCK_BYTES)
        block = engine.unconsumed_tail


def _words(error: Exception) -> str:
    return safe(str(error), longest=80) or "it ends too early"


def _skipped(label: str, reason: str) -> Finding:
    return _left_out(label, f"{label} inside the archive could not be used: {reason}.")


def _left_out(label: str, sentence: str) -> Finding:
    return Finding(
        "ingest.archive-member",
        "problem",
        sentence,
        "It was left out; the other files are not affected.",
        {"file": label},
    )
