"""A path -> everything in it: series that can become volumes, numbered, and what was set aside and why."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from plastinate.model.errors import EmptyInput, PlastinateError, SystemFault
from plastinate.model.evidence import Finding
from plastinate.model.series import Inspection, Series, SetAside
from plastinate.stages.ingest.child_process import Progress
from plastinate.stages.ingest.describe import describe_group, describe_picture
from plastinate.stages.ingest.discover import Candidate, Discovery, discover
from plastinate.stages.ingest.few import LISTED_NAMES_MAX
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.group import Group, group_frames, is_localiser
from plastinate.stages.ingest.headers import Header, read_header
from plastinate.stages.ingest.lattice import is_too_gappy, lattice_of
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.order import arrange, slice_axis
from plastinate.stages.ingest.picture import files_of, read_picture_header, require_plausible
from plastinate.stages.ingest.picture_look import FILE_VOXELS_MAX, INPUT_VOXELS_MAX, Look, look_at
from plastinate.stages.ingest.stack import Stack
from plastinate.stages.ingest.words import safe

# Below this a group is no stack; with a real stack beside it, it is a scout or a sample view.
FEWEST_SLICES = 3
# Shadows, echoes and photographs (PS3.3, C.7.3.1.1.1): without a place in the patient, many are many views or
# moments, and never the slices of one body.
NEVER_SLICES = frozenset({"CR", "DX", "MG", "RF", "XA", "IO", "PX", "RG", "US", "XC", "ES", "OP", "GM", "SM"})
# More than any hospital sends of one patient; beyond, the list is no help to anyone.
LISTED_SERIES_MAX = 1000
LISTED_REASONS_MAX = 100
# Of the time for one header: what all that came to nothing may take, and what each may take after that.
IN_VAIN_SHARE, LATER_SHARE = 3.0, 0.01
# A survey has a few planes; something that calls itself one and has more is judged by its geometry.
LARGEST_SURVEY = 10


@dataclass(frozen=True)
class Case:
    """One series with what is needed to build it: its stacks, or the picture file."""

    series: Series
    stacks: tuple[Stack, ...] = ()
    picture: Candidate | None = None
    is_gappy: bool = False

    @property
    def voxels(self) -> int:
        """Voxels of one phase."""
        slices, rows, columns = self.series.shape
        return slices * rows * columns


@dataclass(frozen=True)
class Examination:
    """An inspection, and behind each of its series the frames."""

    inspection: Inspection
    cases: tuple[Case, ...]


@dataclass
class _Asides:
    """Files set aside so far, by reason: the first names, and how many there are."""

    files: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, code: str, reason: str, names: Sequence[str], *, count: int | None = None) -> None:
        key = (code, reason)
        if key not in self.counts and len(self.counts) >= LISTED_REASONS_MAX:
            # A reason may hold numbers of the file's own, and so there may be as many as files.
            key = ("ingest.set-aside", "for other reasons")
        kept = self.files.setdefault(key, [])
        kept.extend(names[: max(0, LISTED_NAMES_MAX - len(kept))])
        self.counts[key] = self.counts.get(key, 0) + (len(names) if count is None else count)

    def as_tuple(self) -> tuple[SetAside, ...]:
        return tuple(
            SetAside(
                Finding(
                    code,
                    "problem" if code in _BROKEN else "note",
                    _sentence(self.counts[code, reason], reason),
                    "Set aside.",
                ),
                tuple(names),
                self.counts[code, reason],
            )
            for (code, reason), names in self.files.items()
        )


NO_SCANS = "ingest.set-aside", "in no format of scans"
LABELS = "ingest.label-map", "a label map; to read it all the same, give it alone"
_BROKEN = frozenset({"input.damaged-file", "limit.too-large", "limit.exceeded"})


def _sentence(count: int, reason: str) -> str:
    return f"{count} file{'s' if count > 1 else ''}: {reason}."


def examine(
    path: Path,
    *,
    workspace: Path,
    limits: Limits,
    looks_at_values: bool = True,
    progress: Progress | None = None,
) -> Examination:
    """Read every header at a path and sort out what is there.

    A file that is damaged, hostile or odd costs only itself: it is listed with
    its reason and the rest goes on.

    Args:
        path: folder, archive, DICOMDIR or single file.
        workspace: private folder for unpacked files.
        limits: caps.
        looks_at_values: False to leave that out for a picture file that is all there is: to be read at
            once it needs no guess of its kind, and is taken even if it holds labels.
        progress: called with (done, total, what).

    Raises:
        PathNotFound, EmptyInput: nothing there, or nothing in it that is an image.
        TooLarge, UnsafeArchive: the path itself is beyond the caps.
    """
    found = discover(path, workspace=workspace, limits=limits)
    asides = _Asides()
    frames, is_dicomdir = _read_headers(found, asides, progress=progress)
    if is_dicomdir and not path.is_dir() and not frames:
        # The table of contents is a hint to look around it; where it points is never followed.
        asides = _Asides()
        found = discover(path.parent, workspace=workspace, limits=limits)
        frames, _ = _read_headers(found, asides, progress=progress)
    cases = _cases_of_groups(group_frames(frames), asides)
    pictures = _cases_of_pictures(found, asides)
    if looks_at_values or len(cases) + len(pictures) > 1:
        pictures = _without_labels(
            pictures, asides, limits, is_alone=not any(case.series.is_usable for case in cases)
        )
    cases += pictures
    if not cases and not asides.files and not found.findings:
        raise EmptyInput(safe(str(path), longest=200), looked_at=found.files_looked_at)
    if found.others_count:
        asides.add(*NO_SCANS, found.others, count=found.others_count)
    cases.sort(key=_rank)
    numbered = tuple(
        replace(case, series=replace(case.series, number=number))
        for number, case in enumerate(cases[:LISTED_SERIES_MAX], start=1)
    )
    if len(cases) > len(numbered):
        found.findings.append(_too_many(len(cases), len(numbered)))
    inspection = Inspection(
        path=safe(str(path), longest=400),
        files_looked_at=found.files_looked_at,
        series=tuple(case.series for case in numbered),
        set_aside=asides.as_tuple(),
        findings=found.findings.with_the_rest(),
    )
    return Examination(inspection, numbered)


def _too_many(count: int, listed: int) -> Finding:
    return Finding(
        "ingest.many-series",
        "problem",
        f"The files fall into {count:,} series, and {listed:,} are listed, the largest first.",
        "Give fewer files at once to see the others.",
        {"series": count},
    )


def _read_headers(
    found: Discovery, asides: _Asides, *, progress: Progress | None
) -> tuple[list[Frame], bool]:
    """The frames of every DICOM candidate; broken and unsuitable ones go aside."""
    frames: list[Frame] = []
    is_dicomdir = False
    candidates = [candidate for candidate in found.candidates if candidate.kind == "dicom"]
    most = found.unpacking.limits.header_seconds
    in_vain = 0.0
    for done, candidate in enumerate(candidates, start=1):
        # One file may take long. A thousand that do, and come to nothing, were made to do harm.
        seconds = most if in_vain < IN_VAIN_SHARE * most else LATER_SHARE * most
        begun = time.process_time()
        header = _read_in_time(candidate, found, seconds=seconds)
        is_dicomdir = is_dicomdir or header.is_dicomdir
        frames.extend(header.frames)
        if not header.frames:
            in_vain += time.process_time() - begun
            asides.add(header.code, header.reason, [candidate.name])
        if progress is not None:
            progress(done, len(candidates), "reading headers")
    return frames, is_dicomdir


def _read_in_time(candidate: Candidate, found: Discovery, *, seconds: float) -> Header:
    """A header, or in its place the words why it was not read.

    Raises:
        SystemFault: the machine is at fault and not the file.
    """
    try:
        with _time_cap(seconds):
            return read_header(candidate, state=found.unpacking)
    except MemoryError:
        return Header(code="limit.exceeded", reason="reading the header needs more memory than is allowed")
    except _OutOfTime:
        return Header(code="limit.exceeded", reason=f"reading the header takes more than {seconds:g} s")
    except SystemFault:
        raise
    except PlastinateError as error:
        return Header(code=error.code, reason=_without_name(error, candidate.name))


def _without_name(error: PlastinateError, name: str) -> str:
    """The error's words without the file, which the list names anyway: equal reasons then share a line."""
    reason = getattr(error, "reason", "")
    return str(reason) if reason else error.sentence.replace(f"{name}: ", "").rstrip(".")


