"""Names and paths -> recipes: the door of this folder.

A recipe is data: `ct/<name>.toml`, `mr/<name>.toml`, or a person's own file
in the same format, given by its path. docs/how-to/add-an-organ.md tells how.
`own:<model>` is what the card of a model of one's own labels, `totalsegmentator:<task>` what that program
labels.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from plastinate.model.errors import OrganNotMade, RecipeNotFound
from plastinate.model.recipe import Recipe
from plastinate.recipes.organ_names import is_organ, organ_groups, organ_ids
from plastinate.recipes.organs import join_recipes
from plastinate.recipes.own import PREFIX, own_model_names, own_recipe, structures_of
from plastinate.recipes.parse import read_recipe, read_table
from plastinate.recipes.prompted import checked_drawing, prompted_recipe
from plastinate.recipes.structures import load_structures
from plastinate.recipes.threshold import structure_named, threshold_recipe
from plastinate.recipes.totalsegmentator import (
    NAME as TOTALSEGMENTATOR,
)
from plastinate.recipes.totalsegmentator import (
    WHOLE_BODY,
    is_open_class,
    totalsegmentator_for_organs,
    totalsegmentator_recipe,
    totalsegmentator_tasks,
)

__all__ = [
    "checked_drawing",
    "is_organ",
    "list_own_recipes",
    "list_recipes",
    "list_totalsegmentator_recipes",
    "load_recipe",
    "load_structures",
    "organ_groups",
    "organ_ids",
    "recipe_for_organs",
    "recipe_for_prompts",
    "recipe_for_what_is_made",
    "structure_named",
    "structures_of",
    "threshold_recipe",
]

FOLDER = Path(__file__).parent
NOT_MADE = "no recipe finds it in {kind} scans"
INSTALLED_BY = "pip install 'plastinate[totalsegmentator]'"


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A recipe by its name, from a file of one's own, or from the card of a model of one's own.

    Whatever ends in `.toml` or holds a path separator is taken as a path, and `own:` stands before a model.

    Raises:
        RecipeNotFound: no such name, no such file, or no such model.
        RecipeFlaw: the file does not follow the format.
        ModelCardFlaw: the card of the model was refused.

    >>> load_recipe("ct-lungs").structures
    ('trachea', 'airways', 'lung-left', 'lung-right')
    """
    text = str(name_or_path)
    family, colon, task = text.partition(":")
    if family == TOTALSEGMENTATOR and not isinstance(name_or_path, Path):
        return totalsegmentator_recipe(task if colon else WHOLE_BODY, built_in=list_recipes())
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text or "\\" in text:
        path = Path(text)
        if not path.is_file():
            raise RecipeNotFound("recipe file", text)
        return read_recipe(path, base=_built_in_table)
    if text.startswith(PREFIX):
        return own_recipe(text.removeprefix(PREFIX), built_in=list_recipes())
    return _built_in(text)


def list_recipes() -> list[Recipe]:
    """Every recipe that comes with Plastinate, CT before MR, by name."""
    return [_built_in(name) for name in _files()]


def list_own_recipes() -> list[Recipe]:
    """A recipe for each model of one's own, by name."""
    return [load_recipe(f"{PREFIX}{name}") for name in own_model_names()]


def list_totalsegmentator_recipes() -> list[Recipe]:
    """A recipe for each task of TotalSegmentator, whether or not that program is here."""
    return [totalsegmentator_recipe(name, built_in=list_recipes()) for name in totalsegmentator_tasks()]


def recipe_for_organs(organs: Sequence[str], modality: str, *, by: str = "") -> Recipe:
    """The smallest joined recipe that makes these organs and nothing else.

    Of several recipes that make an organ, the one that makes most of the wanted
    ones is taken, so that neighbours come from the same steps.

    Args:
        organs: as people name them, see `organ_ids`: "heart", "kidneys", "lung-left".
        modality: "CT" or "MR"; "" tries CT first.
        by: "totalsegmentator" for that program's networks, "" for Plastinate's own recipes.

    Raises:
        RecipeNotFound: no such organ, or nobody to find it of that name.
        OrganNotMade: no recipe of this modality makes it.
    """
    wanted = organ_ids(organs)
    if by == TOTALSEGMENTATOR:
        return totalsegmentator_for_organs(wanted, modality, built_in=list_recipes())
    if by:
        raise RecipeNotFound("finder of organs", by, near=[TOTALSEGMENTATOR])
    for attempt in [modality] if modality else ["CT", "MR"]:
        recipes = [recipe for recipe in list_recipes() if recipe.modality in (attempt, "")]
        if not set(wanted) - _made_by(recipes):
            return join_recipes(recipes, wanted)
    raise _not_made(wanted, modality)


