"""A file of prompts, TOML or JSON -> structure and what was drawn on slices of it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from plastinate.model.errors import PathNotFound
from plastinate.model.prompt_errors import PromptFlaw
from plastinate.recipes.load import checked_drawing

BYTES_MAX = 8 << 20


def read_prompts(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The prompts of a file, checked.

    Args:
        path: of a table of structures, each with its list of prompts; JSON if it ends so, else TOML.

    Raises:
        PathNotFound: there is no such file.
        PromptFlaw: it is no such table, or a prompt in it cannot be taken.
    """
    try:
        data = path.open("rb").read(BYTES_MAX + 1)
    except OSError as error:
        raise PathNotFound(str(path)) from error
    if len(data) > BYTES_MAX:
        raise PromptFlaw(f"{path.name} is larger than {BYTES_MAX >> 20} MB")
    try:
        text = data.decode()
        table = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise PromptFlaw(f"{path.name} is not {kind} ({error})") from error
    return checked_drawing(table)
