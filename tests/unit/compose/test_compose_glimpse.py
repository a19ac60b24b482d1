"""A picture of what was found so far: from the front, whatever the grid, the nearest in front."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from plastinate.model.errors import NoMillimetres
from plastinate.model.geometry import Geometry
from plastinate.stages.compose.glimpse import SIDE_PX, Glimpse
from voxel_scenes import ball

SHAPE = (30, 30, 30)
RED, BLUE = (200, 30, 30), (30, 30, 200)
# Slices from the head down, rows to the back, columns to the left.
AXIAL = np.array([[0.0, 0, 2, 0], [0, 2, 0, 0], [-2, 0, 0, 0], [0, 0, 0, 1]])


def geometry(to_lps_mm: np.ndarray = AXIAL, shape: tuple[int, int, int] = SHAPE) -> Geometry:
    return Geometry(shape, to_lps_mm)


def shown(*found: tuple[np.ndarray, tuple[int, int, int]], grid: Geometry | None = None) -> np.ndarray:
    glimpse = Glimpse(grid or geometry())
    for mask, colour in found:
        glimpse.add(mask, colour)
    return np.asarray(Image.open(io.BytesIO(glimpse.png())).convert("RGB")).astype(int)


def is_red(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0] > 2 * picture[..., 2]


def is_blue(picture: np.ndarray) -> np.ndarray:
    return picture[..., 2] > 2 * picture[..., 0]


def test_a_ball_is_a_disc_of_its_size_at_its_place():
    # Index (slice, row, column): far down, in the middle, far on the patient's left, which is on the right.
    picture = is_red(shown((ball(SHAPE, (22, 15, 23), 4), RED)))
    assert picture.shape[1] == SIDE_PX
    rows, columns = np.nonzero(picture)
    step_mm = 60 / SIDE_PX
    assert columns.mean() * step_mm == pytest.approx(1 + 2 * 23, abs=0.5)
    assert rows.mean() * step_mm == pytest.approx(1 + 2 * 22, abs=0.5)
    # A ball of 4 voxels is one of 8 mm; its edge lies half a voxel outside the last centre at most.
    assert np.sqrt(picture.sum() * step_mm**2 / np.pi) == pytest.approx(8.5, abs=1)


def test_what_lies_nearer_hides_what_is_behind_whoever_was_found_first():
    near, far = (ball(SHAPE, (15, 6, 15), 4), RED), (ball(SHAPE, (15, 22, 15), 6), BLUE)
    one, other = shown(near, far), shown(far, near)
    assert np.array_equal(one, other)
    assert is_red(one).sum() > 1000
    assert is_blue(one).sum() > 1000
    assert np.array_equal(is_red(one), is_red(shown(near)))


@pytest.mark.slow
def test_the_picture_is_the_same_however_the_grid_lies():
    mask = ball(SHAPE, (22, 15, 23), 4) | ball(SHAPE, (8, 10, 9), 5)
    there = shown((mask, RED))
    # Of 255: half of a mask on a voxel's edge rounds either way.
    flipped = AXIAL.copy()
    flipped[:3, 3] += AXIAL[:3, :2] @ [29, 29]
    flipped[:3, :2] *= -1
    assert np.abs(there - shown((mask[::-1, ::-1], RED), grid=geometry(flipped))).max() <= 10
    sagittal = AXIAL[:, [2, 0, 1, 3]]
    assert np.abs(there - shown((mask.transpose(2, 0, 1), RED), grid=geometry(sagittal))).max() <= 10


def test_an_organ_at_the_edge_of_the_scan_is_shown_to_its_end():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :4, :] = True
    assert is_red(shown((mask, RED)))[2:-2, 2:-2].all()


def test_nothing_is_shown_of_an_empty_mask():
    assert np.array_equal(shown(), shown((np.zeros(SHAPE, dtype=bool), RED)))


def test_without_millimetres_there_is_no_picture():
    with pytest.raises(NoMillimetres):
        Glimpse(Geometry(SHAPE, AXIAL, "px"))
