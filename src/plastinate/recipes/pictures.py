"""Names -> recipes for pictures: `picture/<name>.toml`, read and checked."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from plastinate.model.errors import RecipeFlaw, RecipeNotFound
from plastinate.model.picture_recipe import KINDS, PARTS, PictureRecipe
from plastinate.model.recipe import Step

FOLDER = Path(__file__).parent / "picture"
KEYS = {"name", "title", "kind", "invented", "painted", *PARTS}
STEP_KEYS = {"method", "params", "why", "source"}


def load_picture_recipe(name: str) -> PictureRecipe:
    """A recipe for pictures by its name.

    Raises:
        RecipeNotFound: there is none.
        RecipeFlaw: its file does not follow the format.

    >>> load_picture_recipe("picture-object").kind
    'object'
    """
    if name not in _files():
        raise RecipeNotFound("recipe for pictures", name, near=difflib.get_close_matches(name, _files(), 2))
    return read_picture_recipe(_files()[name])


def list_picture_recipes() -> list[PictureRecipe]:
    """Every recipe for pictures, by name."""
    return [read_picture_recipe(path) for path in _files().values()]


def read_picture_recipe(path: Path) -> PictureRecipe:
    """Parse and check one file.

    Raises:
        RecipeFlaw: it does not follow the format; names the key.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeFlaw(path.stem, f"not TOML: {error}") from error
    unknown = set(table) - KEYS
    if unknown:
        raise RecipeFlaw(path.stem, f"there is no key {sorted(unknown)[0]!r}")
    for key in ("name", "title", "invented"):
        if not isinstance(table.get(key), str) or not table[key]:
            raise RecipeFlaw(path.stem, f"{key}: missing")
    if table["name"] != path.stem:
        raise RecipeFlaw(path.stem, f"the name inside is {table['name']!r}")
    if table.get("kind") not in KINDS:
        raise RecipeFlaw(path.stem, f"kind: one of {', '.join(KINDS)}")
    return PictureRecipe(
        name=table["name"],
        title=table["title"],
        kind=table["kind"],
        depth=_step(path.stem, "depth", table.get("depth")),
        solid=_step(path.stem, "solid", table.get("solid")),
        foreground=_step(path.stem, "foreground", table["foreground"]) if "foreground" in table else None,
        invented=table["invented"],
        is_painted=bool(table.get("painted", True)),
    )


def _step(recipe: str, part: str, entry: Any) -> Step:
    if not isinstance(entry, dict) or not isinstance(entry.get("method"), str):
        raise RecipeFlaw(recipe, f"[{part}] needs a method")
    unknown = set(entry) - STEP_KEYS
    if unknown:
        raise RecipeFlaw(recipe, f"[{part}] has no key {sorted(unknown)[0]!r}")
    params = entry.get("params", {})
    if not isinstance(params, dict) or (params and not entry.get("why")):
        raise RecipeFlaw(recipe, f"[{part}] gives numbers, and no reason for them (why)")
    return Step(entry["method"], params, (), (part,), entry.get("why", ""), entry.get("source", ""))


@cache
def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
