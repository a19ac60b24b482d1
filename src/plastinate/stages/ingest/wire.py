"""Nouns and errors as JSON, for the border between the reading child and its parent."""

from __future__ import annotations

from typing import Any

from plastinate.model.errors import PlastinateError
from plastinate.model.every_error import error_classes
from plastinate.model.evidence import Finding
from plastinate.model.series import Inspection, Series, SetAside


def finding_from(data: dict[str, Any]) -> Finding:
    """The finding that `Finding.as_dict` wrote."""
    return Finding(data["code"], data["severity"], data["sentence"], data["action"], data["details"])


def findings_from(data: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """Several findings."""
    return tuple(finding_from(entry) for entry in data)


def series_from(data: dict[str, Any]) -> Series:
    """The series that `Series.as_dict` wrote."""
    slices, rows, columns = data["shape_slice_row_column"]
    spacing = data["spacing_mm_slice_row_column"]
    return Series(
        number=data["number"],
        modality=data["modality"],
        description=data["description"],
        frame_count=data["frame_count"],
        shape=(slices, rows, columns),
        spacing_mm=None if spacing is None else (spacing[0], spacing[1], spacing[2]),
        phases=tuple(data["phases"]),
        findings=findings_from(data["findings"]),
        tags=data["tags"],
        is_usable=data["is_usable"],
    )


def inspection_from(data: dict[str, Any]) -> Inspection:
    """The inspection that `Inspection.as_dict` wrote."""
    return Inspection(
        path=data["path"],
        files_looked_at=data["files_looked_at"],
        series=tuple(series_from(entry) for entry in data["series"]),
        set_aside=tuple(
            SetAside(finding_from(entry["reason"]), tuple(entry["files"]), entry["count"])
            for entry in data["set_aside"]
        ),
        findings=findings_from(data["findings"]),
    )


def error_as_dict(error: PlastinateError) -> dict[str, Any]:
    """An error with its plain attributes."""
    plain = {
        name: value
        for name, value in vars(error).items()
        if isinstance(value, str | int | float | bool)
        or (isinstance(value, list) and all(isinstance(entry, str) for entry in value))
    }
    return {**error.as_dict(), "attributes": plain}


def error_from(data: dict[str, Any]) -> PlastinateError:
    """The error of the same class, sentence, hint and attributes.

    Built without its constructor, which takes the facts and not the sentence.
    """
    kind = error_classes().get(data["code"], PlastinateError)
    error = kind.__new__(kind)
    Exception.__init__(error, data["sentence"])
    for name, value in data.get("attributes", {}).items():
        if name.isidentifier() and not name.startswith("_"):
            setattr(error, name, value)
    error.hint = data["hint"]
    return error
