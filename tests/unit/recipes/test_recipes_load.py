"""Recipes as files."""

from __future__ import annotations

import pytest

from plastinate.model.errors import ParameterError, RecipeFlaw, RecipeNotFound
from plastinate.pipeline.plan import plan
from plastinate.recipes.load import list_recipes, load_recipe, recipe_for_organs, threshold_recipe

OWN = """
name = "own"
title = "One's own"
modality = "CT"
structures = ["liver"]

[[segment]]
method = "threshold"
into = "liver"
params = { low = 80, high = 160 }
why = "Liver with contrast."
source = "This test."

[[surface]]
structures = ["liver"]
method = "soft-field"

[expect.liver]
volume_ml = [800, 2500]
side = "right"
source = "This test."
"""


def own(tmp_path, text=OWN, name="own"):
    path = tmp_path / f"{name}.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)
def test_every_recipe_that_ships_can_be_planned_and_says_what_to_expect(recipe):
    assert plan(recipe)
    assert set(recipe.expect) == set(recipe.structures)
    assert all(expectation.source for expectation in recipe.expect.values())
    assert recipe.title


def test_the_recipes_promised_are_there():
    names = [recipe.name for recipe in list_recipes()]
    assert names == sorted(n for n in names if n[:2] == "ct") + sorted(n for n in names if n[:2] == "mr")
    assert {
        "ct-skin",
        "ct-skeleton",
        "ct-lungs",
        "ct-chest",
        "ct-head",
        "ct-body",
        "ct-liver",
        "mr-brain",
        "mr-head",
    } <= set(names)


@pytest.mark.parametrize("name", ["ct-body", "ct-chest", "ct-lungs"])
def test_a_lung_cut_off_by_the_scan_is_never_taken_for_whole(name: str):
    expect = load_recipe(name).expect
    for lung in ("lung-left", "lung-right"):
        assert (expect[lung].may_touch_edge, expect[lung].may_have_flat_cut) == (False, False)


def test_a_near_miss_is_answered_with_a_guess():
    with pytest.raises(RecipeNotFound, match="ct-lungs"):
        load_recipe("ct-lung")
    with pytest.raises(RecipeNotFound, match="recipe file"):
        load_recipe("nowhere/ct-lungs.toml")


def test_a_recipe_of_ones_own_is_read_from_its_path(tmp_path):
    recipe = load_recipe(own(tmp_path))
    assert recipe.structures == ("liver",)
    assert recipe.segment[0].params == {"low": 80, "high": 160}
    assert recipe.expect["liver"].volume_ml == (800.0, 2500.0)
    assert load_recipe(str(own(tmp_path))) == recipe


def test_a_recipe_may_extend_another_and_keeps_only_what_it_needs(tmp_path):
    text = 'name = "own"\ntitle = "T"\nmodality = "CT"\nextends = "ct-chest"\nstructures = ["skin"]\n'
    recipe = load_recipe(own(tmp_path, text))
    assert [step.method for step in recipe.segment] == ["body", "skin"]
    assert [step.structures for step in recipe.surface] == [("skin",)]
    assert set(recipe.expect) == {"skin"}


def test_a_childs_surface_and_expectation_win_over_the_bases(tmp_path):
    text = (
        'name = "own"\ntitle = "T"\nmodality = "CT"\nextends = "ct-chest"\n'
        'structures = ["skin", "skeleton"]\n'
        '[[surface]]\nstructures = ["skin"]\nmethod = "shared-net"\n'
        '[expect.skin]\nvolume_ml = [1, 2]\nsource = "test"\n'
    )
    recipe = load_recipe(own(tmp_path, text))
    assert {name: step.method for step in recipe.surface for name in step.structures} == {
        "skin": "shared-net",
        "skeleton": "soft-field",
    }
    assert recipe.expect["skin"].volume_ml == (1.0, 2.0)
    assert recipe.expect["skeleton"] == load_recipe("ct-chest").expect["skeleton"]


