"""What someone asks to be built, as JSON -> checked before anything is queued, and -> a BuildRequest.

{"recipe": "ct-chest"}  or  {"organs": ["heart", "kidney"]}  or  {"threshold": [200, null], "name": "bones"}
or  {"prompts": {"liver": [{"kind": "box", "points_lps_mm": [[x, y, z], [x, y, z]]}]}}
or  {"picture": {"kind": "object"}}, of a case that is one picture: see `services/picture_wish.py`
and, all of them optional: "largest_only" "series" "phase" "modality" "allow_gaps" "any_modality"
"formats" "compression" "triangles" "single_level"
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from plastinate.engine.kinds import Task
from plastinate.model.case_errors import RequestFlaw
from plastinate.model.errors import (
    ModalityContradicted,
    NoUsableSeries,
    ParameterError,
    RecipeNotFound,
    SeriesNotFound,
    WrongModality,
)
from plastinate.model.recipe import Recipe
from plastinate.model.series import UNSAID
from plastinate.pipeline.run import DEFAULT_LEVELS, RunOptions
from plastinate.recipes.load import (
    checked_drawing,
    load_recipe,
    organ_ids,
    recipe_for_prompts,
    recipe_for_what_is_made,
)
from plastinate.recipes.pictures import load_picture_recipe
from plastinate.services.build_models import MODALITIES, BuildRequest, names_in, not_one_wish, shown_name
from plastinate.services.needed_models import names_of_models, require_words_given
from plastinate.services.picture_request import PAIR_RECIPE, RECIPES
from plastinate.services.picture_wish import (
    A_PICTURE,
    NOT_A_PICTURE,
    checked_picture,
    picture_of_kinds,
    require_formats,
    with_its_picture,
)
from plastinate.stages import catalog

# What is made of every scan whatever is asked for: all that the viewer reads.
ALWAYS = ("viewer",)
# What every scan can give, and what only some can: these are left out where they cannot be.
FORMATS = ("glb", "stl", "obj", "ply", "nifti", "nrrd")
FORMATS_WHERE_POSSIBLE = ("3mf", "seg")
COMPRESSIONS = ("meshopt", "draco", "none")
ORGANS_MAX = 200
PLACES = (1, 100_000)
TRIANGLES = (100, 100_000_000)
FIELDS = frozenset(
    {
        "recipe",
        "organs",
        "threshold",
        "prompts",
        "picture",
        "name",
        "largest_only",
        "series",
        "phase",
        "modality",
    }
    | {"allow_gaps", "any_modality", "formats", "compression", "triangles", "single_level"}
)


def checked_wish(request: Mapping[str, Any], *, inspection: Mapping[str, Any] | None) -> dict[str, Any]:
    """The wish with every field, in one form: equal wishes are equal.

    Args:
        request: as it came.
        inspection: what the import doctor found in the scan; None while it has not looked.

    Raises:
        RequestFlaw: a field of the wrong kind, or one that does not exist.
        RecipeError, SeriesNotFound, NoUsableSeries, WrongModality: what the scan or the recipes do not have.
        ModalityContradicted: the scan's files say another modality than the wish does.
        LicenceNotAgreed: a model that it needs waits for somebody's word about its licence.
    """
    unknown = set(request) - FIELDS
    if unknown:
        raise RequestFlaw(f"There is no field {sorted(unknown)[0]!r}", where=sorted(unknown)[0])
    picture = checked_picture(request.get("picture"))
    wish = {
        "recipe": _text(request, "recipe"),
        "organs": _organs(request),
        "threshold": _threshold(request),
        "prompts": _prompts(request),
        "picture": picture,
        "name": shown_name(_text(request, "name") or "surface") or "surface",
        "largest_only": _claim(request, "largest_only"),
        "series": _number(request, "series", low=PLACES[0], high=PLACES[1]),
        "phase": _number(request, "phase", low=PLACES[0], high=PLACES[1]),
        "modality": _modality(request),
        "allow_gaps": _claim(request, "allow_gaps"),
        "any_modality": _claim(request, "any_modality"),
        "formats": _formats(request, picture),
        "compression": _text(request, "compression") or "meshopt",
        "triangles": _number(request, "triangles", low=TRIANGLES[0], high=TRIANGLES[1]),
        "single_level": _claim(request, "single_level"),
    }
    if wish["compression"] not in COMPRESSIONS:
        raise RequestFlaw(f"It is one of {', '.join(COMPRESSIONS)}", where="compression")
    _require_possible(wish, inspection)
    return wish


def require_kinds(request: Mapping[str, Any]) -> None:
    """Hold a wish of elsewhere to the kinds that its fields have here, whatever this version can build of it.

    Raises:
        RequestFlaw: a field of the wrong kind.
    """
    for name in ("recipe", "name", "modality", "compression"):
        _text(request, name)
    for name in ("organs", "formats"):
        _names(request, name)
    for name in ("largest_only", "allow_gaps", "any_modality", "single_level"):
        _claim(request, name)
    for name, (low, high) in {"series": PLACES, "phase": PLACES, "triangles": TRIANGLES}.items():
        _number(request, name, low=low, high=high)
    _threshold(request)
    try:
        _prompts(request)
    except ParameterError as error:
        raise RequestFlaw(error.sentence.rstrip("."), where="prompts") from error
    if request.get("picture") is not None:
        picture_of_kinds(request["picture"])


def build_request(task: Task) -> BuildRequest:
    """A checked wish and the files of an attempt -> what the builder takes."""
    wish = task.request
    levels = {} if wish["single_level"] else dict(DEFAULT_LEVELS)
    levels["full"] = wish["triangles"]
    formats = tuple(wish["formats"]) or (*FORMATS, *FORMATS_WHERE_POSSIBLE)
    unpacked = task.folder / "unpacked"
    unpacked.mkdir()
    return BuildRequest(
        path=task.scan,
        output=task.out,
        recipe=wish["recipe"],
        organs=tuple(wish["organs"]),
        threshold=None if wish["threshold"] is None else (wish["threshold"][0], wish["threshold"][1]),
        # Not in a wish that was queued before wishes had them.
        prompts=wish.get("prompts"),
        name=wish["name"],
        largest_only=wish["largest_only"],
        series=wish["series"],
        phase=wish["phase"],
        # Not in a wish that was queued before wishes had it.
        modality=wish.get("modality") or "",
        allow_gaps=wish["allow_gaps"],
        any_modality=wish["any_modality"],
        formats=(*(name for name in formats if name not in (*FORMATS_WHERE_POSSIBLE, *ALWAYS)), *ALWAYS),
        formats_where_possible=tuple(name for name in formats if name in FORMATS_WHERE_POSSIBLE),
        # Where it lies, and so can be referred to, while a DICOM segmentation is written.
        unpack_into=unpacked if "seg" in formats else None,
        compression=wish["compression"],
        options=RunOptions(levels=levels),
        picture_files=True,
    )


def title_of(wish: Mapping[str, Any], modality: str) -> str:
    """What a build is called before it is there."""
    if wish["threshold"] is not None:
        return str(wish["name"])
    if asked := wish.get("picture"):
        return load_picture_recipe(PAIR_RECIPE if asked.get("is_pair") else RECIPES[asked["kind"]]).title
    if wish["recipe"]:
        return load_recipe(wish["recipe"]).title
    if wish.get("prompts"):
        return recipe_for_prompts(wish["prompts"], modality).title
    return _of_organs(wish, modality).title


def _of_organs(wish: Mapping[str, Any], modality: str) -> Recipe:
    # As the builder does it: of several organs those that can be made, and the rest is reported.
    recipe, _ = recipe_for_what_is_made(wish["organs"], modality, any_modality=bool(wish["any_modality"]))
    return recipe


def series_modality(wish: Mapping[str, Any], inspection: Mapping[str, Any] | None) -> str:
    """The modality of the series that the wish is about, else the one it states; "" while nobody knows."""
    series = _chosen(wish, inspection)
    said = "" if series is None else str(series["modality"])
    stated = wish.get("modality") or ""
    return stated if said in UNSAID and stated else said


def _require_possible(wish: dict[str, Any], inspection: Mapping[str, Any] | None) -> None:
    wishes = [
        bool(wish["recipe"]),
        bool(wish["organs"]),
        wish["threshold"] is not None,
        bool(wish["prompts"]),
        bool(wish["picture"]),
    ]
    if sum(wishes) != 1:
        raise not_one_wish()
    if inspection is not None and bool(wish["picture"]) != bool(inspection.get("picture")):
        raise RequestFlaw(NOT_A_PICTURE if wish["picture"] else A_PICTURE, where="picture")
    if wish["picture"]:
        if inspection is not None:
            wish["picture"] = with_its_picture(wish["picture"], inspection["picture"])
        return
    series = _chosen(wish, inspection)
    if series is not None and not series["is_usable"]:
        problems = [each["sentence"] for each in series["findings"] if each["severity"] == "problem"]
        raise NoUsableSeries(
            f"series {series['number']}", (problems or ["it makes no volume"])[0].rstrip(".")
        )
    if series is not None and wish["phase"] is not None and wish["phase"] > len(series["phases"]):
        raise SeriesNotFound(str(wish["phase"]), what="phase")
    modality = series_modality(wish, inspection)
    if wish["modality"] and modality != wish["modality"]:
        raise ModalityContradicted(wish["modality"], said=modality)
    if wish["organs"]:
        require_words_given(names_of_models(_of_organs(wish, modality)))
    elif wish["recipe"]:
        # By name only: a path would be one of the server's own disk.
        if not set(wish["recipe"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-:"):
            raise RecipeNotFound("recipe", shown_name(wish["recipe"]))
        recipe = load_recipe(wish["recipe"])
        require_words_given(names_of_models(recipe))
        # A scan whose file does not say what it is gets the same answer as at the command line.
        is_other = bool(recipe.modality) and series is not None and modality != recipe.modality
        if is_other and not wish["any_modality"]:
            raise WrongModality(recipe.name, needs=recipe.modality, got=modality)


def _chosen(wish: Mapping[str, Any], inspection: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The series asked for, or the one that is taken when none is; None where nothing can be said yet."""
    if inspection is None:
        return None
    found: list[Mapping[str, Any]] = inspection["series"]
    if wish["series"] is None:
        return next((each for each in found if each["is_usable"]), None)
    chosen = next((each for each in found if each["number"] == wish["series"]), None)
    if chosen is None:
        raise SeriesNotFound(str(wish["series"]))
    return chosen


