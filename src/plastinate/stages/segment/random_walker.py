"""A picture, a guess and pixels that are known -> how likely each pixel belongs: walks that shun edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

# Rounds of conjugate gradients, and the share of the first residual at which they end: a thousandth of a
# likelihood is far below what moves a pixel.
ROUNDS_MAX, RESIDUAL = 200, 1e-3
# Across the sharpest edge a walk is unlikely, not impossible: else a region could be cut off from all others.
LEAST_BOND = 1e-4


def random_walker(
    picture: Floats, guess: Floats, *, inside: Flags, outside: Flags, contrast: float, belief: float
) -> Floats:
    """How likely a walk from each pixel ends inside, where the guess is one way to end and marks are another.

    Args:
        picture: (R, C) grey values.
        guess: (R, C) likelihood, 0 to 1.
        inside, outside: (R, C) pixels that are known.
        contrast: difference of two neighbours at which their bond is down to 0.6.
        belief: weight of the guess in a pixel, where a bond between equals weighs 1.

    Returns:
        (R, C) likelihood: 1 in the marks inside, 0 in those outside.

    Source:
        L. Grady, Multilabel random walker image segmentation using prior models, CVPR 2005, equation 12.
    """
    down = _bonds(picture[1:] - picture[:-1], contrast)
    right = _bonds(picture[:, 1:] - picture[:, :-1], contrast)
    known = inside | outside
    degree = np.full(picture.shape, belief, dtype=np.float32)
    degree[1:] += down
    degree[:-1] += down
    degree[:, 1:] += right
    degree[:, :-1] += right

    def applied(values: Floats) -> Floats:
        made = degree * values
        made[1:] -= down * values[:-1]
        made[:-1] -= down * values[1:]
        made[:, 1:] -= right * values[:, :-1]
        made[:, :-1] -= right * values[:, 1:]
        made[known] = 0
        return made

    solution = np.where(known, inside, guess).astype(np.float32)
    residual = belief * guess.astype(np.float32) - applied(solution)
    residual[known] = 0
    # Known pixels keep their values: every direction is 0 there.
    steered = residual / degree
    direction = steered
    product = float((residual * steered).sum(dtype=np.float64))
    enough = RESIDUAL**2 * product
    for _ in range(ROUNDS_MAX):
        if product <= enough or product <= 0:
            break
        image = applied(direction)
        length = product / float((direction * image).sum(dtype=np.float64))
        solution = solution + np.float32(length) * direction
        residual = residual - np.float32(length) * image
        steered = residual / degree
        before, product = product, float((residual * steered).sum(dtype=np.float64))
        direction = steered + np.float32(product / before) * direction
    return np.asarray(np.clip(solution, 0, 1), dtype=np.float32)


def _bonds(differences: Floats, contrast: float) -> Floats:
    bonds = np.exp(-0.5 * (differences / contrast) ** 2)
    return np.asarray(np.maximum(bonds, LEAST_BOND), dtype=np.float32)
