"""A file, a folder or a zip -> the pictures in it, where it holds pictures and no scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from plastinate.model.errors import InputError, LimitError, UnsupportedFile
from plastinate.stages.ingest.archive import DAMAGED, Unpacking, unpack
from plastinate.stages.ingest.discover import Candidate, walk
from plastinate.stages.ingest.doctor import FEWEST_SLICES, examine
from plastinate.stages.ingest.flat_facts import Shows, shown_by
from plastinate.stages.ingest.flat_kinds import FlatKind, flat_kind_of
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.sniff import HEAD_BYTES, kind_of
from plastinate.stages.ingest.words import safe
from plastinate.stages.ingest.zip_directory import open_zip, refusals

# Kinds of files that only scans and archives have.
OF_SCANS = frozenset({"nifti", "nrrd", "metaimage", "zip", "gzip", "archive"})
# Beside pictures these are what is written about them; given alone they are told what they are.
DOCUMENTS = ("pdf", "svg")
GIVE_ONE = "Give one picture, or two of the same size that were taken side by side."


@dataclass(frozen=True, slots=True)
class FlatFile:
    """One picture.

    Attributes:
        path: where it lies; for a member of an archive its unpacked copy, or the archive while it is packed.
        name: what to call it in sentences.
        kind: what its content says it is.
        shows: what it is a picture of.
    """

    path: Path
    name: str
    kind: FlatKind
    shows: Shows = "photo"


@dataclass
class Survey:
    """What the first bytes of some files say.

    Attributes:
        flat: files that only pictures are.
        dicom: files that may be pictures or slices of a scan; no more than are needed to know.
        is_scan: something else is there that a reader of scans has to see.
    """

    flat: list[FlatFile] = field(default_factory=list)
    dicom: list[FlatFile] = field(default_factory=list)
    is_scan: bool = False

    def add(self, path: Path, *, name: str, head: bytes, is_alone: bool = False) -> bool:
        """Take one file in; False once it is clear that this is no input of pictures."""
        kind = flat_kind_of(head)
        if kind in DOCUMENTS and not is_alone:
            kind = ""
        if kind == "dicom":
            self.dicom.append(FlatFile(path, name, kind))
            # So many may be a stack of slices: a survey of thousands of files ends early.
            self.is_scan = self.is_scan or len(self.dicom) >= FEWEST_SLICES
        elif kind:
            self.flat.append(FlatFile(path, name, kind))
        elif kind_of(head) in OF_SCANS:
            self.is_scan = True
        return not self.is_scan


def survey(path: Path, *, limits: Limits) -> Survey | None:
    """What lies at a path by first bytes alone; None for a zip, whose directory only a child may read.

    Raises:
        OSError: it cannot be read.
    """
    found = Survey()
    if path.is_file():
        head = _head(path)
        if kind_of(head) == "zip":
            return None
        found.add(path, name=safe(path.name, longest=160), head=head, is_alone=True)
    elif path.is_dir():
        for number, file in enumerate(walk(path, findings=[])):
            name = safe(file.name, longest=160)
            if number >= limits.files or not found.add(file, name=name, head=_head(file)):
                return Survey(is_scan=True)
    return found


def pictures_at(path: Path, *, workspace: Path, limits: Limits) -> tuple[FlatFile, ...]:
    """The pictures that lie at a path, in the order of their names; none where a scan does.

    Of a zip the members are unpacked, once their first bytes say that they are worth it. Runs in the child
    that may die.

    Args:
        path: file, folder or zip.
        workspace: an empty private folder.
        limits: caps.

    Raises:
        TooLarge, UnsafeArchive, ScratchFull: the archive is beyond the caps, or the disk too small.
    """
    found = survey(path, limits=limits)
    if found is None:
        name = safe(path.name, longest=160)
        found = _survey_of_zip(path, name=name, limits=limits)
        if not found.is_scan and (found.flat or found.dicom):
            found = _unpacked(path, name=name, workspace=workspace, limits=limits)
    if found.is_scan:
        return ()
    dicom = _pictures_among(found.dicom, path, workspace=workspace, limits=limits)
    if dicom is None:
        return ()
    # Beside a DICOM picture lie the icons of the program that shows it, as on a disc from a hospital.
    return dicom or tuple(found.flat)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _survey_of_zip(path: Path, *, name: str, limits: Limits) -> Survey:
    """As `survey`, of the members of an archive; what cannot be opened is left to the reader of scans."""
    found = Survey()
    try:
        with open_zip(path, name=name) as archive:
            members = archive.infolist()
            if len(members) > limits.zip_members:
                return Survey(is_scan=True)
            left_out = refusals(members, packed_bytes=max(path.stat().st_size, 1), limits=limits)
            for number, member in enumerate(members):
                if member.is_dir() or number in left_out or _is_hidden(member.filename):
                    continue
                with archive.open(member) as source:
                    head = source.read(HEAD_BYTES)
                if not found.add(path, name=safe(member.filename, longest=160), head=head):
                    break
    except (LimitError, *DAMAGED):
        return Survey(is_scan=True)
    return found


def _unpacked(path: Path, *, name: str, workspace: Path, limits: Limits) -> Survey:
    found = Survey()
    state = Unpacking(workspace, limits)
    members = sorted(_members(path, name=name, state=state), key=lambda each: each[1])
    for file, label in members:
        found.add(file, name=safe(PurePosixPath(label).name, longest=160), head=_head(file))
    return found


def _members(path: Path, *, name: str, state: Unpacking) -> Iterator[tuple[Path, str]]:
    for file, label in unpack(path, name=name, depth=1, state=state):
        if not _is_hidden(label):
            yield file, label


def _is_hidden(name: str) -> bool:
    """Whether a member is one of those that a system leaves beside what a person packed."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not parts or parts[-1].startswith(".") or "__MACOSX" in parts


