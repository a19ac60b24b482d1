"""Figures of several cases -> their mean with an interval, by drawing cases again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 2000
# Of two cases a draw can make three means: an interval from those would only look like one.
CASES_MIN = 3


@dataclass(frozen=True)
class Interval:
    """A mean over cases, and where the means of redrawn cases lie; unknown for fewer than three cases."""

    mean: float
    low: float | None
    high: float | None
    cases: int


def bootstrap(values: Sequence[float], *, percent: float = 95.0) -> Interval | None:
    """Mean of the values with its percentile bootstrap interval; None for no value.

    The draws are always the same ones, so that the same figures give the same interval.

    Args:
        values: one for each case, all finite.
        percent: of the means that lie within.

    Source:
        Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    if not values:
        return None
    measured = np.array(values, dtype=np.float64)
    mean = float(measured.mean())
    if len(measured) < CASES_MIN:
        return Interval(mean, None, None, len(measured))
    drawn = np.random.default_rng(1).integers(0, len(measured), (DRAWS, len(measured)))
    tail = (100.0 - percent) / 2
    low, high = np.percentile(measured[drawn].mean(axis=1), (tail, 100.0 - tail))
    return Interval(mean, float(low), float(high), len(measured))
