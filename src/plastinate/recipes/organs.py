"""Several recipes and the organs wanted -> one recipe that makes those and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plastinate.model.errors import RecipeFlaw
from plastinate.model.recipe import Recipe, Step
from plastinate.recipes.parse import needed_steps, restricted_surface
from plastinate.recipes.structures import load_structures

# What holds other organs comes after them: the earlier structure has a voxel that two claim.
HULLS = ("muscle", "fat", "skin", "body", "table")


def join_recipes(recipes: Sequence[Recipe], organs: tuple[str, ...]) -> Recipe:
    """Join what of these recipes is needed for the organs.

    Args:
        recipes: of one modality; together they make every organ wanted.
        organs: structure ids, no two the same.
    """
    if not organs:
        raise RecipeFlaw("organs", "name at least one")
    parts: list[Recipe] = []
    open_organs = list(organs)
    while open_organs:
        best = min(recipes, key=lambda recipe: _preference(recipe, open_organs))
        taken = [name for name in best.structures if name in open_organs]
        parts.append(_restricted(best, taken))
        open_organs = [name for name in open_organs if name not in taken]
    if len(parts) == 1:
        return parts[0]
    for part in parts[1:]:
        if part.prepare != parts[0].prepare:
            raise RecipeFlaw(
                part.name, f"prepares the volume in another way than {parts[0].name!r}; build them apart"
            )
    order = [name for part in parts for name in part.structures]
    order = [name for name in order if name not in HULLS] + [name for name in HULLS if name in order]
    return Recipe(
        name="+".join(part.name for part in parts),
        title=", ".join(load_structures()[name].name for name in order),
        modality=parts[0].modality,
        structures=tuple(order),
        prepare=parts[0].prepare,
        segment=_joined_steps(parts),
        surface=tuple(step for part in parts for step in part.surface),
        expect={name: part.expect[name] for part in parts for name in part.structures if name in part.expect},
    )


def _preference(recipe: Recipe, organs: Sequence[str]) -> tuple[int, int, str]:
    made = sum(organ in recipe.structures for organ in organs)
    return -made, len(recipe.structures), recipe.name


def _restricted(recipe: Recipe, wanted: Sequence[str]) -> Recipe:
    if tuple(wanted) == recipe.structures:
        return recipe
    return replace(
        recipe,
        title=", ".join(load_structures()[name].name for name in wanted),
        structures=tuple(wanted),
        segment=needed_steps(recipe.segment, wanted),
        surface=restricted_surface(recipe.surface, wanted),
        expect={name: value for name, value in recipe.expect.items() if name in wanted},
    )


def _joined_steps(parts: Sequence[Recipe]) -> tuple[Step, ...]:
    """All steps, one after the other: equal ones once, masks of other origin under names of their own."""
    reserved = {name: part.name for part in parts for name in part.structures}
    steps: list[Step] = []
    made: set[str] = set()
    for part in parts:
        called: dict[str, str] = {}
        for step in part.segment:
            moved = replace(step, inputs=tuple(called.get(name, name) for name in step.inputs))
            if moved in steps and not any(name in called for name in step.into):
                continue
            for name in step.into:
                is_own = reserved.get(name) == part.name
                if not is_own and (name in reserved or name in made):
                    called[name] = f"{part.name}:{name}"
            moved = replace(moved, into=tuple(called.get(name, name) for name in step.into))
            steps.append(moved)
            made.update(moved.into)
    return tuple(steps)