def _pictures_among(
    files: list[FlatFile], path: Path, *, workspace: Path, limits: Limits
) -> tuple[FlatFile, ...] | None:
    """Those of a few DICOM files that hold one picture; None where they make a scan."""
    if not files:
        return ()
    inner = workspace / "look"
    inner.mkdir()
    try:
        # Files that were unpacked lie beside the archive's others: those are the scan's own business.
        whole = examine(path, workspace=inner, limits=limits)
        if any(case.series.is_usable for case in whole.cases):
            return None
    except (InputError, LimitError):
        # Damaged, or empty: whoever reads scans tells it better.
        return None
    shown = []
    for number, file in enumerate(files):
        # An inflated copy is numbered anew for each: in a folder of its own none is in the way.
        own = workspace / f"header-{number}"
        own.mkdir()
        candidate = Candidate(file.path, file.name, "dicom")
        if (shows := shown_by(candidate, workspace=own, limits=limits)) is not None:
            shown.append(replace(file, shows=shows))
    return tuple(shown)


def the_picture(path: Path, *, name: str, which: int | None, workspace: Path, limits: Limits) -> FlatFile:
    """The picture to be read: the file itself, or one of those in a folder or a zip.

    A single file is taken for a picture, whatever it is: who asked for one is told why it is none.

    Args:
        path: file, folder or zip.
        name: what to call the path in sentences.
        which: 0 for the first by name, 1 for the second; None where there has to be only one.
        workspace: an empty private folder.
        limits: caps.

    Raises:
        UnsupportedFile: no picture lies there, or several where one is wanted.
        OSError: it cannot be read.
    """
    if path.is_file():
        head = _head(path)
        if kind_of(head) != "zip":
            return FlatFile(path, name, flat_kind_of(head))
    found = pictures_at(path, workspace=workspace, limits=limits)
    if not found:
        raise UnsupportedFile(name, "no picture lies in it, or a scan does", hint=GIVE_ONE)
    if which is None and len(found) > 1:
        raise several(name, len(found))
    if which is not None and which >= len(found):
        raise UnsupportedFile(name, "it holds one picture only, and two are wanted", hint=GIVE_ONE)
    return found[which or 0]


def several(name: str, count: int) -> UnsupportedFile:
    """What to raise where more pictures lie than can be made into a model."""
    return UnsupportedFile(name, f"it holds {count} pictures, and a model is made of one", hint=GIVE_ONE)
