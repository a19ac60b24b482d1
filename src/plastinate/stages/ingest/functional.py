"""Functional groups of an enhanced multi-frame file -> what each frame adds to the header.

Source: DICOM PS3.3, C.7.6.16 (shared and per-frame groups), C.8.13.5 (MR), C.8.15.3 (CT),
and A.70 to A.72 for legacy converted objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plastinate.stages.ingest import elements
from plastinate.stages.ingest.dataset import RawDataset
from plastinate.stages.ingest.elements import first_item

SHARED = 0x52009229
PER_FRAME = 0x52009230

PIXEL_MEASURES = 0x00289110
PLANE_POSITION = 0x00209113
PLANE_ORIENTATION = 0x00209116
VALUE_TRANSFORMATION = 0x00289145
FRAME_CONTENT = 0x00209111
CT_FRAME_TYPE = 0x00189329
MR_FRAME_TYPE = 0x00189226
CT_RECONSTRUCTION = 0x00189314
UNASSIGNED = 0x00209171

# (group, element inside it, keyword, how it is written): what tells phases apart.
_EXTRA: tuple[tuple[int, int, str, str], ...] = (
    (FRAME_CONTENT, 0x00209128, "TemporalPositionIndex", "binary"),
    (FRAME_CONTENT, 0x00209156, "AcquisitionNumber", "binary"),
    (FRAME_CONTENT, 0x00189074, "AcquisitionTime", "text"),
    (FRAME_CONTENT, 0x00209056, "StackID", "text"),
    (0x00189114, 0x00189082, "EchoTime", "double"),
    (0x00189117, 0x00189087, "DiffusionBValue", "double"),
    (0x00189118, 0x00209153, "TriggerTime", "double"),
    (0x00209310, 0x0020930D, "TemporalPositionTimeOffset", "double"),
    (CT_RECONSTRUCTION, 0x00181210, "ConvolutionKernel", "text"),
    (UNASSIGNED, 0x00200012, "AcquisitionNumber", "number"),
    (UNASSIGNED, 0x00180081, "EchoTime", "number"),
    (UNASSIGNED, 0x00181060, "TriggerTime", "number"),
    (UNASSIGNED, 0x00200100, "TemporalPositionIdentifier", "number"),
    (UNASSIGNED, 0x00181210, "ConvolutionKernel", "text"),
)


# Every tag asked for in here, for the walker that reads the header.
TAGS = frozenset(
    {SHARED, PER_FRAME, PIXEL_MEASURES, PLANE_POSITION, PLANE_ORIENTATION, VALUE_TRANSFORMATION}
    | {CT_FRAME_TYPE, MR_FRAME_TYPE, UNASSIGNED, 0x00089007}
    | {0x00200032, 0x00200037, 0x00280030, 0x00200013, 0x00281052, 0x00281053, 0x00281054}
    | {tag for extra in _EXTRA for tag in extra[:2]}
)

INTERCEPT, SLOPE = 0x00281052, 0x00281053


@dataclass(slots=True)
class FrameFacts:
    """What functional groups say about one frame; None where they are silent."""

    position: tuple[float, ...] = ()
    orientation: tuple[float, ...] = ()
    pixel_spacing: tuple[float, ...] = ()
    slope: float | None = None
    intercept: float | None = None
    frame_type: tuple[str, ...] = ()
    instance_number: int | None = None
    tags: dict[str, Any] = field(default_factory=dict)


def frame_facts(dataset: RawDataset, count: int) -> list[FrameFacts] | None:
    """The facts of every frame; None if the file has no functional groups.

    A file with fewer groups than frames has the shared facts only for the rest.
    """
    if SHARED not in dataset and PER_FRAME not in dataset:
        return None
    shared = first_item(dataset, SHARED)
    items = elements.items(dataset, PER_FRAME)[:count]
    common = FrameFacts()
    if shared is not None:
        _read(shared, common)
    result = []
    for index in range(count):
        facts = FrameFacts(
            common.position,
            common.orientation,
            common.pixel_spacing,
            common.slope,
            common.intercept,
            common.frame_type,
            common.instance_number,
            dict(common.tags),
        )
        if index < len(items):
            _read(items[index], facts)
        result.append(facts)
    return result


def has_no_scale(dataset: RawDataset) -> bool:
    """True if a slope is given that is zero, or a slope or intercept that is no number."""
    lines = [(elements.number(dataset, tag), elements.raw_value(dataset, tag)) for tag in (SLOPE, INTERCEPT)]
    is_senseless = any(value is None and written.strip(b"\0 ") for value, written in lines)
    return is_senseless or lines[0][0] == 0


def _read(groups: RawDataset, facts: FrameFacts) -> None:
    """Let one item of the shared or per-frame sequence add what it knows."""
    item: RawDataset | None
    # Legacy converted files may leave geometry among the unassigned attributes: asked first, overruled later.
    for item in (
        first_item(groups, UNASSIGNED),
        first_item(groups, PIXEL_MEASURES),
        first_item(groups, PLANE_POSITION),
        first_item(groups, PLANE_ORIENTATION),
    ):
        if item is None:
            continue
        facts.position = elements.numbers(item, 0x00200032) or facts.position
        facts.orientation = elements.numbers(item, 0x00200037) or facts.orientation
        facts.pixel_spacing = elements.numbers(item, 0x00280030) or facts.pixel_spacing
        if (number := elements.whole(item, 0x00200013)) is not None:
            facts.instance_number = number
    transformation = first_item(groups, VALUE_TRANSFORMATION)
    if transformation is not None:
        facts.slope = elements.number(transformation, SLOPE)
        facts.intercept = elements.number(transformation, INTERCEPT)
        if has_no_scale(transformation):
            facts.tags["HadNoSlope"] = True
        if kind := elements.text(transformation, 0x00281054):
            facts.tags["RescaleType"] = kind
    for kind_tag in (CT_FRAME_TYPE, MR_FRAME_TYPE):
        item = first_item(groups, kind_tag)
        if item is not None:
            facts.frame_type = elements.words(item, 0x00089007) or facts.frame_type
    for group_tag, element_tag, keyword, form in _EXTRA:
        item = first_item(groups, group_tag)
        if item is not None:
            _add(item, element_tag, keyword, form, facts.tags)


def _add(item: RawDataset, tag: int, keyword: str, form: str, tags: dict[str, Any]) -> None:
    value: Any
    if form == "text":
        value = elements.text(item, tag)
    elif form == "double":
        value = elements.double(item, tag)
    elif form == "binary":
        value = elements.short(item, tag)
    else:
        value = elements.number(item, tag)
    if value not in (None, ""):
        tags[keyword] = value
