"""What the guide shows as a recipe is one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from plastinate.pipeline.plan import plan
from plastinate.recipes.load import load_recipe

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "add-an-organ.md"
SHOWN = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
RECIPES = [text for text in SHOWN if "[[surface]]" in text and "modality" in text]


def test_the_guide_shows_a_recipe():
    assert RECIPES


@pytest.mark.parametrize("text", RECIPES)
def test_a_recipe_in_the_guide_loads_and_can_be_planned(text, tmp_path):
    path = tmp_path / f"{tomllib.loads(text)['name']}.toml"
    path.write_text(text, encoding="utf-8")
    recipe = load_recipe(path)
    assert plan(recipe)
    assert set(recipe.expect) == set(recipe.structures)
