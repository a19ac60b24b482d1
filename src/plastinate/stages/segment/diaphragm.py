"""Lungs and the soft tissue between them -> the height of the diaphragm under the heart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.native.voxels import Mask
from plastinate.stages.segment.trunk import Trunk

Heights = npt.NDArray[np.float64]
Plane = npt.NDArray[np.bool_]

# How far the sheet through the lungs' bases may be wrong, upwards and downwards, before a layer of fat
# is too far away to be the one between heart and diaphragm; and what each millimetre of it costs in HU.
SEARCH_MM = (-10.0, 15.0)
COST_HU_PER_MM = 1.2
AROUND_MM = 12.5
# A fat layer of a voxel or so, blurred: below this depth it is noise, above that it is sure.
LAYER_HU = (15.0, 60.0)
LAYER_CAP_HU = 80.0
LAYER_PULL = 0.25
NECK_PULL = 0.8
NECK_NEAR_MM = 20.0
SHEET_PULL = 0.005
# A diaphragm has no dents as small as 1 cm: so many steps even those out.
SMOOTHING_STEPS = 20
# The lungs' front edges end above the diaphragm, at the front wall: only bases behind the heart's middle, or
# farther to the side than this, tell its height.
ASIDE_MM = 70.0


def lung_floor(trunk: Trunk) -> tuple[npt.NDArray[np.int64], Plane]:
    """The lowest plane that is lung in each column of the grid, and where there is any."""
    lung = trunk.lung_left | trunk.lung_right
    planes = lung.shape[0]
    has_lung: Plane = np.asarray(lung.any(axis=0))
    return np.where(has_lung, planes - 1 - lung[::-1].argmax(axis=0), -1), has_lung


def diaphragm(trunk: Trunk, heart: Mask, chest: Mask, middle: tuple[float, float]) -> tuple[Heights, float]:
    """The plane (as a fraction) at which the chest ends in each column.

    Known under the lungs; between them a sheet is stretched, which is drawn to layers of fat near it
    and to where the neck between the two largest bodies of soft tissue lies, if that is near.

    Args:
        trunk: the trunk.
        heart: a first guess; may run on into the liver.
        chest: what that guess rests on: soft tissue that is no abdomen for certain.
        middle: (row, column) of the heart.

    Returns:
        (R, C) plane of the border, and the share of the columns under the heart where more than the
        sheet speaks for it.
    """
    step = trunk.step_mm
    planes = heart.shape[0]
    floor, has_lung = lung_floor(trunk)
    has_heart: Plane = np.asarray(heart.any(axis=0))
    bottom = np.where(has_heart, planes - 1 - heart[::-1].argmax(axis=0), -1)
    under = np.take_along_axis(chest, np.clip(floor + 2, 0, planes - 1)[None], axis=0)[0]
    rows, columns = np.indices(has_lung.shape)
    known = has_lung & (bottom <= floor) & (floor < planes - 1) & ~under
    known &= (rows > middle[0]) | (np.abs(columns - middle[1]) * step > ASIDE_MM)
    if not known.any():
        return np.full(has_lung.shape, float(planes)), 0.0
    height = floor.astype(np.float64) + 0.5
    sheet = _sheet(height, known)
    offset, depth = _fat_layer(trunk, sheet)
    layer = LAYER_PULL * np.clip((depth - LAYER_HU[0]) / (LAYER_HU[1] - LAYER_HU[0]), 0, 1)
    is_near = has_heart & (np.abs(bottom + 0.5 - sheet) * step < NECK_NEAR_MM)
    neck = NECK_PULL * is_near
    pulled = layer * (sheet + offset) + neck * (bottom + 0.5) + SHEET_PULL * sheet
    weight = 1 + layer + neck + SHEET_PULL
    result = sheet.copy()
    for _ in range(200):
        result = np.where(known, height, (_neighbours(result) + pulled) / weight)
    for _ in range(SMOOTHING_STEPS):
        result = np.where(known, height, _neighbours(result))
    unknown = has_heart & ~known
    told = unknown & ((depth > sum(LAYER_HU) / 2) | is_near)
    return result, int(np.count_nonzero(told)) / max(1, int(np.count_nonzero(unknown)))


def _sheet(height: Heights, known: Plane) -> Heights:
    """A sheet through the known heights, as tight as it can be; first on a grid four times as coarse."""
    rows, columns = known.shape
    pad = [(0, -rows % 4), (0, -columns % 4)]
    split = ((rows + 3) // 4, 4, (columns + 3) // 4, 4)
    count = np.pad(known.astype(np.float64), pad).reshape(split).sum(axis=(1, 3))
    total = np.pad(np.where(known, height, 0.0), pad).reshape(split).sum(axis=(1, 3))
    is_known = count > 0
    mean = total / np.maximum(count, 1)
    coarse = np.where(is_known, mean, mean[is_known].mean())
    for _ in range(600):
        coarse = np.where(is_known, mean, _neighbours(coarse))
    fine = coarse.repeat(4, axis=0).repeat(4, axis=1)[:rows, :columns]
    for _ in range(80):
        fine = np.where(known, height, _neighbours(fine))
    return np.asarray(fine)


def _neighbours(values: Heights) -> Heights:
    padded = np.pad(values, 1, mode="edge")
    mean: Heights = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
    return mean


def _fat_layer(trunk: Trunk, sheet: Heights) -> tuple[npt.NDArray[np.int64], Heights]:
    """Planes from the sheet to the clearest dark layer between brighter tissue, and its depth in HU."""
    step = trunk.step_mm
    offsets = np.arange(round(SEARCH_MM[0] / step), round(SEARCH_MM[1] / step) + 1)
    near = round(AROUND_MM / step)
    at = (
        np.rint(sheet).astype(np.int64)[None]
        + np.arange(offsets[0] - near, offsets[-1] + near + 1)[:, None, None]
    )
    lines = np.take_along_axis(trunk.values, np.clip(at, 0, trunk.values.shape[0] - 1), axis=0)
    depths = np.stack(
        [
            np.minimum(
                np.minimum(
                    lines[k : k + near].max(axis=0), lines[k + near + 1 : k + 2 * near + 1].max(axis=0)
                ),
                LAYER_CAP_HU,
            )
            - lines[k + near]
            for k in range(len(offsets))
        ]
    ).astype(np.float64)
    cost = COST_HU_PER_MM * step * np.abs(offsets)[:, None, None]
    best = (depths - cost).argmax(axis=0)
    return offsets[best], np.take_along_axis(depths, best[None], axis=0)[0]
