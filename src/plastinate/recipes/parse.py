"""A recipe file, as a TOML table -> Recipe; every flaw is told with its file and key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from plastinate.model.errors import RecipeFlaw
from plastinate.model.foreign_toml import read_bounded, toml_tables
from plastinate.model.recipe import SURFACE_METHODS, Expectation, Recipe, Step, SurfaceStep
from plastinate.recipes.structures import load_structures

RECIPE_KEYS = (
    "name",
    "title",
    "modality",
    "extends",
    "structures",
    "prepare",
    "segment",
    "surface",
    "expect",
)
STEP_KEYS = ("method", "params", "from", "into", "why", "source")
SURFACE_KEYS = ("structures", "method", "params", "why", "hull")
EXPECT_KEYS = (
    "volume_ml",
    "side",
    "max_pieces",
    "mean_range",
    "may_touch_edge",
    "may_have_flat_cut",
    "source",
)
MODALITIES = ("CT", "MR", "")


@dataclass
class _Flaws:
    """Where in which file the reading stands, so that a flaw can say so."""

    file: str
    where: list[str] = field(default_factory=list)

    def at(self, *keys: str) -> _Flaws:
        return _Flaws(self.file, [*self.where, *keys])

    def flaw(self, what: str) -> RecipeFlaw:
        return RecipeFlaw(self.file, f"{'.'.join(self.where)}: {what}" if self.where else what)

    def only(self, table: Any, known: Sequence[str]) -> dict[str, Any]:
        """The table, if it is one and holds no key that nobody would read."""
        if not isinstance(table, dict):
            raise self.flaw("must be a table")
        for key in table:
            if key not in known:
                raise self.at(key).flaw(f"unknown key; known are {', '.join(known)}")
        return table

    def text(self, table: Mapping[str, Any], key: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str):
            raise self.at(key).flaw("missing" if value is None else "must be text")
        return " ".join(value.split())

    def texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            raise self.at(key).flaw("must be text, or a list of texts")
        return tuple(listed)

    def span(self, table: Mapping[str, Any], key: str) -> tuple[float, float] | None:
        if key not in table:
            return None
        value = table[key]
        if not isinstance(value, list) or len(value) != 2 or not all(_is_number(item) for item in value):
            raise self.at(key).flaw("must be [lowest, highest]")
        if value[0] > value[1]:
            raise self.at(key).flaw("lowest is above highest")
        return float(value[0]), float(value[1])


def read_recipe(path: Path, *, base: Callable[[str], dict[str, Any]]) -> Recipe:
    """Parse, extend and check one recipe file.

    Args:
        path: the file.
        base: gives the table of the recipe that `extends` names.

    Raises:
        RecipeFlaw: whatever does not follow the format, with file and key.
    """
    table = read_table(path)
    flaws = _Flaws(path.name)
    flaws.only(table, RECIPE_KEYS)
    if flaws.text(table, "name") != path.stem:
        raise flaws.at("name").flaw(f"must be the file's own name, {path.stem!r}")
    if "extends" in table:
        extended = base(flaws.text(table, "extends"))
        if "extends" in extended:
            raise flaws.at("extends").flaw(
                f"{table['extends']!r} extends another recipe itself; one level only"
            )
        table = _extended(extended, table)
    return _recipe(table, flaws)


def read_table(path: Path) -> dict[str, Any]:
    """The TOML of a file.

    Raises:
        RecipeFlaw: not TOML, or not readable as text.
    """
    try:
        return toml_tables(read_bounded(path))
    except OSError as error:
        raise RecipeFlaw(path.name, f"it cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise RecipeFlaw(path.name, str(error)) from error


def needed_steps(segment: Sequence[Step], wanted: Sequence[str]) -> tuple[Step, ...]:
    """The steps without which the wanted masks would not come out, in order."""
    open_names, kept = set(wanted), []
    for step in reversed(segment):
        if open_names & set(step.into):
            kept.append(step)
            open_names = (open_names - set(step.into)) | set(step.inputs)
    return tuple(reversed(kept))


def restricted_surface(surface: Sequence[SurfaceStep], wanted: Sequence[str]) -> tuple[SurfaceStep, ...]:
    """The surface steps of the wanted structures alone."""
    steps = [
        replace(step, structures=tuple(name for name in step.structures if name in wanted))
        for step in surface
    ]
    return tuple(step for step in steps if step.structures)


def _extended(base: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The child over its base: steps add up, the child's surfaces and expectations win."""
    merged = {**base, **{key: value for key, value in child.items() if key != "extends"}}
    for stage in ("prepare", "segment"):
        merged[stage] = [*base.get(stage, []), *child.get(stage, [])]
    merged["expect"] = {**base.get("expect", {}), **child.get("expect", {})}
    own = {name for step in child.get("surface", []) for name in step.get("structures", [])}
    inherited = [
        {**step, "structures": [name for name in step["structures"] if name not in own]}
        for step in base.get("surface", [])
    ]
    merged["surface"] = [*inherited, *child.get("surface", [])]
    return merged


