"""Several recipes joined into one: what is the same is done once, and who has a voxel that two claim."""

from __future__ import annotations

from collections import Counter

import pytest

from plastinate.model.recipe import Recipe, Step, SurfaceStep
from plastinate.pipeline.plan import plan
from plastinate.recipes.load import list_recipes, recipe_for_organs
from plastinate.recipes.organs import HULLS, PRECEDENCE, in_precedence, join_recipes

FIVE = ("heart", "lung", "liver", "kidney", "brain")


def recipe(name: str, structures: tuple[str, ...], *steps: Step) -> Recipe:
    surface = tuple(SurfaceStep((each,), "shared-net") for each in structures)
    return Recipe(name, name, "CT", structures, tuple(steps), surface)


def step(method: str, into: str, *inputs: str, **params: float) -> Step:
    return Step(method, params, inputs, (into,))


def made_of(joined: Recipe, structure: str) -> tuple[object, ...]:
    """Everything that a mask is made by, followed back through its names."""
    held: dict[str, tuple[object, ...]] = {}
    for each in joined.segment:
        told = (each.method, tuple(sorted(each.params.items())), tuple(held[name] for name in each.inputs))
        for place, name in enumerate(each.into):
            held[name] = (*told, place)
    return held[structure]


def test_each_step_that_organs_have_in_common_runs_once():
    joined = recipe_for_organs(["heart", "lung", "liver", "kidney"], "CT")
    counted = Counter(step.method for step in joined.segment)
    assert counted["body"] == counted["airways"] == counted["lungs"] == counted["skeleton"] == 1


@pytest.mark.parametrize("organ", FIVE)
def test_an_organ_is_made_by_the_same_steps_alone_and_beside_the_others(organ):
    together, alone = recipe_for_organs(FIVE, "CT"), recipe_for_organs([organ], "CT")
    for structure in alone.structures:
        assert made_of(together, structure) == made_of(alone, structure)


def test_two_organs_of_all_recipes_that_come_along_are_made_as_each_recipe_says():
    for modality in ("CT", "MR"):
        own = [each for each in list_recipes() if each.modality == modality]
        organs = sorted({name for each in own for name in each.structures})
        joined = join_recipes(own, tuple(organs))
        assert plan(joined)
        for structure in organs:
            assert any(
                made_of(joined, structure) == made_of(each, structure)
                for each in own
                if structure in each.structures
            )


def test_a_mask_that_its_recipe_mends_in_place_stays_as_it_was_for_the_other():
    rough = step("threshold", "lung-left", low=1)
    mended = recipe("first", ("lung-left",), rough, step("fill-holes", "lung-left", "lung-left"))
    user = recipe("second", ("heart",), rough, step("dilate", "heart", "lung-left", radius_mm=2))
    for order in ([mended, user], [user, mended]):
        joined = join_recipes(order, tuple(name for each in order for name in each.structures))
        for each in order:
            assert made_of(joined, each.structures[0]) == made_of(each, each.structures[0])
        assert len([each for each in joined.segment if each.method == "threshold"]) == 1


def test_masks_of_one_name_and_other_origin_are_kept_apart():
    one = recipe("first", ("heart",), step("body", "body", opening_mm=6), step("heart", "heart", "body"))
    other = recipe("second", ("liver",), step("body", "body", opening_mm=2), step("liver", "liver", "body"))
    joined = join_recipes([one, other], ("heart", "liver"))
    assert [each.into for each in joined.segment] == [("body",), ("heart",), ("second:body",), ("liver",)]


def test_two_structures_of_one_origin_are_two_masks():
    one = recipe("first", ("heart",), step("threshold", "heart", low=1))
    other = recipe("second", ("liver",), step("threshold", "liver", low=1))
    joined = join_recipes([one, other], ("heart", "liver"))
    assert [each.into for each in joined.segment] == [("heart",), ("liver",)]


def test_who_has_a_voxel_does_not_depend_on_the_order_of_the_wish():
    there, back = recipe_for_organs(FIVE, "CT"), recipe_for_organs(FIVE[::-1], "CT")
    assert there.structures == back.structures
    assert there.structures.index("lung-left") < there.structures.index("heart")
    assert there.structures.index("kidney-right") < there.structures.index("liver")


def test_hulls_come_after_all_and_what_the_list_does_not_name_between():
    assert in_precedence(["skin", "fat", "surface", "liver", "trachea"]) == (
        *("trachea", "liver", "surface", "fat", "skin"),
    )
    assert not set(PRECEDENCE) & set(HULLS)


def test_organs_that_are_surfaced_as_one_net_share_their_walls():
    joined = recipe_for_organs(["heart", "kidney", "lung"], "CT")
    nets = [each for each in joined.surface if each.method == "shared-net"]
    assert [set(each.structures) for each in nets] == [{"heart", "kidney-left", "kidney-right"}]
