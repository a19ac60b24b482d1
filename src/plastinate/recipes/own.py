"""The name of a person's own model -> a recipe that builds what its card labels."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plastinate.depot import ModelCard, card_named
from plastinate.depot.registry import own_cards
from plastinate.model.depot_errors import ModelNotFound
from plastinate.model.errors import RecipeNotFound
from plastinate.model.recipe import Expectation, Recipe, Step, SurfaceStep
from plastinate.model.structure import Structure
from plastinate.recipes.structures import load_structures
from plastinate.recipes.threshold import structure_named

# What stands before the model's name where a recipe is asked for: `--recipe own:my-liver`.
PREFIX = "own:"
METHOD = "own-net"
# Calm, and apart from each other in lightness too: for what has no colour of its own.
COLOURS = ((206, 160, 96), (104, 138, 164), (150, 96, 120), (136, 164, 112), (84, 92, 128), (222, 196, 176))
WHY = "What a voxel is, the network says; the wall between two structures is one surface for both."


def own_recipe(model: str, *, built_in: Sequence[Recipe]) -> Recipe:
    """Everything that the model's card labels, in the order of its numbers.

    What is plausible for an organ that Plastinate's own recipes know is taken from them. Of anything else
    nothing is expected, so its light says no more than that the surface is sound.

    Args:
        model: its name.
        built_in: the recipes that come with Plastinate.

    Raises:
        RecipeNotFound: there is no such model; or it comes with Plastinate, and recipes of its own use it.
        ModelCardFlaw: its card was refused.
    """
    try:
        card = card_named(model)
    except ModelNotFound as unknown:
        near = difflib.get_close_matches(model, own_model_names(), 2)
        raise RecipeNotFound(
            "recipe", f"{PREFIX}{model}", near=[f"{PREFIX}{name}" for name in near]
        ) from unknown
    if card.run is None:
        fault = RecipeNotFound("recipe", f"{PREFIX}{model}")
        if card.sees is not None:
            fault.hint = f"{model} says how far away the places of a picture are: `--depth {model}`."
            raise fault
        fault.hint = f"{model} comes with Plastinate, and its own recipes use it: `plastinate recipes`."
        raise fault
    labels = tuple(card.run.labels.values())
    modality = card.modality[0] if len(card.modality) == 1 else ""
    return Recipe(
        name=f"{PREFIX}{model}",
        title=card.title,
        modality=modality,
        structures=labels,
        segment=(
            Step(METHOD, {"model": model, "labels": list(labels)}, (), labels, _why(card), _source(card)),
        ),
        surface=(SurfaceStep(labels, "shared-net", {}, WHY),),
        expect={name: expectation(name, modality, built_in) for name in labels},
    )


def structures_of(recipe: Recipe) -> Mapping[str, Structure]:
    """Every known structure, and what else the recipe makes: several of those differ in colour."""
    own = [name for name in recipe.structures if name not in load_structures()]
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(own)}
    # One alone looks as a surface between two intensities does.
    made = {name: structure_named(name) for name in own}
    if len(own) > 1:
        made = {name: replace(each, colour=colours[name]) for name, each in made.items()}
    return {**load_structures(), **made}


def own_model_names() -> list[str]:
    """The models of one's own whose cards hold together."""
    return sorted(name for name, card in own_cards()[0].items() if card.run is not None)


def _why(card: ModelCard) -> str:
    return f"Trained on: {card.trained_on.rstrip('.')}. Not for: {card.not_for.rstrip('.')}."


def _source(card: ModelCard) -> str:
    return card.citation or f"The card of {card.name}"


def expectation(name: str, modality: str, built_in: Sequence[Recipe]) -> Expectation:
    """What is plausible for a structure: as a recipe of Plastinate's own says it, else nothing special."""
    for recipe in built_in:
        if modality and recipe.modality == modality and name in recipe.expect:
            return recipe.expect[name]
    return Expectation(may_touch_edge=True, may_have_flat_cut=True)
