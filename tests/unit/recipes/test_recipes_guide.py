"""The guide's own recipe holds together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plastinate.pipeline.plan import plan
from plastinate.recipes.load import load_recipe, load_structures

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "add-an-organ.md"


@pytest.fixture
def recipe(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "liver.toml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path)


def test_the_recipe_in_the_guide_can_be_planned_and_borrows_only_the_body(recipe):
    assert recipe.structures == ("liver",)
    assert [step.method for step in plan(recipe)] == [
        "gaussian",
        "body",
        "threshold",
        "erode",
        "largest-pieces",
        "dilate",
        "closing",
        "soft-field",
    ]


def test_the_structure_in_the_guide_is_the_one_in_the_file():
    liver = load_structures()["liver"]
    text = GUIDE.read_text(encoding="utf-8")
    assert liver.code is not None
    assert f'value = "{liver.code.value}", meaning = "{liver.code.meaning}"' in text
    assert f"colour = {list(liver.colour)}" in text
