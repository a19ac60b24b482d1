"""Slices shown to a promptable network: where their pixels lie, what marks mean, and what walks obey."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy_phantoms import dice
from plastinate.model.geometry import Geometry
from plastinate.model.prompts import Prompt
from plastinate.model.volume import Volume
from plastinate.stages.segment.drawn_marks import drawn_line, filled_polygon, grown_region
from plastinate.stages.segment.prompt_scale import grey_ends, look_for, scaled
from plastinate.stages.segment.prompted_slices import PromptedSlices
from plastinate.stages.segment.random_walker import random_walker
from plastinate.stages.segment.slice_field import slice_field
from tiny_prompter import BrightInBox
from voxel_scenes import ball, volume_of

SHAPE, SPACING = (24, 60, 80), (3.0, 1.5, 1.0)
CENTRE = (12, 30, 40)


def organ_in_a_body(quantity="HU"):
    """A bright ball of 15 mm in a box of tissue, in air."""
    values = np.full(SHAPE, -1000 if quantity == "HU" else 0, np.int16)
    values[2:22, 6:54, 8:72] = 0 if quantity == "HU" else 300
    organ = ball(SHAPE, CENTRE, 15, spacing=SPACING)
    values[organ] = 150 if quantity == "HU" else 900
    return volume_of(values, spacing_mm=SPACING, quantity=quantity), organ


def box(organ, axis, *, number=None, margin=2):
    number = CENTRE[axis] if number is None else number
    places = np.argwhere(np.take(organ, number, axis=axis))
    corners = np.array([places.min(axis=0) - margin, places.max(axis=0) + margin], dtype=np.float64)
    return Prompt("box", axis, number, corners)


def click(*point, inside=True):
    return Prompt("click", 0, point[0], np.array([point[1:]], dtype=np.float64), inside)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_picture_goes_there_and_back_in_every_plane(axis):
    volume, organ = organ_in_a_body()
    field = slice_field(volume, axis=axis, number=CENTRE[axis], side=256)
    made = field.brought_back(field.taken_from(volume), SHAPE, beyond=-1000.0)
    truth = np.take(organ, CENTRE[axis], axis=axis)
    assert made.shape == truth.shape
    assert dice(made > 75, truth) > 0.97


@pytest.mark.parametrize(("axis", "up"), [(0, (0, -20, 0)), (1, (0, 0, 20)), (2, (0, 0, 20))])
def test_pictures_stand_upright_however_the_scan_lies(axis, up):
    volume, _ = organ_in_a_body()
    turned = volume.geometry.to_lps_mm.copy()
    turned[:3, 3] = volume.geometry.index_to_lps(np.array(SHAPE, dtype=np.float64) * (1, 1, 0) - (1, 1, 0))
    turned[:3, :2] *= -1
    for geometry in (volume.geometry, Geometry(SHAPE, turned)):
        other = Volume(geometry, volume.array, "HU", "CT")
        field = slice_field(other, axis=axis, number=CENTRE[axis], side=256)
        middle = np.array(CENTRE, dtype=np.float64)
        above = geometry.lps_to_index(geometry.index_to_lps(middle) + np.array(up, dtype=np.float64))
        others = [each for each in range(3) if each != axis]
        pixels = field.to_pixels(np.stack([middle[others], above[others]]))
        assert pixels[1, 1] < pixels[0, 1] - 10
        assert pixels[1, 0] == pytest.approx(pixels[0, 0], abs=0.01)


def test_a_picture_shows_the_body_and_all_of_the_slice_where_something_beside_it_is_meant():
    volume, _ = organ_in_a_body()
    slices = PromptedSlices(volume, BrightInBox())
    body = slices.field(0, 12, np.array([[30.0, 40.0]]))
    whole = slices.field(0, 12, np.array([[1.0, 2.0]]))
    assert body.step_mm * 256 == pytest.approx(80, abs=8)
    assert whole.step_mm * 256 == pytest.approx(90, abs=0.1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_box_outlines_what_it_holds_in_every_plane(axis):
    volume, organ = organ_in_a_body()
    answer = PromptedSlices(volume, BrightInBox()).answer([box(organ, axis)])
    assert dice(answer.likelihood >= 0.5, np.take(organ, CENTRE[axis], axis=axis)) > 0.95
    assert answer.sureness > 0.9


def test_a_box_is_outlined_on_mr_too():
    volume, organ = organ_in_a_body("a.u.")
    answer = PromptedSlices(volume, BrightInBox()).answer([box(organ, 0)])
    assert dice(answer.likelihood >= 0.5, organ[12]) > 0.95


def test_a_slice_is_seen_once_and_forgotten_when_others_were_seen_since():
    volume, organ = organ_in_a_body()
    prompter = BrightInBox()
    slices = PromptedSlices(volume, prompter, kept=2)
    was = [slices.answer([box(organ, 0, number=number)]).was_embedded for number in (12, 12, 11, 10, 12)]
    assert was == [False, True, False, False, False]
    assert prompter.looked == 4


def test_a_click_grows_to_what_is_alike_and_hangs_together():
    volume, organ = organ_in_a_body()
    answer = PromptedSlices(volume, BrightInBox()).answer([click(12, 30, 40)])
    assert dice(answer.likelihood >= 0.5, organ[12]) > 0.95


def test_a_click_is_outlined_where_the_network_sees_nothing():
    volume, organ = organ_in_a_body()
    answer = PromptedSlices(volume, BrightInBox(is_blind=True)).answer([click(12, 30, 40)])
    assert dice(answer.likelihood >= 0.5, organ[12]) > 0.95


def test_a_lasso_keeps_the_network_within_its_outline():
    volume, organ = organ_in_a_body()
    half = np.array([[18.0, 23.0], [42.0, 23.0], [42.0, 40.0], [18.0, 40.0]])
    answer = PromptedSlices(volume, BrightInBox()).answer([Prompt("lasso", 0, 12, half)])
    taken = answer.likelihood >= 0.5
    assert dice(taken[:, :40], organ[12][:, :40]) > 0.9
    assert not taken[:, 42:].any()


def test_a_lasso_is_believed_where_the_network_sees_something_else():
    volume, _ = organ_in_a_body()
    drawn = np.array([[10.0, 12.0], [10.0, 24.0], [26.0, 24.0], [26.0, 12.0]])
    answer = PromptedSlices(volume, BrightInBox(is_blind=True)).answer([Prompt("lasso", 0, 12, drawn)])
    taken = answer.likelihood >= 0.5
    assert taken[12:25, 14:23].all()
    assert taken.sum() == pytest.approx(16 * 12, rel=0.15)


def test_marks_correct_what_a_box_gave():
    volume, organ = organ_in_a_body()
    array = volume.array.copy()
    # A neighbour of the same brightness, parted from the organ by a thin wall.
    array[12, 24:36, 56:66] = 150
    volume = volume.with_array(array)
    wide = Prompt("box", 0, 12, np.array([[15.0, 20.0], [45.0, 68.0]]))
    slices = PromptedSlices(volume, BrightInBox())
    before = slices.answer([wide]).likelihood >= 0.5
    after = slices.answer([wide, click(12, 30, 61, inside=False)]).likelihood >= 0.5
    assert before[30, 61]
    assert not after[26:34, 58:65].any()
    assert dice(after, organ[12]) > 0.95


def test_what_is_marked_outside_is_left_out_and_inside_is_kept():
    volume, _ = organ_in_a_body()
    marks = [click(12, 30, 40), click(12, 22, 40, inside=False)]
    taken = PromptedSlices(volume, BrightInBox()).answer(marks).likelihood >= 0.5
    assert taken[30, 40]
    assert not taken[22, 40]


def test_a_window_is_chosen_by_what_was_marked():
    volume, _ = organ_in_a_body()
    assert look_for(volume, np.array([-800.0, -850.0, np.nan], np.float32)) == "lung"
    assert look_for(volume, np.array([40.0, np.nan], np.float32)) == "soft"
    assert look_for(volume, np.array([np.nan], np.float32)) == "soft"


def test_a_picture_runs_from_black_to_white_and_what_was_not_measured_is_black():
    picture = scaled(np.array([[np.nan, 0.0], [500.0, 100.0]], np.float32), (0.0, 200.0))
    assert picture.tolist() == [[0.0, 0.0], [1.0, 0.5]]
    assert (scaled(np.full((2, 2), 7.0, np.float32), (0.0, 200.0)) == 0).all()


def test_the_grey_ends_of_mr_leave_out_what_is_black():
    values = np.zeros((4, 10, 10), np.int16)
    values[2:] = np.arange(1, 201).reshape(2, 10, 10)
    low, high = grey_ends(volume_of(values, quantity="a.u."))
    assert low == pytest.approx(2, abs=1)
    assert high == pytest.approx(199, abs=1)


def test_an_outline_holds_the_pixels_whose_middles_lie_in_it():
    square = filled_polygon(np.array([[1.5, 2.5], [4.5, 2.5], [4.5, 6.5], [1.5, 6.5]]), 10)
    assert np.argwhere(square).min(axis=0).tolist() == [3, 2]
    assert np.argwhere(square).max(axis=0).tolist() == [6, 4]
    assert square.sum() == 12


def test_a_line_has_no_gaps():
    line = drawn_line(np.array([[2.0, 3.0], [9.0, 5.0], [9.0, 9.0]]), 16)
    assert line[3, 2]
    assert line[9, 9]
    assert (line.sum(axis=0)[2:10] > 0).all()


def test_a_region_leaks_through_no_bridge_into_what_is_barred():
    picture = np.zeros((256, 256), np.float32)
    picture[50:100, 50:100] = picture[50:100, 120:170] = 1
    picture[72:79, 100:120] = 1
    marks, barred = np.zeros((2, 256, 256), bool)
    marks[75, 60] = barred[75, 160] = True
    assert grown_region(picture, marks, barred=~marks & False)[75, 160]
    held = grown_region(picture, marks, barred=barred)
    assert held[55:95, 55:95].all()
    assert not held[:, 122:].any()


def test_walks_end_where_they_began_on_their_side_of_an_edge():
    picture = np.zeros((20, 30), np.float32)
    picture[:, 15:] = 1
    inside, outside = np.zeros((2, 20, 30), bool)
    inside[10, 3] = outside[10, 27] = True
    likely = random_walker(
        picture, np.full((20, 30), 0.5, np.float32), inside=inside, outside=outside, contrast=0.1, belief=1e-4
    )
    assert (likely[:, :15] > 0.5).all()
    assert (likely[:, 15:] < 0.5).all()
    assert likely[10, 3] == 1
    assert likely[10, 27] == 0


def test_walks_without_marks_follow_the_guess():
    guess = np.zeros((12, 12), np.float32)
    guess[3:9, 3:9] = 1
    none = np.zeros((12, 12), bool)
    likely = random_walker(guess, guess, inside=none, outside=none, contrast=0.1, belief=0.1)
    assert ((likely > 0.5) == (guess > 0.5)).all()
