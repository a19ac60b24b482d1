"""A scan and somebody's choices -> the form that asks for a build, filled in, with each flaw at its field.

choices ─► judged ─► a wish for the services
   │          └──► flaws: field -> sentence
   └──► a query: the page that shows the form again, as it was sent, at an address that can be loaded anew
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from plastinate.model.case_errors import RequestFlaw
from plastinate.model.errors import (
    NoDicomSource,
    NoMillimetres,
    NoUsableSeries,
    PlastinateError,
    RecipeNotFound,
    SeriesNotFound,
    WrongModality,
)
from plastinate.model.series import UNSAID
from plastinate.services.build_wish import checked_wish
from plastinate.web import wording
from plastinate.web.organ_choices import fetches, organ_choices
from plastinate.web.wording import COMPRESSIONS, FORMATS, MODALITIES

# As at the command line: one file for screens, one for printers. The others are there for whoever asks.
USUAL_FORMATS = ("glb", "stl")
# What people take away should open wherever they take it.
USUAL_COMPRESSION = "none"
# A choice longer than any that can be meant is cut: it travels in an address.
LONGEST, MOST = 64, 60
WHAT = ("recipe", "organs", "threshold")
# By a word in what a series or its body part is called: the region whose recipe is likeliest wanted.
REGIONS = {
    "chest": "chest", "thorax": "chest", "lung": "chest", "head": "head", "brain": "head", "skull": "head"
}  # fmt: skip
# The kinds that recipes are written for: what a scan may be that does not say so.
KINDS_TO_ASK = ("CT", "MR")


@dataclass(frozen=True)
class Choices:
    """What the form says, as it came: bounded, and not judged. The names are those of its fields."""

    series: str = ""
    phase: str = ""
    modality: str = ""
    what: str = ""
    recipe: str = ""
    organs: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    name: str = ""
    largest_only: str = ""
    formats: tuple[str, ...] = ()
    compression: str = ""
    allow_gaps: str = ""

    def as_query(self) -> dict[str, str]:
        """Each choice that was made, for an address."""
        values = {name: getattr(self, name) for name in FIELDS}
        texts = {name: value if isinstance(value, str) else ",".join(value) for name, value in values.items()}
        return {name: text for name, text in texts.items() if text}


FIELDS = tuple(each.name for each in fields(Choices))


def choices_in(sent: MultiDict[str, str]) -> Choices | None:
    """The choices in a form or an address; None where there are none."""
    if "what" not in sent:
        return None

    def one(name: str) -> str:
        return sent.get(name, "").replace("\0", "").strip()[:LONGEST]

    def several(name: str) -> tuple[str, ...]:
        parts = [part.strip()[:LONGEST] for each in sent.getlist(name) for part in each.split(",")]
        return tuple(dict.fromkeys(part for part in parts[:MOST] if part))

    texts = {name: one(name) for name in FIELDS}
    # Each series with several volumes has a field of its own for them.
    texts["phase"] = one(f"phase-{texts['series']}") or texts["phase"]
    return replace(Choices(**texts), organs=several("organs"), formats=several("formats"))  # type: ignore[arg-type]


def choices_of(wish: Mapping[str, Any]) -> Choices:
    """The choices that lead to a wish of an earlier build, also one that was brought in from elsewhere."""
    ends = wish.get("threshold")
    low, high = ends if isinstance(ends, list | tuple) and len(ends) == 2 else (None, None)
    what = "recipe" if wish.get("recipe") else "organs" if wish.get("organs") else "threshold"
    return Choices(
        series=str(wish.get("series") or ""),
        phase=str(wish.get("phase") or ""),
        modality=str(wish.get("modality") or ""),
        what=what,
        recipe=str(wish.get("recipe") or ""),
        organs=tuple(wish.get("organs") or ()),
        low="" if low is None else f"{low:.12g}",
        high="" if high is None else f"{high:.12g}",
        name=str(wish.get("name") or "") if what == "threshold" else "",
        largest_only="yes" if wish.get("largest_only") else "",
        formats=tuple(wish.get("formats") or FORMATS),
        compression=str(wish.get("compression") or USUAL_COMPRESSION),
        allow_gaps="yes" if wish.get("allow_gaps") else "",
    )


def choices_after(wish: Mapping[str, Any] | None, inspection: Mapping[str, Any] | None) -> Choices | None:
    """The choices to begin with: those of the build that was asked for last.

    Args:
        wish: what was asked for; None where nothing was.
        inspection: what the scan holds now; None is told of a wish that it can no longer fulfil.
    """
    if wish is None:
        return None
    # One that left the formats open, from a terminal, had them all: that is not what a form begins with.
    choices = replace(choices_of(wish), formats=tuple(wish.get("formats") or USUAL_FORMATS))
    return None if judged(choices, inspection)[1] else choices


def form_of(
    found: Mapping[str, Any] | None, choices: Choices | None, *, flaws: Mapping[str, str]
) -> dict[str, Any] | None:
    """Everything that the form shows; None where no series can be built.

    Args:
        found: the inspection, as `case_page.found_in` shows it.
        choices: what was chosen before; None for a form that nobody has touched.
        flaws: of these choices.
    """
    from plastinate.recipes.load import list_recipes

    usable = [each for each in (found or {}).get("series", []) if each["is_usable"]]
    if not usable:
        return None
    recipes = list_recipes()
    chosen = _completed(choices or Choices(), usable, recipes)
    series = _series_chosen(chosen, usable)
    kind = _kind(chosen, series)
    kinds = {each["modality"] for each in usable}
    may_ask = any(_is_asked(each) for each in kinds)
    offered = [each for each in recipes if may_ask or each.modality in {"", *kinds}]
    return {
        "chosen": chosen,
        "flaws": flaws,
        "series": [
            {
                **each,
                "is_kind_asked": _is_asked(each["modality"]),
                "likeliest": _likeliest_of_any(recipes, each),
            }
            for each in usable
        ],
        "is_kind_asked": _is_asked(series["modality"]),
        "may_ask_kind": may_ask,
        "likely_kind": series["likely_modality"] if _is_asked(series["modality"]) else "",
        "may_differ": len(kinds) > 1 or may_ask,
        "kinds": [(each, MODALITIES[each]) for each in KINDS_TO_ASK],
        "knows_kind": bool(kind),
        "has_recipes": any(_fits(each.modality, kind) for each in offered),
        "recipes": [
            {
                "name": each.name,
                "title": each.title,
                "modality": each.modality,
                "count": len(each.structures),
                "fits": bool(kind) and _fits(each.modality, kind),
                "fetches": fetches(each),
            }
            for each in offered
        ],
        "organs": organ_choices(offered, kind, chosen.organs),
        "formats": [
            {"name": name, "title": title, "purpose": purpose} for name, (title, purpose) in FORMATS.items()
        ],
        "compressions": [
            {"name": name, "title": title, "purpose": purpose}
            for name, (title, purpose) in COMPRESSIONS.items()
        ],
    }


def judged(choices: Choices, inspection: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
    """The wish that the choices make, and what is wrong with them: field -> sentence."""
    flaws: dict[str, str] = {}
    wish: dict[str, Any] = {
        "allow_gaps": bool(choices.allow_gaps),
        "formats": list(choices.formats),
        "compression": choices.compression or USUAL_COMPRESSION,
    }
    for field in ("series", "phase"):
        if text := getattr(choices, field):
            wish[field] = int(text) if text.isdecimal() and len(text) < 6 else 0
    if choices.what == "threshold":
        _add_threshold(wish, choices, flaws)
    elif choices.what == "organs":
        wish["organs"] = list(choices.organs)
        if not choices.organs:
            flaws["organs"] = _("Choose at least one organ.")
    else:
        wish["recipe"] = choices.recipe
        if not choices.recipe:
            flaws["recipe"] = _("Choose a set of organs.")
    if not choices.formats:
        flaws["formats"] = _("Choose at least one format.")
    _add_kind(wish, choices, inspection, flaws)
    if not flaws:
        try:
            checked_wish(wish, inspection=inspection)
        except PlastinateError as error:
            flaws.update(_told(error, choices))
    return wish, flaws


def _add_threshold(wish: dict[str, Any], choices: Choices, flaws: dict[str, str]) -> None:
    ends: dict[str, float | None] = {}
    for field in ("low", "high"):
        text = getattr(choices, field)
        try:
            ends[field] = decimal(text)
        except ValueError:
            flaws[field] = _("“%(text)s” is no number. Write it like 200 or -50.5.", text=text)
    low, high = ends.get("low"), ends.get("high")
    if not flaws and low is None and high is None:
        flaws["low"] = _("Give a lower value, an upper value, or both.")
    if low is not None and high is not None and low >= high:
        flaws["high"] = _("It must be larger than the lower value.")
    wish["threshold"] = [low, high]
    wish["name"] = choices.name or str(_("Surface"))
    wish["largest_only"] = bool(choices.largest_only)


def decimal(text: str) -> float | None:
    """A number as people write it, with a point or a comma; None for an empty field.

    >>> decimal("\N{MINUS SIGN}10,5"), decimal("")
    (-10.5, None)
    """
    if not text:
        return None
    number = float(text.replace(",", ".").replace("\N{MINUS SIGN}", "-"))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _add_kind(
    wish: dict[str, Any], choices: Choices, inspection: Mapping[str, Any] | None, flaws: dict[str, str]
) -> None:
    """Say what the scan is, where its file does not."""
    usable = [each for each in (inspection or {}).get("series", []) if each["is_usable"]]
    if not usable or not _is_asked(_series_chosen(choices, usable)["modality"]):
        return
    if choices.modality in KINDS_TO_ASK:
        wish["modality"] = choices.modality
    elif choices.what != "threshold":
        flaws["modality"] = _("Say which of the two the scan is: the file does not.")


def _told(error: PlastinateError, choices: Choices) -> dict[str, str]:
    """A refusal of the services in the form's own words, at the field that it is about."""
    if isinstance(error, WrongModality):
        sentence = _(
            "That set is for another kind of scan (%(needs)s); the series is: %(got)s. "
            "The sets that fit it stand here now.",
            needs=MODALITIES.get(error.needs, error.needs),
            got=MODALITIES.get(error.got, error.got),
        )
        return {"recipe": sentence}
    if isinstance(error, RecipeNotFound) and error.kind == "format":
        return {"formats": _("One of these formats is not known here. Choose from the list.")}
    if isinstance(error, RecipeNotFound):
        if choices.what == "organs":
            return {"organs": _("Not all of these can be found in this kind of scan. Choose from the list.")}
        return {"recipe": _("There is no such set. Choose from the list.")}
    if isinstance(error, RequestFlaw):
        return {error.where if error.where in FIELDS else "": _told_plainly(error)}
    field = next(
        (
            name
            for kind, name in (
                (SeriesNotFound, "series"),
                (NoUsableSeries, "series"),
                (NoMillimetres, "formats"),
                (NoDicomSource, "formats"),
            )
            if isinstance(error, kind)
        ),
        "",
    )
    return {field: _told_plainly(error)}


