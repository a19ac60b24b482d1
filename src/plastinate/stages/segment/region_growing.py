"""Volume and seeds -> the connected region around the seeds whose values fit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from plastinate.model.errors import ParameterError
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.native import components, voxels
from plastinate.stages.segment.checks import (
    Mask,
    found,
    require_choice,
    require_masks,
    require_positive,
    require_window,
)

Seeds = Sequence[Sequence[float]]
Index = tuple[int, int, int]


def seed_indices(volume: Volume, *, seeds_index: Seeds = (), seeds_lps_mm: Seeds = ()) -> tuple[Index, ...]:
    """Seeds as (slice, row, column), from indices or from LPS positions.

    Raises:
        ParameterError: none given, not three numbers each, or outside the volume.
        NoMillimetres: positions in a volume that has no millimetres.
    """
    points = [np.asarray(seed, dtype=np.float64) for seed in (*seeds_index, *seeds_lps_mm)]
    if not points:
        raise ParameterError("Region growing needs at least one seed (seeds_index or seeds_lps_mm).")
    if any(point.shape != (3,) or not np.isfinite(point).all() for point in points):
        raise ParameterError("A seed is three numbers.")
    if seeds_lps_mm:
        volume.geometry.require_mm("a seed in millimetres")
    at = len(seeds_index)
    points[at:] = [volume.geometry.lps_to_index(point) for point in points[at:]]
    made = []
    for point in points:
        s, r, c = (math.floor(value + 0.5) for value in point)
        if not all(0 <= i < n for i, n in zip((s, r, c), volume.geometry.shape, strict=True)):
            raise ParameterError(f"The seed at index {(s, r, c)} lies outside {volume.geometry.shape}.")
        made.append((s, r, c))
    return tuple(made)


def connected_threshold(
    volume: Volume,
    *inside: Mask,
    low: float,
    high: float,
    seeds_index: Seeds = (),
    seeds_lps_mm: Seeds = (),
    connectivity: int = 6,
) -> Mask:
    """The region of an intensity window that hangs together with a seed.

    Args:
        volume: what to look at.
        inside: at most one mask the region may not leave.
        low: least value.
        high: greatest value.
        seeds_index: (slice, row, column) each.
        seeds_lps_mm: (x, y, z) each, LPS mm.
        connectivity: 6, 18 or 26 neighbours.

    Raises:
        ParameterError: a seed outside the volume, an empty window.
        EmptyMask: no seed lies in the window.
    """
    require_window(low, high)
    require_choice("connectivity", connectivity, components.CONNECTIVITIES)
    require_masks(volume, inside, least=0)
    seeds = seed_indices(volume, seeds_index=seeds_index, seeds_lps_mm=seeds_lps_mm)
    mask = voxels.threshold(volume.array, low, high)
    for other in inside:
        mask &= other
    grown = components.components_at_seeds(mask, seeds, connectivity=connectivity)
    values = ", ".join(f"{float(volume.array[seed]):g}" for seed in seeds)
    return found(grown, "the seeds", f"their values ({values}) lie outside {low:g} to {high:g}")


def confidence_connected(
    volume: Volume,
    *inside: Mask,
    seeds_index: Seeds = (),
    seeds_lps_mm: Seeds = (),
    multiplier: float = 2.5,
    iterations: int = 4,
    radius_voxels: int = 1,
    connectivity: int = 6,
) -> Mask:
    """Grow from the seeds within mean +- multiplier * deviation, and learn both again from what was grown.

    Args:
        volume: what to look at.
        inside: at most one mask the region may not leave.
        seeds_index: (slice, row, column) each.
        seeds_lps_mm: (x, y, z) each, LPS mm.
        multiplier: half width of the window in standard deviations.
        iterations: how often mean and deviation are learnt again; stops early when nothing changes.
        radius_voxels: half width of the box around each seed that gives the first mean.
        connectivity: 6, 18 or 26 neighbours.

    Raises:
        ParameterError: a parameter without meaning, or a seed where nothing was measured.
        EmptyMask: the seeds lie outside the mask given.

    Source:
        The ITK Software Guide, section 4.1.4 "Confidence Connected" (the definition; the first window
        is widened to hold the seeds' own values, as there).
    """
    require_positive("multiplier", multiplier)
    require_choice("connectivity", connectivity, components.CONNECTIVITIES)
    if iterations < 0 or radius_voxels < 0:
        raise ParameterError("iterations and radius_voxels are 0 or more.")
    require_masks(volume, inside, least=0)
    seeds = seed_indices(volume, seeds_index=seeds_index, seeds_lps_mm=seeds_lps_mm)
    own = [float(volume.array[seed]) for seed in seeds]
    if any(math.isnan(value) or value == UNMEASURED_INT16 for value in own):
        raise ParameterError("A seed lies where nothing was measured.")
    mean, deviation = _around(volume, seeds, radius_voxels)
    low = min(mean - multiplier * deviation, *own)
    high = max(mean + multiplier * deviation, *own)
    grown = _grow(volume, inside, seeds, low, high, connectivity)
    size = voxels.count(grown)
    for _ in range(iterations):
        if size == 0:
            break
        inner = voxels.sums(volume.array, grown)
        low = min(inner.mean - multiplier * inner.deviation, *own)
        high = max(inner.mean + multiplier * inner.deviation, *own)
        grown = _grow(volume, inside, seeds, low, high, connectivity)
        before, size = size, voxels.count(grown)
        if size == before:
            break
    return found(grown, "the seeds", "nothing around them fits")


def _grow(
    volume: Volume, inside: tuple[Mask, ...], seeds: tuple[Index, ...], low: float, high: float, links: int
) -> Mask:
    mask = voxels.threshold(volume.array, low, high)
    for other in inside:
        mask &= other
    return components.components_at_seeds(mask, seeds, connectivity=links)


def _around(volume: Volume, seeds: tuple[Index, ...], radius: int) -> tuple[float, float]:
    """Mean of the box means, and deviation from the mean of the box variances."""
    means, variances = [], []
    for seed in seeds:
        s, r, c = (slice(max(0, i - radius), i + radius + 1) for i in seed)
        measured = voxels.sums(volume.array[s, r, c])
        means.append(measured.mean)
        variances.append(measured.deviation**2)
    return float(np.mean(means)), math.sqrt(float(np.mean(variances)))