def test_extending_goes_one_level_deep(tmp_path):
    text = 'name = "own"\ntitle = "T"\nmodality = "CT"\nextends = "ct-lungs"\nstructures = ["trachea"]\n'
    with pytest.raises(RecipeFlaw, match="one level"):
        load_recipe(own(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "flaw"),
    [
        ('name = "own"', 'name = "other"', "file's own name"),
        ('title = "One\'s own"\n', "", "title: missing"),
        ('title = "One\'s own"', "title = 3", "title: must be text"),
        ('modality = "CT"', 'modality = "XA"', "modality"),
        ('structures = ["liver"]\n\n[[seg', 'structures = ["livver"]\n\n[[seg', "structures.toml"),
        ('structures = ["liver"]\n\n[[seg', "\n[[seg", "structures: missing"),
        ('structures = ["liver"]\n\n[[seg', "structures = [1]\n\n[[seg", "list of texts"),
        ('modality = "CT"', 'modality = "CT"\norgan = "x"', "organ: unknown key"),
        (
            'method = "threshold"',
            'method = "threshold"\nparameters = {}',
            r"\[1\].parameters: unknown",
        ),
        ("params = { low = 80, high = 160 }", "params = 3", "params: must be a table"),
        ('into = "liver"\n', "", "into: missing"),
        ('into = "liver"', 'into = "other"', "no step makes 'liver'"),
        ('into = "liver"', 'into = "liver"\nfrom = "body"', "needs 'body' before"),
        ('why = "Liver with contrast."\n', "", "why: missing"),
        ('why = "Liver with contrast."\nsource = "This test."', 'why = "x"', "source: missing"),
        ('method = "soft-field"', 'method = "guess"', r"surface\[1\].method"),
        ('method = "soft-field"', 'method = "soft-field"\nparams = 1', r"surface\[1\].params"),
        ('method = "soft-field"', 'method = "soft-field"\nhull = 1', "true or false"),
        ('[[surface]]\nstructures = ["liver"]\nmethod = "soft-field"\n', "", "exactly one surface step"),
        ("volume_ml = [800, 2500]", "volume_ml = [2500, 800]", "lowest is above highest"),
        ("volume_ml = [800, 2500]", "volume_ml = 800", r"\[lowest, highest\]"),
        ("volume_ml = [800, 2500]", "max_pieces = 0", "whole number above 0"),
        ("volume_ml = [800, 2500]", "may_touch_edge = 1", "true or false"),
        ("volume_ml = [800, 2500]", "colour = 1", "expect.liver.colour: unknown key"),
        ('side = "right"\nsource = "This test."', 'side = "up"', "side"),
        ('side = "right"\nsource = "This test."', 'side = "right"', "expect.liver.source: missing"),
        ("[expect.liver]", "[expect.livver]", "expect.livver: unknown key"),
        ("[[segment]]", "[segment]", r"write steps as \[\[segment\]\]"),
        ("[[segment]]", "[[segment", "TOML"),
    ],
)
def test_a_flaw_names_the_file_and_the_key(tmp_path, old, new, flaw):
    assert old in OWN
    with pytest.raises(RecipeFlaw, match=flaw) as caught:
        load_recipe(own(tmp_path, OWN.replace(old, new, 1)))
    assert "own" in caught.value.recipe


def test_organs_of_one_recipe_give_that_recipe_without_the_rest():
    recipe = recipe_for_organs(["lung-left"], "CT")
    assert recipe.structures == ("lung-left",)
    assert [step.method for step in recipe.segment] == ["body", "airways", "lungs"]
    assert [step.structures for step in recipe.surface] == [("lung-left",)]


def test_a_whole_recipe_asked_for_by_its_organs_is_that_recipe():
    assert recipe_for_organs(["skin", "brain"], "MR") == load_recipe("mr-brain")


def test_organs_of_two_recipes_are_joined_and_shared_steps_run_once():
    recipe = recipe_for_organs(["lung-right", "skull", "skin", "trachea"], "CT")
    assert set(recipe.structures) == {"lung-right", "skull", "skin", "trachea"}
    assert recipe.structures[-1] == "skin"
    assert plan(recipe)
    methods = [(step.method, step.inputs, tuple(step.params.items())) for step in recipe.segment]
    assert len(set(methods)) == len(methods)
    bodies = [step.into for step in recipe.segment if step.method == "body"]
    assert len(bodies) == len(set(bodies)) == 2


def test_the_modality_decides_which_brain():
    assert [s.method for s in recipe_for_organs(["brain"], "MR").segment] == ["head-mr", "brain-net"]
    assert recipe_for_organs(["brain"], "CT").modality == "CT"
    assert recipe_for_organs(["brain"], "").modality == "CT"


def test_an_organ_nobody_makes_is_refused():
    with pytest.raises(RecipeNotFound, match="lung-left"):
        recipe_for_organs(["lung-lefft"], "CT")
    with pytest.raises(RecipeNotFound, match="muscle"):
        recipe_for_organs(["muscle"], "CT")
    with pytest.raises(RecipeNotFound, match="in MR scans"):
        recipe_for_organs(["lung-left"], "MR")
    with pytest.raises(RecipeFlaw, match="at least one"):
        recipe_for_organs([], "CT")


def test_a_window_becomes_a_recipe_that_claims_no_anatomy():
    recipe = threshold_recipe(-200, 3000, name="Härte & more", largest=True, min_piece_ml=0.5)
    assert recipe.structures == ("harte-more",)
    assert [step.method for step in recipe.segment] == [
        "threshold",
        "remove-specks",
        "largest-pieces",
        "fill-cavities",
    ]
    assert plan(recipe)
    assert recipe.surface[0].params == {"low": -200, "high": 3000}
    assert recipe.modality == ""


def test_a_bare_window_is_one_step():
    recipe = threshold_recipe(100, 200, fill=False)
    assert recipe.structures == ("surface",)
    assert [step.method for step in recipe.segment] == ["threshold"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"low": 2, "high": 1},
        {"low": float("nan"), "high": 1},
        {"low": 0, "high": 1, "name": "!!"},
        {"low": 0, "high": 1, "min_piece_ml": -1},
    ],
)
def test_a_window_without_meaning_is_refused(arguments):
    with pytest.raises(ParameterError):
        threshold_recipe(arguments.pop("low"), arguments.pop("high"), **arguments)


@pytest.mark.parametrize("value", ["[" * 5000 + "]" * 5000, "9" * 100_000])
def test_a_table_without_measure_is_a_flaw_of_the_recipe(tmp_path, value):
    with pytest.raises(RecipeFlaw):
        load_recipe(own(tmp_path, f"name = {value}\n"))


def test_a_name_that_is_no_recipe_is_told_how_a_file_is_given():
    with pytest.raises(RecipeNotFound, match="Did you mean ct-spleen") as refused:
        load_recipe("my-spleen")
    assert "with .toml or a slash in its path" in refused.value.hint
