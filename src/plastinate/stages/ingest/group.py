"""Frames of many files -> groups that may be one stack each, and what told them apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from plastinate.model.evidence import Finding
from plastinate.stages.ingest.frame import Frame

# 0.06 degrees: above the rounding of cosines from slice to slice, far below any two planes meant to differ.
SAME_DIRECTION = 1e-3
SAME_SPACING = 1e-3
# No scanner turns through more planes in one series; comparing each frame with ever more of them has no end.
PLANES_MAX = 128
# In-plane distance, in pixels, from which two slices at one height are two stacks side by side.
SIDE_BY_SIDE_PIXELS = 4.0

# Exact parts of the key, with the tag a reader would look up.
_KEY_TAGS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "Rows x Columns",
    "ImageType",
    "ConvolutionKernel",
    "StackID",
)
_UNSAID = "PixelSpacing or ImageOrientationPatient"


@dataclass
class Group:
    """Frames that agree in everything but position and phase."""

    frames: list[Frame]
    key: tuple[object, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def first(self) -> Frame:
        """One frame that stands for all, the same whatever the files are called."""
        return min(self.frames, key=lambda frame: (frame.sop_instance_uid, frame.frame_index, frame.name))


def is_localiser(frame: Frame) -> bool:
    """Whether the file calls itself a localiser (scout, topogram, survey)."""
    return "LOCALIZER" in frame.image_type


def group_frames(frames: Iterable[Frame]) -> list[Group]:
    """Group frames by what slices of one stack must share.

    Orientation and spacing are compared within a tolerance, the rest exactly.
    A series that falls apart gets a finding in each part that names the tag.

    Args:
        frames: every usable frame of the input.

    Returns:
        Groups in the order in which their first frame came.
    """
    exact: dict[tuple[object, ...], list[Group]] = {}
    everything: list[Group] = []
    for frame in frames:
        key = _key(frame)
        alike = exact.setdefault(key, [])
        group = next((entry for entry in alike if _is_same_plane(entry.frames[0], frame)), None)
        if group is None and len(alike) > PLANES_MAX:
            # These will make no stack, and are told so together.
            group = alike[-1]
        if group is None:
            group = Group([], key)
            alike.append(group)
            everything.append(group)
        group.frames.append(frame)
    split = [part for group in everything for part in _side_by_side(group)]
    _name_differences(split)
    return split


def _key(frame: Frame) -> tuple[object, ...]:
    image_kind = (*frame.image_type[:2], "LOCALIZER" if is_localiser(frame) else "")
    return (
        frame.study_uid,
        frame.series_uid,
        frame.frame_of_reference_uid,
        frame.modality,
        (frame.rows, frame.columns),
        image_kind,
        frame.tags.get("ConvolutionKernel", ""),
        frame.tags.get("StackID", ""),
    )


def _is_same_plane(one: Frame, other: Frame) -> bool:
    if (one.row_direction is None) != (other.row_direction is None):
        return False
    if (one.position_lps_mm is None) != (other.position_lps_mm is None):
        return False
    if (one.row_spacing_mm is None) != (other.row_spacing_mm is None):
        return False
    pairs = list(zip(one.row_direction or (), other.row_direction or (), strict=True))
    pairs += zip(one.column_direction or (), other.column_direction or (), strict=True)
    if any(abs(a - b) > SAME_DIRECTION for a, b in pairs):
        return False
    sizes = ((one.row_spacing_mm, other.row_spacing_mm), (one.column_spacing_mm, other.column_spacing_mm))
    return all(a is None or b is None or abs(a - b) <= SAME_SPACING * a for a, b in sizes)


def _side_by_side(group: Group) -> list[Group]:
    """Stacks that share their planes but not their place in them, such as two knees or two breasts.

    Only where each frame lies at one of a few fixed places: a tilted stack
    wanders steadily and stays whole.
    """
    first = group.frames[0]
    if len(group.frames) < 4 or first.position_lps_mm is None or first.row_direction is None:
        return [group]
    axes = np.array([first.row_direction, first.column_direction], dtype=np.float64)
    places = np.array([frame.position_lps_mm for frame in group.frames], dtype=np.float64) @ axes.T
    reach = SIDE_BY_SIDE_PIXELS * (first.row_spacing_mm or 1.0)
    corners: list[np.ndarray] = []
    members: list[list[Frame]] = []
    for frame, place in zip(group.frames, places, strict=True):
        near = next((i for i, corner in enumerate(corners) if np.abs(corner - place).max() < reach), None)
        if near is None:
            if len(corners) == 8:
                return [group]
            corners.append(place)
            members.append([])
            near = len(corners) - 1
        members[near].append(frame)
    if len(corners) < 2 or min(len(part) for part in members) < 2 or not _share_planes(members, axes):
        return [group]
    finding = Finding(
        "ingest.side-by-side",
        "repaired",
        f"The series holds {len(corners)} stacks that lie side by side in the same planes.",
        "Each is listed as a series of its own.",
    )
    return [Group(part, group.key, [*group.findings, finding]) for part in members]


def _share_planes(members: Sequence[Sequence[Frame]], axes: np.ndarray) -> bool:
    """Whether the parts occupy overlapping ranges along the normal, as stacks side by side do."""
    normal = np.cross(axes[0], axes[1])
    ranges = []
    for part in members:
        along = np.array([frame.position_lps_mm for frame in part], dtype=np.float64) @ normal
        ranges.append((along.min(), along.max()))
    return bool(max(low for low, _ in ranges) < min(high for _, high in ranges))


def _name_differences(groups: list[Group]) -> None:
    """Tell each part of a torn series which tag tore it."""
    by_series: dict[object, list[Group]] = {}
    for group in groups:
        by_series.setdefault(group.key[1], []).append(group)
    for uid, parts in by_series.items():
        large = [part for part in parts if len(part.frames) > 2]
        if not uid or len(large) < 2:
            continue
        differing = [
            tag for index, tag in enumerate(_KEY_TAGS) if len({part.key[index] for part in large}) > 1
        ] or [_UNSAID]
        for part in large:
            if any(finding.code == "ingest.side-by-side" for finding in part.findings):
                continue
            part.findings.append(
                Finding(
                    "ingest.split-series",
                    "repaired",
                    f"One series holds {len(large)} different stacks; they differ in {', '.join(differing)}.",
                    "Each is listed as a series of its own.",
                    {"tags": differing},
                )
            )
