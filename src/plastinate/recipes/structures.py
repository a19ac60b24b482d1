"""structures.toml and anatomy/*.toml -> Structure, the only names, codes and colours there are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from plastinate.model.errors import RecipeFlaw
from plastinate.model.structure import Code, Structure

FILE = Path(__file__).with_name("structures.toml")
# What Plastinate's own recipes do not make, in the same format: for the networks of others.
MORE = Path(__file__).with_name("anatomy")
KEYS = {"name", "code", "colour", "laterality", "opacity", "parent", "category"}
SIDES = ("", "left", "right")

# DICOM PS3.16, CID 7150 "Segmentation Property Categories". An organ needs none: it is the default.
CATEGORIES = {
    "": None,
    "tissue": Code("85756007", "SCT", "Tissue"),
    "object": Code("260787004", "SCT", "Physical object"),
    "region": Code("309825002", "SCT", "Spatial and Relational Concept"),
    "altered": Code("49755003", "SCT", "Morphologically Abnormal Structure"),
}


@cache
def load_structures() -> Mapping[str, Structure]:
    """Every structure of `structures.toml` and `anatomy/`, by id, in the files' order.

    Raises:
        RecipeFlaw: a file breaks its own rules; names the structure and the key.

    >>> load_structures()["lung-left"].name
    'Left lung'
    """
    return MappingProxyType(read_structures(FILE, *sorted(MORE.glob("*.toml"))))


def wholes_of(identity: str) -> tuple[str, ...]:
    """What a structure is part of, from near to far; empty for what has no parent or no entry.

    >>> wholes_of("spine")
    ('skeleton',)
    """
    known = load_structures()
    wholes: list[str] = []
    while identity in known and (identity := known[identity].parent):
        wholes.append(identity)
    return tuple(wholes)


def read_structures(*paths: Path) -> dict[str, Structure]:
    """Parse and check structures files that make one table.

    Raises:
        RecipeFlaw: unknown key, missing name or colour, a colour that is none,
            organs without a code, a parent that does not exist, an id that is there twice.
    """
    found: dict[str, Structure] = {}
    for path in paths:
        with path.open("rb") as file:
            try:
                table = tomllib.load(file)
            except tomllib.TOMLDecodeError as error:
                raise RecipeFlaw(path.name, f"not TOML: {error}") from error
        for identity, entry in table.items():
            if identity in found:
                raise RecipeFlaw(path.name, f"[{identity}] stands in another file too")
            found[identity] = _structure(path.name, identity, entry)
    _require_parents(paths[0].name, found)
    return found


def _require_parents(file: str, found: Mapping[str, Structure]) -> None:
    for identity, structure in found.items():
        seen = {identity}
        while structure.parent:
            if structure.parent not in found:
                raise RecipeFlaw(file, f"[{identity}] parent: there is no {structure.parent!r}")
            if structure.parent in seen:
                raise RecipeFlaw(file, f"[{identity}] parent: runs in a circle")
            seen.add(structure.parent)
            structure = found[structure.parent]


def _structure(file: str, identity: str, entry: Any) -> Structure:
    def flaw(key: str, what: str) -> RecipeFlaw:
        return RecipeFlaw(file, f"[{identity}] {key}: {what}")

    if not isinstance(entry, dict):
        raise RecipeFlaw(file, f"{identity}: every entry is a table, [{identity}]")
    for key in entry:
        if key not in KEYS:
            raise flaw(key, f"unknown key; known are {', '.join(sorted(KEYS))}")
    name, colour = entry.get("name"), entry.get("colour")
    if not isinstance(name, str) or not name:
        raise flaw("name", "missing")
    if (
        not isinstance(colour, list)
        or len(colour) != 3
        or not all(isinstance(value, int) and 0 <= value <= 255 for value in colour)
    ):
        raise flaw("colour", "three whole numbers from 0 to 255")
    opacity = entry.get("opacity", 1.0)
    if not isinstance(opacity, int | float) or not 0 < opacity <= 1:
        raise flaw("opacity", "above 0, at most 1")
    if entry.get("laterality", "") not in SIDES:
        raise flaw("laterality", "'left', 'right' or nothing")
    category = entry.get("category", "")
    if category not in CATEGORIES:
        raise flaw("category", f"one of {', '.join(sorted(CATEGORIES))[2:]}")
    code = entry.get("code")
    if code is None and category not in ("object", "region"):
        raise flaw("code", "missing; only objects and regions may go without")
    if code is not None and (not isinstance(code, dict) or set(code) != {"value", "meaning"}):
        raise flaw("code", "a table of value and meaning")
    return Structure(
        id=identity,
        name=name,
        code=None if code is None else Code(str(code["value"]), "SCT", str(code["meaning"])),
        colour=(colour[0], colour[1], colour[2]),
        laterality=entry.get("laterality", ""),
        opacity=float(opacity),
        parent=entry.get("parent", ""),
        category=CATEGORIES[category],
    )
