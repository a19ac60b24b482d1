"""Picture -> DepthMap by a network that has seen many pictures with their depths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from plastinate.depot import PictureCard, card_named, model_file
from plastinate.depot.registry import built_in_cards
from plastinate.model.depth import DepthMap
from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.nets.picture_net import PictureNet, fitted_shape, resized, resized_rgb
from plastinate.nets.plane_filters import guided

Plane = npt.NDArray[np.float32]

# A view that differs from the others by this share of the depth is as good as no answer.
HALF_TRUST = 0.08
# Nearest and farthest that are believed, as shares of the median: beyond lie slips of single pixels.
RANGE = (0.15, 8.0)
# Of an answer that is one over the depth up to a factor and a shift, no network says either: the farthest is
# taken to be five times as far away as the nearest.
FARTHEST_NEARNESS = 0.2
# Of such an answer so many percent at either end are slips.
SLIPS_PERCENT = 0.5


USUAL = "depth-small"


def _silent(share: float) -> None:
    del share


def depth_net(
    picture: Picture,
    *,
    model: str = USUAL,
    side_px: int = 512,
    tiles: int | None = None,
    tile_share: float = 0.6,
    detail: float = 0.5,
    radius_share: float = 0.016,
    evenness: float = 0.001,
    progress: Callable[[float], None] = _silent,
) -> DepthMap:
    """Ask a network about the whole picture and about parts of it, and let edges follow the picture's.

    The whole view gives the coarse shape. Tiles that overlap are asked about as well, each brought to the
    whole view's answer by a factor and a shift, and mixed in: they see finer things. Every view is asked in
    its mirror image too; how far all these answers differ is the confidence.

    Args:
        picture: what was seen.
        model: name of one whose card says how to ask it about a picture.
        side_px: longest side of the map.
        tiles: along each side; 0 asks about the whole view alone; None takes what the network needs.
        tile_share: length of a tile, as a share of the picture's side.
        detail: how much of the mean comes from the tiles, 0 to 1.
        radius_share, evenness: of the edge-following filter, see `guided`; the radius is a share of the
            longest side.
        progress: told what share is done.

    Raises:
        ParameterError: no such network, or a share that is none.
        ModelError: the model cannot be had.
    """
    sees = card_of_depth(model)
    tiles = sees.tiles if tiles is None else tiles
    if not 0 <= detail <= 1 or not 0.2 <= tile_share <= 1:
        raise ParameterError("The detail is a share from 0 to 1, and a tile at least a fifth of the picture.")
    return depth_asked(
        network_of(model),
        picture,
        is_inverse=sees.kind == "inverse-depth",
        side_px=side_px,
        tiles=tiles,
        tile_share=tile_share,
        detail=detail,
        radius_share=radius_share,
        evenness=evenness,
        mirror_share=sees.mirror_share,
        progress=progress,
    )


def card_of_depth(model: str) -> PictureCard:
    """What the card of a network says of how to ask it.

    Raises:
        ModelNotFound: no such model.
        ParameterError: it is none that says how far away things are.
    """
    card = card_named(model)
    if card.sees is None:
        raise ParameterError(f"The model {model!r} does not say how far away the places of a picture are.")
    return card.sees


def network_of(model: str) -> PictureNet:
    """A network by its name, ready to be asked.

    Raises:
        ModelError: the model cannot be had, or does not run.
        ParameterError: as `card_of_depth`.
    """
    sees, path = card_of_depth(model), model_file(model)
    return PictureNet(
        path,
        side=sees.side,
        normalised=sees.normalised,
        patch=sees.patch,
        name=model,
        is_pinned_here=model in built_in_cards(),
    )


def depth_asked(
    network: PictureNet,
    picture: Picture,
    *,
    is_inverse: bool,
    side_px: int,
    tiles: int,
    tile_share: float,
    detail: float,
    radius_share: float,
    evenness: float,
    mirror_share: float = 1.0,
    progress: Callable[[float], None] = _silent,
) -> DepthMap:
    """The same with any network; for the parameters see `depth_net` and `PictureCard`."""
    shape = fitted_shape(picture.shape, side_px)
    # Tiles are cut from a picture at which a tile is about as large as what the network sees.
    seen_shape = fitted_shape(
        picture.shape, max(side_px, round(network.longest_seen(picture.shape) / tile_share))
    )
    rgb = resized_rgb(picture.rgb, seen_shape)
    whole = resized(network.answer(rgb), shape)
    mirrored = network.answer(np.ascontiguousarray(rgb[:, ::-1]), share=mirror_share)
    progress(0.2)
    views = [whole, _brought_to(resized(np.ascontiguousarray(mirrored[:, ::-1]), shape), whole)]
    if tiles and detail:
        views.append(_tiled(network, rgb, whole, tiles=tiles, share=tile_share, progress=progress))
    if is_inverse:
        views = _as_nearness(views)
    mixed = (1.0 - detail) * views[0] + detail * views[2] if len(views) > 2 else views[0]
    confidence = _confidence(views)
    guide = resized_rgb(rgb, shape).astype(np.float32) / 255.0
    radius = max(1, round(radius_share * max(shape)))
    followed = guided(guide, mixed, radius=radius, evenness=evenness)
    progress(1.0)
    return DepthMap(
        _believed(_over(followed) if is_inverse else followed),
        guided(guide, confidence, radius=radius, evenness=evenness).clip(0, 1),
        facts={
            "engine": network.engine,
            "views": 2 + (2 * tiles * tiles if len(views) > 2 else 0),
            "mean_confidence": float(confidence.mean()),
        },
    )


def plain_depth(picture: Picture, *, model: str = USUAL, shape: tuple[int, int]) -> Plane:
    """What the network alone answers, stretched to a shape: what `depth_net` is measured against."""
    is_inverse = card_of_depth(model).kind == "inverse-depth"
    answer = resized(network_of(model).answer(picture.rgb), shape)
    return _believed(_over(_as_nearness([answer])[0]) if is_inverse else answer)


def _both(network: PictureNet, rgb: npt.NDArray[np.uint8]) -> tuple[Plane, Plane]:
    """The answers to a picture and, turned back, to its mirror image."""
    mirrored = network.answer(np.ascontiguousarray(rgb[:, ::-1]))
    return network.answer(rgb), np.ascontiguousarray(mirrored[:, ::-1])


def _tiled(
    network: PictureNet,
    rgb: npt.NDArray[np.uint8],
    whole: Plane,
    *,
    tiles: int,
    share: float,
    progress: Callable[[float], None],
) -> Plane:
    """(R, C) the answers to tiles, faded into each other, in the measure of the whole view."""
    total, weight = np.zeros_like(whole), np.full_like(whole, 1e-6)
    places = [(row, column) for row in range(tiles) for column in range(tiles)]
    for number, (row, column) in enumerate(places):
        seen = tuple(_span(n, k, tiles, share) for n, k in zip(rgb.shape[:2], (row, column), strict=True))
        target = tuple(_span(n, k, tiles, share) for n, k in zip(whole.shape, (row, column), strict=True))
        view = np.mean(_both(network, np.ascontiguousarray(rgb[seen])), axis=0)
        size = (target[0].stop - target[0].start, target[1].stop - target[1].start)
        part = _brought_to(resized(view, size), whole[target])
        fade = np.outer(_fade(size[0]), _fade(size[1])).astype(np.float32)
        total[target] += fade * part
        weight[target] += fade
        progress(0.2 + 0.7 * (number + 1) / len(places))
    return np.asarray((total + 1e-6 * whole) / weight, dtype=np.float32)


def _span(length: int, number: int, count: int, share: float) -> slice:
    size = min(length, max(1, round(share * length)))
    start = round((length - size) * (number / (count - 1) if count > 1 else 0.5))
    return slice(start, start + size)


def _fade(length: int) -> npt.NDArray[np.float64]:
    # A bell that is nowhere 0: the picture's own border lies under one tile only.
    return np.asarray(np.hanning(length + 2)[1:-1] + 1e-3)


def _brought_to(values: Plane, target: Plane) -> Plane:
    """The values times a factor plus a shift, as near to the target as squares measure."""
    spread = float(values.var())
    if spread < 1e-12:
        return np.full_like(values, target.mean())
    factor = float(((values - values.mean()) * (target - target.mean())).mean()) / spread
    # A tile that sees the opposite of the whole knows nothing.
    return np.asarray(max(factor, 0.0) * (values - values.mean()) + target.mean(), dtype=np.float32)


def _confidence(views: list[Plane]) -> Plane:
    """1 where all views agree, a half where they differ by HALF_TRUST of their mean."""
    stack = np.stack(views)
    share = stack.std(axis=0) / np.maximum(np.abs(stack.mean(axis=0)), 1e-6)
    return np.asarray(1.0 / (1.0 + (share / HALF_TRUST) ** 2), dtype=np.float32)


def _as_nearness(views: list[Plane]) -> list[Plane]:
    """One over the depth, up to a factor and a shift -> the same, the nearest of the first view being 1."""
    low, high = np.percentile(views[0], (SLIPS_PERCENT, 100.0 - SLIPS_PERCENT))
    if high - low < 1e-9:
        return [np.ones_like(view) for view in views]
    slope = (1.0 - FARTHEST_NEARNESS) / float(high - low)
    return [
        np.clip(FARTHEST_NEARNESS + slope * (view - low), FARTHEST_NEARNESS, 1.0).astype(np.float32)
        for view in views
    ]


def _over(nearness: Plane) -> Plane:
    return np.asarray(1.0 / np.clip(nearness, FARTHEST_NEARNESS, 1.0), dtype=np.float32)


def _believed(depth: Plane) -> Plane:
    middle = float(np.median(depth))
    if middle <= 0:
        return np.ones_like(depth)
    return np.clip(depth, RANGE[0] * middle, RANGE[1] * middle).astype(np.float32)
