"""Content keys: one wish, one key."""

from __future__ import annotations

from plastinate.pipeline.keys import recipe_digest, result_key
from plastinate.recipes.load import load_recipe, threshold_recipe


def key(**changes):
    wish = {"input_sha256": "ab", "recipe": threshold_recipe(1.0, 2.0), "options": {"a": 1, "b": None}}
    return result_key(**{**wish, **changes})


def test_the_same_wish_has_the_same_key_whatever_the_order_of_its_options():
    assert key() == key(options={"b": None, "a": 1})


def test_anything_that_changes_the_result_changes_the_key():
    keys = {
        key(),
        key(input_sha256="ac"),
        key(recipe=threshold_recipe(1.0, 2.5)),
        key(options={"a": 2, "b": None}),
    }
    assert len(keys) == 4


def test_a_recipe_is_known_by_what_it_says():
    assert recipe_digest(load_recipe("ct-lungs")) == recipe_digest(load_recipe("ct-lungs"))
    assert recipe_digest(load_recipe("ct-lungs")) != recipe_digest(load_recipe("ct-skin"))
