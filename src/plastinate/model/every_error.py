"""The code of an error flows in, its class comes out: what crossed a border as text is an error again."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import plastinate.model
from plastinate.model.errors import PlastinateError


@cache
def error_classes() -> dict[str, type[PlastinateError]]:
    """Every class of error there is, by its code.

    They stand in the modules of this folder that end in `errors`, and all of those are imported here: a
    process that has had no use for one may be told of its errors by another.

    >>> error_classes()["model.damaged"].exit_status
    7
    """
    for module in pkgutil.iter_modules(plastinate.model.__path__):
        if module.name.endswith("errors"):
            importlib.import_module(f"plastinate.model.{module.name}")
    found: dict[str, type[PlastinateError]] = {}
    waiting = [PlastinateError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return found
