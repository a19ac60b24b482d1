"""A volume and what was drawn on one of its slices -> how likely each pixel of the slice is meant."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.prompts import Prompt
from plastinate.model.volume import Volume
from plastinate.native.components import components_at_seeds
from plastinate.native.distance import dilate
from plastinate.nets.box_prompter import BoxPrompter
from plastinate.nets.lite_medsam import PICTURE
from plastinate.stages.segment.drawn_marks import (
    FLAT,
    Flags,
    Floats,
    drawn_line,
    filled_polygon,
    grown_region,
    union,
)
from plastinate.stages.segment.prompt_scale import WINDOWS_HU, Look, grey_ends, look_for, scaled
from plastinate.stages.segment.random_walker import random_walker
from plastinate.stages.segment.slice_field import SliceField, slice_field, volume_measured

# Ln odds beyond which the network is not believed further, and those of what lies outside its box.
MOST_ODDS = 12.0
# A box is drawn by hand: what lies so far beyond it may still be meant, in shares of its size and in pixels.
BOX_SLACK, BOX_SLACK_PX = 0.03, 2.0
# Around a region that grew from marks, before it is shown to the network as a box.
GROWN_MARGIN_PX = 2.0
# Region and network agree (Dice) or the region is taken: on eleven organs of a chest CT, one click gave a
# Dice of 0.65 by the region alone, 0.62 by the network in its box, and 0.69 by this rule.
AGREEING = 0.5
# The walk that brings a guess to the edges near it and obeys marks; of the same trial, 0.71 with it.
# A box or an outline is believed more than what grew from a mark.
CONTRAST, BELIEF, DRAWN_BELIEF = 0.03, 0.01, 0.1
# A mark is as wide as a thin brush where the pixels around it are alike.
BRUSH_PX, ALIKE = 3.0, 0.06
# How likely an outline's inside is, where the network sees something else; and what a mark corrects.
LASSO_LIKELIHOOD, CORRECTED = 0.9, 0.75
# A correction moves no more than these shares of what was taken; a mark outside that would is a leak.
MORE_SHARE, LESS_SHARE = 0.5, 0.25
# Pixels with some likelihood count for the sureness.
IN_QUESTION = 0.05
# Embeddings that are kept, the last used: 4 MB each.
KEPT = 48


@dataclass(frozen=True, eq=False)
class SliceAnswer:
    """What is known of one slice.

    Attributes:
        likelihood: 0 to 1 along the two axes of the slice in their order; at least 0.5 is meant.
        sureness: mean of |2p - 1| where p is in question or more, 0 to 1; 0 where nothing is.
        was_embedded: whether the network had seen this slice before.
    """

    likelihood: Floats
    sureness: float
    was_embedded: bool


class PromptedSlices:
    """One volume under the network's eyes; keeps what it has seen of the last slices."""

    def __init__(self, volume: Volume, prompter: BoxPrompter, *, kept: int = KEPT) -> None:
        self.volume = volume
        self._prompter = prompter
        self._kept = kept
        self._fields: dict[tuple[int, int, bool], SliceField] = {}
        self._seen: OrderedDict[tuple[SliceField, Look], tuple[Floats, Floats]] = OrderedDict()
        self._ends: dict[Look, tuple[float, float]] = {}

    def answer(self, prompts: Sequence[Prompt]) -> SliceAnswer:
        """What the prompts of one slice mean.

        Args:
            prompts: at least one, all on the same slice; one of them at least is inside.
        """
        axis, number = prompts[0].axis, prompts[0].number
        field = self.field(axis, number, np.concatenate([each.points for each in prompts]))
        picture, embedding, was_embedded = self.seen(field, self.look(prompts))
        likelihood = drawn_likelihood(prompts, field, picture, embedding, self._prompter)
        return self._back(field, likelihood, was_embedded)

    def answer_in(self, axis: int, number: int, box: npt.NDArray[np.float64], look: Look) -> SliceAnswer:
        """What the network sees in a box of a slice, where nobody drew on it.

        Args:
            axis, number: which slice.
            box: (2, 2) two corners, index coordinates along the two axes of the slice.
            look: which window.
        """
        field = self.field(axis, number, box)
        _, embedding, was_embedded = self.seen(field, look)
        likelihood = boxed_likelihood(field.to_pixels(box), embedding, self._prompter)
        return self._back(field, likelihood, was_embedded)

    def look(self, prompts: Sequence[Prompt]) -> Look:
        """Which window shows what is marked on a slice."""
        field = self.field(prompts[0].axis, prompts[0].number, prompts[0].points)
        marked = union(drawn_area(each, field) for each in prompts if each.is_inside)
        return look_for(self.volume, field.taken_from(self.volume)[marked])

    def field(self, axis: int, number: int, points: npt.NDArray[np.float64]) -> SliceField:
        """The picture of a slice: of the body, or of all of it where something lies beside the body."""
        for whole in (False, True):
            key = (axis, number, whole)
            if key not in self._fields:
                self._fields[key] = slice_field(
                    self.volume, axis=axis, number=number, side=PICTURE, whole=whole
                )
            if self._fields[key].holds(points):
                break
        return self._fields[key]

    def seen(self, field: SliceField, look: Look) -> tuple[Floats, Floats, bool]:
        """Picture and embedding of a slice, and whether they were known before."""
        key = (field, look)
        was_embedded = key in self._seen
        if not was_embedded:
            picture = scaled(field.taken_from(self.volume), self._window(look))
            self._seen[key] = (picture, self._prompter.embedding(picture))
        self._seen.move_to_end(key)
        while len(self._seen) > self._kept:
            self._seen.popitem(last=False)
        return *self._seen[key], was_embedded

    def _window(self, look: Look) -> tuple[float, float]:
        if look not in self._ends:
            self._ends[look] = grey_ends(self.volume) if look == "grey" else WINDOWS_HU[look]
        return self._ends[look]

    def _back(self, field: SliceField, likelihood: Floats, was_embedded: bool) -> SliceAnswer:
        asked = likelihood[likelihood > IN_QUESTION]
        sureness = float(np.abs(2 * asked - 1).mean()) if asked.size else 0.0
        made = field.brought_back(likelihood, self.volume.geometry.shape, beyond=0.0)
        at: list[slice | int] = [slice(None)] * 3
        at[field.axis] = field.number
        made[~volume_measured(self.volume.array[tuple(at)])] = 0
        return SliceAnswer(made, sureness, was_embedded)


