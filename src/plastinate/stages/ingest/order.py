"""Frames of one group -> slices in order along their axis, duplicates gone, phases apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding
from plastinate.stages.ingest.frame import Frame

# Positions are decimal strings: rounding noise is not a distance (1 % of the spacing plus a micrometre).
POSITION_SLACK_MM = 1e-3
POSITION_SLACK_SHARE = 0.01
HASH_BLOCK_BYTES = 1 << 20

Place = list[Frame]


@dataclass(frozen=True)
class Phase:
    """The frames of one volume, in order along the slice axis."""

    name: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class _Split:
    """A tag that may tell phases apart, and how to name what it says."""

    tag: str
    value: Callable[[Frame], float | str | None]
    name: str


def _tag(keyword: str) -> Callable[[Frame], float | str | None]:
    return lambda frame: frame.tags.get(keyword)


# Tried in this order; the first that divides evenly is it.
SPLITS = (
    _Split("TriggerTime", _tag("TriggerTime"), "trigger {} ms"),
    _Split("TemporalPositionIdentifier", _tag("TemporalPositionIdentifier"), "time {}"),
    _Split("TemporalPositionIndex", _tag("TemporalPositionIndex"), "time {}"),
    _Split("TemporalPositionTimeOffset", _tag("TemporalPositionTimeOffset"), "time {} s"),
    _Split("AcquisitionTime", _tag("AcquisitionTime"), "acquired {}"),
    _Split("EchoTime", _tag("EchoTime"), "echo {} ms"),
    _Split("EchoNumbers", _tag("EchoNumbers"), "echo {}"),
    _Split("InversionTime", _tag("InversionTime"), "inversion {} ms"),
    _Split("DiffusionBValue", _tag("DiffusionBValue"), "b {} s/mm²"),
    _Split("AcquisitionNumber", _tag("AcquisitionNumber"), "acquisition {}"),
    _Split("ImageType", lambda frame: "/".join(frame.image_type[2:]), "type {}"),
    _Split("ContentTime", _tag("ContentTime"), "written {}"),
)
# Times that run on from slice to slice: their rank at each position is the phase.
RANKED = (
    _Split("TriggerTime", _tag("TriggerTime"), ""),
    _Split("AcquisitionTime", _tag("AcquisitionTime"), ""),
    _Split("ContentTime", _tag("ContentTime"), ""),
    _Split("InstanceNumber", lambda frame: frame.instance_number, ""),
)


def slice_axis(frame: Frame) -> npt.NDArray[np.float64]:
    """Unit vector of increasing slice index: column_direction x row_direction."""
    if frame.row_direction is None or frame.column_direction is None:
        raise ValueError("a frame without orientation has no slice axis")
    return np.cross(np.array(frame.column_direction), np.array(frame.row_direction))


def arrange(
    frames: Sequence[Frame], *, axis: npt.NDArray[np.float64] | None
) -> tuple[list[Phase], list[Finding]]:
    """Order frames, drop exact duplicates, and split what lies at the same position into phases.

    Limits: copies that differ in a single pixel are phases, not duplicates.

    Args:
        frames: one group.
        axis: (3,) the slice axis; None where no positions are known, and then
            InstanceNumber orders them.

    Returns:
        The phases, first the lowest value of the tag that tells them apart; and findings.
    """
    once, dropped = _drop_same_uid(frames)
    findings: list[Finding] = []
    places = _places(once, axis)
    if any(len(place) > 1 for place in places):
        places, same_pixels = _drop_copies(places, only_if_all=True)
        dropped += same_pixels
    phases, how = _phases(places)
    if phases is None:
        places, same_pixels = _drop_copies(places, only_if_all=False)
        dropped += same_pixels
        phases, how = _phases(places)
    if dropped:
        findings.append(
            Finding(
                "ingest.duplicates",
                "repaired",
                f"{dropped} image{'s are' if dropped > 1 else ' is'} in the input more than once.",
                "One copy of each was kept.",
                {"dropped": dropped},
            )
        )
    if phases is None:
        phases, how = _leftovers(places), ""
        findings.append(
            Finding(
                "ingest.unclear-phases",
                "warning",
                "Several images share a position, and no tag tells cleanly which belong together.",
                "They were separated by InstanceNumber; check that the phase you choose is one scan.",
                {"phases": [phase.name for phase in phases]},
            )
        )
    elif len(phases) > 1:
        findings.append(
            Finding(
                "ingest.phases",
                "note",
                f"The series holds {len(phases)} volumes of the same place, told apart by {how}.",
                "Each is a phase of its own; choose one with --phase.",
                {"phases": [phase.name for phase in phases], "tag": how},
            )
        )
    return phases, findings


def _drop_same_uid(frames: Sequence[Frame]) -> tuple[list[Frame], int]:
    """One of each identifier, unless the identifiers are worthless: the same one at two positions."""
    places: dict[tuple[str, int], set[object]] = {}
    for frame in frames:
        if frame.sop_instance_uid:
            places.setdefault(_identity(frame), set()).add(frame.position_lps_mm or frame.instance_number)
    if any(len(positions) > 1 for positions in places.values()):
        return list(frames), 0
    seen: set[tuple[str, int]] = set()
    kept = []
    for frame in sorted(frames, key=_tie):
        if frame.sop_instance_uid and _identity(frame) in seen:
            continue
        seen.add(_identity(frame))
        kept.append(frame)
    return kept, len(frames) - len(kept)


def _identity(frame: Frame) -> tuple[str, int]:
    return frame.sop_instance_uid, frame.frame_index


def _tie(frame: Frame) -> tuple[int, str, int, str]:
    number = frame.instance_number if frame.instance_number is not None else 1 << 40
    return number, frame.sop_instance_uid, frame.frame_index, frame.name


def _places(frames: Sequence[Frame], axis: npt.NDArray[np.float64] | None) -> list[Place]:
    """Frames at the same position, together, in ascending order along the axis."""
    ranked = sorted(frames, key=_tie)
    if axis is None:
        return [[frame] for frame in ranked]
    along = np.array([frame.position_lps_mm for frame in ranked], dtype=np.float64) @ axis
    order = np.argsort(along, kind="stable")
    steps = np.diff(along[order])
    real = steps[steps > POSITION_SLACK_MM]
    slack = POSITION_SLACK_MM + POSITION_SLACK_SHARE * (float(np.median(real)) if real.size else 0.0)
    places: list[Place] = []
    start = -np.inf
    for index in order:
        if along[index] - start > slack:
            places.append([])
            start = along[index]
        places[-1].append(ranked[index])
    for place in places:
        place.sort(key=_tie)
    return places


def _drop_copies(places: list[Place], *, only_if_all: bool) -> tuple[list[Place], int]:
    """Keep one of each set of images with the same pixels at the same position.

    With `only_if_all`, only where every crowded position holds nothing but
    copies: two phases may well share an empty slice of air.
    """
    thinned: list[Place] = []
    for place in places:
        if len(place) == 1:
            thinned.append(place)
            continue
        seen: dict[str, Frame] = {}
        for frame in place:
            seen.setdefault(_pixel_hash(frame), frame)
        if only_if_all and len(seen) > 1:
            return places, 0
        thinned.append(list(seen.values()))
    return thinned, sum(map(len, places)) - sum(map(len, thinned))


def _pixel_hash(frame: Frame) -> str:
    """Digest of the stored pixels and their rescale; unlike any other where the bytes cannot be found."""
    start, length = frame.pixel_offset, frame.pixel_length
    if start is None and frame.frame_count == 1:
        start, length = frame.tags.get("EncapsulatedOffset"), None
    unlike = f"{frame.path}#{frame.frame_index}"
    if start is None:
        return unlike
    digest = hashlib.blake2b(f"{frame.slope!r} {frame.intercept!r} {frame.transfer_syntax_uid}".encode())
    try:
        for block in _blocks(frame, start, length):
            digest.update(block)
    except OSError:
        return unlike
    return digest.hexdigest()


def _blocks(frame: Frame, start: int, length: int | None) -> Iterator[bytes]:
    left = length if length is not None else 1 << 62
    with frame.path.open("rb") as file:
        file.seek(start)
        while left > 0 and (block := file.read(min(HASH_BLOCK_BYTES, left))):
            left -= len(block)
            yield block


def _phases(places: list[Place]) -> tuple[list[Phase] | None, str]:
    """Phases by the first tag that divides evenly; None if there is no such tag."""
    if all(len(place) == 1 for place in places):
        return [Phase("", tuple(place[0] for place in places))], ""
    for split in SPLITS:
        parts = _even_parts(places, split)
        if parts is None:
            continue
        phases: list[Phase] = []
        names = split.tag
        for value, inner in parts:
            name = split.name.format(_plain(value))
            below, how = _phases(inner)
            if below is None:
                return None, ""
            if how:
                names = f"{split.tag} and {how}"
            phases += [
                Phase(f"{name}, {phase.name}" if phase.name else name, phase.frames) for phase in below
            ]
        return phases, names
    return _ranked(places) or _separated(places)


def _even_parts(places: list[Place], split: _Split) -> list[tuple[float | str, list[Place]]] | None:
    """Places for each value of a tag, if every value is at every position equally often."""
    values = {split.value(frame) for place in places for frame in place}
    if None in values or not 2 <= len(values) <= max(len(place) for place in places):
        return None
    parts: list[tuple[float | str, list[Place]]] = []
    for value in sorted(values, key=_sortable):
        inner = [[frame for frame in place if split.value(frame) == value] for place in places]
        if len({len(place) for place in inner}) != 1 or not inner[0]:
            return None
        parts.append((value, inner))  # type: ignore[arg-type]
    return parts


def _ranked(places: list[Place]) -> tuple[list[Phase], str] | None:
    """Phases by rank in time at each position, where all positions are equally crowded."""
    count = len(places[0])
    if any(len(place) != count for place in places):
        return None
    for split in RANKED:
        values = [[split.value(frame) for frame in place] for place in places]
        if any(None in row or len(set(row)) != count for row in values):
            continue
        ordered = [sorted(place, key=lambda frame: _sortable(split.value(frame))) for place in places]
        phases = [
            Phase(f"{rank + 1} of {count}", tuple(place[rank] for place in ordered)) for rank in range(count)
        ]
        return phases, f"the order of {split.tag}"
    return None


def _separated(places: list[Place]) -> tuple[list[Phase] | None, str]:
    """Stacks that overlap in part: each value of a tag at most once at every position."""
    for split in SPLITS:
        values = {split.value(frame) for place in places for frame in place}
        if None in values or not 2 <= len(values) <= 2 * max(len(place) for place in places):
            continue
        phases = []
        for value in sorted(values, key=_sortable):
            inner = [[frame for frame in place if split.value(frame) == value] for place in places]
            if any(len(place) > 1 for place in inner):
                break
            chosen = tuple(place[0] for place in inner if place)
            phases.append(Phase(split.name.format(_plain(value)), chosen))
        else:
            return phases, split.tag
    return None, ""


def _leftovers(places: list[Place]) -> list[Phase]:
    """The n-th image of each position, by InstanceNumber: a guess, and called one."""
    most = max(len(place) for place in places)
    return [
        Phase(f"layer {rank + 1}", tuple(place[rank] for place in places if len(place) > rank))
        for rank in range(most)
    ]


def _sortable(value: float | str | None) -> tuple[bool, float, str]:
    return (True, 0.0, value) if isinstance(value, str) else (False, float(value or 0.0), "")


def _plain(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
