"""What someone asks to be made of one picture, as JSON -> checked before it is queued, and -> a request.

{"kind": "object", "back": "mirror", "wall_mm": 1.2, "print_mm": 120}
{"kind": "lithophane", "width_mm": 100, "frame_mm": 3}
{"kind": "scene", "reference": [120, 80, 620, 90, 150]}      two of its pixels (x, y, x, y), and mm between
{"kind": "object", "reference": {"coin": "1-euro", "at": [620, 400]}}      a coin, or its diameter in mm
{"kind": "object", "reference": {"ruler_mm": 1, "line": [412, 980, 1630, 992]}}      a line across its marks
{"kind": "scene", "is_pair": true, "baseline_mm": 65}        of a case with two pictures, taken side by side
{"kind": "scene", "depth": "midas-v21-small", "agreed": true}        by another network, its licence agreed to
and "without_network", "focal_35mm" with any of them; "which" (1 or 2) of a case with two pictures: the one
that is taken, of a pair the left one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from plastinate.depot.cards import NAME_LETTERS_MAX
from plastinate.engine.kinds import Task
from plastinate.model.case_errors import RequestFlaw
from plastinate.model.coins import diameter_of_coin
from plastinate.model.errors import NoMillimetres, ParameterError, PartMissing
from plastinate.model.picture_recipe import KINDS
from plastinate.model.plate_bounds import BORDER_MM, THICKNESS_MM, WIDTH_MM
from plastinate.model.reference import Coin, Known, Reference, Ruler, may_be_a_length
from plastinate.services.depth_choice import AGREED, needs_agreement, require_usable
from plastinate.services.picture_pairs import can_match
from plastinate.services.picture_request import (
    FORMATS_WHERE_POSSIBLE,
    PICTURE_FORMATS,
    PICTURE_LEVELS,
    PLATES,
    PRINT_MM,
    PictureRequest,
    recipe_of,
)

BACKS = {"object": ("inflated", "mirror", "flat"), "scene": ("shell", "flat")}
# Number -> which kinds take it, least and greatest.
NUMBERS: dict[str, tuple[tuple[str, ...], float, float]] = {
    "wall_mm": (("object",), 0.1, 100.0),
    "width_mm": (PLATES, *WIDTH_MM),
    "thinnest_mm": (PLATES, *THICKNESS_MM),
    "thickest_mm": (PLATES, *THICKNESS_MM),
    "base_mm": (PLATES, *BORDER_MM),
    "frame_mm": (PLATES, *BORDER_MM),
    "print_mm": (("object", "scene"), *PRINT_MM),
    "focal_35mm": (KINDS, 1.0, 5000.0),
    "baseline_mm": (("scene",), 0.1, 100_000.0),
}
# Those that the recipe's last step takes; the others are about the whole.
SOLID = ("wall_mm", "width_mm", "thinnest_mm", "thickest_mm", "base_mm", "frame_mm")
FIELDS = frozenset(
    {"kind", "back", "without_network", "reference", "is_pair", "which", "depth", "agreed", *NUMBERS}
)
TO_AGREE = "Read the licence, and send agreed: true with the wish; the network is then fetched."
FARTHEST_PX = 1e6
REFERENCES = "It has to be [x, y, x, y, mm], a coin and a point on it, or a ruler and a line"
NOT_A_PICTURE = "This case is a scan, and no picture"
A_PICTURE = "This case is one picture: say what to make of it"


def checked_picture(value: Any) -> dict[str, Any] | None:
    """The wish for a picture with every field, in one form; None where there is none.

    Raises:
        RequestFlaw: a field of the wrong kind, out of its bounds, or that this kind of model does not have.
        RecipeError: what the recipe does not take.
    """
    if value is None:
        return None
    wish = picture_of_kinds(value)
    kind = wish["kind"]
    if wish["back"] is not None and wish["back"] not in BACKS.get(kind, ()):
        raise RequestFlaw(f"It is one of {', '.join(BACKS.get(kind, ('nothing',)))}", where="back")
    for name, (kinds, low, high) in NUMBERS.items():
        if wish[name] is not None and (kind not in kinds or not low <= wish[name] <= high):
            raise RequestFlaw(f"It has to be a number from {low:g} to {high:g}", where=name)
    if wish["is_pair"] and kind != "scene":
        raise RequestFlaw("Two pictures make one scene", where="is_pair")
    if wish["baseline_mm"] is not None and not wish["is_pair"]:
        raise RequestFlaw("It means something of two pictures only", where="baseline_mm")
    if wish["reference"] is not None and kind in PLATES:
        raise RequestFlaw("How large a plate is, its width says", where="reference")
    if wish["depth"] is not None and wish["without_network"]:
        raise RequestFlaw("Without a network none is asked about the depth", where="depth")
    recipe_of(_request(wish))
    require_usable(wish["depth"], saying=_said(wish), hint=TO_AGREE)
    # What has been agreed to is no part of the wish: equal wishes are equal.
    return {**wish, "agreed": needs_agreement(wish["depth"])}


def picture_of_kinds(value: Any) -> dict[str, Any]:
    """A wish of elsewhere, held to the kinds that its fields have here, whatever can be made of it.

    Raises:
        RequestFlaw: a field of the wrong kind.
    """
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise RequestFlaw("It has to say what to make of the picture", where="picture")
    if unknown := set(value) - FIELDS:
        raise RequestFlaw(f"There is no field {sorted(unknown)[0]!r}", where="picture")
    if value.get("kind", "object") not in KINDS:
        raise RequestFlaw(f"It is one of {', '.join(KINDS)}", where="kind")
    if not isinstance(value.get("back"), str | None):
        raise RequestFlaw("It has to be text", where="back")
    if not isinstance(value.get("depth"), str | None) or len(value.get("depth") or "") > NAME_LETTERS_MAX:
        raise RequestFlaw("It has to be the name of a model", where="depth")
    for name in ("without_network", "is_pair", "agreed"):
        if not isinstance(value.get(name), bool | None):
            raise RequestFlaw("It has to be true or false", where=name)
    which = value.get("which")
    if which is not None and (type(which) is not int or which not in (1, 2)):
        raise RequestFlaw("It is 1 or 2", where="which")
    return {
        "kind": value.get("kind", "object"),
        "back": value.get("back"),
        "without_network": bool(value.get("without_network")),
        "is_pair": bool(value.get("is_pair")),
        "which": value.get("which"),
        "depth": value.get("depth") or None,
        "agreed": bool(value.get("agreed")),
        "reference": _reference(value.get("reference")),
        **{name: _length(value, name) for name in NUMBERS},
    }


def with_its_picture(wish: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The wish, where the case has the pictures for it: of two it says which is meant.

    Args:
        wish: checked.
        found: the picture of the inspection.

    Raises:
        RequestFlaw: it takes two pictures, and the case has one.
        PartMissing: what matches two pictures is not installed.
    """
    has_two = bool(found.get("second"))
    if not has_two and (wish["is_pair"] or wish["which"] == 2):
        raise RequestFlaw("This case has one picture only", where="is_pair" if wish["is_pair"] else "which")
    if wish["is_pair"] and not can_match():
        raise PartMissing("OpenCV", "stereo")
    return {**wish, "which": wish["which"] or 1} if has_two else {**wish, "which": None}


