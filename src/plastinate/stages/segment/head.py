"""CT of a head and body mask -> skull."""

from __future__ import annotations

import numpy as np

from plastinate.model.errors import EmptyMask
from plastinate.model.volume import Volume
from plastinate.native.components import Components
from plastinate.native.distance import closed, dilate
from plastinate.native.voxels import Mask, bounding_box, threshold


def skull(
    volume: Volume,
    body: Mask,
    *,
    sure_hu: float = 300.0,
    edge_hu: float = 150.0,
    edge_reach_mm: float = 1.5,
    closing_mm: float = 1.0,
    least_piece_ml: float = 0.5,
) -> Mask:
    """Bone of the head: skull, mandible, teeth, and the vertebrae that the scan shows with them.

    Thin walls (orbit, ethmoid) are kept where blur leaves them above `edge_hu`, and are holes
    where it does not. Vertebrae stay: in flexion they touch the skull, and a cut between
    them would be a guess. For vessels with contrast use `skeleton` instead.

    Args:
        volume: CT.
        body: the patient; keeps head rest and table out.
        sure_hu: bone for certain.
        edge_hu: bone next to sure bone.
        edge_reach_mm: how far that edge may lie from sure bone.
        closing_mm: radius that closes pores and sutures.
        least_piece_ml: smallest piece kept.

    Returns:
        (S, R, C) bool.

    Raises:
        EmptyMask: no bone.
        NoMillimetres: the scan never said its pixel size.
    """
    spacing = volume.geometry.spacing_mm
    sure = threshold(volume.array, sure_hu, np.inf)
    sure &= body
    parts = Components(sure, connectivity=26)
    sure = parts.mask(parts.sizes * volume.geometry.voxel_ml >= least_piece_ml)
    if bounding_box(sure) is None:
        raise EmptyMask("skull", f"no bone above {sure_hu:g} HU")
    bone = threshold(volume.array, edge_hu, np.inf)
    bone &= body
    bone &= dilate(sure, edge_reach_mm, spacing)
    bone = closed(bone, closing_mm, spacing)
    bone &= body
    parts = Components(bone, connectivity=26)
    return parts.mask(parts.sizes * volume.geometry.voxel_ml >= least_piece_ml)
