"""A network made for a patch and a volume of any size -> the network's answer everywhere, slab by slab.

The patch slides over the volume, neighbours overlap, and where several answer, each counts by how near the
middle of its patch the place lies: at the rim of a patch a network sees least.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.native.voxels import Box

Floats = npt.NDArray[np.float32]
Scale = Callable[[npt.NDArray[Any]], Floats]
# (1, 1, *patch) float32 -> (channels, *patch) float32, which the caller may overwrite.
Network = Callable[[Floats], Floats]

# The bell's width: an eighth of the patch along each axis.
SIGMA_SHARE = 0.125


@dataclass(frozen=True)
class Patches:
    """How the patch slides.

    Attributes:
        patch: voxels of one patch along each axis.
        overlap: share of a patch that the next one covers again, 0 to less than 1.
        padding: the network's number for what lies beyond the volume.
        mirrored: axes, 0 to 2, along which the network also looks at the mirror image; the answers of all
            combinations are averaged, so that each axis doubles the work.
    """

    patch: tuple[int, int, int]
    overlap: float = 0.5
    padding: float = 0.0
    mirrored: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if min(self.patch) < 1 or not 0 <= self.overlap < 1 or not set(self.mirrored) <= {0, 1, 2}:
            raise ValueError(f"a volume cannot be covered so: {self}")


def as_they_are(values: npt.NDArray[Any]) -> Floats:
    """Voxels as the network's numbers, where there is nothing to scale."""
    return np.asarray(values, dtype=np.float32)


def untold(share: float) -> None:
    """Tell nobody."""
    del share


def slabs_of_answer(
    network: Network,
    values: npt.NDArray[Any],
    *,
    patches: Patches,
    scale: Scale = as_they_are,
    progress: Callable[[float], None] = untold,
) -> Iterator[tuple[slice, Floats]]:
    """The network's averaged answer, in slabs along the first axis, each as soon as it is finished.

    Besides `values`, memory holds one patch and the slab of patches at work: channels x patch[0] planes of
    float32. A volume smaller than the patch lies in the middle of it.

    Args:
        network: what to ask; where it answers with logits, logits are averaged.
        values: (A, B, C), along the network's own axes.
        patches: how to cover it.
        scale: voxels of one patch -> the network's numbers.
        progress: told what share is done before the first patch and after each; what it raises ends the work.

    Yields:
        Which planes of the first axis, and (channels, planes, B, C) float32; overwritten by the next slab.

    Source:
        Isensee et al., Nature Methods 18 (2021) 203-211, supplementary note 4: a Gaussian of an eighth of
        the patch, and even steps, none longer than the overlap allows.
    """
    shape, size = values.shape, patches.patch
    starts = [_starts(n, edge, patches.overlap) for n, edge in zip(shape, size, strict=True)]
    bells = [_bell(edge) for edge in size]
    # The patches stand on a lattice, so the weights at a place are the product of what each axis adds up to.
    totals = [_total(n, at, bell) for n, at, bell in zip(shape, starts, bells, strict=True)]
    weight = bells[0][:, None, None] * bells[1][None, :, None] * bells[2][None, None, :]
    across = np.float32(1) / (totals[1][:, None] * totals[2][None, :])
    count = len(starts[0]) * len(starts[1]) * len(starts[2])
    done = 0
    slab: Floats | None = None
    progress(0.0)
    for first, following in itertools.pairwise([*starts[0], shape[0]]):
        for second, third in itertools.product(starts[1], starts[2]):
            corner = (first, second, third)
            answer = _answered(network, _patch(values, corner, patches, scale), patches.mirrored)
            if slab is None:
                slab = np.zeros((answer.shape[0], size[0], *shape[1:]), dtype=np.float32)
            _add(slab, answer, weight, corner)
            done += 1
            progress(done / count)
        assert slab is not None  # noqa: S101 - there is a patch in every slab
        planes = slice(max(first, 0), following)
        finished = slab[:, planes.start - first : following - first]
        finished *= across
        finished /= totals[0][planes, None, None]
        yield planes, finished
        moved = following - first
        for channel in slab:
            channel[: size[0] - moved] = channel[moved:].copy()
            channel[max(0, size[0] - moved) :] = 0