def require_formats(wish: Mapping[str, Any], formats: list[str]) -> list[str]:
    """The formats asked for, sorted, where a picture can be written in each.

    Raises:
        RequestFlaw: one that needs voxels.
        NoMillimetres: one that must state a length, of a picture in which none is known.
    """
    for name in formats:
        if name not in PICTURE_FORMATS:
            raise RequestFlaw(f"Of a picture it is one of {', '.join(PICTURE_FORMATS)}", where="formats")
        if name in FORMATS_WHERE_POSSIBLE and not is_in_mm(wish):
            raise NoMillimetres(f"the length that {name} must state")
    return sorted(formats)


def is_in_mm(wish: Mapping[str, Any]) -> bool:
    """Whether the model will have a length."""
    lengths = ("reference", "print_mm", "baseline_mm")
    return wish["kind"] in PLATES or any(wish[name] is not None for name in lengths)


def picture_request(task: Task) -> PictureRequest:
    """A checked wish and the files of an attempt -> what the builder takes."""
    wish = task.request
    levels = {} if wish["single_level"] else dict(PICTURE_LEVELS)
    levels["full"] = wish["triangles"]
    return replace(
        _request(wish["picture"]),
        path=task.scan,
        output=task.out,
        formats=tuple(wish["formats"]),
        compression=wish["compression"],
        levels=levels,
        with_view=True,
    )


