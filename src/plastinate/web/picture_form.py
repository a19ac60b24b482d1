"""One picture and somebody's choices -> the form that asks what to make of it, with each flaw at its field.

As `build_form.py` is for scans: choices travel in the address, and are judged by the services.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from plastinate.model.case_errors import RequestFlaw
from plastinate.model.depot_errors import LicenceNotAgreed, ModelAbsent
from plastinate.model.errors import NoMillimetres, PlastinateError
from plastinate.services.build_wish import checked_wish
from plastinate.services.depth_choice import USUAL
from plastinate.services.picture_pairs import can_match
from plastinate.services.picture_request import (
    FORMATS_WHERE_POSSIBLE,
    PAIR_RECIPE,
    PICTURE_FORMATS,
    PLATES,
    RECIPES,
    USUAL_KIND,
)
from plastinate.services.picture_wish import BACKS, NUMBERS, SOLID
from plastinate.web import build_form, wording
from plastinate.web.build_form import LONGEST, USUAL_COMPRESSION, USUAL_FORMATS, decimal
from plastinate.web.depth_choices import depth_wish, networks, not_agreed, not_to_be_had
from plastinate.web.measures import number
from plastinate.web.organ_choices import told_of_model
from plastinate.web.picture_size_form import (
    SIZE_TEXTS,
    SIZES,
    coins_offered,
    reference_asked,
    reference_texts,
    size_of,
)
from plastinate.web.wording import COMPRESSIONS, FORMATS
from plastinate.web.wording_pictures import BACK_WORDS, KIND_WORDS, NUMBER_WORDS

PICTURE = "picture"
NUMBERED = ("print_mm", "baseline_mm", "focal_35mm")
TEXTS = ("kind", "back", "which", *SIZE_TEXTS, *NUMBERED, *SOLID, "plain", "depth", "compression")
# A scene of two pictures: a choice of its own on the page.
PAIR = "pair"


@dataclass(frozen=True)
class PictureChoices:
    """What the form says, as it came: bounded, and not judged.

    Attributes:
        texts: name of a field -> what stands in it.
        formats: names.
        agreed: names of networks whose licences are agreed to.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    agreed: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")

    def as_query(self) -> dict[str, str]:
        """Each choice that was made, for an address."""
        said = {name: text for name, text in self.texts.items() if text}
        lists = {"formats": self.formats, "agreed": self.agreed}
        return {"what": PICTURE, **said, **{name: ",".join(list_) for name, list_ in lists.items() if list_}}


def choices_in(sent: MultiDict[str, str]) -> PictureChoices | None:
    """The choices in a form or an address; None where there are none about a picture."""
    if sent.get("what") != PICTURE:
        return None
    kind = sent.get("kind", "")

    def one(name: str) -> str:
        # Each kind has fields of its own; what stands in those of the others is passed over.
        return (sent.get(f"{kind}-{name}") or sent.get(name, "")).replace("\0", "").strip()[:LONGEST]

    def several(name: str) -> tuple[str, ...]:
        listed = [part.strip()[:LONGEST] for each in sent.getlist(name) for part in each.split(",")]
        return tuple(dict.fromkeys(part for part in listed[: build_form.MOST] if part))

    return PictureChoices({name: one(name) for name in TEXTS}, several("formats"), several("agreed"))


def choices_of(wish: Mapping[str, Any]) -> PictureChoices | build_form.Choices:
    """The choices that lead to a wish of an earlier build, of whatever it was."""
    asked = wish.get(PICTURE)
    if not isinstance(asked, Mapping):
        return build_form.choices_of(wish)
    texts = {
        "kind": PAIR if asked.get("is_pair") else str(asked.get("kind") or ""),
        "back": str(asked.get("back") or ""),
        "which": str(asked.get("which") or ""),
        "size": size_of(asked),
        "plain": "yes" if asked.get("without_network") else "",
        "depth": str(asked.get("depth") or ""),
        "compression": str(wish.get("compression") or USUAL_COMPRESSION),
        **{name: _written(asked.get(name)) for name in (*NUMBERED, *SOLID)},
        **{name: _written(value) for name, value in reference_texts(asked.get("reference")).items()},
    }
    return PictureChoices(texts, tuple(wish.get("formats") or PICTURE_FORMATS))


