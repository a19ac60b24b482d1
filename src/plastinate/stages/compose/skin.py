"""Solid and picture -> how each of its surfaces looks, and which of its triangles nobody saw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from plastinate.model.depth import DepthMap
from plastinate.model.picture import Picture
from plastinate.model.skin import Skin
from plastinate.model.solid import Solid
from plastinate.model.surface import Surface
from plastinate.stages.compose.atlas import Atlas, laid_as, make_atlas

Plane = npt.NDArray[np.float32]

# A triangle that leans farther than this from the gaze (83 degrees) was seen by less than a row of pixels.
SEEN_COSINE = 0.12
CONFIDENCE_RAMP = np.array(
    [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], dtype=np.float32
)
# Nearly white. A middle grey is the middle of the ramp to whoever sees no red or no green: CIE distance 4 and
# 6 (Machado's simulation, full strength); this keeps 16 from all of the ramp, for whoever sees no blue too.
INVENTED = (245, 245, 245)


def paint_skins(
    picture: Picture, depth: DepthMap, solid: Solid, *, foreground: Plane | None = None
) -> dict[str, Skin]:
    """Lay the picture over every detail level of a solid.

    Triangles that face the lens show the picture. The others were never seen: they show a pale blur of it.

    Args:
        picture: what was seen.
        depth: its confidence goes onto the vertices.
        solid: made of that picture.
        foreground: see `make_atlas`.
    """
    places = {
        level: solid.projection.to_places(surface.vertices) for level, surface in solid.surfaces.items()
    }
    every = np.clip(np.concatenate(list(places.values())), 0.0, 1.0)
    low, high = every.min(axis=0), every.max(axis=0)
    window = (
        float(low[0]),
        float(low[1]),
        float(max(high[0], low[0] + 1e-6)),
        float(max(high[1], low[1] + 1e-6)),
    )
    atlas = make_atlas(picture, window, foreground=foreground)
    sure = laid_as(atlas, ramped(depth.confidence), INVENTED) if (depth.confidence > 0).any() else None
    return {
        level: replace(_skin(surface, places[level], atlas, depth, solid), confidence_texture=sure)
        for level, surface in solid.surfaces.items()
    }


def confidence_colours(skin: Skin) -> npt.NDArray[np.uint8]:
    """(V, 3) confidence as colours: violet where unsure, yellow where sure, white where nobody saw it."""
    colours = ramped(skin.confidence)
    return np.where((skin.confidence < 0)[:, None], np.array(INVENTED, dtype=np.uint8), colours)


def ramped(confidence: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """(..., 3) numbers from 0 to 1 as colours of the ramp."""
    position = confidence.clip(0, 1) * (len(CONFIDENCE_RAMP) - 1)
    low = np.minimum(position.astype(int), len(CONFIDENCE_RAMP) - 2)
    share = (position - low)[..., None]
    colours = CONFIDENCE_RAMP[low] * (1 - share) + CONFIDENCE_RAMP[low + 1] * share
    return np.asarray(colours, dtype=np.uint8)


def _skin(
    surface: Surface, places: npt.NDArray[np.float64], atlas: Atlas, depth: DepthMap, solid: Solid
) -> Skin:
    is_invented = ~_is_seen(surface, solid)
    count = len(surface.vertices)
    both = np.concatenate([atlas.places(places, is_rear=False), atlas.places(places, is_rear=True)])
    corners = surface.triangles.astype(np.int64) + np.where(is_invented, count, 0)[:, None]
    used = np.zeros(2 * count, dtype=bool)
    used[corners] = True
    number = np.cumsum(used) - 1
    share = atlas.in_window(places)
    is_front = used[:count]
    colours = np.where(
        is_front[:, None], _sampled(atlas.small, share), _sampled(atlas.small_rear, share)
    ).astype(np.uint8)
    sure = _sampled(depth.confidence[..., None], places.clip(0, 1))[:, 0]
    # Below 0: nothing to be sure of.
    confidence = np.where(is_front, sure, -1.0).astype(np.float32)
    return Skin(
        atlas.texture, both[used], number[corners].astype(np.uint32), colours, confidence, is_invented
    )


def _is_seen(surface: Surface, solid: Solid) -> npt.NDArray[np.bool_]:
    a, b, c = (surface.vertices[surface.triangles[:, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.maximum(np.linalg.norm(normal, axis=1), 1e-30)
    towards = -np.einsum("ij,ij->i", normal, solid.projection.gaze((a + b + c) / 3.0)) / length
    return np.asarray(towards > SEEN_COSINE)


def _sampled(image: npt.NDArray[np.generic], share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(V, channels) of an image at places from 0 to 1, between its pixels."""
    rows, columns = image.shape[:2]
    x = np.clip(share[:, 0] * columns - 0.5, 0, columns - 1)
    y = np.clip(share[:, 1] * rows - 0.5, 0, rows - 1)
    left, top = x.astype(int), y.astype(int)
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    a, b = (x - left)[:, None], (y - top)[:, None]
    values = image.astype(np.float64)
    upper = values[top, left] * (1 - a) + values[top, right] * a
    lower = values[bottom, left] * (1 - a) + values[bottom, right] * a
    return np.asarray(upper * (1 - b) + lower * b)
