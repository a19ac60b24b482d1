"""A parsed DICOM header -> the Frame that says where a plane lies and how its pixels are stored."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from plastinate.stages.ingest import elements, functional
from plastinate.stages.ingest.charset import decoded
from plastinate.stages.ingest.dataset import UNDEFINED_LENGTH, ParsedHeader, RawDataset
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.filemeta import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, NATIVE, FileMeta
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.words import safe

# Cosines are rounded to a few digits; beyond a twentieth they are no rotation at all.
COSINE_SLACK = 0.05
# A kilometre from the origin, pixels from a micrometre to a decimetre: what lies beyond is a slip.
FARTHEST_MM = 1e6
SMALLEST_PIXEL_MM, LARGEST_PIXEL_MM = 1e-3, 100.0

# What grouping, phases and the report ask for: keyword -> (tag, how it is written).
KEPT_TAGS: Mapping[str, tuple[int, str]] = {
    "AcquisitionDate": (0x00080022, "text"),
    "AcquisitionTime": (0x00080032, "text"),
    "ContentTime": (0x00080033, "text"),
    "Manufacturer": (0x00080070, "text"),
    "ProtocolName": (0x00181030, "text"),
    "BodyPartExamined": (0x00180015, "text"),
    "SliceThickness": (0x00180050, "number"),
    "RepetitionTime": (0x00180080, "number"),
    "EchoTime": (0x00180081, "number"),
    "InversionTime": (0x00180082, "number"),
    "EchoNumbers": (0x00180086, "number"),
    "TriggerTime": (0x00181060, "number"),
    "ConvolutionKernel": (0x00181210, "text"),
    "DiffusionBValue": (0x00189087, "double"),
    "PatientPosition": (0x00185100, "text"),
    "SeriesNumber": (0x00200011, "number"),
    "AcquisitionNumber": (0x00200012, "number"),
    "TemporalPositionIdentifier": (0x00200100, "number"),
    "SliceLocation": (0x00201041, "number"),
    "RescaleType": (0x00281054, "text"),
    "LossyImageCompression": (0x00282110, "text"),
}
# Words that stand for a name and are none.
NO_NAMES = frozenset(
    {"anonym", "anonymous", "anonymized", "anonymised", "patient", "sample", "test", "unknown"}
    | {"ct", "dr", "mr", "ms"}
)
_STUDY_DESCRIPTION, _SERIES_DESCRIPTION = 0x00081030, 0x0008103E
# The patient's name, number and date of birth.
_OF_THE_PATIENT = (0x00100010, 0x00100020, 0x00100030)
_NUMBERED = (0x00020010, 0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00080060, 0x0008103E, 0x0020000D)
_GEOMETRY = (0x0020000E, 0x00200013, 0x00200032, 0x00200037, 0x00200052, 0x00280002, 0x00280004, 0x00280008)
_PIXELS = (0x00280010, 0x00280011, 0x00280030, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280120)
_VALUES = (0x00280121, 0x00281052, 0x00281053, 0x00283000, functional.SHARED, functional.PER_FRAME)
_TABLE = (0x00283002, 0x00283006)
WANTED = functional.TAGS.union(
    _NUMBERED,
    _GEOMETRY,
    _PIXELS,
    _VALUES,
    _TABLE,
    (_STUDY_DESCRIPTION, *_OF_THE_PATIENT),
    (tag for tag, _ in KEPT_TAGS.values()),
)

MODALITY_LUT = 0x00283000


@dataclass(slots=True)
class Source:
    """An open dataset, and where its bytes can be found again."""

    candidate: Candidate
    meta: FileMeta
    path: Path
    file_bytes: int


def is_native(source: Source, header: ParsedHeader) -> bool:
    """Whether the pixels lie in the file as they are."""
    return source.meta.transfer_syntax_uid in NATIVE and header.value_length != UNDEFINED_LENGTH


def plain_frame(source: Source, header: ParsedHeader, *, sop_class_uid: str, bits: int, count: int) -> Frame:
    """The frame as the top level of the file describes it."""
    dataset = header.dataset
    is_signed = elements.short(dataset, 0x00280103) == 1
    has_offset = is_native(source, header)
    rows, columns = elements.short(dataset, 0x00280010) or 0, elements.short(dataset, 0x00280011) or 0
    bits_stored = elements.short(dataset, 0x00280101) or bits
    high_bit = elements.short(dataset, 0x00280102)
    slope, intercept = elements.number(dataset, 0x00281053), elements.number(dataset, 0x00281052)
    tags = _tags(dataset)
    if not has_offset:
        tags["EncapsulatedOffset"] = header.value_offset
    if slope is not None:
        tags["HasRescale"] = True
    if functional.has_no_scale(dataset):
        tags["HadNoSlope"] = True
    row_direction, column_direction = _directions(elements.numbers(dataset, 0x00200037))
    row_spacing, column_spacing = _spacings(elements.numbers(dataset, 0x00280030))
    return Frame(
        path=source.path,
        name=source.candidate.name,
        frame_index=0,
        rows=rows,
        columns=columns,
        transfer_syntax_uid=_honest_syntax(source, header),
        samples_per_pixel=1,
        photometric=elements.text(dataset, 0x00280004).upper() or "MONOCHROME2",
        bits_allocated=bits,
        bits_stored=min(bits_stored, bits),
        high_bit=high_bit if high_bit is not None and high_bit < bits else min(bits_stored, bits) - 1,
        is_signed=is_signed,
        sop_class_uid=sop_class_uid,
        sop_instance_uid=elements.uid(dataset, 0x00080018),
        series_uid=elements.uid(dataset, 0x0020000E),
        study_uid=elements.uid(dataset, 0x0020000D),
        frame_of_reference_uid=elements.uid(dataset, 0x00200052),
        modality=safe(elements.text(dataset, 0x00080060), longest=16).upper(),
        image_type=elements.words(dataset, 0x00080008),
        position_lps_mm=_triple(elements.numbers(dataset, 0x00200032)),
        row_direction=row_direction,
        column_direction=column_direction,
        row_spacing_mm=row_spacing,
        column_spacing_mm=column_spacing,
        slope=slope or 1.0,
        intercept=intercept if intercept is not None else 0.0,
        padding_value=elements.short(dataset, 0x00280120, is_signed=is_signed),
        padding_limit=elements.short(dataset, 0x00280121, is_signed=is_signed),
        instance_number=elements.whole(dataset, 0x00200013),
        frame_count=count,
        pixel_offset=header.value_offset if has_offset else None,
        pixel_length=rows * columns * bits // 8 if has_offset else None,
        tags=tags,
    )


def _honest_syntax(source: Source, header: ParsedHeader) -> str:
    """The transfer syntax, corrected where the dataset is plainly written otherwise than declared."""
    if source.meta.transfer_syntax_uid not in NATIVE:
        return source.meta.transfer_syntax_uid
    if not header.is_little_endian:
        return EXPLICIT_BIG
    return IMPLICIT_LITTLE if header.is_implicit else EXPLICIT_LITTLE


def with_facts(frame: Frame, facts: functional.FrameFacts) -> Frame:
    """The frame, overruled by what its functional groups say."""
    row_direction, column_direction = _directions(facts.orientation)
    row_spacing, column_spacing = _spacings(facts.pixel_spacing)
    tags = {**frame.tags, **facts.tags}
    if facts.slope is not None:
        tags["HasRescale"] = True
    return replace(
        frame,
        position_lps_mm=_triple(facts.position) or frame.position_lps_mm,
        row_direction=row_direction or frame.row_direction,
        column_direction=column_direction or frame.column_direction,
        row_spacing_mm=row_spacing or frame.row_spacing_mm,
        column_spacing_mm=column_spacing or frame.column_spacing_mm,
        slope=facts.slope or frame.slope,
        intercept=facts.intercept if facts.intercept is not None else frame.intercept,
        image_type=facts.frame_type or frame.image_type,
        instance_number=facts.instance_number if facts.instance_number is not None else frame.frame_index + 1,
        tags=tags,
    )


def _tags(dataset: RawDataset) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    for keyword, (tag, form) in KEPT_TAGS.items():
        if tag not in dataset:
            continue
        value: Any
        if form == "text":
            value = safe(elements.text(dataset, tag))
        elif form == "double":
            value = elements.double(dataset, tag)
        else:
            value = elements.number(dataset, tag)
        if value not in (None, ""):
            tags[keyword] = value
    if raw := elements.raw_value(dataset, 0x0008103E):
        tags["SeriesDescription"] = decoded(raw, elements.text(dataset, 0x00080005))
    title = _title(
        elements.raw_value(dataset, _STUDY_DESCRIPTION),
        elements.raw_value(dataset, _SERIES_DESCRIPTION),
        tuple(elements.raw_value(dataset, tag) for tag in _OF_THE_PATIENT),
        elements.text(dataset, 0x00080005),
        str(tags.get("BodyPartExamined", "")),
        elements.text(dataset, 0x00080060),
    )
    if title:
        tags["Title"] = title
    table = elements.first_item(dataset, MODALITY_LUT)
    if table is not None:
        tags.update(_modality_lut(table, is_signed=elements.short(dataset, 0x00280103) == 1))
    return tags


@lru_cache(maxsize=64)
def _title(
    study: bytes, series: bytes, patient: tuple[bytes, ...], sets: str, body_part: str, modality: str
) -> str:
    """What the scan may be called: what the study or the series says of itself, and the part of the body.

    Whatever tells who the patient is is left out: a part of the name, the number, the date of birth. These
    go no further than here.
    """

    def words(raw: bytes) -> str:
        return " ".join(re.split(r"[\^_\s]+", decoded(raw, sets))).strip()

    name, number, born = (words(raw).lower() for raw in patient)
    told = words(study), words(series), body_part.capitalize()
    said = [text for text in told if text and not _tells_who(text.lower(), name, number, born)]
    title, place = next(filter(None, said), ""), body_part.capitalize()
    if not place or place not in said or (title != place and place.lower() in title.lower()):
        return title
    if title == place:
        return f"{modality} {place}".strip()
    return place if title.lower() in place.lower() else f"{title}, {place}"


def _tells_who(text: str, name: str, number: str, born: str) -> bool:
    """Whether a text in small letters holds a part of a name, a number, or a date as people write it."""
    its_words = set(re.split(r"[\W_]+", text))
    for part in set(re.split(r"[\W_]+", name)) - NO_NAMES:
        # Names of two letters stand as words; within a word they are everywhere.
        if (len(part) == 2 and part in its_words) or (len(part) > 2 and part in text):
            return True
    plain, digits = re.sub(r"[\W_]", "", text), re.sub(r"\D", "", text)
    number = re.sub(r"[\W_]", "", number)
    if len(number) > 2 and number not in NO_NAMES and number in plain:
        return True
    year, month, day = born[:4], born[4:6], born[6:8]
    return len(born) == 8 and any(date in digits for date in (born, day + month + year, month + day + year))


def _modality_lut(table: RawDataset, *, is_signed: bool) -> dict[str, Any]:
    """The modality lookup table (PS3.3, C.11.1): the stored value of its first entry, and its entries."""
    values = list(elements.shorts(table, 0x00283006))
    descriptor = elements.shorts(table, 0x00283002)
    if len(descriptor) < 3 or not values:
        return {}
    first = descriptor[1] - (1 << 16) if is_signed and descriptor[1] >= 1 << 15 else descriptor[1]
    return {"ModalityLUTFirst": first, "ModalityLUT": tuple(values[: descriptor[0] or 65536])}


def _triple(values: tuple[float, ...]) -> tuple[float, float, float] | None:
    """Three finite coordinates, none beyond any scanner's reach."""
    if len(values) != 3 or max(map(abs, values)) > FARTHEST_MM:
        return None
    return values[0], values[1], values[2]