def choices_after(wish: Mapping[str, Any] | None) -> PictureChoices | None:
    """The choices to begin with: those of the build that was asked for last."""
    chosen = None if wish is None else choices_of(wish)
    return chosen if isinstance(chosen, PictureChoices) else None


def form_of(
    picture: Mapping[str, Any], choices: PictureChoices | None, *, flaws: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that the form shows.

    Args:
        picture: of the inspection.
        choices: what was chosen before; None for a form that nobody has touched.
        flaws: of these choices.
    """
    chosen = choices or PictureChoices({"compression": USUAL_COMPRESSION}, USUAL_FORMATS)
    names = [str(picture.get("name", "")), str((picture.get("second") or {}).get("name", ""))]
    offered = ((PAIR,) if names[1] else ()) + tuple(KIND_WORDS)[1:]
    first = PAIR if names[1] and can_match() else USUAL_KIND.get(str(picture.get("kind")), "object")
    kind = chosen["kind"] if chosen["kind"] in offered else first
    return {
        "is_picture": True,
        "pair": names if names[1] else [],
        "which": chosen["which"] or "1",
        "lens": _lens(picture),
        "chosen": chosen,
        "kind": kind,
        "flaws": flaws,
        "size": chosen["size"] if chosen["size"] in SIZES else "unknown",
        "coins": coins_offered(),
        "rows": picture.get("rows"),
        "columns": picture.get("columns"),
        "kinds": [
            {
                "name": each,
                "is_missing": each == PAIR and not can_match(),
                "title": KIND_WORDS[each][0],
                "purpose": KIND_WORDS[each][1],
                "fetches": " ".join(told_of_model(model) for model in _models_of(each)),
                "backs": [{"name": back, "words": BACK_WORDS[back]} for back in _backs(each)],
                "back": (chosen["back"] if each == kind else "") or _usual(each).get("back", ""),
                "numbers": [_number(each, name, chosen if each == kind else None) for name in _fields(each)],
            }
            for each in offered
        ],
        "formats": [
            {
                "name": name,
                "title": FORMATS[name][0],
                "purpose": FORMATS[name][1],
                "needs_mm": name in FORMATS_WHERE_POSSIBLE,
            }
            for name in FORMATS
            if name in PICTURE_FORMATS
        ],
        **networks(chosen["depth"], agreed=chosen.agreed),
        "compressions": [
            {"name": name, "title": title, "purpose": purpose}
            for name, (title, purpose) in COMPRESSIONS.items()
        ],
    }


def judged(
    choices: PictureChoices, inspection: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The wish that the choices make, and what is wrong with them: field -> sentence."""
    flaws: dict[str, str] = {}
    kind = choices["kind"] or "object"
    wanted: dict[str, Any] = {"kind": kind, "without_network": bool(choices["plain"])}
    if kind == PAIR:
        wanted = {"kind": "scene", "is_pair": True}
    wanted |= depth_wish(kind, choices["depth"], agreed=choices.agreed, is_plain=bool(choices["plain"]))
    if choices["which"]:
        wanted["which"] = int(choices["which"]) if choices["which"].isdecimal() else choices["which"]
    if choices["back"] and _backs(kind):
        wanted["back"] = choices["back"]
    for name in SOLID:
        if kind in NUMBERS[name][0]:
            wanted[name] = _decimal(choices, name, flaws)
    if kind not in PLATES:
        wanted["focal_35mm"] = _decimal(choices, "focal_35mm", flaws)
        wanted |= _size_asked(choices, kind, flaws)
    wish = {
        "picture": wanted,
        "formats": list(choices.formats),
        "compression": choices["compression"] or USUAL_COMPRESSION,
    }
    if not choices.formats:
        flaws["formats"] = _("Choose at least one format.")
    if not flaws:
        try:
            checked_wish(wish, inspection=inspection)
        except PlastinateError as error:
            flaws.update(_told(error))
    return wish, flaws


def _size_asked(choices: PictureChoices, kind: str, flaws: dict[str, str]) -> dict[str, Any]:
    """How large the thing is, or is to be, as the services take it."""
    wanted: dict[str, Any] = {}
    if choices["size"] == "print":
        wanted["print_mm"] = _decimal(choices, "print_mm", flaws)
        if wanted["print_mm"] is None:
            flaws.setdefault("print_mm", _("Say how long the model is to be."))
    if choices["size"] == "cameras" and kind == PAIR:
        wanted["baseline_mm"] = _decimal(choices, "baseline_mm", flaws)
        if wanted["baseline_mm"] is None:
            flaws.setdefault("baseline_mm", _("Say how far apart the two were taken."))
    said = partial(_decimal, choices, flaws=flaws)
    reference = reference_asked(choices["size"], choices["coin"], flaws, decimal=said)
    return wanted if reference is None else {**wanted, "reference": reference}


def _told(error: PlastinateError) -> dict[str, str]:
    if isinstance(error, NoMillimetres):
        return {
            "formats": _(
                "3MF must state a length, and none is known: say above how large it is, or leave 3MF."
            )
        }
    if isinstance(error, LicenceNotAgreed):
        return {"depth": not_agreed()}
    if isinstance(error, ModelAbsent):
        return {"depth": not_to_be_had()}
    where = error.where if isinstance(error, RequestFlaw) else ""
    if where in NUMBERS:
        _kinds, low, high = NUMBERS[where]
        return {where: _("It is a number from %(low)s to %(high)s.", low=number(low, 1), high=number(high))}
    if where == "reference":
        return {"known": _("What you point at lies in the picture, and its length is above 0.")}
    title = wording.error_title(error.code) or str(error)
    return {"": f"{title} {wording.error_hint(error.code, error.hint)}".strip()}


def _decimal(choices: PictureChoices, name: str, flaws: dict[str, str]) -> float | None:
    try:
        return decimal(choices[name])
    except ValueError:
        flaws[name] = _("“%(text)s” is no number. Write it like 200 or -50.5.", text=choices[name])
        return None


def _number(kind: str, name: str, chosen: PictureChoices | None) -> dict[str, Any]:
    said = "" if chosen is None else chosen[name]
    return {
        "name": name,
        "field": f"{kind}-{name}",
        "words": NUMBER_WORDS[name],
        "value": said or _written(_usual(kind).get(name)),
    }


def _backs(kind: str) -> tuple[str, ...]:
    return BACKS.get("scene" if kind == PAIR else kind, ())


def _lens(picture: Mapping[str, Any]) -> str:
    """What is taken for its lens where nobody states another, in words; "" where nothing was looked for."""
    taken = picture.get("focal_35mm")
    if not taken or picture.get("kind") != "photo":
        return ""
    mm = number(taken, 0 if float(taken).is_integer() else 1)
    if picture.get("focal_from") == "file":
        return str(_("Left empty: %(mm)s mm, as the file says.", mm=mm))
    return str(_("Left empty: %(mm)s mm, a usual one; the file does not say.", mm=mm))


def _fields(kind: str) -> list[str]:
    return [name for name in SOLID if kind in NUMBERS[name][0]]


@cache
def _usual(kind: str) -> Mapping[str, Any]:
    from plastinate.recipes.pictures import load_picture_recipe

    return load_picture_recipe(_recipe(kind)).solid.params


@cache
def _models_of(kind: str) -> tuple[str, ...]:
    """The models that a kind takes, but for the one of its depth, which is chosen below."""
    from plastinate.recipes.pictures import load_picture_recipe
    from plastinate.services.build_picture import models_of

    return tuple(name for name in models_of(load_picture_recipe(_recipe(kind))) if name != USUAL)


def _recipe(kind: str) -> str:
    return PAIR_RECIPE if kind == PAIR else RECIPES[kind]


def _written(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.12g}"