def _told_plainly(error: PlastinateError) -> str:
    title = wording.error_title(error.code) or str(error)
    return f"{title} {wording.error_hint(error.code, error.hint)}".strip()


def _completed(chosen: Choices, usable: Sequence[Mapping[str, Any]], recipes: Sequence[Any]) -> Choices:
    """The choices, with what is usual where nothing was chosen."""
    is_untouched = not chosen.what
    series = _series_chosen(chosen, usable)
    if is_untouched and _is_asked(series["modality"]):
        chosen = replace(chosen, modality=series["likely_modality"])
    kind = _kind(chosen, series)
    fitting = {each.name for each in recipes if _fits(each.modality, kind)}
    asks_for_none = not fitting and not _is_asked(series["modality"])
    return replace(
        chosen,
        series=str(series["number"]),
        what=chosen.what if chosen.what in WHAT else "threshold" if asks_for_none else "recipe",
        recipe=chosen.recipe if chosen.recipe in fitting else _likeliest(recipes, series, kind),
        formats=USUAL_FORMATS if is_untouched else chosen.formats,
        compression=chosen.compression if chosen.compression in COMPRESSIONS else USUAL_COMPRESSION,
    )


def _series_chosen(chosen: Choices, usable: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((each for each in usable if str(each["number"]) == chosen.series), usable[0])


def _is_asked(modality: str) -> bool:
    """Whether the file leaves open what it is."""
    return modality in UNSAID


def _kind(chosen: Choices, series: Mapping[str, Any]) -> str:
    """What the series is: as its file says, else as was chosen; "" where neither says."""
    said = str(series["modality"])
    return (chosen.modality if chosen.modality in KINDS_TO_ASK else "") if _is_asked(said) else said


def _fits(modality: str, kind: str) -> bool:
    return modality in ("", kind)


def _likeliest_of_any(recipes: Sequence[Any], series: Mapping[str, Any]) -> str:
    """The likeliest recipe for whatever the series may be."""
    kinds = KINDS_TO_ASK if _is_asked(series["modality"]) else (series["modality"],)
    return " ".join(name for kind in kinds if (name := _likeliest(recipes, series, kind)))


def _likeliest(recipes: Sequence[Any], series: Mapping[str, Any], kind: str) -> str:
    """The recipe to choose beforehand: by the series' name, its body part, else the widest of its kind."""
    fitting = [each for each in recipes if kind and _fits(each.modality, kind)]
    # What people wrote of the series before what a scanner's preset says of the body part.
    for said in (series["description"].lower(), series["body_part"].lower()):
        for word, region in REGIONS.items():
            named = [each for each in fitting if word in said and region in each.name]
            if named:
                return _widest(named)
    return _widest(fitting) if fitting else ""


def _widest(recipes: Sequence[Any]) -> str:
    """The one with the most organs; one that fetches nothing goes before: nobody has asked for it yet."""
    from plastinate.services.needed_models import names_of_models

    return str(max(recipes, key=lambda each: (not names_of_models(each), len(each.structures))).name)
