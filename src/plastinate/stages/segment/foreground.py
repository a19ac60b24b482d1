"""Picture -> how far each place belongs to the thing in front, 0 to 1: by a network, or by colours alone.

A plane on a grid over the picture, and no mask yet: where its half lies between two cells the outline of the
thing is known more finely than the cells are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.depot import model_file
from plastinate.model.errors import EmptyMask
from plastinate.model.picture import Picture
from plastinate.native.components import Components
from plastinate.nets.picture_net import PictureNet, fitted_shape, resized, resized_rgb
from plastinate.nets.plane_filters import box_mean, guided

Plane = npt.NDArray[np.float32]

NET_SIDE = 320
# Pieces smaller than this share of the largest are dust, or another thing far behind.
PIECE_SHARE = 0.1
# Of what colours alone tell: a piece so much smaller than the largest is no part of it, and a hole so small
# in it is a place of the background's colour on the thing.
COLOUR_PIECE_SHARE, HOLE_SHARE = 0.25, 0.25
# A thing that fills less than this of the picture is a speck.
LEAST_SHARE = 0.002


def foreground_net(
    picture: Picture, *, side_px: int = 640, radius_share: float = 0.012, evenness: float = 0.0005
) -> Plane:
    """Ask a network what stands out, and let the outline follow the picture's edges.

    Where the file itself says that parts of the picture are nothing, that is believed instead.

    Args:
        picture: what was seen.
        side_px: longest side of the answer.
        radius_share, evenness: of the edge-following filter; the radius is a share of the longest side.

    Returns:
        (R, C) float32.

    Raises:
        EmptyMask: nothing stands out.
        ModelError: the model cannot be had.

    Source: Qin et al., Pattern Recognition 106 (2020) 107404.
    """
    if picture.has_holes and picture.opacity is not None:
        return _whole_pieces(resized(picture.opacity / np.float32(255), fitted_shape(picture.shape, side_px)))
    network = PictureNet(model_file("foreground"), side=NET_SIDE, normalised=True)
    return foreground_asked(network, picture, side_px=side_px, radius_share=radius_share, evenness=evenness)


def foreground_asked(
    network: PictureNet, picture: Picture, *, side_px: int, radius_share: float, evenness: float
) -> Plane:
    """The same with any network; for the parameters see `foreground_net`.

    Raises:
        EmptyMask: nothing stands out.
    """
    shape = fitted_shape(picture.shape, side_px)
    guide = resized_rgb(picture.rgb, shape)
    answer = network.answer(guide)
    low, high = float(answer.min()), float(answer.max())
    if high < 0.5:
        raise nothing_in_front()
    plane = resized((answer - low) / max(high - low, 1e-6), shape).clip(0, 1)
    radius = max(1, round(radius_share * max(shape)))
    plane = guided(guide.astype(np.float32) / 255.0, plane, radius=radius, evenness=evenness)
    return _whole_pieces(plane.clip(0, 1))


def foreground_by_colour(picture: Picture, *, side_px: int = 640, distance: float = 3.0) -> Plane:
    """What differs in colour from the rim of the picture; needs no network.

    The rim is taken for background: its colours are one bell (a mean and how they scatter together), and
    what lies farther from it than `distance` deviations belongs to the thing, and so does what that
    surrounds, unless it is a large part of it. It fails before a background of many colours.

    Args:
        picture: what was seen.
        side_px: longest side of the answer.
        distance: deviations (Mahalanobis) at which a colour is as likely one as the other.

    Raises:
        EmptyMask: nothing differs from the rim.
    """
    shape = fitted_shape(picture.shape, side_px)
    if picture.has_holes and picture.opacity is not None:
        return _whole_pieces(resized(picture.opacity / np.float32(255), shape))
    colours = resized_rgb(picture.rgb, shape).astype(np.float32) / 255.0
    width = max(1, round(0.03 * max(shape)))
    rim = np.ones(shape, dtype=bool)
    rim[width:-width, width:-width] = False
    seen = colours[rim].astype(np.float64)
    # Half the rim may be the thing itself: its middle half, colour by colour, is what is believed.
    middle = np.median(seen, axis=0)
    near = np.abs(seen - middle).sum(axis=1)
    kept = seen[near <= np.quantile(near, 0.6)]
    scatter = np.cov(kept.T) + np.eye(3) * 4e-4
    away = colours - kept.mean(axis=0)
    squared = np.einsum("rci,ij,rcj->rc", away, np.linalg.inv(scatter), away)
    plane = 1.0 / (1.0 + np.exp(distance - np.sqrt(np.maximum(squared, 0.0))))
    return _without_holes(_whole_pieces(box_mean(plane, max(1, width // 6)), piece_share=COLOUR_PIECE_SHARE))


def nothing_in_front() -> EmptyMask:
    """What to raise where a picture has no thing in front."""
    error = EmptyMask("object", "nothing in the picture stands out from the rest")
    error.hint = (
        "Cut it out yourself and save it as PNG with a transparent background, or make a scene of all of it."
    )
    return error


def _without_holes(plane: Plane) -> Plane:
    """The plane with its small holes filled."""
    inside = plane >= 0.5
    holes = Components(~inside[None], connectivity=6)
    labels = holes.labels()[0]
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    small = np.asarray(holes.sizes) < HOLE_SHARE * np.count_nonzero(inside)
    small[0] = small[np.unique(rim)] = False
    return np.where(small[labels], np.float32(1.0), plane)


def _whole_pieces(plane: Plane, *, piece_share: float = PIECE_SHARE) -> Plane:
    """The plane without its dust.

    Raises:
        EmptyMask: all of it is dust.
    """
    inside = plane >= 0.5
    if np.count_nonzero(inside) < LEAST_SHARE * inside.size:
        raise nothing_in_front()
    pieces = Components(inside[None])
    sizes = np.asarray(pieces.sizes)
    kept = pieces.mask(np.flatnonzero(sizes >= piece_share * sizes.max()))[0]
    # Just under a half: the outline stays where it was, and what is left out is outside.
    return np.where(inside & ~kept, np.float32(0.0), plane).astype(np.float32)
