"""Volume and recipe -> organs with their evidence: what happens between the reading and the writing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate import __version__
from plastinate.model.errors import EmptyMask, RecipeFlaw
from plastinate.model.evidence import Finding, StepRecord, SurfaceQuality, Verdict, VolumeRange
from plastinate.model.labels import LabelMap
from plastinate.model.recipe import Recipe
from plastinate.model.remarked import Remarked
from plastinate.model.surface import Surface
from plastinate.model.volume import Volume
from plastinate.pipeline.doubts import noticed_of, taken
from plastinate.pipeline.organs import Found, make_organs
from plastinate.pipeline.plan import PlannedStep, plan
from plastinate.pipeline.progress import Progress
from plastinate.stages import catalog

Mask = npt.NDArray[np.bool_]

# About 5 k triangles turn on any phone, 30 k look right on a desktop, full is for print and measuring.
DEFAULT_LEVELS: Mapping[str, int | None] = {"full": None, "medium": 30_000, "light": 5_000}

# Why a structure is not there, where no step could say more.
UNCOVERED = "the scan may not cover it"
NOT_HU = "the values of this CT are no Hounsfield units, and what finds organs goes by these"
# What to do where an organ was picked by a window of somebody's choice.
WINDOW_HINT = "Check that the scan covers it and that the intensity window fits (`plastinate inspect`)."


@dataclass(frozen=True)
class RunOptions:
    """What a person may choose beyond the recipe.

    Attributes:
        levels: detail level -> triangles at most; None is bounded by error alone.
        check: measure every surface against its mask and judge it.
    """

    levels: Mapping[str, int | None] = field(default_factory=lambda: dict(DEFAULT_LEVELS))
    check: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"levels": dict(self.levels), "check": self.check}


@dataclass(frozen=True)
class RunResult:
    """What a run gives: organs as voxels and as surfaces, and what is known about them.

    `not_found` names what the recipe should have made and did not, each with a clause that says why;
    `volume_ranges` says between which volumes a structure lies, where its method knows likelihoods.
    """

    volume: Volume
    labels: LabelMap
    surfaces: Mapping[str, Mapping[str, Surface]]
    quality: Mapping[str, Mapping[str, SurfaceQuality]]
    verdicts: Mapping[str, Verdict]
    steps: tuple[StepRecord, ...]
    findings: tuple[Finding, ...]
    not_found: Mapping[str, str] = field(default_factory=dict)
    volume_ranges: Mapping[str, VolumeRange] = field(default_factory=dict)


def run_recipe(
    volume: Volume,
    recipe: Recipe,
    *,
    options: RunOptions | None = None,
    progress: Progress | None = None,
    noticed: Collection[str] = (),
) -> RunResult:
    """Run every step of a recipe on a volume.

    A structure that is not found becomes a finding, is named in the result and
    costs only itself; the run fails only when nothing at all was found.

    Args:
        volume: what the scanner measured.
        recipe: what to look for, and how.
        options: detail levels, checks.
        progress: where to report, and whom to ask whether to stop.
        noticed: codes of what the reading of the scan found; some cast doubt on every model of it.

    Raises:
        RecipeError: the recipe does not hold together.
        EmptyMask: not one structure was found.
        Cancelled: the run was asked to stop.
    """
    options = options or RunOptions()
    progress = progress or Progress()
    steps = plan(recipe)
    _refuse_impossible(volume, recipe)
    records: list[StepRecord] = []
    findings: list[Finding] = []
    missing: dict[str, str] = {}
    remarked: dict[str, frozenset[str]] = {}
    ranges: dict[str, VolumeRange] = {}

    prepare = [step for step in steps if step.stage == "prepare"]
    for step in prepare:
        with progress.step(f"prepare: {step.method}", share=0.03 / len(prepare)):
            volume = step.function(volume, **step.params)
            records.append(step.record())

    found = (*catalog.door("trunk-lie")(volume), *catalog.door("find-metal")(volume))
    findings += found
    noticed = (*noticed, *(finding.code for finding in found))
    masks = _segment(volume, steps, recipe.structures, progress, records, findings, missing, remarked, ranges)
    labels, contested = _label(volume, recipe, masks, progress, records, findings, missing)
    hulls = {name for step in steps if step.is_hull for name in step.into}
    # A hull is surfaced whole, so it lost nothing.
    lost = {name: count for name, count in contested.items() if name not in hulls}
    given_away = taken(recipe, labels, masks, lost) if options.check else {}
    whole = {name: _alone(volume, name, masks[name]) for name in masks if name in hulls}
    masks.clear()

    organs = make_organs(
        Found(volume, labels, whole),
        [step for step in steps if step.stage == "surface"],
        levels=options.levels,
        expect=recipe.expect if options.check else None,
        noticed=noticed_of(recipe.structures, of_scan=noticed, of_steps=remarked),
        doubts=given_away,
        progress=progress,
    )
    order = [name for name in recipe.structures if name in organs.surfaces]
    return RunResult(
        volume,
        labels,
        {name: organs.surfaces[name] for name in order},
        organs.quality,
        organs.verdicts,
        (*records, *organs.records),
        tuple(findings),
        {name: missing[name] for name in recipe.structures if name in missing},
        {name: ranges[name] for name in order if name in ranges},
    )


def _refuse_impossible(volume: Volume, recipe: Recipe) -> None:
    """Before the first step: a size that asks for more voxels than memory holds, windows that mean nothing.

    A recipe for no kind of scan may be for any object, in any unit.
    """
    why = catalog.door("impossible-size")(volume.geometry) if recipe.modality else None
    if recipe.modality == volume.modality == "CT" and volume.quantity != "HU":
        why = NOT_HU
    if why:
        raise EmptyMask(", ".join(recipe.structures), why)


def _segment(
    volume: Volume,
    steps: tuple[PlannedStep, ...],
    wanted: tuple[str, ...],
    progress: Progress,
    records: list[StepRecord],
    findings: list[Finding],
    missing: dict[str, str],
    remarked: dict[str, frozenset[str]],
    ranges: dict[str, VolumeRange],
) -> dict[str, Mask]:
    segment = [step for step in steps if step.stage == "segment"]
    masks: dict[str, Mask] = {}
    for number, step in enumerate(segment):
        lacking = [name for name in step.inputs if name in missing]
        if lacking:
            missing.update(dict.fromkeys(step.into, missing[lacking[0]]))
            continue
        with progress.step(f"segment: {step.method}", share=0.17 / len(segment)) as within:
            try:
                extra = {"progress": within} if step.tells else {}
                made = step.function(volume, *(masks[name] for name in step.inputs), **step.params, **extra)
            except EmptyMask as nothing:
                missing.update(dict.fromkeys(step.into, nothing.why or UNCOVERED))
                told = _named_as_asked(nothing, wanted, segment[number:])
                findings.append(Finding("segment.nothing-found", "warning", told.sentence, told.hint))
                continue
            for name in step.into:
                ranges.pop(name, None)
            if isinstance(made, Remarked):
                ranges.update(_ranges(volume, step.into, made))
                findings += made.findings
                remarked.update(dict.fromkeys(step.into, frozenset(each.code for each in made.findings)))
                made = made.masks
            made = made if isinstance(made, tuple) else (made,)
            if len(made) != len(step.into):
                raise RecipeFlaw(
                    step.method, f"it makes {len(made)} masks, and `into` names {len(step.into)}"
                )
            masks.update(zip(step.into, made, strict=True))
            records.append(step.record())
        later_made = {name for later in segment[number + 1 :] for name in later.into}
        for name in step.into:
            if name in wanted and name not in later_made and masks[name].any():
                progress.found(name, masks[name], volume.geometry)
        still_needed = set(wanted).union(*(later.inputs for later in segment[number + 1 :]))
        for name in set(masks) - still_needed:
            del masks[name]
    return {name: masks[name] for name in wanted if name in masks}


def _named_as_asked(nothing: EmptyMask, wanted: tuple[str, ...], segment: Sequence[PlannedStep]) -> EmptyMask:
    """The same of the structures that were asked for and are lost with it; a step may call it otherwise.

    Args:
        nothing: what the first of the steps raised.
        wanted: the structures of the recipe.
        segment: that step and those after it.
    """
    lost = set(segment[0].into)
    for step in segment[1:]:
        lost = lost | set(step.into) if lost & set(step.inputs) else lost - set(step.into)
    named = ", ".join(name for name in wanted if name in lost)
    return EmptyMask(named, nothing.why) if named else nothing


def _ranges(volume: Volume, into: tuple[str, ...], made: Remarked) -> dict[str, VolumeRange]:
    """Volumes of the inner and the outer envelope, of masks whose likelihood is known."""
    if volume.geometry.unit != "mm":
        return {}
    ml = volume.geometry.voxel_ml
    return {
        name: VolumeRange(
            ml * np.count_nonzero(likelihood >= VolumeRange.SURE),
            ml * np.count_nonzero(likelihood >= VolumeRange.POSSIBLE),
        )
        for name, likelihood in zip(into, made.likelihoods, strict=False)
        if likelihood is not None
    }


def _label(
    volume: Volume,
    recipe: Recipe,
    masks: dict[str, Mask],
    progress: Progress,
    records: list[StepRecord],
    findings: list[Finding],
    missing: dict[str, str],
) -> tuple[LabelMap, Mapping[str, int]]:
    if not masks:
        raise _nothing(recipe, missing)
    with progress.step("label: one structure for each voxel", share=0.02):
        try:
            labels, contested = catalog.door("merge-labels")(volume.geometry, masks)
        except EmptyMask as nothing:
            raise _nothing(recipe, missing) from nothing
        rule = {"rule": "where two structures claim a voxel, the one named first in the recipe has it"}
        records.append(
            StepRecord(
                "segment", "merge-labels", __version__, {**rule, "contested_voxels": contested}, tuple(masks)
            )
        )
    merged: LabelMap = labels
    for name in masks:
        if name not in merged.structures.values():
            missing[name] = UNCOVERED
            sentence = f"Nothing was found for {name!r}: {UNCOVERED}."
            findings.append(Finding("segment.nothing-found", "warning", sentence, "It was left out."))
    return merged, contested


def _nothing(recipe: Recipe, missing: Mapping[str, str]) -> EmptyMask:
    """Not one structure is there: each reason once."""
    reasons = dict.fromkeys(missing.get(name, UNCOVERED) for name in recipe.structures)
    nothing = EmptyMask(", ".join(recipe.structures), "; ".join(reasons))
    if any(each.method == "threshold" and set(each.into) & set(recipe.structures) for each in recipe.segment):
        nothing.hint = WINDOW_HINT
    return nothing


def _alone(volume: Volume, structure: str, mask: Mask) -> LabelMap:
    return LabelMap(volume.geometry, mask.astype(np.uint16), {1: structure})
