"""Picture and recipe -> one body with its look and its evidence: what happens between reading and writing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate import __version__
from plastinate.model.depth import DepthMap
from plastinate.model.errors import EmptyMask, RecipeFlaw
from plastinate.model.evidence import StepRecord, SurfaceQuality, Verdict
from plastinate.model.geometry import Unit
from plastinate.model.picture import Picture
from plastinate.model.picture_recipe import PictureRecipe
from plastinate.model.reference import Reference
from plastinate.model.skin import Skin
from plastinate.model.solid import Solid
from plastinate.native.side_by_side import side_by_side
from plastinate.pipeline.progress import Progress
from plastinate.stages import catalog

TABLES = {"foreground": catalog.FOREGROUND, "depth": catalog.DEPTH, "solid": catalog.SOLID}
SHARES = {"foreground": 0.15, "depth": 0.2, "solid": 0.3}
GIVEN_BY_RUN = {"structure", "levels", "unit_per_px", "progress", "second", "baseline_mm"}


@dataclass(frozen=True, eq=False)
class PictureRun:
    """What a run gives: one body, how it looks, and what is known about it."""

    depth: DepthMap
    foreground: npt.NDArray[np.float32] | None
    solid: Solid
    skins: Mapping[str, Skin]
    quality: Mapping[str, SurfaceQuality]
    verdict: Verdict
    steps: tuple[StepRecord, ...]


def plan_picture(recipe: PictureRecipe) -> dict[str, Callable[..., Any]]:
    """The function behind each step, once every number fits it; nothing is run.

    Raises:
        RecipeNotFound: a method does not exist.
        RecipeFlaw: a parameter does not fit its method.
    """
    found: dict[str, Callable[..., Any]] = {}
    for stage, step in recipe.steps:
        function = catalog.find(TABLES[stage], f"{stage} method", step.method).load()
        takes = {
            name
            for name, value in inspect.signature(function).parameters.items()
            if value.kind is value.KEYWORD_ONLY and name not in GIVEN_BY_RUN
        }
        for name in step.params:
            if name not in takes:
                raise RecipeFlaw(
                    recipe.name, f"method {step.method!r} has no parameter {name!r}; it has {sorted(takes)}"
                )
        found[stage] = function
    return found


def run_picture(
    picture: Picture,
    recipe: PictureRecipe,
    *,
    structure: str,
    levels: Mapping[str, int | None],
    second: Picture | None = None,
    baseline_mm: float | None = None,
    reference: Reference | None = None,
    longest_mm: float | None = None,
    unit: Unit = "px",
    check: bool = True,
    progress: Progress | None = None,
) -> PictureRun:
    """Run every step of a recipe on a picture.

    Args:
        picture: what was seen.
        recipe: what to make of it.
        structure: id of the body.
        levels: detail level -> triangles at most.
        second: the same thing seen from a little to the right, for a recipe that takes two pictures.
        baseline_mm: how far apart the two were taken.
        reference: two points whose distance is known; None where nobody knows one.
        longest_mm: how long a print of it is to be; None where that is not said either.
        unit: what the numbers of the body mean.
        check: measure and judge it.
        progress: where to report, and whom to ask whether to stop.

    Raises:
        EmptyMask: nothing stands out of the picture.
        RecipeError: the recipe does not hold together.
        ModelError: a model cannot be had.
        Cancelled: the run was asked to stop.
    """
    progress = progress or Progress()
    functions = plan_picture(recipe)
    foreground = None
    if recipe.foreground is not None:
        with progress.step(f"foreground: {recipe.foreground.method}", share=SHARES["foreground"]):
            foreground = functions["foreground"](picture, **recipe.foreground.params)
    with progress.step(f"depth: {recipe.depth.method}", share=SHARES["depth"]) as within:
        pair = {} if second is None else {"second": second, "baseline_mm": baseline_mm}
        depth: DepthMap = functions["depth"](picture, progress=within, **pair, **recipe.depth.params)
    with progress.step(f"solid: {recipe.solid.method}", share=SHARES["solid"]):
        solid: Solid = functions["solid"](
            picture,
            depth,
            foreground,
            structure=structure,
            levels=levels,
            unit_per_px=_unit_per_px(picture, recipe, depth, foreground, reference, longest_mm),
            **recipe.solid.params,
        )
        if longest_mm is not None:
            solid = _as_long(solid, longest_mm)
    if not len(solid.surfaces["full"].triangles):
        raise EmptyMask(structure, "no body came out of the picture")
    skins: dict[str, Skin] = {}
    quality: dict[str, SurfaceQuality] = {}

    def paint() -> None:
        with progress.step("lay the picture over it", share=0.08):
            skins.update(catalog.door("paint-skins")(picture, depth, solid, foreground=foreground))

    def measure(level: str) -> None:
        with progress.step("check the surface", share=0.1 / len(solid.surfaces)):
            quality[level] = catalog.door("measure-estimate")(solid, level=level, unit=unit)

    tasks: list[Callable[[], None]] = [paint] if recipe.is_painted else []
    if check:
        tasks += [partial(measure, level) for level in solid.surfaces]
    side_by_side(tasks)
    # In the order of the levels, whoever was done first.
    quality = {level: quality[level] for level in solid.surfaces if level in quality}
    verdict = Verdict("amber", ("It was not checked.",))
    if check:
        verdict = _judged(quality["full"], depth, recipe, solid, unit=unit, reference=reference)
    return PictureRun(depth, foreground, solid, skins, quality, verdict, _records(recipe, structure, solid))


def _judged(
    quality: SurfaceQuality,
    depth: DepthMap,
    recipe: PictureRecipe,
    solid: Solid,
    *,
    unit: Unit,
    reference: Reference | None,
) -> Verdict:
    low, high = solid.surfaces["full"].bounds_lps_mm
    is_coin = reference is not None and reference.found_by == "a coin"
    verdict: Verdict = catalog.door("judge-estimate")(
        quality,
        depth,
        invented=recipe.invented,
        unit=unit,
        is_by_reference=reference is not None,
        is_one_thing=recipe.foreground is not None,
        coin_share=reference.length_mm / float((high - low).max()) if reference and is_coin else 0.0,
    )
    return verdict


def _unit_per_px(
    picture: Picture,
    recipe: PictureRecipe,
    depth: DepthMap,
    foreground: npt.NDArray[np.float32] | None,
    reference: Reference | None,
    longest_mm: float | None,
) -> float | None:
    """Length of a pixel on the plane of the origin, mm; of a print first as good as its outline tells."""
    if reference is not None:
        # An object's own middle lies on that plane, whatever the depth of the whole picture is.
        return reference.mm_per_px(picture, depth if recipe.foreground is None else None)
    if depth.unit_mm is not None and longest_mm is None:
        return float(np.median(depth.depth)) * depth.unit_mm / picture.focal_px
    if longest_mm is None:
        return None
    extent = float(max(picture.shape))
    if foreground is not None and (foreground >= 0.5).any():
        rows, columns = np.nonzero(foreground >= 0.5)
        extent *= max(int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1) / max(foreground.shape)
    return longest_mm / extent


def _as_long(solid: Solid, longest_mm: float) -> Solid:
    """The same body, its longest side exactly so long."""
    low, high = solid.surfaces["full"].bounds_lps_mm
    factor = longest_mm / float((high - low).max())
    surfaces = {
        level: replace(surface, vertices=(surface.vertices * factor).astype(np.float32))
        for level, surface in solid.surfaces.items()
    }
    projection = replace(solid.projection, unit_per_px=solid.projection.unit_per_px * factor)
    return replace(solid, surfaces=surfaces, projection=projection)


def _records(recipe: PictureRecipe, structure: str, solid: Solid) -> tuple[StepRecord, ...]:
    return tuple(
        StepRecord(
            stage,
            step.method,
            __version__,
            step.params,
            (structure,) if stage == "solid" else (),
            solid.notes if stage == "solid" else (),
        )
        for stage, step in recipe.steps
    )
