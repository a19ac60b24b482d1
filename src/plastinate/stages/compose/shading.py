"""Scene and camera -> a shaded picture, without a graphics driver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.scene import Scene
from plastinate.native.normals import vertex_normals
from plastinate.native.render import ambient_openness, rasterise
from plastinate.stages.compose.camera import Camera

Picture = npt.NDArray[np.float32]

# Light from the upper left in front, a weak one from the lower right: right, up, towards the eye.
KEY_LIGHT = np.array([-0.45, 0.62, 0.64], dtype=np.float32)
FILL_LIGHT = np.array([0.70, -0.15, 0.70], dtype=np.float32)
BACKGROUND_TOP = np.array([0.972, 0.968, 0.957], dtype=np.float32)
BACKGROUND_BOTTOM = np.array([0.890, 0.882, 0.862], dtype=np.float32)
OCCLUSION_RADIUS_SHARE = 0.035
GLASS_BELOW = 0.999


@dataclass(frozen=True, eq=False)
class Layer:
    """What one organ shows: its pixels (flat indices), and depth, colour and cover of each."""

    pixels: npt.NDArray[np.int64]
    depth: Picture
    colour: Picture
    cover: Picture


def shade(scene: Scene, camera: Camera, *, level: str) -> Picture:
    """Draw every organ; translucent ones let those behind shine through.

    Each organ contributes its nearest surface only: a hull is seen once, not
    front and back, which keeps glass clear.

    Args:
        scene: what to draw.
        camera: from where.
        level: detail level; "full" where an organ has no such level.

    Returns:
        (H, W, 3) float32 sRGB, 0 to 1.
    """
    layers = [
        _layer(
            node_surface(scene, node.id, level),
            node.structure.colour,
            node.structure.opacity,
            camera,
            painted=None if (skin := node.skin(level)) is None else skin.colours,
        )
        for node in scene.nodes
    ]
    depths = np.full((len(layers), camera.height * camera.width), np.inf, dtype=np.float32)
    for index, layer in enumerate(layers):
        depths[index, layer.pixels] = layer.depth
    picture = _background(camera).reshape(-1, 3)
    # Behind how many other surfaces each pixel of a layer lies; the farthest is painted first.
    ranks = [
        (depths[:, layer.pixels] < layer.depth).sum(axis=0)
        + (depths[:index, layer.pixels] == layer.depth).sum(axis=0)
        for index, layer in enumerate(layers)
    ]
    for rank in reversed(range(len(layers))):
        for layer, own in zip(layers, ranks, strict=True):
            now = own == rank
            where, cover = layer.pixels[now], layer.cover[now, None]
            picture[where] = picture[where] * (1 - cover) + layer.colour[now] * cover
    return picture.reshape(camera.height, camera.width, 3)


def node_surface(
    scene: Scene, structure: str, level: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint32]]:
    """Vertices and triangles of one organ at a level, or at "full" where it has no such level."""
    surfaces = scene.node(structure).surfaces
    surface = surfaces.get(level, surfaces["full"])
    return surface.vertices, surface.triangles


def _layer(
    surface: tuple[npt.NDArray[np.float32], npt.NDArray[np.uint32]],
    colour: tuple[int, int, int],
    opacity: float,
    camera: Camera,
    *,
    painted: npt.NDArray[np.uint8] | None = None,
) -> Layer:
    vertices, triangles = surface
    seen = camera.project(vertices)
    left, top = (max(0, int(low) - 1) for low in seen[:, :2].min(axis=0))
    right = min(camera.width, int(seen[:, 0].max()) + 2)
    bottom = min(camera.height, int(seen[:, 1].max()) + 2)
    on_screen = seen - np.array([left, top, 0], dtype=np.float32)
    size = {"width": max(1, right - left), "height": max(1, bottom - top)}
    normals_seen = camera.turned(vertex_normals(vertices, triangles))
    depth, normals = rasterise(on_screen, normals_seen, triangles, **size)
    open_sky = ambient_openness(depth, radius_px=OCCLUSION_RADIUS_SHARE * camera.width, depth_px=1.0)
    rows, columns = np.nonzero(np.isfinite(depth))
    normal = normals[rows, columns]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    own: Picture | tuple[int, int, int] = colour
    if painted is not None:
        # Colours lie between vertices as normals do.
        own = rasterise(on_screen, painted.astype(np.float32), triangles, **size)[1][rows, columns]
    shaded = lit(normal, open_sky[rows, columns], own)
    cover = np.full(len(rows), opacity, dtype=np.float32)
    if opacity < GLASS_BELOW:
        # Glass seen edge-on holds more of its colour (Fresnel): the outline stays, the middle is clear.
        facing = np.clip(normal[:, 2], 0, 1)
        cover = (opacity * 0.35 + (1 - opacity * 0.35) * 0.75 * (1 - facing) ** 2.5).astype(np.float32)
    return Layer((rows + top) * camera.width + columns + left, depth[rows, columns], shaded, cover)


def lit(normal: Picture, openness: Picture, colour: Picture | tuple[int, int, int]) -> Picture:
    """Colours of what faces that way, (N, 3) sRGB 0 to 1.

    Args:
        normal: (N, 3) right, up, towards the eye; unit vectors.
        openness: (N,) how much of the sky each sees, 0 to 1.
        colour: sRGB bytes, one for all or (N, 3).
    """
    key = np.clip(normal @ (KEY_LIGHT / np.linalg.norm(KEY_LIGHT)), 0, 1)
    fill = np.clip(normal @ (FILL_LIGHT / np.linalg.norm(FILL_LIGHT)), 0, 1)
    halfway = KEY_LIGHT / np.linalg.norm(KEY_LIGHT) + np.array([0, 0, 1], dtype=np.float32)
    shine = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 40
    sky = 0.5 + 0.5 * normal[:, 1]
    light = openness**1.6 * (0.30 + 0.16 * sky + 0.16 * fill) + 0.62 * key * openness**0.6
    linear = (np.asarray(colour, dtype=np.float32).clip(0, 255) / 255) ** 2.2
    shaded = linear * light[:, None] * 1.25 + 0.10 * shine[:, None] * openness[:, None]
    return np.asarray(np.clip(shaded, 0, 1) ** (1 / 2.2), dtype=np.float32)


def _background(camera: Camera) -> Picture:
    down = np.linspace(0, 1, camera.height, dtype=np.float32)[:, None, None]
    column = BACKGROUND_TOP * (1 - down) + BACKGROUND_BOTTOM * down
    return np.repeat(column, camera.width, axis=1).astype(np.float32)