def boxed_likelihood(box: npt.NDArray[np.float64], embedding: Floats, prompter: BoxPrompter) -> Floats:
    """(side, side) likelihood of what a box holds; nothing far beyond the box.

    Args:
        box: (2, 2) two corners, x and y in pixels of the picture.
        embedding: of the picture.
        prompter: the network.
    """
    low, high = np.clip(box.min(axis=0), 0, PICTURE - 1), np.clip(box.max(axis=0), 0, PICTURE - 1)
    odds = np.clip(prompter.odds(embedding, (*low, *high)), -MOST_ODDS, MOST_ODDS)
    likelihood = 1 / (1 + np.exp(-odds))
    slack = BOX_SLACK * (high - low) + BOX_SLACK_PX
    (left, top), (right, bottom) = np.floor(low - slack).astype(int), np.ceil(high + slack).astype(int)
    kept = np.zeros_like(likelihood)
    inner = (slice(max(0, top), bottom + 1), slice(max(0, left), right + 1))
    kept[inner] = likelihood[inner]
    return np.asarray(kept, dtype=np.float32)


def drawn_likelihood(
    prompts: Sequence[Prompt], field: SliceField, picture: Floats, embedding: Floats, prompter: BoxPrompter
) -> Floats:
    """(side, side) likelihood of what the prompts of one slice mean.

    Boxes and lassos are the network's; clicks and scribbles correct it, and where there are only these, a
    region grows from them and is the network's box.
    """
    shapes = [each for each in prompts if each.is_inside and each.kind in ("box", "lasso")]
    marks = [each for each in prompts if each.kind in ("click", "scribble")]
    inside = union(drawn_area(each, field) for each in marks if each.is_inside)
    outside = union(drawn_area(each, field) for each in prompts if not each.is_inside)
    if shapes:
        guess = np.max([_shape_likelihood(each, field, embedding, prompter) for each in shapes], axis=0)
        guess, _ = _corrected(guess, picture, inside, outside)
    else:
        # The first mark says what is meant, those after it correct what came of it.
        first = drawn_area(next(each for each in marks if each.is_inside), field)
        none = np.zeros_like(first)
        guess = _grown_likelihood(picture, first, none, embedding, prompter)
        guess, is_leak = _corrected(guess, picture, inside, outside)
        if is_leak:
            guess = _grown_likelihood(picture, first, outside, embedding, prompter)
            guess, _ = _corrected(guess, picture, inside, outside)
    if not (inside.any() or outside.any()):
        return np.asarray(guess, dtype=np.float32)
    walked = random_walker(
        picture,
        guess,
        inside=_brushed(picture, inside, outside),
        outside=_brushed(picture, outside, inside),
        contrast=CONTRAST,
        belief=DRAWN_BELIEF if shapes else BELIEF,
    )
    if not shapes:
        seeds = [(0, int(y), int(x)) for y, x in np.argwhere(inside)]
        walked = np.where(
            components_at_seeds((walked >= 0.5)[None], seeds)[0], walked, np.minimum(walked, 0.49)
        )
    return np.asarray(walked, dtype=np.float32)


