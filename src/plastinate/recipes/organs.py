"""Several recipes and the organs wanted -> one recipe that makes those and no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from plastinate.model.errors import RecipeFlaw
from plastinate.model.recipe import Recipe, SurfaceStep
from plastinate.recipes.parse import needed_steps, restricted_surface
from plastinate.recipes.shared_steps import shared_steps
from plastinate.recipes.structures import load_structures

# Where organs of several recipes claim a voxel, the one that stands first here has it: first what has the
# surest edge. Air is known by its value, bone by its brightness, a kidney by the fat around it. The diaphragm
# between liver and heart shows hardly ever: a network knows the liver, and the heart's lower end is stretched
# between the bases of the lungs. Hulls come last: they hold all the others. A pair's sides have its place.
PRECEDENCE = (
    *("trachea", "airways", "lung"),
    *("skull", "spine", "ribs", "skeleton", "brain"),
    *("kidney", "spleen", "aorta", "liver", "heart"),
)
HULLS = ("muscle", "fat-visceral", "fat-subcutaneous", "fat", "skin", "body", "table")


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
    order = in_precedence(name for part in parts for name in part.structures)
    return Recipe(
        name="+".join(part.name for part in parts),
        title=", ".join(load_structures()[name].name for name in order),
        modality=parts[0].modality,
        structures=order,
        prepare=parts[0].prepare,
        segment=shared_steps(parts),
        surface=_joined_surfaces(parts),
        expect={name: part.expect[name] for part in parts for name in part.structures if name in part.expect},
        joined=tuple(part.structures for part in parts),
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


def _joined_surfaces(parts: Sequence[Recipe]) -> tuple[SurfaceStep, ...]:
    """The surface steps of all: one net for all that are surfaced by a net with the same numbers.

    Neighbours in one net have one wall between them, made of the same points.
    """
    joined: list[SurfaceStep] = []
    for step in (step for part in parts for step in part.surface):
        same = next((each for each in joined if _is_one_net(each, step)), None)
        if same is None:
            joined.append(step)
        else:
            reasons = dict.fromkeys(each.why for each in (same, step) if each.why)
            both = replace(same, structures=(*same.structures, *step.structures), why=" ".join(reasons))
            joined[joined.index(same)] = both
    return tuple(joined)


def _is_one_net(one: SurfaceStep, other: SurfaceStep) -> bool:
    is_net = one.method == other.method == "shared-net"
    return is_net and one.params == other.params and one.is_hull == other.is_hull


def in_precedence(structures: Iterable[str]) -> tuple[str, ...]:
    """Structures in the order in which they have a voxel that several claim.

    What the list does not name keeps its place among its like, before the hulls.
    """
    order = {name: place for place, name in enumerate(PRECEDENCE)}
    hulls = {name: place for place, name in enumerate(HULLS)}

    def place(name: str) -> tuple[int, int]:
        if name in hulls:
            return 2, hulls[name]
        pair = name.removesuffix("-left").removesuffix("-right")
        return (0, order[pair]) if pair in order else (1, 0)

    return tuple(sorted(structures, key=place))