def recipe_for_what_is_made(
    organs: Sequence[str], modality: str, *, by: str = "", any_modality: bool = False
) -> tuple[Recipe, dict[str, str]]:
    """The recipe for those of the organs that can be made, and of the rest why they cannot.

    Args:
        organs, modality, by: as for `recipe_for_organs`.
        any_modality: the recipes of another kind of scan will do, where they make more of the organs.

    Returns:
        The recipe; structure id -> a clause that says why it is not made, as for what is not found.

    Raises:
        RecipeNotFound: no such organ.
        OrganNotMade: not one of them can be made.
    """
    wanted = organ_ids(organs)
    kinds = (
        [modality] if modality and not any_modality else list(dict.fromkeys([modality or "CT", "CT", "MR"]))
    )
    made = {kind: [each for each in wanted if _is_made(each, kind, by=by)] for kind in kinds}
    # Of those that make as many, the first.
    kind = max(kinds, key=lambda each: len(made[each]))
    if not made[kind]:
        # Raises: it says of the first of them where it is found.
        return recipe_for_organs(organs, modality, by=by), {}
    reason = f"no network of TotalSegmentator finds it in {kind} scans" if by else NOT_MADE.format(kind=kind)
    rest = {each: reason for each in wanted if each not in made[kind]}
    return recipe_for_organs(made[kind], kind, by=by), rest


def recipe_for_prompts(prompts: Mapping[str, Any], modality: str) -> Recipe:
    """The recipe that builds what a person drew on slices.

    Args:
        prompts: structure -> list of prompts, see `docs/reference/prompts.md`.
        modality: "CT" or "MR", for what is plausible; "" while nobody knows.

    Raises:
        PromptFlaw: what cannot be taken as prompts.
        ParameterError: a name without a letter.
    """
    return prompted_recipe(prompts, modality=modality, built_in=list_recipes())


def _is_made(organ: str, kind: str, *, by: str) -> bool:
    if by == TOTALSEGMENTATOR:
        return is_open_class(organ, kind)
    return any(organ in each.structures for each in list_recipes() if each.modality in (kind, ""))


def _not_made(wanted: Sequence[str], modality: str) -> OrganNotMade:
    """Which organ no recipe finds in this kind of scan; where it is found instead, and what else is."""
    everything = _made_by(list_recipes())
    if not modality and set(wanted) <= everything:
        # Each is found somewhere, and no one kind of scan shows all: as if it were the first kind tried.
        modality = "CT"
    fitting = _made_by([each for each in list_recipes() if each.modality in (modality, "")])
    fitting = fitting if modality else everything
    organ = next(each for each in wanted if each not in fitting)
    elsewhere = sorted({each.modality for each in list_recipes() if organ in each.structures})
    fault = OrganNotMade(
        organ, modality=modality, elsewhere=" or ".join(elsewhere), made=", ".join(sorted(fitting))
    )
    if is_open_class(organ, modality):
        from plastinate.nets.totalsegmentator.program import is_offered

        needs = "" if is_offered() else f", which is not installed here ({INSTALLED_BY}, about 7 GB)"
        fault.hint += f" TotalSegmentator's networks find {organ}: --by {TOTALSEGMENTATOR}{needs}."
    return fault


def _made_by(recipes: Sequence[Recipe]) -> set[str]:
    return {structure for recipe in recipes for structure in recipe.structures}


@cache
def _files() -> dict[str, Path]:
    found = [*sorted((FOLDER / "ct").glob("*.toml")), *sorted((FOLDER / "mr").glob("*.toml"))]
    return {path.stem: path for path in found}


@cache
def _built_in(name: str) -> Recipe:
    return read_recipe(_path(name), base=_built_in_table)


def _built_in_table(name: str) -> dict[str, Any]:
    return read_table(_path(name))


def _path(name: str) -> Path:
    if name not in _files():
        fault = RecipeNotFound("recipe", name, near=difflib.get_close_matches(name, _files(), 2))
        fault.hint += " A file of your own is given with .toml or a slash in its path, as ./my-spleen.toml."
        raise fault
    return _files()[name]
