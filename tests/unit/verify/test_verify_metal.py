"""Metal in a CT is found by its size, and doubts what lies in the planes of its streaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.stages.verify.metal import METAL, find_metal, shares_planes
from voxel_scenes import ball

SHAPE = (40, 30, 30)
# Slices run down, rows back, columns left; or slices back, rows up, columns left.
AXIAL = np.array([[0, 0, 2, 0], [0, 2, 0, 0], [-2, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)
CORONAL = np.array([[0, 0, 2, 0], [2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


def with_ball(radius: int, *, value: int = 3071, matrix: np.ndarray = AXIAL) -> Volume:
    array = np.full(SHAPE, 40, dtype=np.int16)
    array[ball(SHAPE, (30, 15, 15), radius)] = value
    return Volume(Geometry(SHAPE, matrix), array, "HU", "CT")


def test_a_piece_of_metal_is_named_with_its_size_and_place():
    (finding,) = find_metal(with_ball(8))
    assert finding.code == METAL
    assert finding.severity == "warning"
    assert finding.details["metal_ml"] == pytest.approx(17, abs=2)
    assert finding.details["first_plane"] == 22


@pytest.mark.parametrize(
    "volume",
    [
        with_ball(8, value=2500),
        with_ball(4),
        replace(with_ball(8), quantity="a.u."),
        replace(with_ball(8), geometry=Geometry(SHAPE, AXIAL, "px")),
    ],
    ids=["bone", "a filling", "MR", "no size"],
)
def test_what_is_dark_small_or_not_measured_in_hu_is_no_metal(volume):
    assert find_metal(volume) == ()
    assert not shares_planes(np.ones(SHAPE, dtype=bool), volume)


def test_streaks_reach_what_lies_in_the_planes_of_metal_and_not_what_lies_above():
    volume = with_ball(8)
    beside = ball(SHAPE, (30, 3, 3), 2)
    above = ball(SHAPE, (8, 15, 15), 3)
    assert shares_planes(beside, volume)
    assert not shares_planes(above, volume)


def test_the_planes_of_streaks_are_axial_however_the_scan_is_sliced():
    volume = with_ball(7, matrix=CORONAL)
    assert shares_planes(ball(SHAPE, (5, 15, 15), 2), volume)
    assert not shares_planes(ball(SHAPE, (30, 1, 15), 1), volume)
