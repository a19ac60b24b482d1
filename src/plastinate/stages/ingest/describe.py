"""A group with its stacks -> the Series that people and programs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plastinate.model.evidence import Finding
from plastinate.model.series import Series
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.group import Group, is_localiser
from plastinate.stages.ingest.picture import FORMAT_NAMES, PictureHeader
from plastinate.stages.ingest.stack import Stack

SYNTAX_NAMES = {
    "1.2.840.10008.1.2": "implicit little endian",
    "1.2.840.10008.1.2.1": "explicit little endian",
    "1.2.840.10008.1.2.1.99": "deflated",
    "1.2.840.10008.1.2.2": "explicit big endian",
    "1.2.840.10008.1.2.4.50": "JPEG baseline",
    "1.2.840.10008.1.2.4.51": "JPEG extended",
    "1.2.840.10008.1.2.4.57": "JPEG lossless",
    "1.2.840.10008.1.2.4.70": "JPEG lossless",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS near-lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.201": "HTJ2K lossless",
    "1.2.840.10008.1.2.4.202": "HTJ2K lossless",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
    "1.2.840.10008.1.2.5": "run length",
}
LOSSY_SYNTAXES = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
PLANES = ("sagittal", "coronal", "axial")


def describe_group(group: Group, stacks: Sequence[Stack], findings: Sequence[Finding]) -> Series:
    """The series of one DICOM group, number still 0.

    Args:
        group: frames that belong together.
        stacks: its phases.
        findings: what ordering noticed.
    """
    first, stack = group.first, stacks[0]
    lattice = stack.lattice
    remarks = [*group.findings, *findings, *_quirks(group)]
    for one in stacks:
        for finding in one.findings:
            if all(finding.code != known.code for known in remarks):
                remarks.append(finding)
    count = len(stack.frames)
    if count < 2:
        remarks.append(_one_slice())
    is_usable = count >= 2 and all(finding.code != "ingest.not-a-stack" for finding in remarks)
    if not is_usable:
        # Nothing is mended in what is not used.
        remarks = [finding for finding in remarks if finding.severity != "repaired"]
    spacing = (lattice.spacing_mm, lattice.row_spacing_mm, lattice.column_spacing_mm)
    has_spacing = lattice.unit == "mm" and count >= 2
    return Series(
        number=0,
        modality=first.modality,
        description=str(first.tags.get("SeriesDescription") or first.tags.get("ProtocolName") or ""),
        frame_count=count,
        shape=(count, first.rows, first.columns),
        spacing_mm=(round(spacing[0], 9), spacing[1], spacing[2]) if has_spacing else None,
        phases=tuple(one.phase for one in stacks),
        findings=tuple(remarks),
        tags=_tags(group, stack),
        is_usable=is_usable,
    )


def _tags(group: Group, stack: Stack) -> dict[str, Any]:
    first = group.first
    syntaxes = sorted({SYNTAX_NAMES.get(f.transfer_syntax_uid, f.transfer_syntax_uid) for f in group.frames})
    tags: dict[str, Any] = {
        "format": "DICOM",
        "title": first.tags.get("Title", ""),
        "body_part": first.tags.get("BodyPartExamined", ""),
        "plane": plane_of(first),
        "series_uid": first.series_uid,
        "study_uid": first.study_uid,
        "frame_of_reference_uid": first.frame_of_reference_uid,
        "series_number": first.tags.get("SeriesNumber"),
        "image_type": list(first.image_type),
        "kernel": first.tags.get("ConvolutionKernel", ""),
        "slice_thickness_mm": first.tags.get("SliceThickness"),
        "manufacturer": first.tags.get("Manufacturer", ""),
        "transfer_syntaxes": syntaxes,
        "unit": stack.lattice.unit,
        "file_count": len({frame.path for frame in group.frames}),
    }
    return {name: value for name, value in tags.items() if value not in (None, "", [])}


def plane_of(frame: Frame) -> str:
    """The body plane nearest to the image plane, "oblique axial" beyond 10 degrees, "" if unknown."""
    if frame.row_direction is None or frame.column_direction is None:
        return ""
    normal = np.abs(np.cross(frame.row_direction, frame.column_direction))
    nearest = int(normal.argmax())
    is_straight = normal[nearest] > np.cos(np.radians(10.0))
    return PLANES[nearest] if is_straight else f"oblique {PLANES[nearest]}"


def _quirks(group: Group) -> list[Finding]:
    """What is odd about a group besides its geometry."""
    first = group.first
    findings = []
    if not first.series_uid or not first.sop_instance_uid:
        findings.append(
            Finding(
                "ingest.empty-uid",
                "repaired",
                "The files have lost their identifiers, as after careless anonymisation.",
                "They were grouped by their geometry instead.",
            )
        )
    if any(frame.tags.get("HadNoSlope") for frame in group.frames):
        findings.append(
            Finding(
                "ingest.zero-slope",
                "warning",
                "The files give a rescale slope that is zero, or a slope or intercept that is no number.",
                "One and zero were used instead; check the values before trusting them.",
            )
        )
    if is_localiser(first):
        findings.append(
            Finding(
                "ingest.localiser",
                "note",
                "The series calls itself a localiser, but its slices form a stack.",
                "It is listed as a series; its slices may be thick and far apart.",
            )
        )
    if any(
        f.transfer_syntax_uid in LOSSY_SYNTAXES or f.tags.get("LossyImageCompression") == "01"
        for f in group.frames
    ):
        findings.append(
            Finding(
                "ingest.lossy",
                "warning",
                "The images went through lossy compression, which invents detail around edges.",
                "They are used as they are; measure with care.",
            )
        )
    return findings


def _one_slice() -> Finding:
    return Finding(
        "ingest.one-slice",
        "problem",
        "There is a single slice: a plane has no thickness, so no solid can be built from it.",
        "Give the whole series.",
    )


def describe_picture(candidate: Candidate, header: PictureHeader) -> Series:
    """The series of one NIfTI, NRRD or MetaImage file, number still 0."""
    kind = FORMAT_NAMES[candidate.kind]
    findings = []
    is_usable = min(header.shape) >= 2
    if not is_usable:
        findings.append(_one_slice())
    if header.volume_count > 1:
        is_usable = False
        findings.append(
            Finding(
                "ingest.many-volumes",
                "problem",
                f"The file holds {header.volume_count} volumes or channels, and one is read at a time.",
                "Save one of them as a file of its own.",
            )
        )
    if not header.has_plain_numbers:
        is_usable = False
        findings.append(
            Finding(
                "ingest.no-plain-numbers",
                "problem",
                "Each voxel of the file holds a colour or a group of numbers, where a scan has one number.",
                "Save one channel of it as a file of its own.",
            )
        )
    spacing = header.spacing_mm
    return Series(
        number=0,
        modality="",
        description=candidate.name,
        frame_count=header.shape[0],
        shape=header.shape,
        spacing_mm=None if spacing is None else (spacing[2], spacing[1], spacing[0]),
        findings=tuple(findings),
        tags={"format": kind, "file": candidate.name},
        is_usable=is_usable,
    )
