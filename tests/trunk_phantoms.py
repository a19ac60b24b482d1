"""A trunk from neck to hips, made of ellipsoids and tubes; each organ is known by its voxels."""

from __future__ import annotations

from functools import cache

import numpy as np

from anatomy_phantoms import Anatomy, grid, positions
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume

DIAPHRAGM_MM = -10.0
CARINA_MM = 95.0


def trunk(*, contrast: bool = True, feet_first: bool = False, step_mm: float = 3.0) -> Anatomy:
    """Lungs, heart on its diaphragm, aorta, trachea, liver, spleen, kidneys in fat, psoas, spine.

    Args:
        contrast: blood and kidneys are bright, as in the late arterial phase; else they are as without any.
        feet_first: slices run up and columns to the right.
        step_mm: voxel size.
    """
    geometry = grid(
        (round(420 / step_mm), round(225 / step_mm), round(318 / step_mm)), step_mm, feet_first=feet_first
    )
    x, y, z = positions(geometry)
    truth = {"body": (x / 150) ** 2 + (y / 105) ** 2 <= 1}
    values = np.full(geometry.shape, -1000.0, dtype=np.float32)
    values[truth["body"]] = 45

    def ball(cx: float, cy: float, cz: float, rx: float, ry: float, rz: float) -> np.ndarray:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1

    # The diaphragm: two domes that fall off to the back, with a saddle under the heart.
    floor = DIAPHRAGM_MM + 25 * np.exp(-(((x + 70) / 45) ** 2)) + 8 * np.exp(-(((x - 80) / 40) ** 2))
    floor = floor - 0.006 * np.clip(y, 0, None) ** 2
    above = z > floor
    cage = (x / 128) ** 2 + (y / 86) ** 2 <= 1
    abdomen = cage & ~above
    values[abdomen] = -100
    heart = ball(18, -28, 28, 52, 42, 48) & (z > floor + 3)
    muscle = heart & ~ball(18, -28, 28, 42, 32, 38)
    artery = (x - 24) ** 2 + (y + 22) ** 2 <= 12**2
    artery &= (z > 50) & (z < CARINA_MM + 4)
    aorta = ((x + 6) ** 2 + (y + 36) ** 2 <= 15**2) & (z > 62) & (z < CARINA_MM + 40)
    aorta |= ((x - 14) ** 2 + (y - 26) ** 2 <= 11**2) & (z < CARINA_MM + 40)
    middle = (np.abs(x - 4) < 34) & (y > -70) & cage
    lung = cage & above & ~middle & ~ball(18, -28, 28, 57, 47, 53) & (z < 190)
    values[cage & above & middle] = -100
    values[lung] = -850
    blood, wall = (330, 110) if contrast else (42, 42)
    values[heart | artery | aorta] = blood
    values[muscle & ~aorta] = wall
    tube = (x**2 + (y - 2) ** 2 <= 8**2) & (z > CARINA_MM)
    values[tube] = -1000
    truth |= {
        "heart": (heart | artery) & ~aorta,
        "aorta": aorta,
        "lung-left": lung & (x > 0),
        "lung-right": lung & (x <= 0),
        "trachea": tube,
    }

    liver = abdomen & (x < 25 - 0.3 * (z + 10)) & (z > -130) & ~((np.abs(x) < 48) & (y > 20))
    values[liver] = 110 if contrast else 58
    truth["liver"] = liver
    spleen = ball(96, 26, -50, 22, 34, 42) & abdomen
    values[spleen] = 120 if contrast else 48
    truth["spleen"] = spleen
    for side, name in ((1, "left"), (-1, "right")):
        at = (side * 64, 58, -110 if side > 0 else -118)
        values[ball(*at, 34, 28, 66) & truth["body"]] = -100
        kidney = ball(*at, 25, 20, 54) & ~ball(side * 40, 52, at[2], 14, 12, 16)
        values[kidney] = 190 if contrast else 32
        truth[f"kidney-{name}"] = kidney
        values[((x - side * 32) ** 2 + (y - 58) ** 2 <= 13**2) & (z < -50)] = 55

    bone = (x / 20) ** 2 + ((y - 56) / 17) ** 2 <= 1
    bone |= x**2 + (y - 82) ** 2 <= 15**2
    bone &= ~(x**2 + (y - 82) ** 2 <= 8**2)
    values[bone] = 500
    truth["skeleton"] = bone
    for name in ("lung-left", "lung-right", "heart"):
        truth[name] = truth[name] & ~bone
    noise = np.random.default_rng(5).normal(0, 12, values.shape)
    array = np.clip(np.rint(values + noise), -1024, 3071).astype(np.int16)
    return Anatomy(Volume(geometry, array, "HU", "CT"), truth)


@cache
def phantom(*, contrast: bool = True, feet_first: bool = False) -> Anatomy:
    """A trunk that is made once; nobody may change it."""
    return trunk(contrast=contrast, feet_first=feet_first)


def between(scan: Anatomy, low_mm: float, high_mm: float, *, every: int = 1) -> Anatomy:
    """Only the slices of that height, of them every second or third."""
    geometry = scan.volume.geometry
    z = geometry.index_to_lps(np.pad(np.arange(geometry.shape[0])[:, None], ((0, 0), (0, 2))))[:, 2]
    kept = np.flatnonzero((z >= low_mm) & (z <= high_mm))[::every]
    matrix = geometry.to_lps_mm.copy()
    matrix[:3, 3] += matrix[:3, 0] * kept[0]
    matrix[:3, 0] *= every
    array = np.ascontiguousarray(scan.volume.array[kept])
    volume = Volume(Geometry(array.shape, matrix), array, "HU", "CT")
    return Anatomy(volume, {name: mask[kept] for name, mask in scan.truth.items()})
