"""Recipes -> what a form offers: organs to tick, pairs as one with their sides, and what each fetches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from flask_babel import gettext as _

from plastinate.model.recipe import Recipe
from plastinate.web.measures import size
from plastinate.web.wording import PAIRS, SIDES, translated

# What most people come for stands first.
FIRST = ("heart", "lung", "liver", "kidney", "brain")


def organ_choices(recipes: Sequence[Recipe], kind: str, chosen: Sequence[str]) -> list[dict[str, Any]]:
    """A choice for each organ that these recipes find, both sides of a pair in one.

    Args:
        recipes: that may fit the scan.
        kind: "CT" or "MR"; "" while nobody knows.
        chosen: ids and names of pairs that are ticked.
    """
    from plastinate.recipes.load import load_structures, organ_groups

    made: dict[str, set[str]] = {}
    for recipe in recipes:
        for name in recipe.structures:
            made.setdefault(name, set()).add(recipe.modality)
    pairs = {
        name: sides for name, sides in organ_groups().items() if name in PAIRS and made.keys() >= set(sides)
    }
    in_pairs = {side: name for name, sides in pairs.items() for side in sides}
    order = list(dict.fromkeys(in_pairs.get(name, name) for name in load_structures() if name in made))
    order.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return [_choice(name, pairs.get(name, ()), made, kind, chosen) for name in order]


def fetches(recipe: Recipe) -> str:
    """What a person should know of the models of a recipe before they ask for it; "" where it uses none."""
    from plastinate.services.needed_models import names_of_models

    return " ".join(told_of_model(name) for name in names_of_models(recipe))


def _choice(
    name: str, sides: Sequence[str], made: dict[str, set[str]], kind: str, chosen: Sequence[str]
) -> dict[str, Any]:
    from plastinate.recipes.load import load_structures

    known = load_structures()
    first = sides[0] if sides else name
    modalities = sorted(made[first])
    is_whole = name in chosen or (bool(sides) and set(sides) <= set(chosen))
    return {
        "id": name,
        "name": str(PAIRS[name]) if sides else translated(known[name].name),
        "colour": known[first].colour,
        "modalities": " ".join(modalities),
        "fits": bool(kind) and any(each in ("", kind) for each in modalities),
        "is_chosen": is_whole,
        "sides": [
            {
                "id": side,
                "name": translated(known[side].name),
                "short": str(SIDES[known[side].laterality]),
                "is_chosen": side in chosen and not is_whole,
            }
            for side in sides
        ],
        "fetches": [
            {"modality": each, "fits": each in ("", kind), "words": words}
            for each in modalities
            if (words := " ".join(told_of_model(model) for model in _models_of(first, each)))
        ],
    }


@cache
def _models_of(organ: str, modality: str) -> tuple[str, ...]:
    """The models that finding one organ takes."""
    from plastinate.recipes.load import recipe_for_organs
    from plastinate.services.needed_models import names_of_models

    return tuple(names_of_models(recipe_for_organs([organ], modality)))


def told_of_model(model: str) -> str:
    """Of a model: whether it is here or how large it is to fetch, and its licence."""
    from plastinate.depot import card_named
    from plastinate.depot.model_files import is_here
    from plastinate.model.depot_errors import ModelError

    try:
        card = card_named(model)
    except ModelError:
        return str(_("By a network of others; whether it is here shows when it is asked for."))
    if is_here(card) or card.archive is None:
        return str(_("By a network that is here; its licence: %(licence)s.", licence=card.licence))
    return str(
        _(
            "By a network that is fetched once: %(size)s, licence %(licence)s.",
            size=size(card.archive.bytes),
            licence=card.licence,
        )
    )
