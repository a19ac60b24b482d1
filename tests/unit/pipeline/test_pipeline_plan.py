"""A recipe is checked against the methods it names before anything runs."""

from __future__ import annotations

import pytest

from plastinate.model.errors import RecipeFlaw, RecipeNotFound
from plastinate.model.recipe import Recipe, Step, SurfaceStep
from plastinate.pipeline.plan import plan
from plastinate.recipes.load import list_recipes, threshold_recipe


def recipe_of(*segment: Step, surface: SurfaceStep | None = None, prepare: tuple[Step, ...] = ()) -> Recipe:
    step = surface or SurfaceStep(("bone",), "soft-field", {"low": 200.0})
    return Recipe("mine", "Mine", "CT", ("bone",), segment, (step,), prepare)


BONE = Step("threshold", {"low": 200.0}, (), ("bone",), "Bone is brighter.", "a book")


def test_steps_come_in_the_order_they_run():
    steps = plan(
        recipe_of(BONE, Step("erode", {"radius_mm": 1.0}, ("bone",), ("bone",)), prepare=(Step("median"),))
    )
    assert [(step.stage, step.method) for step in steps] == [
        ("prepare", "median"),
        ("segment", "threshold"),
        ("segment", "erode"),
        ("surface", "soft-field"),
    ]


def test_a_step_carries_its_reason_and_what_the_method_says_of_itself():
    step = plan(recipe_of(BONE))[0]
    assert (step.why, step.source, step.into) == ("Bone is brighter.", "a book", ("bone",))
    assert len(step.summary) > 10
    assert "\n" not in step.summary


def test_a_hull_stays_a_hull():
    surface = SurfaceStep(("bone",), "soft-field", {"low": 200.0}, is_hull=True)
    assert plan(recipe_of(BONE, surface=surface))[-1].is_hull


def test_an_unknown_method_is_refused_with_a_guess():
    with pytest.raises(
        RecipeNotFound, match=r"'mine', the segment step that makes bone: .*mean threshold"
    ) as no:
        plan(recipe_of(Step("treshold", {}, (), ("bone",))))
    assert "add-an-organ.md" in no.value.hint
    with pytest.raises(RecipeNotFound, match=r"'mine', a prepare step: .*mean median"):
        plan(recipe_of(BONE, prepare=(Step("medain"),)))


def test_a_misspelt_parameter_is_refused_with_those_there_are():
    with pytest.raises(RecipeFlaw, match=r"'lowest'.*low"):
        plan(recipe_of(Step("threshold", {"lowest": 1.0}, (), ("bone",))))


def test_a_missing_parameter_is_refused():
    with pytest.raises(RecipeFlaw, match="needs the parameter"):
        plan(recipe_of(BONE, Step("connected-threshold", {}, (), ("seeded",))))


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)
def test_every_recipe_that_comes_along_holds_together(recipe: Recipe):
    steps = plan(recipe)
    assert {name for step in steps if step.stage == "surface" for name in step.into} == set(recipe.structures)


def test_a_threshold_is_a_recipe_like_any_other():
    assert [step.method for step in plan(threshold_recipe(1.0, None, largest=True))] == [
        "threshold",
        "largest-pieces",
        "fill-cavities",
        "soft-field",
    ]