def _request(wish: Mapping[str, Any]) -> PictureRequest:
    solid = {name: wish[name] for name in ("back", *SOLID) if wish[name] is not None}
    return PictureRequest(
        path=Path(),
        kind=wish["kind"],
        without_network=wish["without_network"],
        # Not in a wish that was queued before wishes had them.
        depth=wish.get("depth"),
        agreed=_said(wish),
        focal_35mm=wish["focal_35mm"],
        # Not in a wish that was queued before wishes had them.
        which=None if wish.get("which") is None else wish["which"] - 1,
        is_pair=bool(wish.get("is_pair")),
        baseline_mm=wish.get("baseline_mm"),
        reference=None if wish["reference"] is None else known_in(wish["reference"]),
        print_mm=wish["print_mm"],
        solid=solid,
    )


def _said(wish: Mapping[str, Any]) -> frozenset[str]:
    return AGREED if wish.get("agreed") else frozenset()


def _length(value: Mapping[str, Any], name: str) -> float | None:
    number = value.get(name)
    return None if number is None else _finite(number, where=name)


def known_in(value: list[float] | Mapping[str, Any]) -> Known:
    """The reference of a checked wish.

    Raises:
        ParameterError: a coin that is not known.
    """
    if isinstance(value, Mapping):
        if "coin" in value:
            return Coin.called(str(value["coin"]), (value["at"][0], value["at"][1]))
        x1, y1, x2, y2 = value["line"]
        return Ruler((x1, y1), (x2, y2), value["ruler_mm"])
    x1, y1, x2, y2, length_mm = value
    return Reference((x1, y1), (x2, y2), length_mm)


def _reference(value: Any) -> list[float] | dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, Mapping) and set(value) == {"coin", "at"}:
        coin = value["coin"]
        if isinstance(coin, str):
            _known_coin(coin)
        else:
            coin = _lengths([coin], 0, mm=1)[0]
        return {"coin": coin, "at": _lengths(value["at"], 2)}
    if isinstance(value, Mapping) and set(value) == {"ruler_mm", "line"}:
        return {
            "ruler_mm": _lengths([value["ruler_mm"]], 0, mm=1)[0],
            "line": _lengths(value["line"], 4),
        }
    return _lengths(value, 4, mm=1)


def _known_coin(name: str) -> None:
    try:
        diameter_of_coin(name)
    except ParameterError as error:
        raise RequestFlaw(error.sentence.rstrip("."), where="reference") from error


def _lengths(values: Any, places: int, *, mm: int = 0) -> list[float]:
    """So many places in pixels, and so many lengths after them."""
    if not isinstance(values, list | tuple) or len(values) != places + mm:
        raise RequestFlaw(REFERENCES, where="reference")
    numbers = [_finite(each, where="reference") for each in values]
    if not all(0 <= each <= FARTHEST_PX for each in numbers[:places]):
        raise RequestFlaw(REFERENCES, where="reference")
    if not all(map(may_be_a_length, numbers[places:])):
        raise RequestFlaw(REFERENCES, where="reference")
    return numbers


def _finite(number: Any, *, where: str) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= 1e9:
        raise RequestFlaw("It has to be a number", where=where)
    return float(number)
