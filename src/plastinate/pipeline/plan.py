"""Recipe -> checked steps: every method exists and every parameter fits, before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from plastinate import __version__
from plastinate.model.errors import RecipeFlaw, RecipeNotFound
from plastinate.model.evidence import StepRecord
from plastinate.model.recipe import Recipe
from plastinate.stages import catalog

METHODS_LISTED = 'docs/how-to/add-an-organ.md lists the methods under "The methods".'


@dataclass(frozen=True)
class PlannedStep:
    """One call that a run will make.

    Attributes:
        stage: "prepare", "segment" or "surface".
        method: name in the catalog.
        function: what will be called.
        params: keyword arguments, as the recipe gives them.
        inputs: masks passed, by name.
        into: names of the masks that come out; for "surface", the structures.
        why: the recipe's reason.
        source: where the reason comes from.
        summary: first sentence of the method's own documentation.
        is_hull: for "surface": surface the whole mask, not the voxels left over by other structures.
        tells: the method takes a `progress`, a function of the share that is done, which may stop it.
    """

    stage: str
    method: str
    function: Callable[..., Any]
    params: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    into: tuple[str, ...] = ()
    why: str = ""
    source: str = ""
    summary: str = ""
    is_hull: bool = False
    tells: bool = False

    def record(self, *, structures: tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> StepRecord:
        """What stays on record once it has run.

        Args:
            structures: what it was run for, where that is less than all it may give.
            notes: what could not be done as asked.
        """
        return StepRecord(self.stage, self.method, __version__, self.params, structures or self.into, notes)


def plan(recipe: Recipe) -> tuple[PlannedStep, ...]:
    """Order the steps of a recipe and check each against the method it names.

    Raises:
        RecipeNotFound: a method does not exist.
        RecipeFlaw: a parameter does not fit its method's signature.
    """
    steps = [
        _planned(
            recipe,
            "prepare",
            catalog.PREPARE,
            step.method,
            step.params,
            step.inputs,
            step.into,
            step.why,
            step.source,
        )
        for step in recipe.prepare
    ]
    steps += [
        _planned(
            recipe,
            "segment",
            catalog.SEGMENT,
            step.method,
            step.params,
            step.inputs,
            step.into,
            step.why,
            step.source,
        )
        for step in recipe.segment
    ]
    for surface in recipe.surface:
        planned = _planned(
            recipe,
            "surface",
            catalog.SURFACE,
            surface.method,
            surface.params,
            (),
            surface.structures,
            surface.why,
            "",
        )
        steps.append(replace(planned, is_hull=surface.is_hull))
    return tuple(steps)


def _planned(
    recipe: Recipe,
    stage: str,
    table: dict[str, catalog.Method],
    method: str,
    params: Mapping[str, Any],
    inputs: tuple[str, ...],
    into: tuple[str, ...],
    why: str,
    source: str,
) -> PlannedStep:
    place = f"the {stage} step that makes {', '.join(into)}" if into else f"a {stage} step"
    try:
        function = catalog.find(table, f"{stage} method", method).load()
    except RecipeNotFound as error:
        error.args = (f"Recipe {recipe.name!r}, {place}: {error.sentence}",)
        error.hint = METHODS_LISTED
        raise
    _check_parameters(recipe, f"method {method!r} of {place}", function, params)
    summary = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
    tells = "progress" in inspect.signature(function).parameters
    return PlannedStep(stage, method, function, dict(params), inputs, into, why, source, summary, tells=tells)


def _check_parameters(
    recipe: Recipe, what: str, function: Callable[..., Any], params: Mapping[str, Any]
) -> None:
    signature = inspect.signature(function)
    named = {name: value for name, value in signature.parameters.items() if value.kind is value.KEYWORD_ONLY}
    for name in params:
        if name not in named or name == "progress":
            raise RecipeFlaw(recipe.name, f"{what} has no parameter {name!r}; it has {sorted(named)}")
    supplied_by_run = {"structure", "structures", "levels", "progress"}
    for name, value in named.items():
        if value.default is value.empty and name not in params and name not in supplied_by_run:
            raise RecipeFlaw(recipe.name, f"{what} needs the parameter {name!r}")
