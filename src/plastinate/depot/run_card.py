"""The [input] and [output] of a card flow in, how to run its network comes out, checked.

A model of one's own is an ONNX file and a card that says what the network expects. What is said here is all
that the program knows of it, so a card that contradicts itself, or its network, is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from plastinate.depot.read_table import CardTable
from plastinate.model.depot_errors import ModelCardFlaw

SCALES = ("none", "window", "clip-and-standardise", "z-score", "percentiles")
KINDS = ("softmax", "sigmoid", "labels")
LABELS_MAX = 255
PATCH_VOXELS_MAX = 320**3
LABEL_LETTERS_MAX = 100
LABEL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Letters of the two directions of each patient axis.
AXIS_OF = {"L": "x", "R": "x", "P": "y", "A": "y", "S": "z", "I": "z"}
SCALE_KEYS = {
    "none": (),
    "window": ("low", "high", "to"),
    "clip-and-standardise": ("low", "high", "mean", "deviation"),
    "z-score": (),
    "percentiles": ("low_percent", "high_percent", "to"),
}
MUCH = 1e9


@dataclass(frozen=True)
class Scale:
    """How voxels become the network's numbers.

    Attributes:
        kind: "none": as they are. "window": clip to [low, high], then `low` becomes to[0] and `high` to[1].
            "clip-and-standardise": clip to [low, high], take `mean` off, divide by `deviation`.
            "z-score": take the scan's own mean off, divide by its own standard deviation.
            "percentiles": as "window", between two percentiles of the scan.
        low, high, mean, deviation: in the scan's unit (HU, or a.u.).
        low_percent, high_percent: 0 to 100.
        to: what the ends of the window become.
    """

    kind: Literal["none", "window", "clip-and-standardise", "z-score", "percentiles"]
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0
    deviation: float = 1.0
    low_percent: float = 0.0
    high_percent: float = 100.0
    to: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class RunCard:
    """How to run a network.

    Attributes:
        axes: whither the three axes of its input run, each by one of R L, A P, S I: "RAS" is first axis to
            the Right, second to the front, third to the head; "SPL" is the order of DICOM slices.
        spacing_mm: voxel size along these axes, in their order.
        patch: voxels of one tile along these axes.
        overlap: share of a tile that the next one covers again, 0 to 0.9.
        scale: how voxels become its numbers.
        padding: the network's number (after scaling) for what lies outside the scan.
        kind: "softmax": channel n is label n, and channel 0 everything else. "sigmoid": channel n-1 is
            label n, and labels may overlap. "labels": one channel of label numbers.
        gives_logits: the softmax or sigmoid is still to be taken.
        labels: number -> name of a structure, or any name in small letters.
    """

    axes: str
    spacing_mm: tuple[float, float, float]
    patch: tuple[int, int, int]
    overlap: float
    scale: Scale
    padding: float
    kind: Literal["softmax", "sigmoid", "labels"]
    gives_logits: bool
    labels: dict[int, str]

    @property
    def channels(self) -> int:
        """How many channels the network has to give."""
        highest = max(self.labels)
        return {"softmax": highest + 1, "sigmoid": highest, "labels": 1}[self.kind]


def read_run_card(given: CardTable, made: CardTable) -> RunCard:
    """How to run a network, from the tables [input] and [output].

    Raises:
        ModelCardFlaw: a key is missing, unknown or out of bounds, or two contradict each other.
    """
    given.only("axes", "spacing_mm", "patch", "overlap", "scale", "padding")
    made.only("kind", "gives_logits", "labels")
    spacing = given.numbers("spacing_mm", 3, low=0.05, high=20)
    kind = made.choice("kind", KINDS)
    return RunCard(
        axes=_axes(given),
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        patch=_patch(given),
        overlap=given.number("overlap", 0.5, low=0, high=0.9),
        scale=_scale(given.below("scale")),
        padding=given.number("padding", 0.0, low=-MUCH, high=MUCH),
        kind=kind,  # type: ignore[arg-type]
        gives_logits=made.yes("gives_logits", default=kind != "labels"),
        labels=_labels(made.below("labels")),
    )


def check_network(
    card: str,
    run: RunCard,
    *,
    inputs: Sequence[Sequence[int | str | None]],
    outputs: Sequence[Sequence[int | str | None]],
) -> None:
    """Hold a card against the shapes that its network declares.

    Args:
        card: name of the card, for the message.
        run: what it says.
        inputs, outputs: a shape for each; a dimension that may vary is text or None.

    Raises:
        ModelCardFlaw: the network takes or gives something else than the card says.
    """
    if len(inputs) != 1:
        raise ModelCardFlaw(card, f"its network takes {len(inputs)} inputs, and one is possible")
    if not outputs:
        raise ModelCardFlaw(card, "its network gives nothing")
    for word, shape, wanted in (
        ("takes", inputs[0], (1, 1, *run.patch)),
        ("gives", outputs[0], (1, run.channels, *run.patch)),
    ):
        fits = len(shape) == len(wanted) and all(
            not isinstance(size, int) or size <= 0 or size == want
            for size, want in zip(shape, wanted, strict=True)
        )
        if not fits:
            told = " x ".join(str(size) if size is not None else "?" for size in shape)
            asked = " x ".join(map(str, wanted))
            raise ModelCardFlaw(card, f"its network {word} {told}, and the card says {asked}")


def _axes(table: CardTable) -> str:
    axes = table.text("axes").upper()
    if len(axes) != 3 or {AXIS_OF.get(letter) for letter in axes} != {"x", "y", "z"}:
        raise table.flaw("axes", "must be three letters, one of R L, one of A P and one of S I, as in RAS")
    return axes


def _patch(table: CardTable) -> tuple[int, int, int]:
    sizes = table.numbers("patch", 3, low=8, high=512)
    if any(size != int(size) for size in sizes):
        raise table.flaw("patch", "must be whole numbers of voxels")
    if math.prod(sizes) > PATCH_VOXELS_MAX:
        raise table.flaw("patch", f"is more than {PATCH_VOXELS_MAX:,} voxels")
    return (int(sizes[0]), int(sizes[1]), int(sizes[2]))


def _scale(table: CardTable) -> Scale:
    kind = table.choice("kind", SCALES, "none" if not table.table else None)
    table.only("kind", *SCALE_KEYS[kind])
    read: dict[str, float | tuple[float, float]] = {}
    for key in SCALE_KEYS[kind]:
        if key == "to":
            low, high = table.numbers("to", 2, low=-MUCH, high=MUCH) if "to" in table.table else (0.0, 1.0)
            read["to"] = (low, high)
        elif key.endswith("_percent"):
            read[key] = table.number(key, low=0, high=100)
        else:
            read[key] = table.number(key, low=1e-9 if key == "deviation" else -MUCH, high=MUCH)
    scale = Scale(kind, **read)  # type: ignore[arg-type]
    if "low" in read and scale.low >= scale.high:
        raise table.flaw("low", "must be less than high")
    if scale.low_percent >= scale.high_percent:
        raise table.flaw("low_percent", "must be less than high_percent")
    return scale


def _labels(table: CardTable) -> dict[int, str]:
    labels: dict[int, str] = {}
    for key in table.table:
        name = table.text(key)
        if not (key.isascii() and key.isdecimal() and len(key) <= 3) or not 1 <= int(key) <= LABELS_MAX:
            raise table.flaw(f"{key:.40}", f"a label is a whole number from 1 to {LABELS_MAX}")
        if not LABEL.fullmatch(name) or len(name) > LABEL_LETTERS_MAX:
            raise table.flaw(
                key,
                f"{name!r:.80} is not a name: small letters, digits and single hyphens, "
                f"at most {LABEL_LETTERS_MAX}",
            )
        labels[int(key)] = name
    if not labels:
        raise table.flaw("", "no label is named")
    if len(set(labels.values())) != len(labels):
        raise table.flaw("", "two labels have the same name")
    return dict(sorted(labels.items()))
