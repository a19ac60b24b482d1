"""An intensity window -> a recipe for one surface, built in code."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import replace

from plastinate.model.errors import ParameterError
from plastinate.model.recipe import Expectation, Recipe, Step, SurfaceStep
from plastinate.model.structure import Structure
from plastinate.recipes.structures import load_structures


def threshold_recipe(
    low: float | None,
    high: float | None,
    *,
    name: str = "surface",
    largest: bool = False,
    fill: bool = True,
    min_piece_ml: float = 0.0,
) -> Recipe:
    """Everything between two intensities, as one surface; no anatomy is claimed.

    Args:
        low, high: bounds of the window, both inside it, in the volume's quantity; None leaves a side open.
        name: what to call it; becomes the structure id.
        largest: keep the largest connected piece only.
        fill: fill cavities that the outside cannot reach.
        min_piece_ml: drop pieces smaller than this.

    Raises:
        ParameterError: the window is empty or not finite, or the name has no letter.

    >>> threshold_recipe(200, 3000, name="Bone, left").structures
    ('bone-left',)
    """
    window = {name: end for name, end in (("low", low), ("high", high)) if end is not None}
    if not all(math.isfinite(end) for end in window.values()):
        raise ParameterError("An end of the window is not a number; leave it out to keep that side open.")
    if low is not None and high is not None and low > high:
        raise ParameterError(f"The window {low:g}:{high:g} is empty: the lower bound comes first.")
    if min_piece_ml < 0:
        raise ParameterError(f"The smallest piece cannot be {min_piece_ml:g} ml.")
    structure = structure_id(name)
    why, source = "The window was chosen by the person who asked.", "command line or program"
    steps = [Step("threshold", window, (), (structure,), why, source)]
    if min_piece_ml > 0:
        steps.append(
            Step("remove-specks", {"min_piece_ml": min_piece_ml}, (structure,), (structure,), why, source)
        )
    if largest:
        steps.append(Step("largest-pieces", {"count": 1}, (structure,), (structure,), why, source))
    if fill:
        steps.append(Step("fill-cavities", {}, (structure,), (structure,), why, source))
    return Recipe(
        name=f"threshold-{structure}",
        title=f"Everything from {_end(low, 'the lowest')} to {_end(high, 'the highest')}",
        modality="",
        structures=(structure,),
        segment=tuple(steps),
        surface=(SurfaceStep((structure,), "soft-field", window, "The window asked for."),),
        expect={structure: Expectation(may_touch_edge=True, may_have_flat_cut=True)},
    )


def _end(value: float | None, open_word: str) -> str:
    return open_word if value is None else f"{value:g}"


def structure_id(name: str) -> str:
    """A name for people as a structure id: lower-case ASCII with hyphens.

    Raises:
        ParameterError: nothing of it is left.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    identity = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:64]
    if not identity:
        raise ParameterError(f"{name!r} has no letter or digit to make a file name of.")
    return identity


def structure_named(identity: str) -> Structure:
    """The structure of that id; one that names no anatomy where the id is a person's own."""
    known = load_structures()
    if identity in known:
        return known[identity]
    name = identity.replace("-", " ").capitalize()
    return replace(known["surface"], id=identity, name=name)