def drawn_area(prompt: Prompt, field: SliceField) -> Flags:
    """(side, side) the pixels that a prompt is drawn on: a line's own, all of a box and of a lasso."""
    pixels = field.to_pixels(prompt.points)
    if prompt.kind == "box":
        (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
        pixels = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    if prompt.kind in ("box", "lasso"):
        return filled_polygon(pixels, field.side)
    return drawn_line(pixels, field.side)


def _shape_likelihood(prompt: Prompt, field: SliceField, embedding: Floats, prompter: BoxPrompter) -> Floats:
    made = boxed_likelihood(field.to_pixels(prompt.points), embedding, prompter)
    if prompt.kind == "box":
        return made
    # An outline says more than its box: nothing beyond it; where the network sees something else, all of it.
    area = drawn_area(prompt, field)
    made[~area] = 0
    if _dice(made >= 0.5, area) >= AGREEING:
        return made
    return np.where(area, np.float32(LASSO_LIKELIHOOD), np.float32(0))


def _corrected(guess: Floats, picture: Floats, inside: Flags, outside: Flags) -> tuple[Floats, bool]:
    """The guess, with what hangs together with a mark that contradicts it moved to the mark's side.

    Returns:
        The guess, and whether a mark outside hangs together with too much of it to be a correction.
    """
    taken = guess >= 0.5
    missed, wrong = inside & ~taken, outside & taken
    made, is_leak = guess.copy(), False
    if missed.any():
        more = grown_region(picture, missed, barred=outside) & ~taken
        if more.sum() <= MORE_SHARE * taken.sum():
            made[more] = np.maximum(made[more], CORRECTED)
    if wrong.any():
        less = grown_region(picture, wrong, barred=inside) & taken
        is_leak = bool(less.sum() > LESS_SHARE * taken.sum())
        if not is_leak:
            made[less] = np.minimum(made[less], 1 - CORRECTED)
    return made, is_leak


def _grown_likelihood(
    picture: Floats, inside: Flags, outside: Flags, embedding: Floats, prompter: BoxPrompter
) -> Floats:
    region = grown_region(picture, inside, barred=outside)
    places = np.argwhere(region)[:, ::-1].astype(np.float64)
    box = np.array([places.min(axis=0) - GROWN_MARGIN_PX, places.max(axis=0) + GROWN_MARGIN_PX])
    made = boxed_likelihood(box, embedding, prompter)
    return made if _dice(made >= 0.5, region) >= AGREEING else region.astype(np.float32)


def _brushed(picture: Floats, marks: Flags, others: Flags) -> Flags:
    """Marks as wide as a brush, where the pixels beside them look like them and are not the others'."""
    if not marks.any():
        return marks
    value = float(np.median(picture[marks]))
    near = dilate(marks[None], BRUSH_PX, FLAT)[0] & (np.abs(picture - value) < ALIKE)
    return np.asarray((near | marks) & ~dilate(others[None], BRUSH_PX, FLAT)[0] | (marks & ~others))


def _dice(one: Flags, other: Flags) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 0.0
