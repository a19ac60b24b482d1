"""Bodies that are much the same, each with its score -> how surely each voxel belongs to what they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.voxels import Box, Mask

Floats = npt.NDArray[np.float32]

# Bodies half as good as the best, and much the same body, have a say in where it ends.
VOTE_SHARE = 0.5
VOTE_OVERLAP = 0.6


class Scored(Protocol):
    """A body that a finder proposes: its voxels within a box of the grid, and a score from 0 to 1."""

    @property
    def mask(self) -> Mask:
        """Its voxels within `box`."""
        ...

    @property
    def box(self) -> Box:
        """Where it lies in the grid."""
        ...

    @property
    def score(self) -> float:
        """0 to 1."""
        ...


def counted_votes(found: Sequence[Scored], grid: Geometry) -> Floats:
    """How much of the worth of all bodies like the best one holds each voxel.

    Args:
        found: at least one, the best first, by falling score.
        grid: on which their boxes lie.

    Returns:
        (S, R, C), 0 to 1.
    """
    best = found[0]
    own = np.zeros(grid.shape, dtype=np.bool_)
    own[best.box] = best.mask
    size = np.count_nonzero(best.mask)
    total = np.zeros(grid.shape, dtype=np.float32)
    worth = 0.0
    for body in found:
        if body.score < VOTE_SHARE * best.score:
            break
        both = np.count_nonzero(own[body.box] & body.mask)
        if 2 * both >= VOTE_OVERLAP * (size + np.count_nonzero(body.mask)):
            total[body.box] += body.score * body.mask
            worth += body.score
    return np.asarray(total / worth)
