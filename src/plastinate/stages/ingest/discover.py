"""A path -> the files in it that may be images, by content, at any depth, archives unpacked."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from plastinate.model.errors import EmptyInput, LimitError, PathNotFound, TooLarge
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.archive import Unpacking, gunzip, unpack
from plastinate.stages.ingest.few import LISTED_NAMES_MAX, FewFindings
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.sniff import Kind, sniff
from plastinate.stages.ingest.words import safe

IGNORED_FOLDERS = frozenset({"__MACOSX"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file worth opening.

    Attributes:
        path: where it lies; for a member of an archive, the unpacked copy.
        name: what to call it in sentences.
        kind: what its content says it is.
    """

    path: Path
    name: str
    kind: Kind


@dataclass
class Discovery:
    """What lies at a path.

    Attributes:
        unpacking: what was unpacked on the way, and where to.
        candidates: files worth opening.
        files_looked_at: how many there were, an archive counted as what lies in it.
        others: names of files in no format of scans; the first of them where there are very many.
        others_count: how many those are.
        findings: files that could not be looked at.
    """

    unpacking: Unpacking
    candidates: list[Candidate] = field(default_factory=list)
    files_looked_at: int = 0
    others: list[str] = field(default_factory=list)
    others_count: int = 0
    findings: FewFindings = field(default_factory=FewFindings)


def discover(path: Path, *, workspace: Path, limits: Limits) -> Discovery:
    """Find every file that may be an image.

    Folders are walked in the order of their names, hidden files and links that
    lead outside left alone. Archives are unpacked into the workspace. A file
    that cannot be read is a finding.

    Args:
        path: folder, archive or single file.
        workspace: an empty private folder for unpacked members.
        limits: caps on number and size.

    Raises:
        PathNotFound: nothing is there.
        TooLarge, UnsafeArchive: the path itself is an archive beyond the caps.
    """
    state = Unpacking(workspace, limits)
    found = Discovery(state, findings=state.findings)
    if not path.exists():
        raise PathNotFound(safe(str(path), longest=200))
    is_single = not path.is_dir()
    if is_single and not path.is_file():
        # A pipe or a device: reading it may never end.
        raise EmptyInput(safe(str(path), longest=200))
    root = path.parent if is_single else path
    files: Iterator[Path] = iter([path]) if is_single else walk(path, findings=found.findings)
    for file in files:
        found.files_looked_at += 1
        if found.files_looked_at > limits.files:
            raise TooLarge(path.name, "the number of files", value=found.files_looked_at, cap=limits.files)
        name = safe(str(file.relative_to(root)), longest=160)
        try:
            _take(file, name=name, depth=1, found=found, state=state)
        except LimitError as error:
            # The whole input was one archive: there is nothing else to go on with.
            if is_single:
                raise
            state.refused_archives += 1
            found.findings.append(_left_out(name, error.sentence))
    return found


def walk(folder: Path, *, findings: list[Finding]) -> Iterator[Path]:
    """Every regular file below, sorted by name within each folder; no hidden ones, no way out.

    Links are followed only to files that lie inside the folder, and folders
    that are links not at all: a loop of links would never end. What is passed
    over because it leads nowhere is added to `findings`.
    """
    top = folder.resolve()
    for current, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(entry for entry in folders if entry not in IGNORED_FOLDERS and entry[0] != ".")
        for name in sorted(files):
            file = Path(current, name)
            if name[0] == ".":
                continue
            try:
                if file.is_symlink() and not file.resolve(strict=True).is_relative_to(top):
                    continue
                is_file = file.is_file()
            except FileNotFoundError:
                continue
            except (OSError, RuntimeError) as error:
                # A link that ends in itself is a RuntimeError up to Python 3.12 and an OSError since.
                label = safe(str(file.relative_to(folder)), longest=160)
                why = error.strerror if isinstance(error, OSError) and error.strerror else "a loop of links"
                findings.append(_left_out(label, f"{label} leads nowhere: {safe(why)}"))
                continue
            if is_file:
                yield file


def _take(file: Path, *, name: str, depth: int, found: Discovery, state: Unpacking) -> None:
    """Add one file, or what is packed in it."""
    try:
        kind = sniff(file)
        if kind == "zip":
            is_opened = False
            for member, label in unpack(file, name=name, depth=depth, state=state):
                # What is looked at is what lies in it; an archive that cannot be opened counts as itself.
                found.files_looked_at += is_opened
                is_opened = True
                _take_member(member, name=label, depth=depth + 1, found=found, state=state)
            return
        if kind == "gzip":
            inner = gunzip(file, name=name, state=state)
            kind = sniff(inner)
            if kind in ("dicom", "nrrd", "metaimage"):
                found.candidates.append(Candidate(inner, name, kind))
                return
        if kind in ("archive", "gzip", "zip"):
            found.findings.append(
                _left_out(name, f"{name} is an archive of a kind that is not unpacked here")
            )
        elif kind != "other":
            found.candidates.append(Candidate(file, name, kind))
        else:
            found.others_count += 1
            if len(found.others) < LISTED_NAMES_MAX:
                found.others.append(name)
            if file.parent == state.workspace:
                file.unlink()
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        found.findings.append(_left_out(name, f"{name} cannot be read: {safe(reason)}"))


def _take_member(file: Path, *, name: str, depth: int, found: Discovery, state: Unpacking) -> None:
    """Add a member of an archive; a bad archive within costs only itself."""
    if Path(name).name.startswith(".") or "/__MACOSX/" in name:
        return
    try:
        _take(file, name=name, depth=depth, found=found, state=state)
    except LimitError as error:
        state.refused_archives += 1
        found.findings.append(_left_out(name, error.sentence))


def _left_out(name: str, sentence: str) -> Finding:
    return Finding(
        "ingest.unreadable",
        "problem",
        sentence.rstrip(".") + ".",
        "It was left out; the other files are not affected.",
        {"file": name},
    )