def _recipe(table: Mapping[str, Any], flaws: _Flaws) -> Recipe:
    structures = flaws.texts(table, "structures")
    if not structures:
        raise flaws.at("structures").flaw("missing")
    for name in structures:
        if name not in load_structures():
            raise flaws.at("structures").flaw(f"{name!r} is not in structures.toml")
    modality = flaws.text(table, "modality")
    if modality not in MODALITIES:
        raise flaws.at("modality").flaw("'CT', 'MR', or '' for any")
    segment = needed_steps(_steps(table, "segment", flaws), structures)
    surface = restricted_surface(_surface_steps(table, flaws), structures)
    expect = {
        name: _expectation(entry, flaws.at("expect", name))
        for name, entry in flaws.at("expect").only(table.get("expect", {}), tuple(load_structures())).items()
    }
    try:
        return Recipe(
            name=flaws.text(table, "name"),
            title=flaws.text(table, "title"),
            modality=modality,
            structures=structures,
            prepare=_steps(table, "prepare", flaws),
            segment=segment,
            surface=surface,
            expect={name: expect[name] for name in structures if name in expect},
        )
    except RecipeFlaw as error:
        raise flaws.flaw(error.flaw) from error


def _steps(table: Mapping[str, Any], stage: str, flaws: _Flaws) -> tuple[Step, ...]:
    entries = table.get(stage, [])
    if not isinstance(entries, list):
        raise flaws.at(stage).flaw(f"write steps as [[{stage}]]")
    return tuple(_step(entry, stage, flaws.at(f"{stage}[{n}]")) for n, entry in enumerate(entries, 1))


def _step(entry: Any, stage: str, flaws: _Flaws) -> Step:
    flaws.only(entry, STEP_KEYS)
    params = entry.get("params", {})
    if not isinstance(params, dict):
        raise flaws.at("params").flaw("must be a table")
    into = flaws.texts(entry, "into")
    if stage == "segment" and not into:
        raise flaws.at("into").flaw("missing: what shall the mask be called?")
    step = Step(
        method=flaws.text(entry, "method"),
        params=params,
        inputs=flaws.texts(entry, "from"),
        into=into,
        why=flaws.text(entry, "why", ""),
        source=flaws.text(entry, "source", ""),
    )
    if stage == "segment" and any(_holds_number(value) for value in params.values()):
        for key in ("why", "source"):
            if not getattr(step, key).strip():
                raise flaws.at(key).flaw(
                    "missing: every number that decides anatomy has a reason and a source"
                )
    return step


def _surface_steps(table: Mapping[str, Any], flaws: _Flaws) -> tuple[SurfaceStep, ...]:
    steps = []
    for number, entry in enumerate(table.get("surface", []), 1):
        here = flaws.at(f"surface[{number}]")
        here.only(entry, SURFACE_KEYS)
        method = here.text(entry, "method")
        if method not in SURFACE_METHODS:
            raise here.at("method").flaw(f"one of {', '.join(SURFACE_METHODS)}")
        params = entry.get("params", {})
        if not isinstance(params, dict):
            raise here.at("params").flaw("must be a table")
        is_hull = entry.get("hull", False)
        if not isinstance(is_hull, bool):
            raise here.at("hull").flaw("true or false")
        why = here.text(entry, "why", "")
        steps.append(SurfaceStep(here.texts(entry, "structures"), method, params, why, is_hull))
    return tuple(steps)


def _expectation(entry: Any, flaws: _Flaws) -> Expectation:
    flaws.only(entry, EXPECT_KEYS)
    side = flaws.text(entry, "side", "")
    if side not in ("", "left", "right"):
        raise flaws.at("side").flaw("'left' or 'right'")
    pieces = entry.get("max_pieces")
    if pieces is not None and (not isinstance(pieces, int) or isinstance(pieces, bool) or pieces < 1):
        raise flaws.at("max_pieces").flaw("must be a whole number above 0")
    for key in ("may_touch_edge", "may_have_flat_cut"):
        if not isinstance(entry.get(key, False), bool):
            raise flaws.at(key).flaw("true or false")
    source = flaws.text(entry, "source", "")
    if not source.strip():
        raise flaws.at("source").flaw("missing: what is plausible needs a source")
    return Expectation(
        volume_ml=flaws.span(entry, "volume_ml"),
        side=side,
        max_pieces=pieces,
        mean_range=flaws.span(entry, "mean_range"),
        may_touch_edge=entry.get("may_touch_edge", False),
        may_have_flat_cut=entry.get("may_have_flat_cut", False),
        source=source,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _holds_number(value: Any) -> bool:
    return any(_holds_number(item) for item in value) if isinstance(value, list) else _is_number(value)
