"""What is known about how a model was made and how far it can be trusted.

Evidence holds facts that are the same on every run of the same recipe on the
same input. What differs between runs (seconds, memory, the date) is kept apart
in `RunRecord`, so that the files themselves come out byte for byte the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Severity = Literal["note", "repaired", "warning", "problem"]
Light = Literal["green", "amber", "red"]


@dataclass(frozen=True)
class Finding:
    """Something noticed about the input, in words a student understands.

    Attributes:
        code: stable, "ingest.gap", "ingest.tilt" ...
        severity: "note" (worth knowing), "repaired" (was wrong, mended exactly),
            "warning" (a doubt remains), "problem" (this part was not used).
        sentence: what was found.
        action: what was done about it.
        details: the numbers behind the sentence, JSON values.
    """

    code: str
    severity: Severity
    sentence: str
    action: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "code": self.code,
            "severity": self.severity,
            "sentence": self.sentence,
            "action": self.action,
            "details": dict(self.details),
        }


@dataclass(frozen=True)
class StepRecord:
    """One step that ran: which method, which version, which numbers."""

    stage: str
    method: str
    version: str
    parameters: Mapping[str, Any]
    structures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "stage": self.stage,
            "method": self.method,
            "version": self.version,
            "parameters": dict(self.parameters),
            "structures": list(self.structures),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class SurfaceQuality:
    """Measured facts of one surface at one detail level, against the mask it came from.

    Distances run from the mesh to the boundary of the mask and back, and the
    larger is kept (symmetric); see docs/explanation/certificate.md for the
    definition. None means not known, never zero.
    """

    triangles: int
    vertices: int
    is_closed: bool
    is_manifold: bool
    self_crossings: int
    pieces: int
    volume_ml: float | None
    mask_volume_ml: float | None
    volume_drift_percent: float | None
    area_cm2: float | None
    distance_mean_mm: float | None
    distance_p95_mm: float | None
    distance_max_mm: float | None
    distance_mean_voxel: float
    distance_p95_voxel: float
    distance_max_voxel: float
    thinnest_wall_mm: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class VolumeRange:
    """Between which volumes a structure lies, where its method knows how likely each voxel belongs to it.

    Attributes:
        least_ml: of what belongs to it with a likelihood of `SURE` or more: the inner envelope.
        greatest_ml: of what belongs to it with one of `POSSIBLE` or more: the outer envelope.
    """

    SURE: ClassVar[float] = 0.9
    POSSIBLE: ClassVar[float] = 0.1

    least_ml: float
    greatest_ml: float

    def as_dict(self) -> dict[str, float]:
        """Plain JSON values, with the two likelihoods."""
        return {
            "least_ml": round(self.least_ml, 3),
            "greatest_ml": round(self.greatest_ml, 3),
            "least_at_likelihood": self.SURE,
            "greatest_at_likelihood": self.POSSIBLE,
        }


@dataclass(frozen=True)
class Verdict:
    """The traffic light of one structure, with its reasons in words."""

    light: Light
    reasons: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"light": self.light, "reasons": list(self.reasons)}


@dataclass(frozen=True)
class NotFound:
    """A structure that was asked for and is not in the scene.

    Attributes:
        id: structure id.
        name: for people.
        reason: why, a clause without a full stop: "no bone above 300 HU".
    """

    id: str
    name: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """Plain JSON values."""
        return {"id": self.id, "name": self.name, "reason": self.reason}


@dataclass(frozen=True)
class Evidence:
    """Everything that is true of the models whenever and wherever they are built.

    Attributes:
        inputs: SHA-256 of the input, frames used, series description, geometry found.
        findings: what the import doctor and the steps noticed.
        steps: what ran, in order.
        quality: structure id -> detail level -> measured facts.
        verdicts: structure id -> traffic light.
        not_found: what was asked for and is not there, in the recipe's order.
        outputs: file name -> SHA-256, filled once the files are written.
        volume_ranges: structure id -> between which volumes it lies, where its method can say.
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    quality: Mapping[str, Mapping[str, SurfaceQuality]] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    not_found: tuple[NotFound, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    volume_ranges: Mapping[str, VolumeRange] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, in a fixed order."""
        return {
            "inputs": dict(self.inputs),
            "findings": [finding.as_dict() for finding in self.findings],
            "steps": [step.as_dict() for step in self.steps],
            "quality": {
                name: {level: quality.as_dict() for level, quality in levels.items()}
                for name, levels in self.quality.items()
            },
            "verdicts": {name: verdict.as_dict() for name, verdict in self.verdicts.items()},
            **self._ranges(),
            "not_found": [missing.as_dict() for missing in self.not_found],
            "outputs": dict(self.outputs),
        }

    def _ranges(self) -> dict[str, Any]:
        # Where no method knows likelihoods there is nothing to say, and nothing is said.
        ranges = {name: volumes.as_dict() for name, volumes in self.volume_ranges.items()}
        return {"volume_ranges": ranges} if ranges else {}


@dataclass(frozen=True)
class RunRecord:
    """What differs between two runs of the same thing: time, memory, machine."""

    started_utc: str
    wall_s: float
    step_wall_s: Mapping[str, float]
    peak_memory_mb: float
    plastinate_version: str
    machine: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "started_utc": self.started_utc,
            "wall_s": round(self.wall_s, 3),
            "step_wall_s": {name: round(value, 3) for name, value in self.step_wall_s.items()},
            "peak_memory_mb": round(self.peak_memory_mb, 1),
            "plastinate_version": self.plastinate_version,
            "machine": dict(self.machine),
        }
