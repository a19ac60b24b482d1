"""Recipes for pictures are data: every number fits its method and has a reason, and a flaw its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from plastinate.model.errors import RecipeFlaw, RecipeNotFound
from plastinate.pipeline.picture_run import plan_picture
from plastinate.recipes.pictures import list_picture_recipes, load_picture_recipe, read_picture_recipe

SOUND = """
name = "mine"
title = "Mine"
kind = "object"
invented = "the far side"
[foreground]
method = "foreground-by-colour"
[depth]
method = "brightness"
[solid]
method = "object-solid"
params = { roundness = 0.5 }
why = "Flat things."
"""


@pytest.mark.parametrize("recipe", list_picture_recipes(), ids=lambda recipe: recipe.name)
def test_every_number_fits_its_method_and_has_a_reason(recipe):
    assert set(plan_picture(recipe)) == {stage for stage, _ in recipe.steps}
    for _, step in recipe.steps:
        assert step.why or not step.params
    assert recipe.invented
    assert (recipe.foreground is not None) == (recipe.kind == "object")


def test_a_persons_number_takes_the_place_of_the_recipes(tmp_path: Path):
    recipe = load_picture_recipe("picture-object").with_solid({"back": "flat"})
    assert recipe.solid.params["back"] == "flat"
    assert recipe.solid.params["roundness"] == 0.7
    with pytest.raises(RecipeFlaw, match="no parameter 'colour'"):
        plan_picture(recipe.with_solid({"colour": 3}))


def test_a_file_of_the_format_is_read(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(SOUND)
    recipe = read_picture_recipe(tmp_path / "mine.toml")
    assert recipe.solid.params == {"roundness": 0.5}
    assert recipe.is_painted


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "object"', 'kind = "statue"', "kind"),
        ('title = "Mine"', "", "title"),
        ('name = "mine"', 'name = "yours"', "yours"),
        ('method = "brightness"', 'way = "brightness"', "depth"),
        ('why = "Flat things."', "", "reason"),
        ('invented = "the far side"', 'invented = "the far side"\ncolour = 3', "colour"),
        ("[depth]", "[depth", "TOML"),
    ],
)
def test_a_flaw_is_told_with_its_place(tmp_path: Path, old: str, new: str, words: str):
    (tmp_path / "mine.toml").write_text(SOUND.replace(old, new))
    with pytest.raises(RecipeFlaw, match=words):
        read_picture_recipe(tmp_path / "mine.toml")


def test_a_name_that_nobody_knows_is_told_with_one_that_is_near():
    with pytest.raises(RecipeNotFound, match="picture-object"):
        load_picture_recipe("picture-objekt")
