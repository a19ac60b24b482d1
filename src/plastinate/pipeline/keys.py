"""Content keys: the same input, recipe, options and version give the same key, and so the same bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from plastinate import __version__
from plastinate.model.picture_recipe import PictureRecipe
from plastinate.model.recipe import Recipe


def recipe_digest(recipe: Recipe | PictureRecipe) -> str:
    """SHA-256 over everything a recipe says, independent of the layout of its file."""
    return _digest(dataclasses.asdict(recipe))


def result_key(*, input_sha256: str, recipe: Recipe | PictureRecipe, options: Mapping[str, Any]) -> str:
    """SHA-256 that names a result before it is made."""
    return _digest(
        {
            "input": input_sha256,
            "recipe": dataclasses.asdict(recipe),
            "options": dict(options),
            "version": __version__,
        }
    )


def _digest(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()
