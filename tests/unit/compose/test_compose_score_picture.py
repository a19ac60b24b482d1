"""The slice where ours and the reference differ most, drawn so that both lines can be told apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import anatomy_phantoms
from plastinate.model.volume import Volume
from plastinate.stages.compose.score_picture import OURS_RGB, REFERENCE_RGB, worst_slice

GEOMETRY = anatomy_phantoms.grid((20, 60, 60), 2.0)


def scan(geometry=GEOMETRY) -> Volume:
    return Volume(geometry, np.full(geometry.shape, 40, np.int16), "HU", "CT")


def block(rows: slice, columns: slice, slices: slice = slice(5, 15)) -> np.ndarray:
    mask = np.zeros(GEOMETRY.shape, bool)
    mask[slices, rows, columns] = True
    return mask


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(picture - np.array(colour)).max(axis=2) < 12


def test_it_is_the_slice_with_the_largest_area_wrong_and_says_how_much():
    reference = block(slice(20, 40), slice(20, 40))
    ours = reference.copy()
    ours[7, 20:30, 20:40] = False
    ours[11, 40:45, 20:40] = True
    worst = worst_slice(scan(), ours, reference)
    assert worst.number == 7
    assert worst.missed_cm2 == pytest.approx(10 * 20 * 0.04)
    assert worst.extra_cm2 == 0


def test_both_outlines_can_be_told_apart_even_where_the_masks_agree():
    mask = block(slice(20, 40), slice(20, 40))
    picture = pixels(worst_slice(scan(), mask, mask).png)
    assert near(picture, OURS_RGB).sum() > 100
    assert near(picture, REFERENCE_RGB).sum() > 100
    assert max(picture.shape) <= 420


def test_a_missed_organ_shows_the_reference_alone():
    nothing = np.zeros(GEOMETRY.shape, bool)
    picture = pixels(worst_slice(scan(), nothing, block(slice(20, 40), slice(20, 40))).png)
    assert near(picture, REFERENCE_RGB).any()
    assert not near(picture, OURS_RGB).any()


def test_the_patients_right_is_on_the_left_and_the_front_is_up_however_the_grid_runs():
    for feet_first in (False, True):
        geometry = anatomy_phantoms.grid((20, 60, 60), 2.0, feet_first=feet_first)
        x, y, z = anatomy_phantoms.positions(geometry)
        reference = (np.abs(x) < 30) & (np.abs(y) < 30) & (np.abs(z) < 10)
        # We miss the patient's left front.
        ours = reference & ~((x > 10) & (y < -10))
        picture = pixels(worst_slice(scan(geometry), ours, reference).png)
        blue = (picture[..., 2] - picture[..., 0] > 20) & ~near(picture, REFERENCE_RGB)
        half = [size // 2 for size in blue.shape]
        inside = blue[: half[0], half[1] :].sum()
        assert inside == max(
            blue[a, b].sum()
            for a in (slice(None, half[0]), slice(half[0], None))
            for b in (slice(None, half[1]), slice(half[1], None))
        )


def test_nothing_at_all_gives_no_picture():
    nothing = np.zeros(GEOMETRY.shape, bool)
    assert worst_slice(scan(), nothing, nothing) is None