def _directions(
    cosines: tuple[float, ...],
) -> tuple[tuple[float, float, float] | None, tuple[float, float, float] | None]:
    """The two vectors of ImageOrientationPatient, made exactly orthonormal; None if they are no frame."""
    if len(cosines) != 6:
        return None, None
    row: tuple[float, ...] = cosines[:3]
    column: tuple[float, ...] = cosines[3:]
    row_length, column_length = _length(row), _length(column)
    if abs(row_length - 1) > COSINE_SLACK or abs(column_length - 1) > COSINE_SLACK:
        return None, None
    row = tuple(value / row_length for value in row)
    along = sum(a * b for a, b in zip(row, column, strict=True))
    if abs(along) > COSINE_SLACK:
        return None, None
    column = tuple(b - along * a for a, b in zip(row, column, strict=True))
    return _triple(row), _triple(tuple(value / _length(column) for value in column))


def _length(vector: tuple[float, ...]) -> float:
    return math.sqrt(sum(value * value for value in vector))


def _spacings(values: tuple[float, ...]) -> tuple[float | None, float | None]:
    """PixelSpacing as (between rows, between columns); None where it is no size."""
    if len(values) != 2 or min(values) < SMALLEST_PIXEL_MM or max(values) > LARGEST_PIXEL_MM:
        return None, None
    return values[0], values[1]
