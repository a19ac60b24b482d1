"""A recipe, or the name of a task of TotalSegmentator -> its weights on this machine, and what they are."""

from __future__ import annotations

from typing import Any

from plastinate.model.recipe import Recipe
from plastinate.nets.totalsegmentator.program import is_offered
from plastinate.nets.totalsegmentator.weights import (
    Told,
    Weights,
    bring,
    look,
    require_allowed,
    require_key,
    weights_folder,
)
from plastinate.pipeline.progress import Progress
from plastinate.recipes.load import load_recipe
from plastinate.recipes.totalsegmentator import METHOD, NAME, PREFIX, SOURCE
from plastinate.services.needed_models import FETCH_SHARE, FETCHING

__all__ = ["fetch_task", "fetch_totalsegmentator", "is_offered", "is_task"]

# As the package states them: its own and its weights', and what its makers say of licensed tasks.
OPEN, LICENSED = "Apache-2.0", "by a key of its makers"
NOT_FOR = "diagnosis or treatment; scans unlike those it was trained on"


def fetch_totalsegmentator(recipe: Recipe, *, progress: Progress) -> list[dict[str, Any]]:
    """Have the weights of every task that a recipe runs here, before its first step.

    Returns:
        What a certificate states of them; plain JSON values, in the shape of `models_record`.

    Raises:
        ModelError, DownloadFailed, CannotWrite: see `nets/totalsegmentator/weights.py`.
        Cancelled: the run was asked to stop.
    """
    records = []
    for step in recipe.segment:
        if step.method == METHOD:
            is_licensed = bool(step.params.get("is_licensed"))
            task = str(step.params["task"])
            require_key(task, is_licensed=is_licensed)
            weights = look(task, mode=step.params.get("mode", ""), classes=step.params["classes"])
            require_allowed(weights)
            if weights.missing:
                with progress.step(FETCHING.format(name=NAME), share=FETCH_SHARE) as within:
                    bring(weights, progress=within)
            records.append(_record(weights, is_licensed=is_licensed))
    return records


def fetch_task(name: str, *, progress: Told) -> list[str]:
    """Fetch all weights of one task, because a person asked for that.

    Args:
        name: "totalsegmentator:total", or "totalsegmentator".
        progress: told what share is done.

    Returns:
        The folders of its networks.

    Raises:
        RecipeNotFound: there is no such task.
        ModelError, DownloadFailed, CannotWrite: they cannot be had.
    """
    recipe = load_recipe(name)
    params = recipe.segment[0].params
    require_key(params["task"], is_licensed=bool(params.get("is_licensed")))
    # Whole, and in part: what looks roughly first is needed as soon as one organ alone is asked for.
    for classes in ((), params["classes"][:1]):
        weights = look(params["task"], mode=params.get("mode", ""), classes=classes)
        bring(weights, by_command=True, progress=progress)
    return sorted(str(weights_folder() / each["folder"]) for each in weights.networks)


def is_task(name: str) -> bool:
    """Whether a name is one of TotalSegmentator's, and not of a model of the registry."""
    return name == NAME or name.startswith(PREFIX)


def _record(weights: Weights, *, is_licensed: bool) -> dict[str, Any]:
    return {
        "name": f"{PREFIX}{weights.task}{f' ({weights.mode})' if weights.mode else ''}",
        "origin": f"TotalSegmentator {weights.version}",
        "licence": LICENSED if is_licensed else OPEN,
        "sha256": weights.sha256(),
        "trained_on": "what its makers publish of the task",
        "not_for": NOT_FOR,
        "citation": SOURCE,
    }
