"""What a person drew for each structure -> a recipe that builds just these, with the person's help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plastinate.model.prompt_errors import PromptFlaw
from plastinate.model.prompts import checked_prompts
from plastinate.model.recipe import Recipe, Step, SurfaceStep
from plastinate.recipes.own import expectation
from plastinate.recipes.threshold import structure_id

NAME = "prompts"
METHOD = "from-prompts"
STRUCTURES_MAX = 40
WHY = "A person drew what is meant on these slices; a network outlined it there and on the slices between."
SOURCE = "The person who drew"


def prompted_recipe(prompts: Mapping[str, Any], *, modality: str, built_in: Sequence[Recipe]) -> Recipe:
    """Everything that was drawn, in the order of the drawing.

    What is plausible for an organ that Plastinate's own recipes know is taken from them.

    Args:
        prompts: structure, or a name of one's own -> list of prompts, see `model/prompts.py`.
        modality: "CT" or "MR"; "" while nobody knows.
        built_in: the recipes that come with Plastinate.

    Raises:
        PromptFlaw: what cannot be taken as prompts.
        ParameterError: a name without a letter.
    """
    drawn = checked_drawing(prompts)
    structures = tuple(drawn)
    return Recipe(
        name=NAME,
        title=title_of(structures),
        modality="",
        structures=structures,
        segment=tuple(
            Step(METHOD, {"prompts": each}, (), (name,), WHY, SOURCE) for name, each in drawn.items()
        ),
        surface=(
            SurfaceStep(structures, "shared-net", {}, "The surface follows the mask that was outlined."),
        ),
        expect={name: expectation(name, modality, built_in) for name in structures},
    )


def checked_drawing(prompts: Any) -> dict[str, list[dict[str, Any]]]:
    """Structure id -> prompts, in one form: equal drawings are equal.

    Raises:
        PromptFlaw: what cannot be taken as prompts.
        ParameterError: a name without a letter.
    """
    if not isinstance(prompts, Mapping) or not prompts:
        raise PromptFlaw("It has to be a table of structures, each with its list of prompts", where="prompts")
    if len(prompts) > STRUCTURES_MAX:
        raise PromptFlaw(f"It has more than {STRUCTURES_MAX} structures", where="prompts")
    made: dict[str, list[dict[str, Any]]] = {}
    for name, values in prompts.items():
        identity = structure_id(str(name))
        if identity in made:
            raise PromptFlaw(f"Two structures would be called {identity!r}", where="prompts")
        made[identity] = checked_prompts(values, where=f"prompts.{identity}")
    return made


def title_of(structures: Sequence[str]) -> str:
    """What a build of prompts is called."""
    return "Outlined with help: " + ", ".join(structures)
