"""Bad scans of a trunk, through every step of the recipes: what is made is right, or doubted, or absent."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from anatomy_phantoms import Anatomy, dice, positions
from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.distance import erode
from plastinate.recipes.load import load_recipe
from plastinate.stages import catalog
from plastinate.stages.segment.trunk_lie import trunk_lie
from plastinate.stages.verify.plausibility import DOUBTS_NOTICED, WRONGS_NOTICED
from trunk_phantoms import between, trunk

ORGANS = ("heart", "kidney-left", "kidney-right")
RIGHT = 0.8


@cache
def sound() -> Anatomy:
    """A trunk of 4 mm voxels whose bones have a cortex."""
    scan = trunk(step_mm=4.0)
    values = scan.volume.array.copy()
    values[scan.truth["skeleton"]] += 200
    values[erode(scan.truth["skeleton"], 5.0, scan.volume.geometry.spacing_mm)] = 160
    return Anatomy(scan.volume.with_array(values), scan.truth)


def scaled(scan: Anatomy, factor: float) -> Anatomy:
    matrix = scan.volume.geometry.to_lps_mm.copy()
    matrix[:3] *= factor
    geometry = Geometry(scan.volume.geometry.shape, matrix)
    return Anatomy(Volume(geometry, scan.volume.array, "HU", "CT"), scan.truth)


def flipped(scan: Anatomy, axis: int) -> Anatomy:
    array = np.ascontiguousarray(np.flip(scan.volume.array, axis))
    truth = {name: np.ascontiguousarray(np.flip(mask, axis)) for name, mask in scan.truth.items()}
    return Anatomy(scan.volume.with_array(array), truth)


def prone(scan: Anatomy) -> Anatomy:
    """Turned over, in the array as in what it says of itself."""
    turned = flipped(flipped(scan, 1), 2)
    matrix = scan.volume.geometry.to_lps_mm.copy()
    for axis in (1, 2):
        matrix[:3, 3] += matrix[:3, axis] * (scan.volume.geometry.shape[axis] - 1)
        matrix[:3, axis] *= -1
    geometry = Geometry(scan.volume.geometry.shape, matrix)
    return Anatomy(Volume(geometry, turned.volume.array, "HU", "CT"), turned.truth)


def with_metal(scan: Anatomy) -> Anatomy:
    """A rod along the lumbar spine, and rays of it through every slice that it crosses."""
    x, y, z = positions(scan.volume.geometry)
    reach, angle = np.hypot(x, y - 56), np.arctan2(y - 56, x)
    rays = 700 * np.cos(9 * angle + 0.3 * z) ** 15 * np.exp(-reach / 90)
    low = (z < -60) & (z > -170)
    values = scan.volume.array + np.where(low & scan.truth["body"], rays, 0)
    values[low & (reach < 9)] = 3000
    array = np.clip(np.rint(values), -1024, 3071).astype(np.int16)
    return Anatomy(scan.volume.with_array(array), scan.truth)


def of_one_value(scan: Anatomy, value: int) -> Anatomy:
    return Anatomy(scan.volume.with_array(np.full_like(scan.volume.array, value)), scan.truth)


def as_an_mr(scan: Anatomy) -> Anatomy:
    """Signal where there is water, none in bone and air, on a scale of its own."""
    values = np.where(scan.volume.array > 300, 0, np.clip(scan.volume.array + 200, 0, None))
    return Anatomy(scan.volume.with_array(values.astype(np.int16)), scan.truth)


def noisy(scan: Anatomy) -> Anatomy:
    noise = np.random.default_rng(8).normal(0, 120, scan.volume.array.shape)
    array = np.clip(np.rint(scan.volume.array + noise), -1024, 3071).astype(np.int16)
    return Anatomy(scan.volume.with_array(array), scan.truth)


def looked_through(scan: Anatomy) -> tuple[dict[str, np.ndarray], set[str], set[str]]:
    """Organs found, those that are absent, and the codes of all that was remarked."""
    codes = {finding.code for finding in trunk_lie(scan.volume)}
    masks: dict[str, np.ndarray] = {}
    steps = {step.method: step for name in ("ct-heart", "ct-kidneys") for step in load_recipe(name).segment}
    for step in steps.values():
        if step.method == "skin" or not set(step.inputs) <= set(masks):
            continue
        try:
            made = catalog.SEGMENT[step.method].load()(
                scan.volume, *(masks[name] for name in step.inputs), **step.params
            )
        except EmptyMask:
            continue
        if isinstance(made, Remarked):
            codes |= {finding.code for finding in made.findings}
            made = made.masks
        masks.update(zip(step.into, made if isinstance(made, tuple) else (made,), strict=True))
    found = {name: masks[name] for name in ORGANS if name in masks and masks[name].any()}
    return found, set(ORGANS) - set(found), codes


BAD: dict[str, tuple[Callable[[Anatomy], Anatomy], str]] = {
    "as it should be": (lambda scan: scan, "found"),
    "prone": (prone, "found"),
    "slices of 8 mm": (lambda scan: between(scan, -210, 210, every=2), "doubted"),
    "mirrored": (lambda scan: flipped(scan, 2), "wrong"),
    "back to front": (lambda scan: flipped(scan, 1), "wrong"),
    "upside down": (lambda scan: flipped(scan, 0), "wrong"),
    "half a heart, no kidneys": (lambda scan: between(scan, 30, 210), "partly"),
    "half a kidney": (lambda scan: between(scan, -115, 210), "partly"),
    "metal": (with_metal, "partly"),
    "drowned in noise": (noisy, "partly"),
    "another modality": (as_an_mr, "partly"),
    "pixels four times too large": (lambda scan: scaled(scan, 4.0), "absent"),
    "pixels five times too small": (lambda scan: scaled(scan, 0.2), "absent"),
    "air": (lambda scan: of_one_value(scan, -1000), "absent"),
    "water": (lambda scan: of_one_value(scan, 0), "absent"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", BAD)
def test_nothing_wrong_is_made_of_a_bad_trunk_without_a_word(what):
    spoil, expected = BAD[what]
    scan = spoil(sound())
    found, absent, codes = looked_through(scan)
    doubts = codes & (set(DOUBTS_NOTICED) - {"segment.contrast"})
    wrongs = codes & set(WRONGS_NOTICED)
    if expected in ("found", "doubted"):
        assert not absent
    if expected == "found":
        assert not doubts | wrongs
    if expected == "wrong":
        assert wrongs
    if expected == "absent":
        assert not found
    for name, mask in found.items():
        is_right = dice(mask, scan.truth[name]) > RIGHT
        reaches_the_end = mask[0].any() or mask[-1].any()
        assert is_right or reaches_the_end or doubts or wrongs, name
