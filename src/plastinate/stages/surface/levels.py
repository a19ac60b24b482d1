"""One full surface and its mask -> lighter surfaces that still look like the organ.

Decimation keeps every tunnel and every strut, so a spongy bone cannot be told
in five thousand triangles however they are laid: below a certain count the
triangles fold through each other. Where a count cannot be reached within the
error allowed, the level is contoured again from the mask on a coarser grid, on
which the finest tunnels no longer exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.surface import Surface
from plastinate.model.volume import Volume
from plastinate.native.voxels import bounding_box
from plastinate.stages.surface.contour import contour_soft_field
from plastinate.stages.surface.decimate import decimate_levels
from plastinate.stages.surface.mend import mend
from plastinate.stages.surface.smooth import windowed_sinc

COARSER = (2, 3, 4, 6, 8)
# A lighter level may stray so far from the full one, in voxels of the grid it was contoured on.
LIGHT_ERROR_VOXEL = 0.75
# A count is a wish: a few triangles more cost nothing.
COUNT_TOLERANCE = 1.1


@dataclass(frozen=True)
class Levels:
    """The detail levels of one structure, and what could not be promised about them."""

    surfaces: Mapping[str, Surface]
    notes: tuple[str, ...] = ()


def detail_levels(
    surface: Surface,
    mask: npt.NDArray[np.bool_],
    geometry: Geometry,
    *,
    levels: Mapping[str, int | None],
    max_error_mm: float,
) -> Levels:
    """Reduce a surface to each level, from a coarser grid where decimation alone would break it.

    Args:
        surface: full resolution, closed.
        mask: (S, R, C) bool it came from.
        geometry: the mask's grid.
        levels: level -> triangles at most; None is bounded by the error alone.
        max_error_mm: how far decimation may move the surface of a level without a count.

    Returns:
        A closed surface for each level.
    """
    spacing = min(geometry.spacing)
    made: dict[str, Surface] = {}
    notes: list[str] = []
    # "full" is what the person asked for, count and all: it is never made from a coarser grid.
    made["full"] = decimate_levels(surface, (levels.get("full"),), max_error_mm=max_error_mm)[0]
    for level, target in levels.items():
        if level == "full" or target is None:
            made.setdefault(level, made["full"])
            continue
        error_mm = LIGHT_ERROR_VOXEL * spacing
        made[level] = decimate_levels(made["full"], (target,), max_error_mm=error_mm, limit_counts=True)[0]
        for factor in COARSER:
            if len(made[level].triangles) <= target * COUNT_TOLERANCE:
                break
            coarse = _coarser(mask, geometry, surface.structure, factor=factor)
            if coarse is None:
                break
            made[level] = decimate_levels(
                coarse, (target,), max_error_mm=error_mm * factor, limit_counts=True
            )[0]
        if len(made[level].triangles) > target * COUNT_TOLERANCE:
            notes.append(f"{level}: {len(made[level].triangles):,} triangles, {target:,} were asked for")
    for level in levels:
        mended = mend(made[level])
        made[level] = mended.surface
        notes += [f"{level}: {note}" for note in mended.notes]
    return Levels({level: made[level] for level in levels}, tuple(notes))


def _coarser(
    mask: npt.NDArray[np.bool_], geometry: Geometry, structure: str, *, factor: int
) -> Surface | None:
    box = bounding_box(mask)
    if box is None:
        return None
    # Blocks near to cubes: slices three times as far apart as pixels are not made coarser still.
    edge = factor * min(geometry.spacing)
    block = [max(1, round(edge / spacing)) for spacing in geometry.spacing]
    inside = mask[box]
    padded = np.pad(
        inside, [(size, size + -length % size) for length, size in zip(inside.shape, block, strict=True)]
    )
    split = [n for length, size in zip(padded.shape, block, strict=True) for n in (length // size, size)]
    share = padded.reshape(split).mean(axis=(1, 3, 5), dtype=np.float32)
    matrix = geometry.to_lps_mm.copy()
    # The first block starts one block before the box, and its centre lies in its middle.
    first = np.array([span.start - size + (size - 1) / 2 for span, size in zip(box, block, strict=True)])
    matrix[:3, 3] = geometry.index_to_lps(first)
    matrix[:3, :3] *= block
    coarse = Volume(Geometry(share.shape, matrix, geometry.unit), share, "a.u.")
    level = _volume_keeping_level(share, np.count_nonzero(inside) / np.prod(block))
    surface = contour_soft_field(coarse, share >= level, structure=structure, low=level, high=None)
    return windowed_sinc(surface, iterations=10, pass_band=0.2)


def _volume_keeping_level(share: npt.NDArray[np.float32], blocks: float) -> float:
    # At one half, a shell thinner than a block would vanish; the level at which as many blocks are
    # inside as the mask fills keeps its volume, a little thickened and a little shortened.
    kept = min(max(1, round(blocks)), share.size)
    level = float(np.partition(share, share.size - kept, axis=None)[share.size - kept])
    return min(max(level, 0.05), 0.95)