class _OutOfTime(BaseException):
    """One header took too long; not an Exception, or the parser would swallow it."""


@contextlib.contextmanager
def _time_cap(seconds: float) -> Iterator[None]:
    """Interrupt the block once it has used that much processor time; only in a main thread."""

    def stop(*_: object) -> None:
        raise _OutOfTime

    try:
        before = signal.signal(signal.SIGVTALRM, stop)
    except ValueError:
        yield
        return
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _cases_of_groups(groups: list[Group], asides: _Asides) -> list[Case]:
    largest = max((len(group.frames) for group in groups), default=0)
    cases = []
    for group in groups:
        reason = _why_aside(group, largest=largest)
        if reason is not None:
            asides.add(reason[0], reason[1], [frame.name for frame in group.frames])
            continue
        cases.append(_case_of(group))
    return cases


def _why_aside(group: Group, *, largest: int) -> tuple[str, str] | None:
    """Why a group is not worth a line of its own, judged by geometry before names."""
    first = group.first
    count = len({frame.position_lps_mm for frame in group.frames})
    if first.position_lps_mm is None or first.row_direction is None:
        is_film = len(group.frames) > 1 and len({frame.path for frame in group.frames}) == 1
        if first.modality in NEVER_SLICES and is_film:
            return "ingest.film", "a film, whose pictures follow each other in time and not through the body"
        if first.modality in NEVER_SLICES or len(group.frames) < FEWEST_SLICES:
            return "ingest.no-place", "a picture that does not say where it lies in the patient"
        return None
    if is_localiser(first) and count < LARGEST_SURVEY and count < max(largest, FEWEST_SLICES):
        return "ingest.localiser", "a localiser (scout view), made to plan the scan and not part of it"
    if count < FEWEST_SLICES <= largest:
        return "ingest.single-view", "a single view in a plane of its own, not part of any stack"
    return None


