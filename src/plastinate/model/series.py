"""What the import doctor found: series that can become volumes, and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plastinate.model.evidence import Finding

# What a file may give as its modality that says nothing of the kind of scan: PS3.3, C.7.3.1.1.1, "Other".
UNSAID = frozenset({"", "OT"})


@dataclass(frozen=True)
class Series:
    """A group of images in one frame of reference that make one volume for each phase.

    Attributes:
        number: 1, 2, 3 ... as `inspect` lists them; what --series takes.
        modality: "CT", "MR", "" if unknown.
        description: the series' own words, safe to print.
        frame_count: images per phase.
        shape: (S, R, C) of one phase as stored, before any regularisation.
        spacing_mm: along (slice, row, column); None where the scan does not say.
        phases: one name for each volume in the series; ("",) for a plain one.
        findings: what was noticed.
        tags: further facts worth keeping (kernel, UIDs, plane, transfer syntax ...); "likely_modality"
            where the files do not say the modality, and their values look like those of one.
        is_usable: False if only listed, with the reason in the findings.
    """

    number: int
    modality: str
    description: str
    frame_count: int
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] | None
    phases: tuple[str, ...] = ("",)
    findings: tuple[Finding, ...] = ()
    tags: Mapping[str, Any] = field(default_factory=dict)
    is_usable: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "number": self.number,
            "modality": self.modality,
            "description": self.description,
            "frame_count": self.frame_count,
            "shape_slice_row_column": list(self.shape),
            "spacing_mm_slice_row_column": None if self.spacing_mm is None else list(self.spacing_mm),
            "phases": list(self.phases),
            "is_usable": self.is_usable,
            "tags": dict(self.tags),
            "findings": [finding.as_dict() for finding in self.findings],
        }


@dataclass(frozen=True)
class SetAside:
    """Files that are not part of any volume, and why.

    Attributes:
        reason: in words.
        files: their names; the first of them where there are very many.
        count: how many there are.
    """

    reason: Finding
    files: tuple[str, ...]
    count: int

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"reason": self.reason.as_dict(), "files": list(self.files), "count": self.count}


@dataclass(frozen=True)
class Inspection:
    """All that was found at one path."""

    path: str
    files_looked_at: int
    series: tuple[Series, ...]
    set_aside: tuple[SetAside, ...] = ()
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "path": self.path,
            "files_looked_at": self.files_looked_at,
            "series": [series.as_dict() for series in self.series],
            "set_aside": [aside.as_dict() for aside in self.set_aside],
            "findings": [finding.as_dict() for finding in self.findings],
        }
