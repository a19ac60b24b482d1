"""Boxes, clicks, scribbles and lassos: what can be one, and where in a scan it lies."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.errors import NoMillimetres
from plastinate.model.prompt_errors import PromptFlaw, PromptOutside
from plastinate.model.prompts import checked_prompts, placed_prompts, plane_axis
from voxel_scenes import volume_of

CLICK = {"kind": "click", "points_index": [[3, 4, 5]]}


def geometry(unit="mm", shape=(10, 20, 30)):
    return volume_of(np.zeros(shape, np.int16), spacing_mm=(2.0, 1.0, 0.5), unit=unit).geometry


def placed(**given):
    return placed_prompts(checked_prompts([{**CLICK, **given}]), geometry())[0]


def test_equal_prompts_are_equal_however_they_were_written():
    short = checked_prompts([{"kind": "click", "points_index": [(3, 4, 5)]}])
    long = checked_prompts([{**CLICK, "plane": "axial", "inside": True, "points_lps_mm": None}])
    assert short == long


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ({"kind": "circle"}, "kind"),
        ({"plane": "oblique"}, "plane"),
        ({"inside": 1}, "inside"),
        ({"colour": "red"}, "no field"),
        ({"points_index": [[1, 2]]}, "three numbers"),
        ({"points_index": [[1, 2, float("nan")]]}, "three numbers"),
        ({"points_index": [[1, 2, True]]}, "three numbers"),
        ({"points_index": [[1, 2, 1e9]]}, "three numbers"),
        ({"points_index": []}, "points"),
        ({"points_lps_mm": [[0, 0, 0]]}, "one of them only"),
        ({"points_index": None}, "one of them only"),
        ({"kind": "box", "points_index": [[1, 2, 3]]}, "2 points"),
        ({"kind": "box", "points_index": [[1, 2, 3], [1, 9, 9]], "inside": False}, "lasso"),
        ({"kind": "lasso", "points_index": [[1, 2, 3], [1, 9, 9]]}, "3 to 2000 points"),
        ({"points_index": [[1, 2, 3]] * 2001}, "points"),
    ],
)
def test_what_cannot_be_a_prompt_is_refused_with_its_place(prompt, word):
    with pytest.raises(PromptFlaw, match=word) as told:
        checked_prompts([CLICK, {**CLICK, **prompt}])
    assert told.value.where.startswith("prompts[1]")


@pytest.mark.parametrize("values", [[], None, "box", [CLICK] * 401, ["box"], [{**CLICK, "inside": False}]])
def test_a_list_that_marks_nothing_or_too_much_is_refused(values):
    with pytest.raises(PromptFlaw):
        checked_prompts(values)


def test_a_plane_is_the_index_axis_that_its_normal_runs_along():
    assert [plane_axis(geometry(), plane) for plane in ("axial", "coronal", "sagittal")] == [0, 1, 2]


def test_a_place_in_the_patient_and_its_index_mean_the_same_slice():
    lps = geometry().index_to_lps(np.array([3.0, 4.0, 5.0])).tolist()
    by_place = placed_prompts(checked_prompts([{"kind": "click", "points_lps_mm": [lps]}]), geometry())[0]
    by_index = placed()
    assert (by_place.axis, by_place.number) == (by_index.axis, by_index.number) == (0, 3)
    np.testing.assert_allclose(by_place.points, by_index.points, atol=1e-3)


def test_each_plane_counts_its_own_slices():
    sagittal = placed(plane="sagittal")
    assert (sagittal.axis, sagittal.number, sagittal.points.tolist()) == (2, 5, [[3.0, 4.0]])


@pytest.mark.parametrize("point", [[10, 4, 5], [-1, 4, 5], [3, 20, 5], [3, 4, -1]])
def test_what_lies_beside_the_scan_is_refused(point):
    with pytest.raises(PromptOutside):
        placed(points_index=[point])


def test_a_box_may_reach_beyond_the_picture_but_not_lie_beside_it():
    held = placed(kind="box", points_index=[[3, -5, -5], [3, 8, 8]])
    assert held.points.tolist() == [[-0.5, -0.5], [8.0, 8.0]]
    with pytest.raises(PromptOutside):
        placed(kind="box", points_index=[[3, -9, -9], [3, -5, 8]])


def test_points_on_several_slices_are_refused():
    with pytest.raises(PromptFlaw, match="several axial slices"):
        placed(kind="scribble", points_index=[[3, 4, 5], [5, 4, 5]])


def test_a_box_without_width_is_refused():
    with pytest.raises(PromptFlaw, match="wider"):
        placed(kind="box", points_index=[[3, 4, 5], [3, 9, 5]])


def test_millimetres_are_refused_where_the_scan_has_none():
    prompts = checked_prompts([{"kind": "click", "points_lps_mm": [[0, 0, 0]]}])
    with pytest.raises(NoMillimetres):
        placed_prompts(prompts, geometry("px"))
