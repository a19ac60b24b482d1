"""A picture -> what a network answers about parts of it, each level of parts laid together to one plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.nets.picture_net import PictureNet, resized

Plane = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]
Place = tuple[slice, slice]

# Width to height of what `depth-small` was shown: 304 x 228 pixels of a depth camera, squeezed into a square,
# from 1 to 1.5 times as large (dataloaders/nyu.py of its makers). A picture of another shape is asked about
# in parts of this one: squeezed otherwise, it would be a room as the network never saw any.
SHOWN_ASPECT = 4 / 3
# Whoever has the parts laid against the whole once knows better than the whole how they lie: twice is enough,
# four times changed the third digit of the error.
ROUNDS = 2
# Along one side, of however long a strip: its parts are longer then, and overlap by half.
MOST_ALONG = 9


@dataclass(frozen=True, eq=False)
class Part:
    """What was answered about a part of a picture.

    Attributes:
        place: rows and columns on the grid of the map.
        answer: of that size.
    """

    place: Place
    answer: Plane


def level_shares(*, finest: float, levels: int) -> list[float]:
    """Sizes of the parts of each level, as shares of the largest view of the shown shape.

    >>> level_shares(finest=0.6, levels=3)
    [1.0, 0.8, 0.6]
    """
    if levels < 2:
        return [finest]
    return [round(1.0 - (1.0 - finest) * number / (levels - 1), 6) for number in range(levels)]


def part_places(shape: tuple[int, int], *, share: float, step: float) -> list[Place]:
    """Parts of the shown shape, evenly over all of a picture.

    Args:
        shape: rows and columns of the picture.
        share: size of a part, as a share of the largest view of the shown shape that fits.
        step: two neighbours lie at most so far apart, as a share of that view; above 0.

    >>> [(rows.start, rows.stop, columns.start, columns.stop)
    ...  for rows, columns in part_places((30, 60), share=1.0, step=0.3)]
    [(0, 30, 0, 40), (0, 30, 10, 50), (0, 30, 20, 60)]
    """
    height = min(shape[0], shape[1] / SHOWN_ASPECT)
    spans = [
        _spans(length, size=share * view, step=step * view)
        for length, view in zip(shape, (height, height * SHOWN_ASPECT), strict=True)
    ]
    return [(rows, columns) for rows in spans[0] for columns in spans[1]]


def _spans(length: int, *, size: float, step: float) -> list[slice]:
    whole = min(length, max(1, round(max(size, 2 * length / (MOST_ALONG + 1)))))
    count = min(1 + int(np.ceil((length - whole) / max(step, 1.0) - 0.05)), MOST_ALONG)
    starts = np.rint(np.linspace(0, length - whole, count) if count > 1 else [(length - whole) / 2])
    return [slice(int(start), int(start) + whole) for start in starts]


def both_ways(network: PictureNet, rgb: Rgb) -> tuple[Plane, Plane]:
    """The answers to a picture and, turned back, to its mirror image."""
    mirrored = network.answer(np.ascontiguousarray(rgb[:, ::-1]))
    return without_blocks(network.answer(rgb)), without_blocks(np.ascontiguousarray(mirrored[:, ::-1]))


def without_blocks(answer: Plane) -> Plane:
    """An answer without the copies in it: a network may double its last rows and columns, and says no more.

    >>> without_blocks(np.float32([[1, 1, 2, 2], [1, 1, 2, 2]])).tolist()
    [[1.0, 2.0]]
    """
    while min(answer.shape) > 1 and not any(length % 2 for length in answer.shape):
        first = answer[::2, ::2]
        if not all(
            np.array_equal(first, answer[row::2, column::2]) for row, column in ((0, 1), (1, 0), (1, 1))
        ):
            break
        answer = first
    return np.ascontiguousarray(answer)


def asked_of_parts(
    network: PictureNet,
    rgb: Rgb,
    shape: tuple[int, int],
    places: Sequence[Place],
    *,
    told: Callable[[], None],
) -> list[Part]:
    """Ask about parts of a picture and about their mirror images, and take the mean of both.

    Args:
        rgb: (R, C, 3).
        shape: of the map that they are wanted on.
        places: on the picture.
        told: called after each.
    """
    parts = []
    for place in places:
        target = tuple(
            slice(round(span.start * new / old), max(round(span.stop * new / old), 1))
            for span, new, old in zip(place, shape, rgb.shape[:2], strict=True)
        )
        answer = np.mean(both_ways(network, np.ascontiguousarray(rgb[place])), axis=0)
        size = (target[0].stop - target[0].start, target[1].stop - target[1].start)
        parts.append(Part((target[0], target[1]), resized(answer, size)))
        told()
    return parts


def laid_together(whole: Plane, levels: Sequence[Sequence[Part]]) -> tuple[Plane, list[Plane]]:
    """The mean of a whole view and of levels of parts, and the plane of each level.

    Each part is brought to the mean and the spread of what lies under it. The factor that squares would
    choose is smaller by the likeness of both, so that what a part knows better than the whole would be
    flattened: it is taken as it is, and its say is its likeness instead.
    """
    reference = whole
    planes: list[Plane] = []
    for _ in range(ROUNDS):
        planes = [_faded(parts, reference) for parts in levels]
        reference = np.mean([alike(whole, reference)[0], *planes], axis=0, dtype=np.float32)
    return reference, planes


def _faded(parts: Sequence[Part], reference: Plane) -> Plane:
    total, weight = 1e-6 * reference.astype(np.float64), np.full(reference.shape, 1e-6)
    for part in parts:
        values, likeness = alike(part.answer, reference[part.place])
        fade = likeness * np.outer(*(_fade(length) for length in values.shape))
        total[part.place] += fade * values
        weight[part.place] += fade
    return np.asarray(total / weight, dtype=np.float32)


def _fade(length: int) -> npt.NDArray[np.float64]:
    # A bell that is nowhere 0: the picture's own border lies under one part only.
    return np.asarray(np.hanning(length + 2)[1:-1] + 1e-3)


def alike(values: Plane, target: Plane) -> tuple[Plane, float]:
    """The values with the mean and the spread of the target, and how like it they are: 0 to 1.

    >>> brought, likeness = alike(np.float32([[1, 2, 3]]), np.float32([[10, 20, 30]]))
    >>> brought.round(3).tolist(), round(likeness, 3)
    ([[10.0, 20.0, 30.0]], 1.0)
    """
    off, wanted = values - values.mean(), target - target.mean()
    spreads = float(values.std()), float(target.std())
    if min(spreads) < 1e-6 * max(abs(float(target.mean())), 1e-6):
        return np.full_like(values, target.mean()), 0.0
    # What sees the opposite of the whole knows nothing.
    likeness = max(float((off * wanted).mean()) / (spreads[0] * spreads[1]), 0.0)
    return np.asarray(off * np.float32(spreads[1] / spreads[0]) + target.mean(), dtype=np.float32), likeness