def whole_answer(
    network: Network,
    values: npt.NDArray[Any],
    *,
    patches: Patches,
    scale: Scale = as_they_are,
    progress: Callable[[float], None] = untold,
) -> Floats:
    """The averaged answer on the whole volume, (channels, A, B, C) float32; see `slabs_of_answer`."""
    whole: Floats | None = None
    for planes, answer in slabs_of_answer(network, values, patches=patches, scale=scale, progress=progress):
        if whole is None:
            whole = np.empty((answer.shape[0], *values.shape), dtype=np.float32)
        whole[:, planes] = answer
    assert whole is not None  # noqa: S101 - a volume has a plane
    return whole


def patch_count(shape: Sequence[int], patches: Patches) -> int:
    """How many patches cover a volume of that shape."""
    return int(
        np.prod(
            [len(_starts(n, edge, patches.overlap)) for n, edge in zip(shape, patches.patch, strict=True)]
        )
    )


def _starts(length: int, size: int, overlap: float) -> list[int]:
    """Where the patches begin along one axis: evenly, the last one ending with the volume."""
    if length <= size:
        return [-((size - length) // 2)]
    step = max(1.0, size * (1 - overlap))
    count = int(np.ceil((length - size) / step)) + 1
    return [round(number * (length - size) / (count - 1)) for number in range(count)]


def _bell(size: int) -> Floats:
    away = (np.arange(size) - (size - 1) / 2) / (SIGMA_SHARE * size)
    return np.asarray(np.exp(-0.5 * away**2), dtype=np.float32)


def _total(length: int, starts: Sequence[int], bell: Floats) -> Floats:
    total = np.zeros(length, dtype=np.float32)
    for start in starts:
        begin, end = max(start, 0), min(start + bell.size, length)
        total[begin:end] += bell[begin - start : end - start]
    return total


def _patch(values: npt.NDArray[Any], corner: Sequence[int], patches: Patches, scale: Scale) -> Floats:
    """(1, 1, *patch): the network's numbers of one patch, padding where it reaches beyond the volume."""
    taken, placed = _shared(values.shape, corner, patches.patch)
    given = scale(values[taken])
    if given.shape != patches.patch:
        padded = np.full(patches.patch, patches.padding, dtype=np.float32)
        padded[placed] = given
        given = padded
    return np.ascontiguousarray(given)[None, None]


def _answered(network: Network, given: Floats, mirrored: Sequence[int]) -> Floats:
    answer = network(given)
    ways: list[tuple[int, ...]] = [
        axes for count in range(1, len(mirrored) + 1) for axes in itertools.combinations(mirrored, count)
    ]
    for axes in ways:
        turned = network(np.ascontiguousarray(np.flip(given, tuple(axis + 2 for axis in axes))))
        answer += np.flip(turned, tuple(axis + 1 for axis in axes))
    if ways:
        answer *= np.float32(1 / (1 + len(ways)))
    return answer


def _add(slab: Floats, answer: Floats, weight: Floats, corner: Sequence[int]) -> None:
    """Add one patch's answer to the slab that begins where the patch does; the answer is used up."""
    taken, placed = _shared(slab.shape[1:], (0, *corner[1:]), weight.shape)
    for channel, each in zip(slab, answer, strict=True):
        each *= weight
        channel[taken] += each[placed]


def _shared(shape: Sequence[int], corner: Sequence[int], size: Sequence[int]) -> tuple[Box, Box]:
    """The part of a patch that lies within the volume: as the volume counts, and as the patch does."""
    taken = [slice(max(c, 0), min(c + n, length)) for c, n, length in zip(corner, size, shape, strict=True)]
    placed = [slice(part.start - c, part.stop - c) for part, c in zip(taken, corner, strict=True)]
    return (taken[0], taken[1], taken[2]), (placed[0], placed[1], placed[2])
