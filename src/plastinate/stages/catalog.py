"""Every method a recipe may name. A line here is the only registration.

Paths are text, so nothing is imported until a recipe asks for it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plastinate.model.errors import RecipeNotFound


@dataclass(frozen=True)
class Method:
    """Where a method lives and what must be installed for it."""

    path: str
    needs: tuple[str, ...] = ()

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, _, name = self.path.partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function


PREPARE: dict[str, Method] = {}
SEGMENT: dict[str, Method] = {}
EXPORT: dict[str, Method] = {}


def find(table: dict[str, Method], kind: str, name: str) -> Method:
    """The method of that name.

    Raises:
        RecipeNotFound: no such line in the table.
    """
    if name not in table:
        raise RecipeNotFound(kind, name, near=difflib.get_close_matches(name, table, 2))
    return table[name]
