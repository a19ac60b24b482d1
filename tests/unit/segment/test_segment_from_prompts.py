"""An organ from what was drawn on a few slices, by a network whose answers are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy_phantoms import dice
from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.prompt_errors import PromptFlaw
from plastinate.model.prompts import Prompt
from plastinate.nets.sliding_patch import untold
from plastinate.stages.segment import from_prompts as module
from plastinate.stages.segment.between_slices import shape_between, signed_distance
from plastinate.stages.segment.from_prompts import from_prompts, outlined
from plastinate.stages.segment.prompted_slices import PromptedSlices
from tiny_prompter import BrightInBox
from voxel_scenes import ball, volume_of

SHAPE, SPACING = (40, 60, 80), (2.0, 1.5, 1.0)
CENTRE = (20, 30, 40)
RULES = {"carry_mm": 0.0, "box_margin_mm": 3.0, "shape_reach_mm": 6.0, "progress": untold}


def scene():
    values = np.full(SHAPE, -1000, np.int16)
    values[:, 4:56, 6:74] = 0
    organ = ball(SHAPE, CENTRE, 20, spacing=SPACING)
    values[organ] = 150
    return volume_of(values, spacing_mm=SPACING), organ


def box(organ, number, *, axis=0, margin=2):
    places = np.argwhere(np.take(organ, number, axis=axis))
    corners = np.array([places.min(axis=0) - margin, places.max(axis=0) + margin], dtype=np.float64)
    return Prompt("box", axis, number, corners)


def built(volume, prompts, **rules):
    return outlined(PromptedSlices(volume, BrightInBox()), prompts, **{**RULES, **rules})


def test_boxes_on_some_slices_give_the_organ_between_and_beyond_them():
    volume, organ = scene()
    made = built(volume, [box(organ, number) for number in (13, 20, 27)])
    assert dice(made.masks[0], organ) > 0.95


def test_one_box_is_carried_until_the_organ_ends():
    volume, organ = scene()
    made = built(volume, [box(organ, 20)])
    assert dice(made.masks[0], organ) > 0.95
    assert np.flatnonzero(made.masks[0].any(axis=(1, 2))).min() >= 9


@pytest.mark.parametrize("axis", [1, 2])
def test_boxes_may_lie_in_any_plane(axis):
    volume, organ = scene()
    made = built(volume, [box(organ, CENTRE[axis], axis=axis)])
    assert dice(made.masks[0], organ) > 0.93


def test_an_organ_is_carried_no_farther_than_told():
    volume, organ = scene()
    made = built(volume, [box(organ, 20)], carry_mm=6.0)
    assert np.flatnonzero(made.masks[0].any(axis=(1, 2))).tolist() == list(range(17, 24))


def test_a_slice_with_marks_outside_only_stays_empty_and_nothing_is_carried_past_it():
    volume, organ = scene()
    not_here = Prompt("click", 0, 23, np.array([[30.0, 40.0]]), False)
    made = built(volume, [box(organ, 20), not_here])
    filled = np.flatnonzero(made.masks[0].any(axis=(1, 2)))
    assert filled.max() == 22
    assert filled.min() < 13
    hollow = built(volume, [box(organ, 17), not_here, box(organ, 27)])
    assert not hollow.masks[0][23].any()
    assert hollow.masks[0][24].any()


def test_a_neighbour_as_bright_does_not_come_in_between_drawn_slices():
    volume, organ = scene()
    array = volume.array.copy()
    # A vessel that runs past, half a pixel's width from the organ, and touches it on one slice.
    array[:, 28:32, 62:66] = 150
    array[20, 28:32, 59:66] = 150
    made = built(volume.with_array(array), [box(organ, 13, margin=1), box(organ, 27, margin=1)])
    assert dice(made.masks[0], organ) > 0.93
    assert made.masks[0][:, :, 67:].sum() == 0


def test_likelihood_and_mask_agree_and_the_help_is_told():
    volume, organ = scene()
    made = built(volume, [box(organ, 18), box(organ, 22)])
    mask, likelihood = made.masks[0], made.likelihoods[0]
    assert (likelihood[mask] >= 0.5).all()
    assert (likelihood[~mask] < 0.5).all()
    assert [(each.code, each.details) for each in made.findings] == [
        ("segment.assisted", {"slices": [18, 22], "box": 2})
    ]


def test_nothing_where_it_was_drawn_is_told_and_not_invented():
    volume, organ = scene()
    with pytest.raises(EmptyMask):
        outlined(PromptedSlices(volume, BrightInBox(is_blind=True)), [box(organ, 20)], **RULES)


def test_progress_is_told_slice_by_slice_and_may_stop_the_work():
    volume, organ = scene()
    told = []
    built(volume, [box(organ, 16), box(organ, 24)], progress=told.append)
    assert told == sorted(told)
    assert len(told) >= 9

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built(volume, [box(organ, 16)], progress=stop)


def test_the_method_places_prompts_and_asks_for_the_network(monkeypatch):
    volume, organ = scene()
    monkeypatch.setattr(module, "prompter_here", BrightInBox)
    corners = [[20, 15, 18], [20, 45, 62]]
    made = from_prompts(volume, prompts=[{"kind": "box", "points_index": corners}])
    assert dice(made.masks[0], organ) > 0.9


def test_prompts_of_two_planes_and_senseless_numbers_are_refused():
    volume, _ = scene()
    here = {"kind": "click", "points_index": [[20, 30, 40]]}
    with pytest.raises(PromptFlaw, match="one plane"):
        from_prompts(volume, prompts=[here, {**here, "plane": "coronal"}])
    with pytest.raises(ParameterError, match="carry_mm"):
        from_prompts(volume, prompts=[here], carry_mm=-1.0)


def test_shapes_turn_into_each_other_by_their_distances():
    y, x = np.mgrid[:60, :60]
    small, large = ((y - 30) ** 2 + (x - 30) ** 2 <= radius**2 for radius in (8, 20))
    keys = {0: signed_distance(small, (1.0, 1.0)), 4: signed_distance(large, (1.0, 1.0))}
    middle = shape_between(2, keys) > 0
    assert middle.sum() == pytest.approx(np.pi * 14**2, rel=0.05)
