"""Picture and outline -> one texture: what was seen, and below it a pale blur for what was not."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.picture import Picture
from plastinate.model.skin import Texture
from plastinate.nets.picture_net import fitted_shape, resized, resized_rgb

Plane = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

LONGEST_SIDE = 4096
# The invented side is shown at a quarter of the size: it has nothing finer.
SMALLER = 4
GAP_PX = 8
JPEG_QUALITY = 90
# Colours for the rim are looked for at this size; they are smooth.
FILL_SIDE = 512
# How much of its colour the invented side keeps: paler, so that it is known from every side.
PALE = 0.55
# So many patches along the longer side are left of the picture on the invented side: no eye, no letter.
PATCHES = 7


@dataclass(frozen=True, eq=False)
class Atlas:
    """A texture and where the picture lies in it.

    Attributes:
        texture: coded.
        window: (left, top, right, bottom) of the part of the picture that it shows, 0 to 1.
        front, rear: (left, top, right, bottom) of the two charts, 0 to 1 of the texture.
        small: (R, C, 3) the front chart at a size fit for colours of vertices.
        small_rear: the same of the other.
        sheet: (rows, columns) of the texture.
    """

    texture: Texture
    window: tuple[float, float, float, float]
    front: tuple[float, float, float, float]
    rear: tuple[float, float, float, float]
    small: Rgb
    small_rear: Rgb
    sheet: tuple[int, int]

    def places(self, in_picture: npt.NDArray[np.float64], *, is_rear: bool) -> npt.NDArray[np.float32]:
        """(V, 2) places in the picture -> the same in one of the two charts."""
        left, top, right, bottom = self.rear if is_rear else self.front
        share = self.in_window(in_picture)
        return (share * [right - left, bottom - top] + [left, top]).astype(np.float32)

    def in_window(self, in_picture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(V, 2) places in the picture as shares of the window, held within it."""
        left, top, right, bottom = self.window
        share = (in_picture - [left, top]) / [right - left, bottom - top]
        return np.asarray(np.clip(share, 0.0, 1.0))


