"""Masks in order of precedence -> one label map in which each voxel belongs to one structure at most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.native import voxels

Mask = npt.NDArray[np.bool_]

MOST_LABELS = 65535


def merge_labels(geometry: Geometry, masks: Mapping[str, Mask]) -> tuple[LabelMap, dict[str, int]]:
    """Give each voxel to the first structure that claims it.

    Labels are 1, 2, 3 ... in the order of the masks. A structure that loses
    every voxel to earlier ones keeps its number but is not named in the map.

    Args:
        geometry: the grid of the masks.
        masks: structure id -> (S, R, C) bool, in order of precedence.

    Returns:
        The label map, and for each structure that lost voxels to an earlier one how many.

    Raises:
        ParameterError: a mask that does not fit the grid, or more than 65535 of them.
        EmptyMask: no mask has a voxel.
    """
    if len(masks) > MOST_LABELS:
        raise ParameterError(f"A label map holds {MOST_LABELS} structures, not {len(masks)}.")
    array = np.zeros(geometry.shape, dtype=np.uint16)
    structures: dict[int, str] = {}
    contested: dict[str, int] = {}
    counts = np.zeros(len(masks) + 1, dtype=np.int64)
    for label, (structure, mask) in enumerate(masks.items(), start=1):
        if mask.shape != geometry.shape:
            raise ParameterError(f"The mask of {structure!r} is {mask.shape}, the grid {geometry.shape}.")
        won, lost = voxels.paint_label(mask, label, array)
        counts[label] = won
        if won:
            structures[label] = structure
        if lost:
            contested[structure] = lost
    if not structures:
        raise EmptyMask(", ".join(masks), "every mask is empty")
    counts[0] = array.size - counts.sum()
    return LabelMap(geometry, array, structures, counts), contested
