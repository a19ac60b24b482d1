"""A card is a recipe: what it labels can be asked for by the model's name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from card_networks import above, bring
from model_shelf import set_places
from plastinate.model.errors import RecipeNotFound
from plastinate.pipeline.plan import plan
from plastinate.recipes.load import list_own_recipes, load_recipe, load_structures, structures_of
from plastinate.services.build_wish import checked_wish
from plastinate.services.models import add_model
from plastinate.services.needed_models import models_needed

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "bring-your-own-model.md"


@pytest.fixture
def here(tmp_path, monkeypatch):
    set_places(tmp_path, monkeypatch)
    return tmp_path / "mine"


def test_a_model_of_one_s_own_is_a_recipe_for_all_that_it_labels(here):
    bring(here, above(0, 100), name="two", output_labels__1="liver", output_labels__2="my-cyst")
    recipe = load_recipe("own:two")
    assert (recipe.name, recipe.modality, recipe.structures) == ("own:two", "CT", ("liver", "my-cyst"))
    assert "numbers" in recipe.segment[0].why
    assert [each.method for each in plan(recipe)] == ["own-net", "shared-net"]
    assert [card.name for card in models_needed(recipe)] == ["two"]


def test_an_organ_that_is_known_is_judged_as_in_the_recipe_that_knows_it(here):
    bring(here, above(0, 100), name="two", output_labels__1="liver", output_labels__2="my-cyst")
    recipe = load_recipe("own:two")
    assert recipe.expect["liver"] == load_recipe("ct-liver").expect["liver"]
    assert recipe.expect["my-cyst"].volume_ml is None


def test_a_model_for_both_kinds_of_scan_makes_a_recipe_for_both(here):
    bring(here, above(0), modality=["CT", "MR"])
    assert load_recipe("own:tiny").modality == ""


def test_labels_of_one_s_own_get_names_and_colours_that_differ(here):
    labels = {
        f"output_labels__{number}": name for number, name in enumerate(("liver", "cyst-a", "cyst-b"), 1)
    }
    bring(here, above(0, 50, 100), **labels)
    known = structures_of(load_recipe("own:tiny"))
    assert known["liver"] == load_structures()["liver"]
    assert (known["cyst-a"].name, known["cyst-b"].name) == ("Cyst a", "Cyst b")
    assert known["cyst-a"].colour != known["cyst-b"].colour


def test_a_server_takes_the_recipe_of_a_model_by_name_and_no_path_behind_it(here):
    bring(here, above(0))
    assert checked_wish({"recipe": "own:tiny"}, inspection=None)["recipe"] == "own:tiny"
    for name in ("own:nothing", "own:../tiny", "own:tiny.toml"):
        with pytest.raises(RecipeNotFound):
            checked_wish({"recipe": name}, inspection=None)


def test_the_recipes_of_models_of_one_s_own_are_listed(here):
    assert list_own_recipes() == []
    bring(here, above(0), name="two")
    bring(here, above(0), name="one")
    assert [recipe.name for recipe in list_own_recipes()] == ["own:one", "own:two"]


def test_an_unknown_model_is_no_recipe_and_its_neighbour_is_named(here):
    bring(here, above(0), name="my-liver")
    with pytest.raises(RecipeNotFound, match="Did you mean own:my-liver"):
        load_recipe("own:my-livr")
    with pytest.raises(RecipeNotFound) as refused:
        load_recipe("own:liver-ct")
    assert "comes with Plastinate" in refused.value.hint


def test_the_card_and_the_recipe_of_the_how_to_hold_together(here):
    card, recipe = re.findall(r"^```toml\n(.*?)^```", HOW_TO.read_text(), re.M | re.S)
    here.mkdir()
    (here / "my-liver.onnx").write_bytes(above(0, 150, patch=(96, 96, 96)))
    (here / "my-liver.toml").write_text(card)
    (here / "clean-liver.toml").write_text(recipe)

    add_model(here / "my-liver.toml")

    assert load_recipe("own:my-liver").structures == ("liver", "spleen")
    clean = load_recipe(here / "clean-liver.toml")
    assert plan(clean)[0].method == "own-net"
    assert [model.name for model in models_needed(clean)] == ["my-liver"]
