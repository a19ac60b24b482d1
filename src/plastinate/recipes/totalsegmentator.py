"""The name of a task of TotalSegmentator -> a recipe for all that it labels, or for some of it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from plastinate.model.errors import RecipeNotFound
from plastinate.model.recipe import Recipe, Step, SurfaceStep
from plastinate.recipes.organs import join_recipes
from plastinate.recipes.own import expectation
from plastinate.recipes.structures import load_structures

NAME = "totalsegmentator"
# What stands before the task's name where a recipe is asked for; without a task it is the whole body.
PREFIX = f"{NAME}:"
METHOD = NAME
WHOLE_BODY = "total"
FOLDER = Path(__file__).with_name("totalsegmentator_tasks")
WHY = "What a voxel is, the network says; the wall between two structures is one surface for both."
SOURCE = "Wasserthal et al., Radiology: Artificial Intelligence 5 (2023), doi 10.1148/ryai.230024"


@dataclass(frozen=True)
class Task:
    """One thing that TotalSegmentator can be asked for.

    Attributes:
        name: in a recipe's name, "total-mr-fast".
        title: for people.
        task, mode: by the package's own names; the mode is "", "fast" or "fastest".
        modality: "CT" or "MR".
        classes: structure id -> the package's own name of the class.
        is_licensed: whether its makers ask for a licence key.
    """

    name: str
    title: str
    task: str
    mode: str
    modality: str
    classes: Mapping[str, str]
    is_licensed: bool = False


@cache
def totalsegmentator_tasks() -> Mapping[str, Task]:
    """Every task by its name: the open ones for CT, those for MR, and the licensed.

    >>> len(totalsegmentator_tasks()["total"].classes), len(totalsegmentator_tasks()["total-mr"].classes)
    (117, 50)
    """
    names = _table("names")
    entries = {name: entry for file in ("ct", "mr", "licensed") for name, entry in _table(file).items()}
    found: dict[str, Task] = {}
    for name, entry in entries.items():
        listed = entry.get("classes") or entries[entry["classes_of"]]["classes"]
        classes = {names.get(each, each.replace("_", "-").lower()): each for each in listed}
        found[name] = Task(
            name,
            entry["title"],
            entry["task"],
            entry.get("mode", ""),
            entry["modality"],
            MappingProxyType(classes),
            entry.get("is_licensed", False),
        )
    return MappingProxyType(found)


def totalsegmentator_recipe(name: str, *, built_in: Sequence[Recipe], organs: Sequence[str] = ()) -> Recipe:
    """A recipe for one task.

    Args:
        name: of the task.
        built_in: the recipes that come with Plastinate, for what is plausible for an organ.
        organs: which of its structures; none for all.

    Raises:
        RecipeNotFound: there is no such task.
    """
    tasks = totalsegmentator_tasks()
    if name not in tasks:
        near = [f"{PREFIX}{each}" for each in difflib.get_close_matches(name, tasks, 2)]
        missing = RecipeNotFound("recipe", f"{PREFIX}{name:.60}", near=near)
        missing.hint = f"Its tasks are {', '.join(tasks)}; `{NAME}` without one means `{PREFIX}{WHOLE_BODY}`."
        raise missing
    task = tasks[name]
    wanted = tuple(organs) or tuple(task.classes)
    params: dict[str, Any] = {"task": task.task, "classes": [task.classes[each] for each in wanted]}
    if task.mode:
        params["mode"] = task.mode
    if task.is_licensed:
        params["is_licensed"] = True
    known = load_structures()
    names = [known[each].name if each in known else each for each in wanted]
    return Recipe(
        name=f"{PREFIX}{task.name}",
        title=", ".join(names) if organs else task.title,
        modality=task.modality,
        structures=wanted,
        segment=(Step(METHOD, params, (), wanted, "What its makers trained it to tell apart.", SOURCE),),
        surface=(SurfaceStep(wanted, "shared-net", {}, WHY),),
        expect={each: expectation(each, task.modality, built_in) for each in wanted},
    )


def totalsegmentator_for_organs(
    organs: Sequence[str], modality: str, *, built_in: Sequence[Recipe]
) -> Recipe:
    """The recipe for these structures by TotalSegmentator: by the whole body's task as far as that goes.

    Args:
        organs: structure ids, no two the same.
        modality: "CT" or "MR"; "" is CT, or MR where only that has them all.
        built_in: the recipes that come with Plastinate.

    Raises:
        RecipeNotFound: no open task for this kind of scan labels one of them.
    """
    kinds = [modality] if modality else ["CT", "MR"]
    kind = next((kind for kind in kinds if all(is_open_class(each, kind) for each in organs)), kinds[0])
    left, parts = list(organs), []
    # The whole body's task stands first; speeds and the licensed are taken only by name.
    for task in _open_tasks(kind):
        taken = [each for each in left if each in task.classes]
        if taken:
            parts.append(totalsegmentator_recipe(task.name, built_in=built_in, organs=taken))
            left = [each for each in left if each not in taken]
    if left:
        raise RecipeNotFound(f"{kind} task of TotalSegmentator that labels", left[0])
    return join_recipes(parts, tuple(organs))


def is_open_class(organ: str, modality: str) -> bool:
    """Whether an open task labels a structure in this kind of scan, "" for any kind."""
    kinds = [modality] if modality else ["CT", "MR"]
    return any(organ in task.classes for kind in kinds for task in _open_tasks(kind))


def _open_tasks(modality: str) -> list[Task]:
    every = totalsegmentator_tasks().values()
    return [task for task in every if task.modality == modality and not task.mode and not task.is_licensed]


def _table(file: str) -> dict[str, Any]:
    with (FOLDER / f"{file}.toml").open("rb") as source:
        return tomllib.load(source)
