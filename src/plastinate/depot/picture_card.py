"""The [input] and [output] of a card for pictures flow in, how to ask its network comes out, checked.

What segments scans says other things (`run_card.py`): a picture has three colours, two axes and no spacing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from plastinate.depot.read_table import CardTable
from plastinate.model.depot_errors import ModelCardFlaw

KINDS = ("depth", "inverse-depth")
SIDE_PX = (32, 2048)
PATCH_PX_MAX = 64
TILES_MAX = 6
LEAST_SHARE = 0.25


@dataclass(frozen=True)
class PictureCard:
    """How to ask a network how far away each place of a picture is.

    Attributes:
        side: pixels along each side of the square that it sees; along the shorter side where it takes any.
        patch: 0 for a network that sees squares; else it takes any size in multiples of this.
        normalised: it wants colours brought to the mean and deviation of ImageNet; else 0 to 1.
        tiles: parts along each side that it is asked about too; 0 asks about the whole alone.
        mirror_share: at which share of its side it sees the mirror image: another size is a second question.
        kind: "depth": up to a factor. "inverse-depth": one over it, up to a factor and a shift.
    """

    side: int
    patch: int
    normalised: bool
    tiles: int
    mirror_share: float
    kind: Literal["depth", "inverse-depth"]


def read_picture_card(given: CardTable, made: CardTable) -> PictureCard:
    """How to ask a network about a picture, from the tables [input] and [output].

    Raises:
        ModelCardFlaw: a key is missing, unknown or out of bounds, or two contradict each other.
    """
    given.only("side", "patch", "normalised", "tiles", "mirror_share")
    made.only("kind")
    patch = given.whole("patch", 0, low=0, high=PATCH_PX_MAX)
    mirror_share = given.number("mirror_share", 1.0, low=LEAST_SHARE, high=1.0)
    if mirror_share < 1 and not patch:
        raise given.flaw("mirror_share", "a network that sees squares sees them at one size")
    return PictureCard(
        side=given.whole("side", low=SIDE_PX[0], high=SIDE_PX[1]),
        patch=patch,
        normalised=given.yes("normalised", default=False),
        tiles=given.whole("tiles", 0, low=0, high=TILES_MAX),
        mirror_share=mirror_share,
        kind=made.choice("kind", KINDS),  # type: ignore[arg-type]
    )


def check_picture_network(
    card: str, sees: PictureCard, *, inputs: Sequence[Sequence[int | str | None]]
) -> None:
    """Hold a card against the shape that its network declares to take.

    Args:
        card: name of the card, for the message.
        sees: what it says.
        inputs: a shape for each input; a dimension that may vary is text or None.

    Raises:
        ModelCardFlaw: the network takes something else than the card says.
    """
    if len(inputs) != 1:
        raise ModelCardFlaw(card, f"its network takes {len(inputs)} inputs, and one is possible")
    wanted = (1, 3, *((None, None) if sees.patch else (sees.side, sees.side)))
    fits = len(inputs[0]) == len(wanted) and all(
        not isinstance(size, int) or size <= 0 or (size == want if want else size % sees.patch == 0)
        for size, want in zip(inputs[0], wanted, strict=True)
    )
    if not fits:
        told = " x ".join(str(size) if size is not None else "?" for size in inputs[0])
        asked = " x ".join(f"multiples of {sees.patch}" if want is None else str(want) for want in wanted)
        raise ModelCardFlaw(card, f"its network takes {told}, and the card says {asked}")