def _case_of(group: Group) -> Case:
    """Order a group, split its phases, and lay out the lattice of each."""
    first = group.first
    is_placed = first.position_lps_mm is not None and first.row_direction is not None
    phases, findings = arrange(group.frames, axis=slice_axis(first) if is_placed else None)
    stacks = []
    for phase in phases:
        lattice, remarks = lattice_of(phase.frames)
        stacks.append(Stack(phase.frames, lattice, phase.name, tuple(remarks)))
    # Phases with a single slice left over by a partial overlap are no volumes.
    if any(len(stack.frames) > 1 for stack in stacks):
        stacks = [stack for stack in stacks if len(stack.frames) > 1]
    series = describe_group(group, stacks, findings)
    return Case(series, tuple(stacks), is_gappy=is_too_gappy(stacks[0].lattice))


def _cases_of_pictures(found: Discovery, asides: _Asides) -> list[Case]:
    cases = []
    for candidate in found.candidates:
        if candidate.kind == "dicom":
            continue
        try:
            header = read_picture_header(candidate.path, kind=candidate.kind, name=candidate.name)
            require_plausible(
                header,
                file_bytes=sum(path.stat().st_size for path in files_of(candidate)),
                name=candidate.name,
                limits=found.unpacking.limits,
            )
        except PlastinateError as error:
            asides.add(error.code, _without_name(error, candidate.name), [candidate.name])
            continue
        if header.is_label_map and len(found.candidates) > 1:
            # A build into a folder of the scan itself leaves its labels there: never the next build's scan.
            asides.add(*LABELS, [candidate.name])
            continue
        cases.append(Case(describe_picture(candidate, header), picture=candidate))
    return cases


def _without_labels(pictures: list[Case], asides: _Asides, limits: Limits, *, is_alone: bool) -> list[Case]:
    """The pictures that are scans, by their values; all of them where none is, and there is nothing else."""
    looked = []
    budget = INPUT_VOXELS_MAX
    for case in pictures:
        is_looked_at = case.picture is not None and case.series.is_usable
        is_looked_at &= case.voxels <= min(FILE_VOXELS_MAX, budget)
        look = look_at(case.picture, limits=limits) if case.picture and is_looked_at else Look()
        budget -= case.voxels if is_looked_at else 0
        series = case.series
        if look.likely_modality:
            tags = {**series.tags, "likely_modality": look.likely_modality}
            series = replace(series, tags=tags, findings=(*series.findings, *look.findings))
        looked.append((replace(case, series=series), look.is_label_map))
    scans = [case for case, is_label_map in looked if not is_label_map]
    if is_alone and not any(case.series.is_usable for case in scans):
        return [case for case, _ in looked]
    for case, is_label_map in looked:
        if is_label_map:
            asides.add(*LABELS, [case.series.description])
    return scans


def _rank(case: Case) -> tuple[object, ...]:
    """Number 1 is what a build takes by default: usable, whole, in millimetres, and the largest."""
    series = case.series
    tags = series.tags
    return (
        not series.is_usable,
        case.is_gappy,
        series.spacing_mm is None,
        series.modality not in ("CT", "MR", "PT", ""),
        -case.voxels,
        float(tags.get("series_number") or 0),
        str(tags.get("series_uid", "")),
        str(tags.get("kernel", "")),
        series.description,
        case.stacks[0].frames[0].sop_instance_uid if case.stacks else str(tags.get("file", "")),
    )
