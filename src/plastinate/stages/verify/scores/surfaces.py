"""Two masks -> the distances between their surfaces, by surface voxels or by pieces of area.

The two definitions in use give different figures for the same masks. Surface voxels
are simple, but a wall across coarse slices has few of them and counts little. Pieces of
area weigh every part of the surface by its size. Figures compare only within one definition.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from plastinate.native.distance import distance_squared
from plastinate.native.voxels import Mask, bounding_box
from plastinate.stages.verify.scores.corner_areas import corner_areas
from plastinate.stages.verify.scores.surface_pair import SurfacePair

Spacing = tuple[float, float, float]
Weights = npt.NDArray[np.float64]
# A mask's surface on a grid: which of its points belong to it, and what each of those counts.
Marked = tuple[Mask, Weights]


def by_surface_voxels(
    ours: Mask, reference: Mask, *, spacing_mm: Spacing, is_cut_surface: bool = False
) -> SurfacePair:
    """Distances between the centres of surface voxels: set ones with a face neighbour that is not.

    Args:
        ours, reference: (S, R, C) bool on one grid.
        spacing_mm: along (slice, row, column).
        is_cut_surface: count where the edge of the scan cuts an organ as surface; it is none of the organ's.

    Source:
        Heimann et al., IEEE Trans. Med. Imaging 28 (2009) 1251-1265, section II.C; the CHAOS challenge.
    """
    return _pair(ours, reference, spacing_mm, is_cut_surface, _surface_voxels)


def by_surface_area(
    ours: Mask, reference: Mask, *, spacing_mm: Spacing, is_cut_surface: bool = False
) -> SurfacePair:
    """Distances between the corners where eight voxels meet and not all are alike, weighted by area.

    The area at a corner is that of the marching-cubes surface between its eight voxels.

    Args:
        ours, reference: (S, R, C) bool on one grid.
        spacing_mm: along (slice, row, column).
        is_cut_surface: count where the edge of the scan cuts an organ as surface; it is none of the organ's.

    Source:
        Nikolov et al., J. Med. Internet Res. 23 (2021) e26151, methods, "performance metric".
    """
    areas = corner_areas(spacing_mm)
    return _pair(ours, reference, spacing_mm, is_cut_surface, lambda mask: _surface_corners(mask, areas))


def _pair(
    ours: Mask,
    reference: Mask,
    spacing_mm: Spacing,
    is_cut_surface: bool,
    surface_of: Callable[[Mask], Marked],
) -> SurfacePair:
    if ours.shape != reference.shape:
        raise ValueError(f"our mask is {ours.shape}, the reference {reference.shape}")
    nothing = np.zeros(0)
    box = bounding_box(ours | reference, margin=1)
    if box is None:
        return SurfacePair(nothing, nothing, nothing, nothing)
    own, own_weight = surface_of(_framed(ours, box, is_cut_surface))
    other, other_weight = surface_of(_framed(reference, box, is_cut_surface))
    if not own.any() or not other.any():
        # There is nothing to measure to, and the weight says so.
        return SurfacePair(nothing, nothing, nothing, nothing)
    return SurfacePair(_at(own, other, spacing_mm), own_weight, _at(other, own, spacing_mm), other_weight)


def _framed(mask: Mask, box: tuple[slice, slice, slice], is_cut_surface: bool) -> Mask:
    # The box has background all round, but for where it ends with the scan. Nothing is known beyond, so
    # nothing is made up there either: no voxel and no corner has a neighbour outside.
    return np.pad(mask[box], 1) if is_cut_surface else mask[box]


def _at(points: Mask, other: Mask, spacing_mm: Spacing) -> npt.NDArray[np.float64]:
    return np.sqrt(distance_squared(other, spacing_mm)[points].astype(np.float64))


def _surface_voxels(framed: Mask) -> Marked:
    inside = framed.copy()
    for axis in range(3):
        for ahead, behind in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
            here = tuple(ahead if a == axis else slice(None) for a in range(3))
            there = tuple(behind if a == axis else slice(None) for a in range(3))
            inside[here] &= framed[there]
    surface = framed & ~inside
    return surface, np.ones(int(np.count_nonzero(surface)))


def _surface_corners(framed: Mask, areas: npt.NDArray[np.float64]) -> Marked:
    s, r, c = (length - 1 for length in framed.shape)
    code = np.zeros((s, r, c), dtype=np.uint8)
    for bit, (i, j, k) in enumerate(itertools.product((0, 1), repeat=3)):
        code |= framed[i : i + s, j : j + r, k : k + c].view(np.uint8) << np.uint8(7 - bit)
    surface = (code != 0) & (code != 255)
    return surface, areas[code[surface]]
