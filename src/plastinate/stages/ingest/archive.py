"""A zip -> numbered files in a private folder, inflated and counted byte by byte.

Nothing in a zip's directory is believed: sizes are counted while inflating,
names are words for sentences and never paths, and links and encryption are
refused. Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from plastinate.model.errors import LimitError, TooLarge, UnsafeArchive
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.words import safe

BLOCK_BYTES = 1 << 20
# Below this a ratio says nothing: a page of zeros is a thousandfold and harmless.
RATIO_MATTERS_BYTES = 64 << 20
# Each costs up to a second of inflating before it is seen; a zip that holds more of them was made to do harm.
BOMBS_MAX = 8
ENCRYPTED_FLAG = 0x1


@dataclass
class Unpacking:
    """The running count over every archive of one input: what the caps are held against."""

    workspace: Path
    limits: Limits
    files: int = 0
    inflated_bytes: int = 0
    bombs: int = 0
    findings: list[Finding] = field(default_factory=list)

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
        if self.inflated_bytes > self.limits.inflated_bytes:
            raise TooLarge(
                name, "the unpacked size in bytes", value=self.inflated_bytes, cap=self.limits.inflated_bytes
            )

    def refuse(self, target: Path, reached: int) -> None:
        """Take back a member beyond the caps: its file, its bytes since `reached`; one bomb more."""
        target.unlink(missing_ok=True)
        self.inflated_bytes = reached
        self.bombs += 1


def unpack(path: Path, *, name: str, depth: int, state: Unpacking) -> Iterator[tuple[Path, str]]:
    """Inflate a zip's members one by one into numbered files.

    A member that is damaged, linked, encrypted or inflates beyond the caps costs
    only itself. Too many of those, too many members, or too high a ratio over
    all stops the whole archive, for then it was made to do harm.

    Args:
        path: the archive.
        name: what to call it in sentences.
        depth: 1 for the input itself, 2 for an archive inside it.
        state: counts and findings, over all archives of the input.

    Yields:
        (path of the unpacked file, its name for sentences).

    Raises:
        UnsafeArchive: nested too deep, inflated beyond the ratio, or not readable as a zip.
        TooLarge: more members than allowed, or nothing in it that stays within the caps.
    """
    limits = state.limits
    if depth > limits.archive_depth:
        raise UnsafeArchive(name, f"archives are nested more than {limits.archive_depth} deep")
    packed_bytes = max(path.stat().st_size, 1)
    written = 0
    bombs: list[tuple[LimitError, Finding]] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > limits.zip_members:
                raise TooLarge(
                    name, "the number of files in the archive", value=len(members), cap=limits.zip_members
                )
            for member in members:
                if member.is_dir():
                    continue
                label = f"{name}/{safe(member.filename, longest=120)}"
                reason = _refusal(member)
                if reason:
                    state.findings.append(_skipped(label, reason))
                    continue
                target, reached = state.new_file(), state.inflated_bytes
                try:
                    with archive.open(member) as source:
                        written += _inflate(source, target, label=label, member=member, state=state)
                except LimitError as error:
                    state.refuse(target, reached)
                    if state.bombs > BOMBS_MAX:
                        raise UnsafeArchive(name, "too many files in it unpack beyond all measure") from error
                    bombs.append((error, _left_out(label, error.sentence)))
                    continue
                except (
                    zipfile.BadZipFile,
                    zlib.error,
                    EOFError,
                    NotImplementedError,
                    RuntimeError,
                    ValueError,
                    OSError,
                ) as error:
                    target.unlink(missing_ok=True)
                    state.findings.append(_skipped(label, f"it is damaged ({safe(str(error), longest=80)})"))
                    continue
                if written > RATIO_MATTERS_BYTES and written > limits.inflation_ratio * packed_bytes:
                    raise UnsafeArchive(
                        name, f"it unpacks to more than {limits.inflation_ratio} times its size"
                    )
                yield target, label
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise UnsafeArchive(name, f"it cannot be read as a zip ({safe(str(error), longest=80)})") from error
    if bombs and written == 0:
        # Nothing else was in it: its own reason says more than that no image was found.
        raise bombs[0][0]
    state.findings.extend(finding for _, finding in bombs)


def _refusal(member: zipfile.ZipInfo) -> str:
    """Why a member is not unpacked, or nothing."""
    if member.flag_bits & ENCRYPTED_FLAG:
        return "it is encrypted"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and kind != stat.S_IFREG:
        return "it is a link or a device, not a file"
    return ""


def _inflate(
    source: IO[bytes], target: Path, *, label: str, member: zipfile.ZipInfo, state: Unpacking
) -> int:
    """Write one member, counting what really comes out."""
    packed_bytes = max(member.compress_size, 1)
    written = 0
    with target.open("xb") as sink:
        while block := source.read(BLOCK_BYTES):
            written += len(block)
            state.count(len(block), name=label)
            if written > RATIO_MATTERS_BYTES and written > state.limits.inflation_ratio * packed_bytes:
                raise UnsafeArchive(
                    label, f"it unpacks to more than {state.limits.inflation_ratio} times its size"
                )
            sink.write(block)
    return written


def gunzip(path: Path, *, name: str, state: Unpacking) -> Path:
    """Inflate a gzip file into a numbered file, under the same caps as a zip.

    Raises:
        UnsafeArchive: beyond the ratio.
        TooLarge: beyond the size.
        zlib.error, EOFError: damaged.
    """
    packed_bytes = max(path.stat().st_size, 1)
    target = state.new_file()
    engine = zlib.decompressobj(wbits=31)
    written = 0
    with path.open("rb") as source, target.open("xb") as sink:
        while block := source.read(1 << 16):
            for piece in inflated(engine, block):
                written += len(piece)
                state.count(len(piece), name=name)
                if written > RATIO_MATTERS_BYTES and written > state.limits.inflation_ratio * packed_bytes:
                    raise UnsafeArchive(
                        name, f"it unpacks to more than {state.limits.inflation_ratio} times its size"
                    )
                sink.write(piece)
    if not engine.eof:
        raise EOFError("it ends too early")
    return target


def inflated(engine: zlib._Decompress, block: bytes) -> Iterator[bytes]:
    """What `block` inflates to, in pieces of bounded size."""
    while block and not engine.eof:
        yield engine.decompress(block, BLOCK_BYTES)
        block = engine.unconsumed_tail


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
