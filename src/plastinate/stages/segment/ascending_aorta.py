"""Trunk and trachea -> the ascending aorta, from the carina down to where it enters the heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plastinate.native.voxels import Mask
from plastinate.stages.segment.trunk import Trunk
from plastinate.stages.segment.vessel_path import Ring, best_rings, ring_scores

# 33 +- 4 mm wide in 2952 adults: Wolak et al., JACC Cardiovasc. Imaging 1 (2008) 200-209; from two deviations
# below to two above. The rim's steepest fall lies on the inside of the wall.
RADII_MM = np.arange(12.5, 21.3, 1.25)
# It lies in front of the carina, a little to the right; the box around that place, and how far it may be off.
ROWS_MM = (-80.0, 5.0)
COLUMNS_MM = (-40.0, 35.0)
USUAL_MM = (-37.0, -5.0, 14.0)
STRAY_MM = 10.0
# Above the carina it bends into the arch. From its root to the arch it is 5 to 7 cm long.
ABOVE_MM = 10.0
LONGEST_MM = 65.0
SURE_ABOVE_MM = 15.0
LEAST_SCORE = 0.42
MARGIN = 10


def carina_of(trachea: Mask) -> tuple[int, float, float] | None:
    """(plane, row, column) of the trachea's lower end on a patient grid; None where there is none."""
    index = np.argwhere(trachea)
    if index.size == 0:
        return None
    plane = int(index[:, 0].max())
    last = index[index[:, 0] >= plane - 2]
    return plane, float(last[:, 1].mean()), float(last[:, 2].mean())


def ascending_aorta(trunk: Trunk, carina: tuple[int, float, float]) -> list[Ring]:
    """Its sections from 10 mm above the carina down to its root; empty where no ring fits.

    It ends where three planes together fit less than two fifths of a rim: the root, inside the heart, or the
    longest it can be.

    Args:
        trunk: the trunk.
        carina: (plane, row, column) on its grid.
    """
    step = trunk.step_mm
    plane, row, column = carina
    first = max(0, plane - round(ABOVE_MM / step))
    last = min(trunk.grid.shape[0], plane + round(LONGEST_MM / step) + 2)
    rows = [int(np.clip(row + mm / step, 0, trunk.grid.shape[1])) for mm in ROWS_MM]
    columns = [int(np.clip(column + mm / step, 0, trunk.grid.shape[2])) for mm in COLUMNS_MM]
    r_from, c_from = max(0, rows[0] - MARGIN), max(0, columns[0] - MARGIN)
    part = trunk.values[first:last, r_from : rows[1] + MARGIN, c_from : columns[1] + MARGIN]
    if min(part.shape) == 0 or rows[0] >= rows[1] or columns[0] >= columns[1]:
        return []
    scores = ring_scores(np.ascontiguousarray(part), step, RADII_MM)
    scores = scores[
        :, :, rows[0] - r_from : rows[1] - r_from, columns[0] - c_from : columns[1] - c_from
    ].copy()
    off_row = (np.arange(*rows)[:, None] - row) * step - USUAL_MM[0]
    off_column = (np.arange(*columns)[None] - column) * step - USUAL_MM[1]
    usual = np.exp(-(off_row**2 + off_column**2) / (2 * USUAL_MM[2] ** 2))
    scores[: plane - first + 3] *= usual
    # Lower down it may run on to the left and to the front, but not back to the caval vein, right and behind.
    away = np.maximum(0, -off_column - STRAY_MM) ** 2 + np.maximum(0, off_row - STRAY_MM) ** 2
    scores[plane - first + 3 :] *= np.exp(-away / (2 * USUAL_MM[2] ** 2))
    rings = [
        replace(ring, plane=ring.plane + first, row=ring.row + rows[0], column=ring.column + columns[0])
        for ring in best_rings(scores, RADII_MM)
    ]
    mean = np.convolve([ring.score for ring in rings], np.full(3, 1 / 3), mode="same")
    for number, ring in enumerate(rings):
        if ring.plane > plane + SURE_ABOVE_MM / step and mean[number] < LEAST_SCORE:
            return rings[:number]
    kept = rings[: plane + round(LONGEST_MM / step) - first]
    return kept if np.median([ring.score for ring in kept[:8]]) >= LEAST_SCORE / 2 else []
