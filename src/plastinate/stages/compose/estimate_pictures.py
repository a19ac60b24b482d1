"""A scene made of a picture -> the pictures of its certificate: as seen, from the side, and how sure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

import numpy as np

from plastinate.model.scene import Scene
from plastinate.model.skin import Skin
from plastinate.native.side_by_side import side_by_side
from plastinate.stages.compose.camera import camera_for
from plastinate.stages.compose.pictures import PICTURE_BYTES, SUPERSAMPLING, finished_view
from plastinate.stages.compose.shading import shade
from plastinate.stages.compose.skin import confidence_colours

# name -> azimuth, elevation, width, height.
VIEWS = {
    # As the viewer begins: from where a picture was not taken, more is invented than seen.
    "preview": (12.0, 6.0, 1280, 960),
    "front": (0.0, 0.0, 640, 640),
    "side": (75.0, 8.0, 640, 640),
    "back": (160.0, 14.0, 640, 640),
}
CONFIDENCE_VIEW = (12.0, 6.0, 640, 480)


def render_estimate(scene: Scene, *, only: Collection[str] | None = None) -> dict[str, bytes]:
    """Draw the model from four sides, and once more in the colours of its confidence.

    Args:
        scene: one body, with its skin.
        only: names of the pictures wanted; None for all.

    Returns:
        "preview", "front", "side", "back", "confidence" -> PNG bytes; the last one only with a skin.
    """
    wanted = {*VIEWS, "confidence"} if only is None else set(only)
    drawn: dict[str, Callable[[], bytes]] = {
        name: partial(_view, scene, VIEWS[name]) for name in VIEWS if name in wanted
    }
    skin = scene.nodes[0].skin("full")
    if skin is not None and "confidence" in wanted and bool((skin.confidence > 0).any()):
        drawn["confidence"] = partial(_view, _by_confidence(scene, skin), CONFIDENCE_VIEW)
    made = side_by_side(list(drawn.values()), bytes_each=PICTURE_BYTES)
    return dict(zip(drawn, made, strict=True))


def _by_confidence(scene: Scene, skin: Skin) -> Scene:
    node = scene.nodes[0]
    coloured = replace(skin, colours=confidence_colours(skin))
    return replace(scene, nodes=(replace(node, skins={**node.skins, "full": coloured}),))


def _view(scene: Scene, view: tuple[float, float, int, int]) -> bytes:
    azimuth, elevation, width, height = view
    camera = camera_for(
        scene.bounds_lps_mm,
        azimuth_degrees=azimuth,
        elevation_degrees=elevation,
        width=width * SUPERSAMPLING,
        height=height * SUPERSAMPLING,
    )
    return finished_view(np.asarray(shade(scene, camera, level="full")), camera, scene.geometry.unit)
