"""What the reading child is asked to do: list an input, or read one volume of it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from plastinate.model.errors import AmbiguousSeries, ModalityContradicted, NoUsableSeries, SeriesNotFound
from plastinate.model.evidence import Finding
from plastinate.model.series import UNSAID
from plastinate.stages.ingest.child_process import Progress
from plastinate.stages.ingest.doctor import Case, Examination, examine
from plastinate.stages.ingest.glance import glance
from plastinate.stages.ingest.label_maps import looks_like_labels
from plastinate.stages.ingest.lattice import refuse_gaps
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.picture import files_of
from plastinate.stages.ingest.picture_volume import Memory, ReadVolume, read_picture
from plastinate.stages.ingest.stack import Stack
from plastinate.stages.ingest.words import safe

# So many planes of a picture file are looked at first.
LOOK_PLANES = 16
HASH_BLOCK_BYTES = 1 << 22
# Two scans within a tenth of each other's size are rivals, if they are of different things.
RIVAL_SHARE = 0.9


class Reporter(Protocol):
    """Where progress goes."""

    def progress(self, done: int, total: int, what: str) -> None:
        """Report."""


def run(request: dict[str, Any], *, limits: Limits, line: Reporter, shared: Memory) -> dict[str, Any]:
    """Do one job.

    Args:
        request: {"job": "inspect" or "read", "path", "workspace", "series", "phase", "allow_gaps"}; with
            "modality" a person says what the files do not, with
            "with_picture" an inspection shows a slice, with "keeps_workspace" what was unpacked stays.
        limits: caps.
        line: progress.
        shared: allocates the voxels.

    Returns:
        JSON values.
    """
    # Files in the wild are full of slips that pydicom remarks on one by one.
    warnings.simplefilter("ignore")
    examination = examine(
        Path(request["path"]),
        workspace=Path(request["workspace"]),
        limits=limits,
        looks_at_values=request["job"] == "inspect",
        progress=line.progress,
    )
    if request["job"] == "inspect":
        seen = glance(examination, shared=shared, limits=limits) if request.get("with_picture") else {}
        return {"inspection": examination.inspection.as_dict(), **seen}
    case, notes = choose_series(examination, request["series"])
    stated = request.get("modality") or ""
    case, remarks = with_stated_modality(case, stated)
    notes += remarks
    if case.picture is not None:
        if request["phase"] not in (None, 1):
            raise SeriesNotFound(str(request["phase"]), what="phase")
        paths, phase = files_of(case.picture), ""
        read: Callable[[], ReadVolume] = partial(
            read_picture, case.picture, shared, limits=limits, modality=stated
        )
        sources: list[Path] = []
    else:
        stack = choose_phase(case, request["phase"])
        if not request["allow_gaps"]:
            refuse_gaps(stack.lattice)
        paths = sorted({frame.path for frame in stack.frames})
        phase = stack.phase
        # What was unpacked is gone when the job ends, unless the caller keeps the place.
        stays = bool(request.get("keeps_workspace"))
        sources = [path for path in paths if stays or not path.is_relative_to(request["workspace"])]
        read = _stack_reader(stack, shared, allow_gaps=request["allow_gaps"], progress=line.progress)
    with ThreadPoolExecutor(1) as pool:
        digest: Future[str] = pool.submit(digest_of, paths)
        volume = read()
        inputs = {"sha256": digest.result(), "files": len(paths), "phase": phase}
        if case.picture is not None:
            notes += _labels_noticed(volume)
    answer = _on_the_wire(volume, case, inputs, (*notes, *_input_findings(examination)))
    return {**answer, "source_files": [str(path) for path in sources] if len(sources) == len(paths) else []}


def _labels_noticed(volume: ReadVolume) -> tuple[Finding, ...]:
    """That a picture file, given alone and so taken as it is, looks like labels and not like a scan."""
    every = max(1, volume.array.shape[0] // LOOK_PLANES)
    # Few planes tell of nearly every scan that it is one; only then is the rest looked at.
    if not (looks_like_labels(volume.array[::every]) and looks_like_labels(volume.array)):
        return ()
    return (
        Finding(
            "ingest.looks-like-labels",
            "warning",
            "The input looks like a label map, and not like a scan.",
            "Its numbers were taken as grey values; `plastinate convert` makes a part of each label.",
        ),
    )


def choose_series(examination: Examination, number: int | None) -> tuple[Case, tuple[Finding, ...]]:
    """The series to build: the one asked for, else number 1, if that is the obvious choice.

    Raises:
        SeriesNotFound: no series of that number.
        NoUsableSeries: nothing that makes a volume.
        AmbiguousSeries: another scan of the same size, of another thing, is there too.
    """
    cases = examination.cases
    if number is not None:
        chosen = next((case for case in cases if case.series.number == number), None)
        if chosen is None:
            raise SeriesNotFound(str(number))
        if not chosen.series.is_usable:
            raise NoUsableSeries(f"series {number}", _why_not(chosen))
        return chosen, ()
    usable = [case for case in cases if case.series.is_usable]
    if not usable:
        reasons = [_why_not(case) for case in cases]
        reasons += [aside.reason.sentence.rstrip(".") for aside in examination.inspection.set_aside]
        raise NoUsableSeries(examination.inspection.path, "; ".join(reasons[:3]))
    first = usable[0]
    rivals = [case for case in usable[1:] if _is_rival(case, first)]
    if rivals:
        raise AmbiguousSeries([_choice(case) for case in (first, *rivals)])
    if len(usable) == 1:
        return first, ()
    others = len(usable) - 1
    note = Finding(
        "ingest.other-series",
        "note",
        f"{others} other series could be built as well.",
        f"Series 1 was taken, the largest; choose another with --series (up to {usable[-1].series.number}).",
    )
    return first, (note,)


def with_stated_modality(case: Case, stated: str) -> tuple[Case, tuple[Finding, ...]]:
    """The series as of the kind that a person says it is, where its own files say none.

    Raises:
        ModalityContradicted: they say another.
    """
    said = case.series.modality
    if not stated or said == stated:
        return case, ()
    if said not in UNSAID:
        raise ModalityContradicted(stated, said=said)
    stacks = tuple(
        replace(stack, frames=tuple(replace(frame, modality=stated) for frame in stack.frames))
        for stack in case.stacks
    )
    note = Finding(
        "ingest.stated-modality",
        "note",
        "The files do not say what kind of scan this is.",
        f"Taken for {stated}, as stated by the person who asked for the models.",
    )
    return replace(case, series=replace(case.series, modality=stated), stacks=stacks), (note,)


def _is_rival(case: Case, first: Case) -> bool:
    """Whether a series is as large as the first and not merely another view of the same scan."""
    if case.is_gappy != first.is_gappy or case.voxels < RIVAL_SHARE * first.voxels:
        return False
    if case.picture is not None or first.picture is not None:
        return True
    keys = ("study_uid", "frame_of_reference_uid")
    return case.series.modality != first.series.modality or any(
        case.series.tags.get(key) != first.series.tags.get(key) for key in keys
    )


def _choice(case: Case) -> str:
    series = case.series
    return f"{series.number}: {series.modality} {series.description} ({series.frame_count} slices)".replace(
        "  ", " "
    )


def _why_not(case: Case) -> str:
    problems = [finding.sentence for finding in case.series.findings if finding.severity == "problem"]
    return (problems[0] if problems else "it makes no volume").rstrip(".")


def choose_phase(case: Case, number: int | None) -> Stack:
    """The phase to build.

    Raises:
        AmbiguousSeries: several, and none was chosen.
        SeriesNotFound: no phase of that number.
    """
    if number is None:
        if len(case.stacks) > 1:
            names = [f"{index}: {stack.phase}" for index, stack in enumerate(case.stacks, start=1)]
            raise AmbiguousSeries(names, what="phase")
        return case.stacks[0]
    if not 1 <= number <= len(case.stacks):
        raise SeriesNotFound(str(number), what="phase")
    return case.stacks[number - 1]


def _stack_reader(
    stack: Stack, shared: Memory, *, allow_gaps: bool, progress: Progress
) -> Callable[[], ReadVolume]:
    from plastinate.stages.ingest.assemble import assemble

    total = len(stack.frames)

    def read() -> ReadVolume:
        done = assemble(
            stack,
            out=shared.make,
            allow_gaps=allow_gaps,
            progress=lambda share: progress(round(share * total), total, "decoding slices"),
        )
        return ReadVolume(
            done.array,
            done.to_lps_mm,
            done.unit,
            done.quantity,
            done.modality,
            done.filled_slices,
            (*stack.findings, *done.findings),
        )

    return read


def digest_of(paths: Sequence[Path]) -> str:
    """SHA-256 over the sorted SHA-256 of each file: the same whatever they are called and however listed."""
    digests = []
    for path in paths:
        with path.open("rb", buffering=0) as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


def _input_findings(examination: Examination) -> tuple[Finding, ...]:
    aside = sum(entry.count for entry in examination.inspection.set_aside)
    findings = list(examination.inspection.findings)
    if aside:
        findings.append(
            Finding(
                "ingest.set-aside",
                "note",
                f"{aside} of the files {'is' if aside == 1 else 'are'} not part of any volume.",
                "Set aside; `plastinate inspect` lists them with the reason.",
                {"files": aside},
            )
        )
    return tuple(findings)


def _on_the_wire(
    volume: ReadVolume, case: Case, inputs: dict[str, Any], notes: tuple[Finding, ...]
) -> dict[str, Any]:
    # Assembly knows more than the headers did: where both remark on the same thing, its words count.
    said = {finding.code for finding in volume.findings}
    findings: list[Finding] = []
    for finding in (*notes, *(f for f in case.series.findings if f.code not in said), *volume.findings):
        if finding not in findings:
            findings.append(finding)
    return {
        "array": {"shape": list(volume.array.shape), "dtype": volume.array.dtype.name},
        "to_lps_mm": volume.to_lps_mm.tolist(),
        "unit": volume.unit,
        "quantity": volume.quantity,
        "modality": safe(volume.modality, longest=16),
        "filled_slices": np.flatnonzero(volume.filled_slices).tolist(),
        "series": case.series.as_dict(),
        "inputs": inputs,
        "findings": [finding.as_dict() for finding in findings],
    }
