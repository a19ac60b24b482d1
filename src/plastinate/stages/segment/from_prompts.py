"""What a person drew on a few slices -> a whole organ: the promptable network on every slice between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.depot import model_file
from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.prompt_errors import PromptFlaw
from plastinate.model.prompts import Prompt, checked_prompts, placed_prompts
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import components_at_seeds, fill_cavities
from plastinate.native.voxels import Mask
from plastinate.nets.box_prompter import BoxPrompter, open_prompter
from plastinate.nets.lite_medsam import MODEL
from plastinate.nets.sliding_patch import untold
from plastinate.stages.segment.between_slices import shape_between, signed_distance
from plastinate.stages.segment.checks import require_positive
from plastinate.stages.segment.prompt_scale import Look
from plastinate.stages.segment.prompted_slices import PromptedSlices

Floats = npt.NDArray[np.float32]

WHAT = "what was drawn"
# No likelihood is surer than that when slices are weighed against each other.
LEAST = 0.01
# The slice before and after have a say in each: a bell over three.
NEIGHBOURS = (0.25, 0.5, 0.25)
# Carried on from the last drawn slice, an organ ends where it has shrunk to this share of its largest slice,
# where the network is no longer sure, or where it jumps: where less of the smaller of two slices is in both.
END_SHARE, END_SURENESS, END_OVERLAP = 0.04, 0.55, 0.5


@dataclass(frozen=True, eq=False)
class _Drawn:
    axis: int
    keys: Mapping[int, list[Prompt]]
    spacing_mm: tuple[float, float]
    step_mm: float
    look: Look


def from_prompts(
    volume: Volume,
    *,
    prompts: Sequence[Mapping[str, Any]],
    carry_mm: float = 0.0,
    box_margin_mm: float = 3.0,
    shape_reach_mm: float = 6.0,
    progress: Callable[[float], None] = untold,
) -> Remarked:
    """An organ from boxes, clicks, scribbles and outlines on slices of one plane.

    On each slice that was drawn on, they say what is meant. On every slice between two of them the shapes
    there turn into each other; what that gives is the network's box, and keeps its answer from running away.
    Beyond the first and the last of them it is carried on slice by slice, as far as it is told to, and ends
    earlier where the organ does. Of one drawn slice alone it is carried until the organ ends.

    Args:
        volume: CT or MR.
        prompts: tables of "kind", "plane", "inside", and "points_lps_mm" or "points_index".
        carry_mm: how far beyond the outermost drawn slices; 0 for half the widest gap between two of them.
        box_margin_mm: around what is to be expected on a slice, before it is the network's box.
        shape_reach_mm: how far the edge may lie from what the neighbouring shapes let expect, before the
            network needs to be sure of it.
        progress: told what share is done, slice by slice; what it raises ends the work.

    Returns:
        One mask, (S, R, C) bool, with the likelihood of each voxel.

    Raises:
        EmptyMask: nothing is found where it was drawn.
        PromptFlaw, PromptOutside: prompts that cannot be taken, or lie in several planes.
        ModelError: the network's weights are not to be had.
        NoMillimetres: the scan never said its pixel size.
    """
    for name, value in (("box_margin_mm", box_margin_mm), ("shape_reach_mm", shape_reach_mm)):
        require_positive(name, value)
    require_positive("carry_mm", carry_mm, or_zero=True)
    volume.geometry.require_mm("where an organ lies")
    placed = placed_prompts(checked_prompts(prompts), volume.geometry)
    _require_one_plane(placed)
    slices = PromptedSlices(volume, prompter_here(), kept=1)
    return outlined(
        slices,
        placed,
        carry_mm=carry_mm,
        box_margin_mm=box_margin_mm,
        shape_reach_mm=shape_reach_mm,
        progress=progress,
    )


def prompter_here(*, threads: int | None = None) -> BoxPrompter:
    """The network, fetched if it is not here yet.

    Raises:
        ModelError: its weights are not to be had.
    """
    return open_prompter(model_file(MODEL), threads=threads)


def outlined(
    slices: PromptedSlices,
    prompts: Sequence[Prompt],
    *,
    carry_mm: float,
    box_margin_mm: float,
    shape_reach_mm: float,
    progress: Callable[[float], None],
) -> Remarked:
    """As `from_prompts`, of prompts on the volume's grid, by a network that is ready.

    Raises:
        EmptyMask: nothing is found where it was drawn.
    """
    drawn = _drawn(slices, prompts)
    shape = slices.volume.geometry.shape
    likelihood = np.zeros(shape, dtype=np.float32)
    planes = np.moveaxis(likelihood, drawn.axis, 0)
    distances: dict[int, Floats] = {}
    todo = list(range(min(drawn.keys), max(drawn.keys) + 1))
    for done, number in enumerate(sorted(drawn.keys)):
        planes[number] = slices.answer(drawn.keys[number]).likelihood
        if (planes[number] >= 0.5).any():
            distances[number] = signed_distance(planes[number] >= 0.5, drawn.spacing_mm)
        progress(0.9 * (done + 1) / (len(todo) + 1))
    if not distances:
        raise EmptyMask(WHAT, "the network and the grey values show nothing there")
    between = [each for each in range(min(distances), max(distances) + 1) if each not in drawn.keys]
    for done, number in enumerate(between):
        expected = shape_between(number, distances)
        planes[number] = _expected(slices, drawn, number, expected, box_margin_mm, shape_reach_mm)
        progress(0.9 * (len(drawn.keys) + done + 1) / (len(todo) + 1))
    for step in (-1, 1):
        _carry(slices, drawn, planes, distances, step, _reach(drawn, carry_mm), box_margin_mm, shape_reach_mm)
    progress(0.95)
    mask = _settled(likelihood, drawn)
    if not mask.any():
        raise EmptyMask(WHAT, "the network and the grey values show nothing there")
    level = np.where(mask, np.maximum(likelihood, 0.5), np.minimum(likelihood, 0.499)).astype(np.float16)
    return Remarked((mask,), (_assisted(drawn, prompts),), (level,))


def _require_one_plane(prompts: Sequence[Prompt]) -> None:
    if len({each.axis for each in prompts}) > 1:
        raise PromptFlaw("The prompts of one structure lie in one plane", where="prompts")


def _drawn(slices: PromptedSlices, prompts: Sequence[Prompt]) -> _Drawn:
    axis, spacing = prompts[0].axis, slices.volume.geometry.spacing_mm
    keys: dict[int, list[Prompt]] = {}
    for each in prompts:
        keys.setdefault(each.number, []).append(each)
    # Where only what is not meant was marked, there is nothing to begin with.
    keys = {number: here for number, here in keys.items() if any(each.is_inside for each in here)}
    a, b = (step for at, step in enumerate(spacing) if at != axis)
    look = slices.look(keys[sorted(keys)[len(keys) // 2]])
    return _Drawn(axis, keys, (a, b), spacing[axis], look)


def _reach(drawn: _Drawn, carry_mm: float) -> int:
    """Slices beyond the outermost drawn ones; of one alone, as many as there are."""
    if carry_mm > 0:
        return int(carry_mm / drawn.step_mm)
    numbers = sorted(drawn.keys)
    gaps = [after - before for before, after in pairwise(numbers)]
    return max(gaps) // 2 if gaps else 1 << 30


def _expected(
    slices: PromptedSlices,
    drawn: _Drawn,
    number: int,
    distance: Floats,
    margin_mm: float,
    reach_mm: float,
) -> Floats:
    """Likelihood on a slice that nobody drew on, from what is to be expected there and the network."""
    places = np.argwhere(distance > 0).astype(np.float64)
    if places.size == 0:
        return np.zeros_like(distance)
    margin = margin_mm / np.array(drawn.spacing_mm)
    sizes = np.array(distance.shape)
    low = np.maximum(places.min(axis=0) - margin, -0.5)
    high = np.minimum(places.max(axis=0) + margin, sizes - 0.5)
    answer = slices.answer_in(drawn.axis, number, np.array([low, high]), drawn.look)
    expected = np.clip(distance / reach_mm, -1, 1) * np.log((1 - LEAST) / LEAST) / 2
    odds = _odds(answer.likelihood) + expected
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float32)


def _carry(
    slices: PromptedSlices,
    drawn: _Drawn,
    planes: Floats,
    distances: Mapping[int, Floats],
    step: int,
    reach: int,
    margin_mm: float,
    reach_mm: float,
) -> None:
    """Fill the slices beyond the outermost drawn one on one side, as long as the organ goes on."""
    for number, distance in _onwards(planes, distances, step, reach, drawn.spacing_mm):
        made = _expected(slices, drawn, number, distance, margin_mm, reach_mm)
        before = planes[number - step] >= 0.5
        now = made >= 0.5
        largest = max(int((planes[key] >= 0.5).sum()) for key in distances)
        smaller = min(int(now.sum()), int(before.sum()))
        asked = made[made > 0.05]
        is_sure = asked.size and float(np.abs(2 * asked - 1).mean()) >= END_SURENESS
        if now.sum() < END_SHARE * largest or not is_sure or (now & before).sum() < END_OVERLAP * smaller:
            return
        planes[number] = made


def _onwards(
    planes: Floats, distances: Mapping[int, Floats], step: int, reach: int, spacing_mm: tuple[float, float]
) -> Iterator[tuple[int, Floats]]:
    start = min(distances) if step < 0 else max(distances)
    for count in range(1, reach + 1):
        number = start + step * count
        mask = planes[number - step] >= 0.5
        if not 0 <= number < planes.shape[0] or not mask.any():
            return
        yield number, signed_distance(mask, spacing_mm)


def _settled(likelihood: Floats, drawn: _Drawn) -> Mask:
    """What hangs together with a drawn slice, smoothed across slices but for the drawn ones; changes both."""
    planes = np.moveaxis(likelihood, drawn.axis, 0)
    filled = np.flatnonzero(planes.reshape(planes.shape[0], -1).any(axis=1))
    first, last = int(filled.min()), int(filled.max())
    odds = {number: _odds(planes[number]) for number in range(max(0, first - 1), min(len(planes), last + 2))}
    for number in range(first, last + 1):
        if number in drawn.keys:
            continue
        around = [odds.get(number + offset, odds[number]) for offset in (-1, 0, 1)]
        mixed = sum(weight * each for weight, each in zip(NEIGHBOURS, around, strict=True))
        planes[number] = 1 / (1 + np.exp(-np.asarray(mixed)))
    mask = likelihood >= 0.5
    keyed = np.zeros_like(mask)
    for number in drawn.keys:
        np.moveaxis(keyed, drawn.axis, 0)[number] = np.moveaxis(mask, drawn.axis, 0)[number]
    seeds = [(int(s), int(r), int(c)) for s, r, c in np.argwhere(keyed)]
    return fill_cavities(components_at_seeds(mask, seeds)) if seeds else keyed


def _odds(likelihood: Floats) -> Floats:
    held = np.clip(likelihood, LEAST, 1 - LEAST)
    return np.asarray(np.log(held / (1 - held)), dtype=np.float32)


def _assisted(drawn: _Drawn, prompts: Sequence[Prompt]) -> Finding:
    counts = {
        kind: sum(each.kind == kind for each in prompts) for kind in ("box", "click", "scribble", "lasso")
    }
    count = len(drawn.keys)
    return Finding(
        "segment.assisted",
        "note",
        f"A person drew on {count} slice{'s' if count != 1 else ''} what is meant; a network did the rest.",
        "The certificate states what was drawn.",
        {"slices": sorted(drawn.keys), **{kind: number for kind, number in counts.items() if number}},
    )
