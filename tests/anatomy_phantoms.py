"""A chest, a head and an MR head made of ellipsoids and tubes, each part known by its voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Anatomy:
    """A volume and the truth about it."""

    volume: Volume
    truth: dict[str, Mask]


def dice(one: Mask, other: Mask) -> float:
    return float(2 * (one & other).sum() / max(1, one.sum() + other.sum()))


def grid(shape: tuple[int, int, int], spacing_mm: float, *, feet_first: bool = False) -> Geometry:
    """Axial planes about the origin; slices run down, or (feet first) up with columns towards the right."""
    down, left = (1.0, -1.0) if feet_first else (-1.0, 1.0)
    matrix = np.eye(4)
    matrix[:3, 0] = (0, 0, down * spacing_mm)
    matrix[:3, 1] = (0, spacing_mm, 0)
    matrix[:3, 2] = (left * spacing_mm, 0, 0)
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Geometry(shape, matrix)


def positions(geometry: Geometry) -> tuple[npt.NDArray[np.float32], ...]:
    """LPS x, y and z of each voxel centre."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    lps = geometry.index_to_lps(index.astype(np.float64)).astype(np.float32)
    return lps[..., 0], lps[..., 1], lps[..., 2]


def chest(*, feet_first: bool = False, touching: bool = False, contrast: bool = True) -> Anatomy:
    """A trunk 280 x 190 mm on a table: lungs, airways, spine, sternum, heart and aorta. 2.5 mm voxels."""
    geometry = grid((90, 100, 128), 2.5, feet_first=feet_first)
    x, y, z = positions(geometry)
    body = (x / 140) ** 2 + (y / 95) ** 2 <= 1
    table = (y > 102) & (y < 106)
    truth = {"body": body, "table": table}
    values = np.full(geometry.shape, -1000.0, dtype=np.float32)
    values[body], values[table] = 40, 150

    gap = 0.0 if touching else 4.0
    near = 4.0 if touching else 16.0
    lung = ((np.abs(x) - 58) / 52) ** 2 + (y / 68) ** 2 + ((z - 5) / 92) ** 2 <= 1
    # In front of the heart the lungs come close to each other: the anterior junction line.
    lung |= (np.abs(x) > gap) & (np.abs(x) < near) & (y > -62) & (y < -50) & (np.abs(z - 20) < 25)
    if touching:
        lung |= (np.abs(x) < 20) & (y > -62) & (y < -52) & (np.abs(z - 20) < 20)
    trachea = (x**2 + (y - 5) ** 2 <= 8**2) & (z > 30)
    along = np.clip(-(z - 30) / 40, 0, 1)
    bronchus = ((np.abs(x) - 30 * along) ** 2 + (y - 5) ** 2 <= 6**2) & (z <= 32) & (z > -10)
    tube = trachea | bronchus
    wall = (x**2 + (y - 5) ** 2 <= 13**2) & (z > 26)
    wall |= ((np.abs(x) - 30 * along) ** 2 + (y - 5) ** 2 <= 11**2) & (z <= 32) & (z > -14)
    lung &= ~wall
    values[lung], values[tube] = -850, -1000
    truth |= {"lung-left": lung & (x > 0), "lung-right": lung & (x < 0), "airways": tube, "trachea": trachea}

    spine = (x / 18) ** 2 + ((y - 66) / 18) ** 2 <= 1
    # Vertebrae: marrow shut off by end plates.
    marrow = ((x / 14) ** 2 + ((y - 66) / 14) ** 2 <= 1) & (np.mod(z, 30) > 5)
    sternum = (np.abs(x) < 16) & (np.abs(y + 78) < 5) & (np.abs(z) < 70)
    values[spine | sternum], values[marrow] = 700, 160
    truth["skeleton"] = spine | sternum
    if contrast:
        aorta = (x - 6) ** 2 + (y - 34) ** 2 <= 9**2
        heart = (x / 24) ** 2 + ((y + 25) / 22) ** 2 + ((z + 40) / 30) ** 2 <= 1
        values[aorta | heart] = 380
        truth["blood"] = aorta | heart
        for part in ("lung-left", "lung-right"):
            truth[part] = truth[part] & ~truth["blood"]
    return Anatomy(_noisy(geometry, values, 15.0), truth)


def head() -> Anatomy:
    """A head of CT with an open foramen magnum, a nose and a head rest. 2 mm voxels."""
    geometry = grid((100, 110, 100), 2.0)
    x, y, z = positions(geometry)
    skin = (x / 72) ** 2 + (y / 90) ** 2 + ((z - 15) / 80) ** 2 <= 1
    skin |= (x**2 + (y - 20) ** 2 <= 50**2) & (z < 0)
    skin |= (np.abs(x) < 9) & (y < -60) & (y > -100) & (z > -20) & (z < 20)
    outer = (x / 66) ** 2 + (y / 84) ** 2 + ((z - 15) / 74) ** 2 <= 1
    inner = (x / 59) ** 2 + (y / 77) ** 2 + ((z - 15) / 67) ** 2 <= 1
    canal = (x**2 + (y - 30) ** 2 <= 8**2) & (z < -20)
    vertebrae = (x**2 + (y - 30) ** 2 <= 16**2) & (z < -50)
    rest = np.abs(np.hypot(x, y) - 104) < 2.1
    rest &= y > 30
    bone = ((outer & ~inner) | vertebrae) & ~canal
    values = np.full(geometry.shape, -1000.0, dtype=np.float32)
    values[rest], values[skin] = 100, 40
    values[inner | canal] = 32
    values[bone] = 900
    return Anatomy(_noisy(geometry, values, 8.0), {"body": skin, "skull": bone, "brain": inner, "rest": rest})


def mr_head() -> Anatomy:
    """A T1-like head: bright brain, dark fluid and bone, bright scalp, a neck. 2 mm voxels."""
    geometry = grid((130, 110, 100), 2.0)
    x, y, z = positions(geometry)
    z = z - 25
    skin = (x / 76) ** 2 + (y / 94) ** 2 + (z / 82) ** 2 <= 1
    skin |= (x**2 + (y - 10) ** 2 <= 55**2) & (z < 0)
    skull = (x / 70) ** 2 + (y / 88) ** 2 + (z / 76) ** 2 <= 1
    brain = (x / 62) ** 2 + (y / 79) ** 2 + (z / 67) ** 2 <= 1
    values = np.zeros(geometry.shape, dtype=np.float32)
    values[skin] = 380
    values[skull] = 60
    values[brain] = 500
    values[(x / 45) ** 2 + (y / 60) ** 2 + (z / 50) ** 2 <= 1] = 700
    volume = _noisy(geometry, values, 12.0, least=0)
    return Anatomy(Volume(geometry, volume.array, "a.u.", "MR"), {"skin": skin, "brain": brain})


def _noisy(
    geometry: Geometry, values: npt.NDArray[np.float32], deviation: float, *, least: int = -1024
) -> Volume:
    noise = np.random.default_rng(7).normal(0, deviation, values.shape)
    array = np.clip(np.rint(values + noise), least, 3071).astype(np.int16)
    if least < 0:
        # Outside the scanner's circle nothing was measured.
        s, r, c = np.indices(geometry.shape, sparse=True)
        far = ((r - geometry.shape[1] / 2) ** 2 + (c - geometry.shape[2] / 2) ** 2) > (
            geometry.shape[2] / 2
        ) ** 2
        array[np.broadcast_to(far & (s >= 0), array.shape)] = UNMEASURED_INT16
    return Volume(geometry, array, "HU", "CT")
