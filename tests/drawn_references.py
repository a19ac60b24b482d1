"""Coins and rulers on a table, drawn through a lens, with what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from plastinate.model.picture import Picture

Place = tuple[float, float]
FINER = 2


@dataclass(frozen=True, eq=False)
class DrawnTable:
    """A picture, the place of what lies in its middle, and how many pixels a millimetre is there."""

    picture: Picture
    middle: Place
    px_per_mm: float


def coin(
    *,
    tilt: float = 0.0,
    distance_mm: float = 130.0,
    blur_px: float = 0.8,
    noise: float = 0.01,
    at: float = 0.08,
) -> DrawnTable:
    """A coin of two metals, 23.25 mm wide and 2 mm thick, with a border, a relief and a soft shadow."""
    shape, focal, radius = (240, 320), 320.0, 23.25 / 2
    lean = np.radians(tilt)
    normal = np.array([np.sin(lean) * 0.6, np.sin(lean) * 0.8, -np.cos(lean)])
    across = np.array([0.8, -0.6, 0.0])
    down = np.cross(normal, across)
    centre = np.array([at * shape[1] / focal, -0.5 * at * shape[1] / focal, 1.0]) * distance_mm
    rays = _rays(shape, focal)

    def on_plane(below_mm: float) -> tuple[Any, Any]:
        point = centre - normal * below_mm
        seen = rays * ((point @ normal) / (rays @ normal))[..., None] - point
        return seen @ across, seen @ down

    x, y = on_plane(2.0)
    light = 0.2 + 0.04 * np.sin(x / 3 + np.sin(y / 20))
    light = light * (1 - 0.35 * np.clip((radius - np.hypot(x - 1.0, y - 0.5)) / 2 + 0.5, 0, 1))
    rgb = light[..., None] * np.array([0.8, 0.9, 1.0])
    for below in np.linspace(2.0, 0.2, 8):
        rgb[np.hypot(*on_plane(below)) < radius] = [0.45, 0.4, 0.25]
    x, y = on_plane(0.0)
    away = np.hypot(x, y) / radius
    rgb[away < 1] = [0.85, 0.75, 0.45]
    rgb[away < 0.72] = [0.75, 0.77, 0.8]
    rgb[np.abs(away - 0.93) < 0.015] *= 0.8
    rgb[(away < 0.6) & (np.abs(np.sin(1.3 * x) + np.cos(1.1 * y)) < 0.3)] *= 0.7
    middle = (centre[0] / centre[2] * focal + shape[1] / 2, centre[1] / centre[2] * focal + shape[0] / 2)
    return DrawnTable(_taken(rgb, shape, blur_px, noise, focal), middle, focal / distance_mm)


def ruler(
    *, tilt: float = 0.0, distance_mm: float = 80.0, blur_px: float = 0.6, noise: float = 0.02
) -> tuple[Picture, Any]:
    """A ruler with marks at every millimetre from 0 to 60, turned by ten degrees.

    Returns:
        The picture, and a function from a place on the ruler (mm along it and across) to one in the picture.
    """
    shape, focal = (160, 400), 400.0
    lean, turn = np.radians(tilt), np.radians(10.0)
    along = np.array([np.cos(turn) * np.cos(lean), np.sin(turn) * np.cos(lean), np.sin(lean)])
    across = np.array([-np.sin(turn), np.cos(turn), 0.0])
    normal = np.cross(along, across)
    centre = np.array([0.0, 0.0, distance_mm])
    rays = _rays(shape, focal)
    seen = rays * ((centre @ normal) / (rays @ normal))[..., None] - centre
    a, b = seen @ along + 30.0, seen @ across
    light = np.full(a.shape, 0.3)
    light[(a > -4) & (a < 64) & (np.abs(b) < 10)] = 0.8
    mark = np.rint(a)
    long = np.where(mark % 10 == 0, 9, np.where(mark % 5 == 0, 7, 5))
    light[(np.abs(a - mark) < 0.1) & (a > -0.5) & (a < 60.5) & (b < 10) & (b > 10 - long)] = 0.1
    light = light * (1 + 0.3 * rays[..., 0])

    def place(mm_along: float, mm_across: float) -> Place:
        point = centre + along * (mm_along - 30.0) + across * mm_across
        return (
            float(point[0] / point[2] * focal + shape[1] / 2),
            float(point[1] / point[2] * focal + shape[0] / 2),
        )

    return _taken(np.repeat(light[..., None], 3, axis=2), shape, blur_px, noise, focal), place


def _rays(shape: tuple[int, int], focal: float) -> npt.NDArray[np.float64]:
    rows, columns = np.mgrid[: shape[0] * FINER, : shape[1] * FINER]
    x = ((columns + 0.5) / FINER - shape[1] / 2) / focal
    y = ((rows + 0.5) / FINER - shape[0] / 2) / focal
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def _taken(
    rgb: npt.NDArray[np.float64], shape: tuple[int, int], blur_px: float, noise: float, focal: float
) -> Picture:
    means = rgb.reshape(shape[0], FINER, shape[1], FINER, 3).mean(axis=(1, 3))
    sharp = Image.fromarray((means.clip(0, 1) * 255).astype(np.uint8))
    blurred = np.asarray(sharp.filter(ImageFilter.GaussianBlur(blur_px)), dtype=np.float64) / 255
    grainy = blurred + np.random.default_rng(3).normal(0, noise, blurred.shape)
    taken = (grainy.clip(0, 1) * 255).astype(np.uint8)
    return Picture(taken, None, np.zeros(shape, dtype=np.uint16), "table.png", "photo", focal, "person")
