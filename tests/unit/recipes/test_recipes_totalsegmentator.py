"""TotalSegmentator's tasks are recipes, and every open class is a structure with a code."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from colour_sight import BLINDNESS, lab, simulated
from plastinate.model.errors import RecipeNotFound
from plastinate.nets.totalsegmentator.program import is_offered
from plastinate.pipeline.plan import plan
from plastinate.recipes.load import (
    load_recipe,
    load_structures,
    recipe_for_organs,
    structures_of,
)
from plastinate.recipes.totalsegmentator import totalsegmentator_tasks
from plastinate.services.build_wish import checked_wish

OPEN = [task for task in totalsegmentator_tasks().values() if not task.is_licensed]


def test_the_whole_body_has_117_structures_in_ct_and_50_in_mr():
    tasks = totalsegmentator_tasks()
    assert len(tasks["total"].classes) == len(tasks["total-fast"].classes) == 117
    assert len(tasks["total-mr"].classes) == 50


@pytest.mark.parametrize("task", OPEN, ids=lambda task: task.name)
def test_every_open_class_is_a_structure_of_its_own_with_a_code(task):
    known = load_structures()
    assert set(task.classes) <= set(known)
    assert all(known[each].code for each in task.classes)


@pytest.mark.parametrize("task", OPEN, ids=lambda task: task.name)
def test_left_stays_left(task):
    known = load_structures()
    for identity, name in task.classes.items():
        words = name.split("_")
        side = "left" if "left" in words else "right" if "right" in words else ""
        # The left atrial appendage, the right middle lobe and teeth are coded with their side.
        if side and not any(part in name for part in ("fdi", "appendage")):
            assert known[identity].laterality == side, name
            twin = identity.replace(side, {"left": "right", "right": "left"}[side])
            if twin in task.classes and "lobe" not in identity:
                assert known[twin].code == known[identity].code


def test_neighbours_in_one_task_can_be_told_apart_by_colour_blind_eyes():
    structures = load_structures()
    for task in OPEN:
        sides = [(each, each.replace("left", "right")) for each in task.classes if "left" in each]
        twins = [pair for pair in sides if pair[1] in task.classes]
        for one, other in [*itertools.pairwise(task.classes), *twins]:
            for blindness in BLINDNESS:
                seen = [lab(simulated(structures[name].colour, blindness)) for name in (one, other)]
                assert np.linalg.norm(seen[0] - seen[1]) > 6.9, (task.name, one, other, blindness)


def test_a_task_is_a_recipe_and_judges_known_organs_as_plastinate_s_own_do():
    recipe = load_recipe("totalsegmentator:total-fast")
    assert [step.method for step in plan(recipe)] == ["totalsegmentator", "shared-net"]
    assert recipe.segment[0].params["mode"] == "fast"
    assert recipe.expect["liver"] == load_recipe("ct-liver").expect["liver"]
    assert load_recipe("totalsegmentator").name == "totalsegmentator:total"


def test_some_organs_are_asked_of_the_whole_body_and_the_rest_of_what_else_finds_it():
    recipe = recipe_for_organs(["spleen", "liver-segment-2"], "CT", by="totalsegmentator")
    assert recipe.structures == ("spleen", "liver-segment-2")
    asked = {step.params["task"]: step.params["classes"] for step in recipe.segment}
    assert asked == {"total": ["spleen"], "liver_segments": ["liver_segment_2"]}
    assert recipe_for_organs(["heart"], "MR", by="totalsegmentator").segment[0].params["task"] == "total_mr"


def test_while_nobody_knows_the_kind_of_scan_either_will_do():
    recipe = recipe_for_organs(["vertebrae", "intervertebral-discs"], "", by="totalsegmentator")
    assert recipe.modality == "MR"
    assert recipe_for_organs(["heart"], "", by="totalsegmentator").modality == "CT"


def test_whoever_asks_plastinate_s_own_recipes_hears_that_these_networks_find_it():
    with pytest.raises(RecipeNotFound) as refused:
        recipe_for_organs(["pancreas"], "CT")
    assert "--by totalsegmentator" in refused.value.hint
    assert is_offered() or "not installed here (pip install 'plastinate[totalsegmentator]', about 7 GB)" in (
        refused.value.hint
    )
    with pytest.raises(RecipeNotFound) as refused:
        recipe_for_organs(["muscle"], "MR")
    assert "totalsegmentator" not in refused.value.hint


def test_what_no_open_task_finds_is_refused_by_name():
    with pytest.raises(RecipeNotFound, match="skin"):
        recipe_for_organs(["skin"], "CT", by="totalsegmentator")
    with pytest.raises(RecipeNotFound, match="Did you mean totalsegmentator:liver-segments"):
        load_recipe("totalsegmentator:liver-segment")


def test_a_licensed_task_says_so_and_names_what_has_no_code_here():
    recipe = load_recipe("totalsegmentator:heartchambers-highres")
    assert recipe.segment[0].params["is_licensed"] is True
    assert structures_of(recipe)["heart-atrium-left"].name == "Heart atrium left"


def test_a_server_takes_a_task_by_name():
    assert checked_wish({"recipe": "totalsegmentator:total-mr"}, inspection=None)["recipe"]


@pytest.mark.parametrize("task", ["", "../../etc", "..\\etc", "x.toml", "t" * 5000])
def test_a_task_that_there_is_not_is_refused_with_those_there_are(task: str):
    with pytest.raises(RecipeNotFound) as refused:
        load_recipe(f"totalsegmentator:{task}")
    assert refused.value.sentence.startswith("There is no recipe called 'totalsegmentator:")
    assert len(refused.value.sentence) < 200
    assert "total-mr" in refused.value.hint
