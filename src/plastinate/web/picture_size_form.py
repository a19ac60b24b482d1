"""How large the thing in a picture is: the fields of the form that ask for it <-> the wish of services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _

from plastinate.web.wording_pictures import COIN_WORDS

POINTS = ("x1", "y1", "x2", "y2", "length_mm")
COIN = ("coin", "coin_mm")
RULER = ("ruler_mm",)
SIZE_TEXTS = ("size", *POINTS, *COIN, *RULER)
SIZES = ("unknown", "print", "known", "coin", "ruler", "cameras")
# No name: the coin's diameter is said instead.
BY_DIAMETER = ""
Decimal = Callable[[str], float | None]


def coins_offered() -> list[dict[str, Any]]:
    """The coins to choose between, and none of them."""
    named = [{"name": name, "words": words} for name, words in COIN_WORDS.items()]
    return [*named, {"name": BY_DIAMETER, "words": _("another one, by its diameter")}]


def size_of(asked: Mapping[str, Any]) -> str:
    """Which of the sizes an earlier wish chose."""
    known = asked.get("reference")
    if isinstance(known, Mapping):
        return "coin" if "coin" in known else "ruler"
    if known:
        return "known"
    if asked.get("print_mm") is not None:
        return "print"
    return "unknown" if asked.get("baseline_mm") is None else "cameras"


def reference_texts(known: Any) -> dict[str, Any]:
    """Name of a field -> what an earlier wish said there."""
    if not isinstance(known, Mapping):
        return dict(zip(POINTS, known or (), strict=False))
    if "coin" not in known:
        return {**dict(zip(POINTS[:4], known["line"], strict=False)), "ruler_mm": known["ruler_mm"]}
    named = isinstance(known["coin"], str)
    return {
        **dict(zip(POINTS[:2], known["at"], strict=False)),
        "coin" if named else "coin_mm": known["coin"],
    }


def reference_asked(size: str, coin: str, flaws: dict[str, str], *, decimal: Decimal) -> Any:
    """What the fields say of something whose size is known, as the services take it; None where nothing.

    Args:
        size: which of the sizes is chosen.
        coin: the name that is chosen.
        flaws: of the fields; what is lacking is added under "known".
        decimal: the number of a field by its name; None where it is empty.
    """
    if size not in ("known", "coin", "ruler"):
        return None
    places = [decimal(name) for name in (POINTS[:2] if size == "coin" else POINTS[:4])]
    if size == "coin":
        # Who typed a diameter means it, whatever the list stands at.
        typed = decimal("coin_mm")
        which = typed if typed is not None else coin or None
        if not flaws and (None in places or which is None):
            flaws["known"] = _("Say which coin it is, and press it in the picture.")
        return {"coin": which, "at": places}
    if size == "ruler":
        apart = decimal("ruler_mm")
        if not flaws and (None in places or apart is None):
            flaws["known"] = _("Give both ends of the line, and how far apart the marks are.")
        return {"ruler_mm": apart, "line": places}
    ends = [*places, decimal("length_mm")]
    if not flaws and None in ends:
        flaws["known"] = _("Give both points, and how far apart they are.")
    return ends
