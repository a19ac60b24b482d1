"""Grey values on a patient grid -> the course of a round vessel that runs more or less upright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.native.voxels import Mask

Floats = npt.NDArray[np.float32]

# Outward fall at which an edge counts in full: blood without contrast to the fat around it, over its blur.
FULL_FALL_HU_PER_MM = 12.0
DIRECTIONS = 24
# What a step to the side, and a change of the radius, cost against a score between -1 and 1.
LEAN = 0.06
# Values below fat say no more about where a vessel ends than fat does.
FLOOR_HU = -150.0


@dataclass(frozen=True)
class Ring:
    """A vessel's section in one axial plane: voxel indices, mm, and how much of its rim falls outwards."""

    plane: int
    row: float
    column: float
    radius_mm: float
    score: float


def ring_scores(values: Floats, step_mm: float, radii_mm: npt.NDArray[np.float64]) -> Floats:
    """How well a circle about each voxel fits the rim of something brighter than what lies around it.

    Args:
        values: (S, R, C) float32 HU; planes axial.
        step_mm: in-plane spacing.
        radii_mm: (K,) radii tried.

    Returns:
        (S, K, R, C) float32 from -1 to 1; 0 where the circle leaves the array.
    """
    kept = np.maximum(values, FLOOR_HU)
    down, across = np.zeros_like(kept), np.zeros_like(kept)
    down[:, 1:-1] = (kept[:, 2:] - kept[:, :-2]) / (2 * step_mm)
    across[:, :, 1:-1] = (kept[:, :, 2:] - kept[:, :, :-2]) / (2 * step_mm)
    planes, rows, columns = kept.shape
    out = np.zeros((planes, len(radii_mm), rows, columns), dtype=np.float32)
    for angle in np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS:
        fall = np.clip(-(down * np.sin(angle) + across * np.cos(angle)) / FULL_FALL_HU_PER_MM, -1, 1)
        for number, radius in enumerate(radii_mm):
            r, c = round(radius / step_mm * np.sin(angle)), round(radius / step_mm * np.cos(angle))
            r_from, c_from = max(0, -r), max(0, -c)
            r_to, c_to = min(rows, rows - r), min(columns, columns - c)
            if r_from < r_to and c_from < c_to:
                out[:, number, r_from:r_to, c_from:c_to] += fall[
                    :, r_from + r : r_to + r, c_from + c : c_to + c
                ]
    out /= DIRECTIONS
    return out


def best_rings(scores: Floats, radii_mm: npt.NDArray[np.float64]) -> list[Ring]:
    """One ring for each plane, together the best: centre and radius move by one step between planes.

    Args:
        scores: (S, K, R, C), as `ring_scores` gives them, with whatever else speaks for a place.
        radii_mm: (K,) the radii they stand for.
    """
    planes, count, rows, columns = scores.shape
    moves = [(k, r, c) for k in (-1, 0, 1) for r in (-1, 0, 1) for c in (-1, 0, 1)]
    came = np.zeros(scores.shape, dtype=np.int8)
    total = scores[0].astype(np.float32)
    for plane in range(1, planes):
        padded = np.pad(total, 1, constant_values=-np.inf)
        best = np.full(total.shape, -np.inf, dtype=np.float32)
        for number, (k, r, c) in enumerate(moves):
            option = padded[1 + k : 1 + k + count, 1 + r : 1 + r + rows, 1 + c : 1 + c + columns]
            option = option - LEAN * (2 * abs(k) + abs(r) + abs(c))
            better = option > best
            best[better] = option[better]
            came[plane][better] = number
        total = best + scores[plane]
    k, r, c = (int(i) for i in np.unravel_index(int(total.argmax()), total.shape))
    rings = []
    for plane in range(planes - 1, -1, -1):
        rings.append(Ring(plane, r, c, float(radii_mm[k]), float(scores[plane, k, r, c])))
        step = moves[came[plane, k, r, c]]
        k, r, c = k + step[0], r + step[1], c + step[2]
    return rings[::-1]


def discs(rings: list[Ring], shape: tuple[int, int, int], step_mm: float, *, wall_mm: float = 0.0) -> Mask:
    """The rings filled, each in its plane, widened by the wall."""
    out = np.zeros(shape, dtype=np.bool_)
    rows, columns = np.ogrid[: shape[1], : shape[2]]
    for ring in rings:
        reach = ((ring.radius_mm + wall_mm) / step_mm) ** 2
        out[ring.plane] |= (rows - ring.row) ** 2 + (columns - ring.column) ** 2 <= reach
    return out
