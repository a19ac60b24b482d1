"""How well one structure of ours matches a reference, as figures."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

# "found": both hold it. "missed": only the reference. "invented": only we. "absent": neither, rightly.
Outcome = Literal["found", "missed", "invented", "absent"]


@dataclass(frozen=True)
class StructureScore:
    """The figures of one structure; what has no meaning is None and enters no mean.

    Where neither holds a voxel, nothing is measured: agreeing on "not there" is told as `outcome`,
    not as a Dice of 1. Where only one does, the overlaps are 0 and the distances unknown, since
    there is no surface to measure to.

    Attributes:
        outcome: which of the two holds it.
        ours_ml, reference_ml: voxels times voxel volume.
        dice: 2 |A and B| / (|A| + |B|).
        volume_error_percent: (ours - reference) / reference, signed; CHAOS's RAVD is its size.
        nsd_1mm, nsd_3mm: share of both surfaces, by area, that lies within so much of the other one.
        nsd_1mm_voxels, nsd_3mm_voxels: the same, each surface voxel counting alike.
        hd95_mm: 95 % of each surface, by area, lies within it; the larger of both ways.
        assd_mm: mean distance over the surface voxels of both.
        mssd_mm: farthest that a surface voxel of either lies from the other surface.
    """

    outcome: Outcome
    ours_ml: float
    reference_ml: float
    dice: float | None = None
    volume_error_percent: float | None = None
    nsd_1mm: float | None = None
    nsd_3mm: float | None = None
    nsd_1mm_voxels: float | None = None
    nsd_3mm_voxels: float | None = None
    hd95_mm: float | None = None
    assd_mm: float | None = None
    mssd_mm: float | None = None

    def as_dict(self) -> dict[str, float | str | None]:
        """Plain JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
