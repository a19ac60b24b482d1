"""Picture -> DepthMap by a network that has seen many pictures with their depths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

from plastinate.depot import PictureCard, card_named, model_file
from plastinate.depot.registry import built_in_cards
from plastinate.model.depth import DepthMap
from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.nets.picture_net import PictureNet, fitted_shape, resized, resized_rgb
from plastinate.nets.plane_filters import box_mean, guided
from plastinate.stages.depth.picture_parts import (
    alike,
    asked_of_parts,
    laid_together,
    level_shares,
    part_places,
    without_blocks,
)

Plane = npt.NDArray[np.float32]

# A place whose doubt is this share of its depth is as good as not known.
HALF_TRUST = 0.12
# Twice the four of 224 pixels over which a network that sees so many draws an edge.
STEP_SHARE = 8 / 224
# A doubt is about a region: it is the mean of so much of the longest side around.
REGION_SHARE = 0.04
# Nearest and farthest that are believed, as shares of the median: beyond lie slips of single pixels.
RANGE = (0.15, 8.0)
# Of an answer that is one over the depth up to a factor and a shift, no network says either: the farthest is
# taken to be five times as far away as the nearest. In eleven places with known depths it was 2.5 to 11.5
# times as far, 4.6 in the middle (docs/explanation/pictures.md); asking the coarse network for it did worse.
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
    levels: int = 3,
    radius_share: float = 0.016,
    evenness: float = 0.001,
    progress: Callable[[float], None] = _silent,
) -> DepthMap:
    """Ask a network about the whole picture and about parts of it, and let edges follow the picture's.

    The whole view gives the coarse shape. Parts that overlap are asked about as well, in the shape of what
    such networks were shown and at several sizes, and each size has one vote beside the whole: where one
    answer errs another does not, and the smaller see finer things. Every view is asked in its mirror image
    too. How far all these answers differ is the doubt, and near a step its height.

    Args:
        picture: what was seen.
        model: name of one whose card says how to ask it about a picture.
        side_px: longest side of the map.
        tiles: parts along each side at their smallest, of a picture of 4:3; 0 asks about the whole view
            alone, None takes what the network needs.
        tile_share: length of the smallest part, as a share of the largest view of 4:3.
        levels: sizes of parts, from that view to the smallest part.
        radius_share, evenness: of the edge-following filter, see `guided`; the radius is a share of the
            longest side.
        progress: told what share is done.

    Raises:
        ParameterError: no such network, or a share that is none.
        ModelError: the model cannot be had.
    """
    sees = card_of_depth(model)
    tiles = sees.tiles if tiles is None else tiles
    if not 0.2 <= tile_share <= 1 or not 1 <= levels <= 8:
        raise ParameterError(
            "A tile is at least a fifth of the picture, and there are one to eight sizes of them."
        )
    return depth_asked(
        network_of(model),
        picture,
        is_inverse=sees.kind == "inverse-depth",
        side_px=side_px,
        tiles=tiles,
        tile_share=tile_share,
        levels=levels,
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
    levels: int,
    radius_share: float,
    evenness: float,
    mirror_share: float = 1.0,
    progress: Callable[[float], None] = _silent,
) -> DepthMap:
    """The same with any network; for the parameters see `depth_net` and `PictureCard`."""
    shape = fitted_shape(picture.shape, side_px)
    # Parts are cut from a picture at which the smallest is about as large as what the network sees.
    seen_shape = fitted_shape(
        picture.shape, max(side_px, round(network.longest_seen(picture.shape) / tile_share))
    )
    rgb = resized_rgb(picture.rgb, seen_shape)
    whole, mirrored = (
        resized(answer, shape)
        for answer in (
            without_blocks(network.answer(rgb)),
            without_blocks(network.answer(rgb[:, ::-1], share=mirror_share)[:, ::-1]),
        )
    )
    progress(0.2)
    mixed, asked = whole, 2
    planes: list[Plane] = []
    if tiles:
        shares = level_shares(finest=tile_share, levels=levels)
        step = (1.0 - tile_share) / (tiles - 1) if tiles > 1 else float("inf")
        places = [part_places((rgb.shape[0], rgb.shape[1]), share=share, step=step) for share in shares]
        asked += 2 * sum(map(len, places))
        counted = count(1)

        def told() -> None:
            progress(0.2 + 1.4 * next(counted) / asked)

        parts = [asked_of_parts(network, rgb, shape, each, told=told) for each in places]
        mixed, planes = laid_together(0.5 * (whole + mirrored), parts)
    views = [mixed, *(alike(view, mixed)[0] for view in (whole, mirrored)), *planes]
    if is_inverse:
        views = _as_nearness(views)
    mixed = views[0]
    confidence = _confidence(mixed, [views[1:3], [mixed, *views[3:]]])
    guide = resized_rgb(rgb, shape).astype(np.float32) / 255.0
    radius = max(1, round(radius_share * max(shape)))
    followed = guided(guide, mixed, radius=radius, evenness=evenness)
    progress(1.0)
    return DepthMap(
        _believed(_over(followed) if is_inverse else followed),
        guided(guide, confidence, radius=radius, evenness=evenness).clip(0, 1),
        facts={
            "engine": network.engine,
            "views": asked,
            "mean_confidence": float(confidence.mean()),
        },
    )


def plain_depth(picture: Picture, *, model: str = USUAL, shape: tuple[int, int]) -> Plane:
    """What the network alone answers, stretched to a shape: what `depth_net` is measured against."""
    is_inverse = card_of_depth(model).kind == "inverse-depth"
    answer = resized(network_of(model).answer(picture.rgb), shape)
    return _believed(_over(_as_nearness([answer])[0]) if is_inverse else answer)


def _confidence(depth: Plane, asked: Sequence[Sequence[Plane]]) -> Plane:
    """1 where all answers agree and no step is near, a half where the doubt is HALF_TRUST of the depth.

    Args:
        depth: what is given out.
        asked: for each way of asking, the answers that should be the same: a second way that agrees with
            itself says nothing for the first.
    """
    middle = np.maximum(np.abs(depth), 1e-6)
    differ = [np.std(np.stack(answers), axis=0) / middle for answers in asked]
    doubt = np.sqrt(sum(share**2 for share in [*differ, _step_near(depth)]))
    radius = max(1, round(REGION_SHARE * max(doubt.shape)))
    doubt = box_mean(box_mean(doubt, radius), radius)
    return np.asarray(1.0 / (1.0 + (doubt / HALF_TRUST) ** 2), dtype=np.float32)


def _step_near(depth: Plane) -> Plane:
    """(R, C) the height of the steps near each place, as a share of the depth there; 0 on a plane.

    Who does not know quite where a step lies is wrong by all of it on a strip of its length. Around a step
    of height h the mean over a window is left by h/2 at the step and by nothing a window away: by h/4 on
    average.
    """
    low = max(float(np.abs(depth).mean()) * 1e-2, 1e-6)
    height = np.log(np.maximum(depth, low))
    radius = max(1, round(STEP_SHARE * max(depth.shape)))
    # A slope goes on beyond the border: a smaller window there would take it for a step.
    wide = np.pad(height, radius, mode="reflect", reflect_type="odd") if min(depth.shape) > radius else height
    even = box_mean(wide, radius)
    if wide is not height:
        even = even[radius:-radius, radius:-radius]
    return np.asarray(4.0 * np.abs(height - even), dtype=np.float32)


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
