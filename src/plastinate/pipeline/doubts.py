"""What was noticed on the way, and who took whose voxels -> doubts about each structure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Light
from plastinate.model.labels import LabelMap
from plastinate.model.recipe import Recipe
from plastinate.recipes.organs import HULLS
from plastinate.recipes.structures import wholes_of

Mask = npt.NDArray[np.bool_]

# What a step notices about the scan itself -> the structure that it matters to, with all parts of it.
OF_ALL_BONE = {"segment.contrast": "skeleton"}
# Of a structure's voxels: what others may take before it is said, and what one of them took to be named.
TAKEN_SHARE = 0.05
TAKER_SHARE = 0.01


def noticed_of(
    structures: Iterable[str], *, of_scan: Collection[str], of_steps: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Which codes cast doubt on which structure.

    Args:
        structures: ids.
        of_scan: codes that concern every structure.
        of_steps: structure or mask -> codes of what its step remarked on.

    Returns:
        Structure id -> codes.
    """
    remarked = frozenset().union(*of_steps.values())
    return {
        name: frozenset(of_scan)
        | of_steps.get(name, frozenset())
        | {
            code
            for code, whole in OF_ALL_BONE.items()
            if code in remarked and whole in {name, *wholes_of(name)}
        }
        for name in structures
    }


def taken(
    recipe: Recipe, labels: LabelMap, masks: Mapping[str, Mask], contested: Mapping[str, int]
) -> dict[str, tuple[tuple[Light, str], ...]]:
    """Say of each structure that lost much to earlier ones how much, and to whom.

    Green, so only a note, where the one is part of the other, where the loser is what holds all others, and
    where one recipe names them in that order. Amber where two organs of different recipes quarrel.

    Args:
        recipe: for what it means to be nested.
        labels: who has which voxel.
        masks: structure id -> (S, R, C) bool, what each claimed.
        contested: structure id -> voxels lost.
    """
    return {
        name: tuple(_taken_from(name, recipe, labels, masks[name]))
        for name, lost in contested.items()
        if lost > TAKEN_SHARE * np.count_nonzero(masks[name])
    }


def _taken_from(name: str, recipe: Recipe, labels: LabelMap, mask: Mask) -> Iterator[tuple[Light, str]]:
    owners = np.bincount(labels.array[mask], minlength=max(labels.structures, default=0) + 1)
    claimed = int(np.count_nonzero(mask))
    for label, taker in labels.structures.items():
        count = int(owners[label])
        if taker == name or count < TAKER_SHARE * claimed:
            continue
        light: Light = "green" if _is_nested(taker, name, recipe) else "amber"
        share = f"{count / claimed:.0%}"
        yield (
            light,
            f"{count:,} of its voxels ({share}) are counted as {taker!r} alone; its volume is without them.",
        )


def _is_nested(inner: str, outer: str, recipe: Recipe) -> bool:
    if outer in wholes_of(inner) or outer in HULLS or not recipe.joined:
        return True
    return any(inner in part and outer in part for part in recipe.joined)
