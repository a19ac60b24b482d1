"""Scene -> the pictures of its certificate, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene
from plastinate.model.volume import Volume
from plastinate.native.side_by_side import say_nothing, side_by_side
from plastinate.stages.compose.camera import Camera, camera_for
from plastinate.stages.compose.shading import shade
from plastinate.stages.compose.slices import slice_pictures

# name -> azimuth, elevation, width, height, and the sides of the patient at the left and right rim.
VIEWS = {
    "preview": (28.0, 14.0, 1280, 960, "", ""),
    "anterior": (0.0, 0.0, 640, 640, "R", "L"),
    "left": (90.0, 0.0, 640, 640, "A", "P"),
    "inferior": (0.0, -89.9, 640, 640, "R", "L"),
}
SLICE_LETTERS = {"axial": ("R", "L"), "coronal": ("R", "L"), "sagittal": ("A", "P")}
SUPERSAMPLING = 2
INK = (64, 62, 58)
# Memory that the largest of them takes at most; a chest of five organs took 484 MB.
PICTURE_BYTES = 600_000_000
SCALE_BARS_MM = (200, 100, 50, 20, 10, 5, 2, 1)


def render_pictures(
    scene: Scene,
    volume: Volume,
    *,
    only: Collection[str] | None = None,
    progress: Callable[[int, int], None] = say_nothing,
) -> dict[str, bytes]:
    """Draw the organs from four sides and the scan in three slices, side by side where cores allow.

    Args:
        scene: the organs.
        volume: the grey values under them.
        only: names of the pictures wanted; None for all.
        progress: told after each picture how many are done, and of how many; the slices count as one.

    Returns:
        "preview", "anterior", "left", "inferior", "axial", "coronal", "sagittal" -> PNG bytes;
        no slices for a scene without a label map.
    """
    wanted = VIEWS.keys() | SLICE_LETTERS.keys() if only is None else set(only)
    drawn: list[Callable[[], dict[str, bytes]]] = [
        partial(_view, scene, name) for name in VIEWS if name in wanted
    ]
    labels = scene.label_map if SLICE_LETTERS.keys() & wanted else None
    if labels is not None and labels.geometry.shape == volume.geometry.shape:
        drawn.append(partial(_slices, scene, labels, volume, wanted))
    pictures = side_by_side(drawn, bytes_each=PICTURE_BYTES, progress=progress)
    return {name: data for made in pictures for name, data in made.items()}


def _view(scene: Scene, name: str) -> dict[str, bytes]:
    azimuth, elevation, width, height, left, right = VIEWS[name]
    camera = camera_for(
        scene.bounds_lps_mm,
        azimuth_degrees=azimuth,
        elevation_degrees=elevation,
        width=width * SUPERSAMPLING,
        height=height * SUPERSAMPLING,
    )
    level = "full" if name == "preview" else "medium"
    picture = shade(scene, camera, level=level)
    return {name: _finished(picture, camera, left, right, scene.geometry.unit)}


def finished_view(picture: npt.NDArray[np.float32], camera: Camera, unit: str) -> bytes:
    """A shaded picture as PNG, with a scale bar where there are millimetres; no sides of a patient."""
    return _finished(picture, camera, "", "", unit)


def _slices(scene: Scene, label_map: LabelMap, volume: Volume, wanted: Collection[str]) -> dict[str, bytes]:
    colours = {node.id: node.structure.colour for node in scene.nodes}
    colours |= {name: (128, 128, 128) for name in label_map.structures.values() if name not in colours}
    return {
        name: _png(_lettered(plane, *SLICE_LETTERS[name], ink=(230, 230, 225)))
        for name, plane in slice_pictures(volume, label_map, colours=colours).items()
        if name in wanted
    }


def _finished(picture: npt.NDArray[np.float32], camera: Camera, left: str, right: str, unit: str) -> bytes:
    from PIL import ImageDraw

    height, width = picture.shape[0] // SUPERSAMPLING, picture.shape[1] // SUPERSAMPLING
    small = picture.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING, 3).mean(axis=(1, 3))
    image = _lettered((small * 255 + 0.5).astype(np.uint8), left, right, ink=INK)
    if unit == "mm":
        draw = ImageDraw.Draw(image)
        px_per_mm = 1 / (camera.mm_per_px * SUPERSAMPLING)
        length_mm = next((mm for mm in SCALE_BARS_MM if mm * px_per_mm < width / 4), SCALE_BARS_MM[-1])
        x, y = width * 0.04, height * 0.955
        draw.line([(x, y), (x + length_mm * px_per_mm, y)], fill=INK, width=2)
        words = f"{length_mm // 10} cm" if length_mm >= 10 else f"{length_mm} mm"
        draw.text((x, y - 6), words, fill=INK, font=_font(max(14, width // 64)), anchor="ls")
    return _png(image)


def _lettered(pixels: npt.NDArray[np.uint8], left: str, right: str, *, ink: tuple[int, int, int]) -> Any:
    from PIL import Image, ImageDraw

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    font = _font(max(16, image.width // 28))
    # A rim of the other tone keeps the letters readable on skin and on air alike.
    rim = (20, 20, 20) if sum(ink) > 384 else (245, 243, 238)
    for letter, share, anchor in ((left, 0.02, "lm"), (right, 0.98, "rm")):
        place = (image.width * share, image.height / 2)
        draw.text(place, letter, fill=ink, font=font, anchor=anchor, stroke_width=2, stroke_fill=rim)
    return image


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _png(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
