"""One image plane, as a file describes it: what grouping needs to know and decoding needs to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """One plane of pixels and where it lies.

    A single-frame DICOM file gives one Frame; an enhanced multi-frame file one
    for each of its frames, with the shared and per-frame functional groups
    already merged in (DICOM PS3.3, C.7.6.16).

    Attributes:
        path: file on disk (archives are already unpacked).
        name: what to call the file in sentences: its path inside the input.
        frame_index: 0-based frame within the file.
        rows, columns: matrix.
        position_lps_mm: centre of the first pixel (PS3.3, C.7.6.2.1.1), None if absent.
        row_direction, column_direction: direction cosines of increasing column
            index and increasing row index, as ImageOrientationPatient lists them.
        row_spacing_mm, column_spacing_mm: PixelSpacing[0] and [1] (PS3.3, 10.7.1.3):
            distance between rows, distance between columns.
        slope, intercept: rescale of this frame.
        pixel_offset: byte offset of this frame's native pixels in the file, None if encapsulated.
        tags: the rest, by DICOM keyword, plain values: what grouping compares.
    """

    path: Path
    name: str
    frame_index: int
    rows: int
    columns: int
    transfer_syntax_uid: str
    samples_per_pixel: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    modality: str = ""
    image_type: tuple[str, ...] = ()
    position_lps_mm: tuple[float, float, float] | None = None
    row_direction: tuple[float, float, float] | None = None
    column_direction: tuple[float, float, float] | None = None
    row_spacing_mm: float | None = None
    column_spacing_mm: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    padding_value: int | None = None
    padding_limit: int | None = None
    instance_number: int | None = None
    frame_count: int = 1
    pixel_offset: int | None = None
    pixel_length: int | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
