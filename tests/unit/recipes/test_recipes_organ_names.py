"""Organs as people name them."""

from __future__ import annotations

import pytest

from plastinate.model.errors import OrganNotMade, RecipeNotFound
from plastinate.recipes.load import (
    load_structures,
    organ_groups,
    organ_ids,
    recipe_for_organs,
    recipe_for_what_is_made,
)


def test_the_name_of_a_pair_stands_for_both_sides_in_the_singular_and_the_plural():
    both = ("lung-left", "lung-right")
    assert organ_ids(["lung"]) == organ_ids(["lungs"]) == both
    assert organ_ids(["kidney"]) == organ_ids(["kidneys"]) == ("kidney-left", "kidney-right")


def test_an_organ_named_twice_is_one_organ():
    assert organ_ids(["lung-right", "lung", "heart", "heart"]) == ("lung-right", "lung-left", "heart")


@pytest.mark.parametrize("written", ["Left lung", "LUNG-LEFT", "lung_left", " left  lung "])
def test_an_organ_is_known_however_its_name_is_written(written):
    assert organ_ids([written]) == ("lung-left",)


def test_no_pair_has_the_name_of_a_structure():
    assert not set(organ_groups()) & set(load_structures())
    for both in organ_groups().values():
        assert [load_structures()[each].laterality for each in both] == ["left", "right"]


@pytest.mark.parametrize(("written", "meant"), [("hart", "heart"), ("lnug", "lung"), ("kidneyz", "kidney")])
def test_an_unknown_organ_is_refused_with_what_may_have_been_meant(written, meant):
    with pytest.raises(RecipeNotFound, match=f"Did you mean {meant}"):
        organ_ids([written])


def test_a_word_like_no_organ_is_refused_without_a_guess():
    with pytest.raises(RecipeNotFound) as caught:
        organ_ids(["xylophone"])
    assert "Did you mean" not in caught.value.sentence


def test_an_organ_of_another_kind_of_scan_is_told_with_where_it_is_found():
    with pytest.raises(OrganNotMade, match=r"'heart' in MR scans") as caught:
        recipe_for_organs(["brain", "heart"], "MR")
    assert caught.value.hint.startswith("It is found in CT scans. What can be built: brain, skin.")


def test_of_several_organs_those_that_can_be_made_are():
    recipe, rest = recipe_for_what_is_made(["liver", "brain"], "MR")
    assert recipe == recipe_for_organs(["brain"], "MR")
    assert rest == {"liver": "no recipe finds it in MR scans"}
    with pytest.raises(OrganNotMade, match="'liver' in MR"):
        recipe_for_what_is_made(["liver", "heart"], "MR")
    recipe, rest = recipe_for_what_is_made(["liver", "brain"], "MR", any_modality=True)
    assert (recipe.modality, rest) == ("CT", {})
    recipe, rest = recipe_for_what_is_made(["pancreas", "skin"], "CT", by="totalsegmentator")
    assert rest == {"skin": "no network of TotalSegmentator finds it in CT scans"}


def test_the_five_organs_are_one_recipe():
    recipe = recipe_for_organs(["heart", "lung", "liver", "kidney"], "CT")
    pairs = {"lung-left", "lung-right", "kidney-left", "kidney-right"}
    assert set(recipe.structures) == {"heart", "liver"} | pairs
