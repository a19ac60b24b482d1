"""Likelihood from a coarse network and the scan's own grey values -> likelihood at full resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.native import filters
from plastinate.native.distance import dilate, erode
from plastinate.native.voxels import Mask

Floats = npt.NDArray[np.float32]
Spacing = tuple[float, float, float]

# A network is never surer than that: the grey values keep a say everywhere in the band.
LEAST_LIKELIHOOD = 0.01
# Grey values alone move the odds by e^3 at most: 20 to 1.
MOST_GREY = 3.0
# Neighbours that agree make a field surer than it is right: with this cap, of what was called 90 % on a
# chest CT with a liver outlined by another program, 98 to 99 % was liver, and of what was called 10 %, none.
LEAST_SETTLED = 0.03


@dataclass(frozen=True)
class EdgeRules:
    """How freely an edge moves.

    Attributes:
        reach_mm: half the width of the band around likelihood 0.5; beyond it the network is believed.
        trust: weight of the network's ln odds.
        grey: weight of the grey value's ln odds.
        coupling: ln odds that six neighbours of the same grey value and one mind move together.
        contrast: difference of two grey values at which their bond is down to 0.6.
        iterations: rounds; a dozen carries a change over a dozen voxels.
    """

    reach_mm: float
    trust: float
    grey: float
    coupling: float
    contrast: float
    iterations: int = 12


@dataclass(frozen=True)
class GreyModel:
    """How often a grey value occurs inside an organ, against around it.

    Attributes:
        first, step: lower end of the first bin, and width of all.
        log_odds: (bins,) ln(share inside / share around), within +-MOST_GREY.
    """

    first: float
    step: float
    log_odds: Floats

    def of(self, values: Floats) -> Floats:
        """Ln odds of each value."""
        bins = np.clip((values - self.first) / self.step, 0, self.log_odds.size - 1).astype(np.int32)
        return np.asarray(self.log_odds[bins], dtype=np.float32)


def grey_model(inside: Floats, around: Floats, *, low: float, high: float, step: float) -> GreyModel:
    """Learn the model from values that are surely inside, and from those that lie around.

    Args:
        inside, around: grey values.
        low, high: beyond them values count as the last bin.
        step: width of a bin.
    """
    edges = np.arange(low, high + step, step)
    shares = []
    for values in (inside, around):
        counts = np.histogram(np.clip(values, edges[0], edges[-1] - step / 2), edges)[0].astype(np.float64)
        # A bell over a few bins: a count of few voxels is chance.
        bell = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
        counts = np.convolve(np.pad(counts, 6, mode="edge"), bell / bell.sum(), mode="valid")
        shares.append((counts + 1e-4 * counts.sum() + 1e-9) / (1.0001 * counts.sum() + 1e-9))
    odds = np.clip(np.log(shares[0] / shares[1]), -MOST_GREY, MOST_GREY)
    return GreyModel(float(edges[0]), step, odds.astype(np.float32))


def settle_edge(
    values: Floats,
    likelihood: Floats,
    spacing_mm: Spacing,
    *,
    model: GreyModel,
    rules: EdgeRules,
) -> Floats:
    """Move an organ's edge, within a band, to where the grey values change.

    Each voxel of the band weighs what the network says, what its grey value says, and what its six
    neighbours have settled for; a neighbour counts the less, the more its grey value differs.

    Args:
        values: (S, R, C) grey values, a little smoothed.
        likelihood: (S, R, C) 0 to 1, the network's, brought onto this grid.
        spacing_mm: of the grid.
        model: the organ's grey values.
        rules: how freely the edge moves.

    Returns:
        (S, R, C) likelihood, as given outside the band but for 0 and 1.

    Source:
        Mean-field approximation of a random field with contrast-sensitive bonds: Boykov and Jolly,
        ICCV 2001, equations 3 and 9; Koller and Friedman, Probabilistic Graphical Models (2009), 11.5.1.
    """
    core = likelihood >= 0.5
    band = dilate(core, rules.reach_mm, spacing_mm)
    band &= ~erode(core, rules.reach_mm, spacing_mm)
    settled = np.where(core, np.float32(1), np.float32(0))
    # A rim of one voxel spares every look beyond the array.
    padded = np.pad(settled, 1, mode="edge")
    flat = padded.reshape(-1)
    at = np.flatnonzero(np.pad(band, 1).reshape(-1))
    if at.size == 0:
        return settled
    steps = np.array(padded.strides) // padded.itemsize
    given = np.clip(likelihood[band], LEAST_LIKELIHOOD, 1 - LEAST_LIKELIHOOD)
    own = rules.trust * np.log(given / (1 - given)) + rules.grey * model.of(values[band])
    flat[at] = given
    grey_flat = np.pad(values, 1, mode="edge").reshape(-1)
    nearest = min(spacing_mm)
    bonds = []
    for step, distance in zip(steps, spacing_mm, strict=True):
        for offset in (-step, step):
            difference = (grey_flat[at] - grey_flat[at + offset]) / rules.contrast
            bond = np.exp(-0.5 * difference**2) * (nearest / distance)
            bonds.append((at + offset, bond.astype(np.float32)))
    whole = 2 * sum(nearest / distance for distance in spacing_mm)
    for _ in range(rules.iterations):
        pull = np.zeros(at.size, dtype=np.float32)
        for neighbour, bond in bonds:
            pull += bond * (2 * flat[neighbour] - 1)
        flat[at] = 1 / (1 + np.exp(-(own + rules.coupling / whole * pull)))
    return padded[1:-1, 1:-1, 1:-1]


def smoothed(values: npt.NDArray[np.int16] | Floats, sigma_mm: float, spacing_mm: Spacing) -> Floats:
    """Grey values, a little blurred, as float32."""
    return np.asarray(filters.gaussian(values, sigma_mm, spacing_mm, as_float=True), dtype=np.float32)


def ring(core: Mask, inner_mm: float, outer_mm: float, spacing_mm: Spacing) -> Mask:
    """What lies between two distances from a mask."""
    around = dilate(core, outer_mm, spacing_mm)
    around &= ~dilate(core, inner_mm, spacing_mm)
    return around


def joined(likelihood: Floats, settled: Floats) -> Floats:
    """The mean of both in ln odds: what can be said for each voxel once its grey values have been weighed.

    Args:
        likelihood: the network's, on this grid.
        settled: what `settle_edge` made of it.
    """
    first = np.clip(likelihood, LEAST_LIKELIHOOD, 1 - LEAST_LIKELIHOOD)
    second = np.clip(settled, LEAST_SETTLED, 1 - LEAST_SETTLED)
    odds = np.sqrt(first / (1 - first) * (second / (1 - second)))
    return np.asarray(odds / (1 + odds), dtype=np.float32)