def _text(request: Mapping[str, Any], name: str) -> str | None:
    value = request.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestFlaw("It has to be text", where=name)
    return value or None


def _modality(request: Mapping[str, Any]) -> str | None:
    value = _text(request, "modality")
    if value is not None and value not in MODALITIES:
        raise RequestFlaw(f"It is one of {', '.join(MODALITIES)}", where="modality")
    return value


def _claim(request: Mapping[str, Any], name: str) -> bool:
    value = request.get(name)
    if value is not None and not isinstance(value, bool):
        raise RequestFlaw("It has to be true or false", where=name)
    return bool(value)


def _number(request: Mapping[str, Any], name: str, *, low: int, high: int) -> int | None:
    value = request.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RequestFlaw(f"It has to be a whole number from {low:,} to {high:,}", where=name)
    return value


def _names(request: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = request.get(name) or []
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise RequestFlaw("It has to be a list of names", where=name)
    if len(value) > ORGANS_MAX:
        raise RequestFlaw(f"It has more than {ORGANS_MAX} names", where=name)
    return names_in(value)


def _organs(request: Mapping[str, Any]) -> list[str]:
    # By their ids: whoever asks for "kidney" and whoever names both sides ask for the same.
    return list(organ_ids(_names(request, "organs")))


def _formats(request: Mapping[str, Any], picture: Mapping[str, Any] | None) -> list[str]:
    wanted = _names(request, "formats")
    if picture is not None:
        return require_formats(picture, list(wanted))
    catalog.door("check-formats")(wanted, unit="mm", has_source_files=True)
    return sorted(wanted)


def _prompts(request: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]] | None:
    value = request.get("prompts")
    return None if value is None else checked_drawing(value)


def _threshold(request: Mapping[str, Any]) -> list[float | None] | None:
    value = request.get("threshold")
    if value is None:
        return None
    ends = list(value) if isinstance(value, list | tuple) else []
    is_sound = len(ends) == 2 and all(
        end is None
        # No NaN, and no whole number beyond all floats.
        or (isinstance(end, int | float) and not isinstance(end, bool) and abs(end) <= sys.float_info.max)
        for end in ends
    )
    if not is_sound or ends == [None, None]:
        raise RequestFlaw("It has to be [low, high], with null for an open end", where="threshold")
    low, high = (None if end is None else float(end) for end in ends)
    if low is not None and high is not None and low >= high:
        raise RequestFlaw("Its lower end has to be below its upper end", where="threshold")
    return [low, high]
