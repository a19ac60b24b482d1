"""Distances between two surfaces, piece by piece -> mean, 95th percentile, maximum, share within."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

# Distances come as float32: one voxel of 0.7 mm away is within 0.7 mm, whatever the last digit says.
ROUNDING = 1 + 1e-6


@dataclass(frozen=True, eq=False)
class SurfacePair:
    """How far every piece of each of two surfaces lies from the other one.

    Attributes:
        ours_mm: (N,) from each piece of our surface to the nearest of the reference's.
        ours_weight: (N,) what each piece counts.
        reference_mm, reference_weight: (M,) the same the other way.
    """

    ours_mm: Values
    ours_weight: Values
    reference_mm: Values
    reference_weight: Values

    @property
    def is_measured(self) -> bool:
        """True where both surfaces have a piece."""
        return bool(self.ours_weight.sum() > 0 and self.reference_weight.sum() > 0)

    def within(self, tolerance_mm: float) -> float:
        """Share of both surfaces, taken together, that lies within the tolerance of the other one.

        Source:
            Nikolov et al., J. Med. Internet Res. 23 (2021) e26151, "surface Dice similarity coefficient".
        """
        near = self.ours_weight[self.ours_mm <= tolerance_mm * ROUNDING].sum()
        near += self.reference_weight[self.reference_mm <= tolerance_mm * ROUNDING].sum()
        return float(near / (self.ours_weight.sum() + self.reference_weight.sum()))

    def mean_mm(self) -> float:
        """Mean over the pieces of both surfaces together, mm."""
        total = (self.ours_mm * self.ours_weight).sum() + (self.reference_mm * self.reference_weight).sum()
        return float(total / (self.ours_weight.sum() + self.reference_weight.sum()))

    def percentile_mm(self, percent: float) -> float:
        """Distance within which that share of a surface lies; the larger of both ways, mm."""
        return max(
            _percentile(self.ours_mm, self.ours_weight, percent),
            _percentile(self.reference_mm, self.reference_weight, percent),
        )

    def largest_mm(self) -> float:
        """The farthest piece of either surface, mm: the Hausdorff distance."""
        return float(max(self.ours_mm.max(), self.reference_mm.max()))


def _percentile(distances: Values, weights: Values, percent: float) -> float:
    order = np.argsort(distances, kind="stable")
    reached = np.cumsum(weights[order])
    at = int(np.searchsorted(reached, percent / 100.0 * reached[-1]))
    return float(distances[order][min(at, len(order) - 1)])
