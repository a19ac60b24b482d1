"""A scan along a card's axes and back: every voxel stays where it was in the patient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from anatomy_phantoms import grid, positions
from plastinate.model.errors import NoMillimetres
from plastinate.model.geometry import Geometry
from plastinate.stages.segment.card_field import TOWARDS, card_field
from voxel_scenes import volume_of

AXES = ["RAS", "LPS", "SPL", "IPR", "ASL", "PIR"]


def coded(geometry, letter):
    """How far each voxel lies towards that letter, mm: a straight line is what linear sampling keeps."""
    return sum(
        np.float32(part) * along for part, along in zip(TOWARDS[letter], positions(geometry), strict=True)
    ).astype(np.float32)


@pytest.mark.parametrize("feet_first", [False, True])
@pytest.mark.parametrize("axes", AXES)
def test_each_axis_of_the_card_runs_whither_its_letter_says(axes, feet_first):
    geometry = grid((12, 14, 16), 2.0, feet_first=feet_first)
    field = card_field(geometry, axes, (2.0, 2.0, 2.0))
    for number, letter in enumerate(axes):
        taken = field.taken_from(coded(geometry, letter))
        steps = np.diff(taken, axis=number)
        assert np.allclose(steps, 2.0, atol=1e-4)


@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 2.0), (1.1, 2.7, 3.9), (0.7, 0.7, 5.0)])
@pytest.mark.parametrize("axes", AXES)
def test_what_was_taken_comes_back_to_its_place(axes, spacing_mm):
    geometry = grid((12, 14, 16), 2.0, feet_first=True)
    field = card_field(geometry, axes, spacing_mm)
    for letter in axes:
        values = coded(geometry, letter)
        back = field.brought_back(np.ascontiguousarray(field.taken_from(values)))
        inside = (slice(3, -3),) * 3
        assert np.allclose(back[inside], values[inside], atol=1e-3)
        assert not np.isnan(back[inside]).any()


def test_the_spacing_of_the_card_is_kept_to_the_letter_and_covers_the_scan():
    geometry = volume_of(np.zeros((10, 20, 30), np.int16), spacing_mm=(5.0, 0.8, 0.8)).geometry
    field = card_field(geometry, "RAS", (1.5, 1.5, 1.5))
    # 30 x 0.8 = 24 mm, 20 x 0.8 = 16 mm and 10 x 5 = 50 mm, in whole voxels of 1.5 mm.
    assert field.shape == (16, 11, 34)
    assert np.prod(field.step) == pytest.approx(1.5**3 / (5 * 0.8 * 0.8))


def test_a_scan_that_lies_askew_is_shown_along_its_own_nearest_axes():
    turn = np.deg2rad(20)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ grid((5, 6, 7), 2.0).to_lps_mm[:3, :3]
    field = card_field(Geometry((5, 6, 7), matrix), "SPL", (2.0, 2.0, 2.0))
    assert (field.order, field.is_turned) == ((0, 1, 2), (True, False, False))


def test_every_order_of_axes_takes_each_axis_of_the_scan_once():
    geometry = grid((4, 5, 6), 1.0)
    for letters in itertools.product("LR", "PA", "SI"):
        for axes in itertools.permutations(letters):
            field = card_field(geometry, "".join(axes), (1.0, 1.0, 1.0))
            assert sorted(field.order) == [0, 1, 2]
            values = np.arange(120, dtype=np.float32).reshape(4, 5, 6)
            assert np.array_equal(field.brought_back(field.taken_from(values)), values)


def test_a_scan_without_millimetres_has_no_place_for_a_card():
    geometry = volume_of(np.zeros((4, 5, 6), np.int16), unit="px").geometry
    with pytest.raises(NoMillimetres):
        card_field(geometry, "RAS", (1.0, 1.0, 1.0))