def make_atlas(
    picture: Picture, window: tuple[float, float, float, float], *, foreground: Plane | None
) -> Atlas:
    """Lay a part of the picture and its pale blur into one texture.

    Args:
        picture: what was seen.
        window: the part, 0 to 1.
        foreground: (R, C) 0 to 1 over the whole picture: what lies outside takes the colours of the rim, so
            that no background clings to the edge of the thing. None keeps all.
    """
    rows, columns = picture.shape
    box = (
        slice(int(window[1] * rows), max(int(np.ceil(window[3] * rows)), int(window[1] * rows) + 1)),
        slice(int(window[0] * columns), max(int(np.ceil(window[2] * columns)), int(window[0] * columns) + 1)),
    )
    exact = (box[1].start / columns, box[0].start / rows, box[1].stop / columns, box[0].stop / rows)
    seen = picture.rgb[box]
    share = None if foreground is None else _cropped(foreground, exact, seen.shape[:2])
    # Two charts, one below the other, have to fit.
    tallest = LONGEST_SIDE * SMALLER // (SMALLER + 1) - GAP_PX
    scale = min(1.0, LONGEST_SIDE / seen.shape[1], tallest / seen.shape[0])
    size = (max(1, int(seen.shape[0] * scale)), max(1, int(seen.shape[1] * scale)))
    small = _filled(seen, share)
    front = resized_rgb(seen, size) if scale < 1.0 else seen
    if share is not None:
        front = _blended(front, small, share)
    rear_size = (max(1, size[0] // SMALLER), max(1, size[1] // SMALLER))
    rear = _pale(resized_rgb(_blurred(small), rear_size))
    sheet = np.empty((size[0] + GAP_PX + rear_size[0], size[1], 3), dtype=np.uint8)
    sheet[:] = rear.reshape(-1, 3).mean(axis=0)
    sheet[: size[0]] = front
    # The border of the front chart is repeated into the gap, for coarser copies of the texture.
    sheet[size[0] : size[0] + GAP_PX // 2] = front[-1]
    sheet[size[0] + GAP_PX :, : rear_size[1]] = rear
    height, width = sheet.shape[:2]
    return Atlas(
        _coded(sheet),
        exact,
        _inset(0, 0, size, (height, width)),
        _inset(0, size[0] + GAP_PX, rear_size, (height, width)),
        small,
        _pale(_blurred(small)),
        (height, width),
    )


def laid_as(atlas: Atlas, shown: Rgb, rear: tuple[int, int, int]) -> Texture:
    """Another picture of the same view on a texture of the same charts, small: places stay as they are.

    Args:
        atlas: whose charts.
        shown: (R, C, 3) of the whole picture.
        rear: colour of what nobody saw.
    """
    share = min(1.0, FILL_SIDE / max(atlas.sheet))
    rows, columns = (max(2, round(side * share)) for side in atlas.sheet)
    sheet = np.empty((rows, columns, 3), dtype=np.uint8)
    sheet[:] = rear
    window = [
        side * end for side, end in zip((shown.shape[1], shown.shape[0]) * 2, atlas.window, strict=True)
    ]
    left, top = int(window[0]), int(window[1])
    right, bottom = max(left + 1, int(np.ceil(window[2]))), max(top + 1, int(np.ceil(window[3])))
    size = (max(1, round(atlas.front[3] * rows)), max(1, round(atlas.front[2] * columns)))
    sheet[: size[0], : size[1]] = resized_rgb(np.ascontiguousarray(shown[top:bottom, left:right]), size)
    return _coded(sheet)


def _inset(
    left: int, top: int, size: tuple[int, int], sheet: tuple[int, int]
) -> tuple[float, float, float, float]:
    """A chart less half a texel all round: a linear sampler must not reach over its border."""
    height, width = sheet
    inset = min(0.5, size[0] / 4, size[1] / 4)
    return (
        (left + inset) / width,
        (top + inset) / height,
        (left + size[1] - inset) / width,
        (top + size[0] - inset) / height,
    )


def _cropped(plane: Plane, window: tuple[float, float, float, float], shape: tuple[int, ...]) -> Plane:
    rows, columns = plane.shape
    top, bottom = int(window[1] * rows), max(int(np.ceil(window[3] * rows)), int(window[1] * rows) + 1)
    left, right = (
        int(window[0] * columns),
        max(int(np.ceil(window[2] * columns)), int(window[0] * columns) + 1),
    )
    return resized(plane[top:bottom, left:right], (shape[0], shape[1])).clip(0, 1)


def _filled(seen: Rgb, share: Plane | None) -> Rgb:
    """The picture at a small size; what lies outside of the thing is filled from what lies inside."""
    shape = fitted_shape(seen.shape, FILL_SIDE)
    small = resized_rgb(seen, shape)
    if share is None:
        return small
    # Well inside only: at the outline itself the colours are those of both.
    weight = np.clip((resized(share, shape) - 0.6) / 0.3, 0.0, 1.0)
    levels = [(small.astype(np.float32) * weight[..., None], weight)]
    while max(levels[-1][1].shape) > 1:
        colours, weights = levels[-1]
        half = (max(1, weights.shape[0] // 2), max(1, weights.shape[1] // 2))
        levels.append(
            (np.stack([resized(colours[..., k], half) for k in range(3)], axis=2), resized(weights, half))
        )
    colours, weights = levels.pop()
    fill = colours / np.maximum(weights[..., None], 1e-6)
    while levels:
        colours, weights = levels.pop()
        wide = np.stack([resized(fill[..., k], weights.shape) for k in range(3)], axis=2)
        known = np.clip(weights, 0, 1)[..., None]
        fill = colours + (1.0 - known) * wide
    return np.asarray(np.clip(fill, 0, 255), dtype=np.uint8)


def _blended(front: Rgb, fill: Rgb, share: Plane) -> Rgb:
    size = (front.shape[0], front.shape[1])
    wide = resized_rgb(fill, size)
    weight = (np.clip((resized(share, size) - 0.5) / 0.3, 0.0, 1.0) * 256).astype(np.uint16)[..., None]
    return np.asarray((front * weight + wide * (256 - weight)) >> 8, dtype=np.uint8)


def _blurred(small: Rgb) -> Rgb:
    coarse = resized_rgb(small, fitted_shape(small.shape, PATCHES))
    return resized_rgb(coarse, (small.shape[0], small.shape[1]))


def _pale(rgb: Rgb) -> Rgb:
    values = rgb.astype(np.float32)
    grey = values @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    pale = PALE * values + (1.0 - PALE) * (0.5 * grey[..., None] + 0.5 * 150.0)
    return np.clip(pale, 0, 255).astype(np.uint8)


def _coded(sheet: Rgb) -> Texture:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=1)
    return Texture(stream.getvalue(), "image/jpeg")
