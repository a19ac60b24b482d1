"""Pictures drawn here, with known depth or known faults, and files of them."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from plastinate.model.depth import DepthMap
from plastinate.model.picture import Picture

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class DrawnScene:
    """A picture of a scene through a lens, and what is true of it.

    Attributes:
        rgb: (R, C, 3) sRGB.
        depth: (R, C) along the optical axis, in units of the scene.
        mask: (R, C) where the thing in front is.
        focal_px: of the lens.
    """

    rgb: Rgb
    depth: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]
    focal_px: float

    @property
    def picture(self) -> Picture:
        grey = (self.rgb.astype(np.uint16) @ np.array([54, 183, 19], dtype=np.uint16)).astype(np.uint16)
        return Picture(self.rgb, None, grey, "drawn.png", "photo", self.focal_px, "person")

    @property
    def map(self) -> DepthMap:
        return DepthMap(self.depth.astype(np.float32), np.ones(self.depth.shape, dtype=np.float32))

    @property
    def soft_mask(self) -> npt.NDArray[np.float32]:
        return self.mask.astype(np.float32)


def rays(shape: tuple[int, int], focal_px: float) -> tuple[Any, Any]:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (columns + 0.5 - shape[1] / 2) / focal_px, (rows + 0.5 - shape[0] / 2) / focal_px


def sphere(shape: tuple[int, int] = (240, 320), *, distance: float = 10.0, radius: float = 2.5) -> DrawnScene:
    """A matt ball before a far wall, lit from the camera."""
    focal = float(max(shape))
    x, y = rays(shape, focal)
    a, b, c = x**2 + y**2 + 1, -2 * distance, distance**2 - radius**2
    inside = b**2 - 4 * a * c
    mask = inside > 0
    depth = np.where(mask, (-b - np.sqrt(np.maximum(inside, 0))) / (2 * a), 2 * distance)
    normal = np.stack([x * depth, y * depth, depth - distance], axis=-1) / radius
    shine = np.where(mask, np.clip(-normal[..., 2], 0.02, 1), 0.12)
    rgb = (shine[..., None] * np.array([235, 180, 120])).astype(np.uint8)
    return DrawnScene(rgb, depth.astype(np.float32), mask, focal)


def steps(shape: tuple[int, int] = (240, 320)) -> DrawnScene:
    """Three upright boards at three distances, each before the next."""
    third = shape[1] // 3
    depth = np.full(shape, 12.0, dtype=np.float32)
    depth[:, third : 2 * third], depth[:, 2 * third :] = 8.0, 5.0
    rgb = np.zeros((*shape, 3), dtype=np.uint8)
    rgb[..., 0], rgb[..., 1], rgb[..., 2] = depth * 18, 255 - depth * 15, 90
    return DrawnScene(rgb, depth, depth < 6, float(max(shape)))


def tilted_plane(shape: tuple[int, int] = (240, 320), *, slope: float = 0.4) -> DrawnScene:
    """A floor that runs away to the upper border: 1 / depth is linear in the picture."""
    focal = float(max(shape))
    _, y = rays(shape, focal)
    depth = (10.0 / (1.0 + slope * y / 0.375)).astype(np.float32)
    rgb = np.repeat((depth * 16).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return DrawnScene(rgb, depth, np.ones(shape, dtype=bool), focal)


def coloured(rows: int = 48, columns: int = 64) -> Rgb:
    """Red to the right, green downwards, one white corner at the upper left."""
    rgb = np.zeros((rows, columns, 3), dtype=np.uint8)
    rgb[..., 0] = np.linspace(0, 255, columns, dtype=np.uint8)[None]
    rgb[..., 1] = np.linspace(0, 255, rows, dtype=np.uint8)[:, None]
    rgb[:8, :8] = 255
    return rgb


def encoded(rgb: npt.NDArray[Any], kind: str = "PNG", **more: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, kind, **more)
    return stream.getvalue()


def png_of_size(columns: int, rows: int) -> bytes:
    """A PNG of a few bytes that declares to be as large as this."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    packed = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
