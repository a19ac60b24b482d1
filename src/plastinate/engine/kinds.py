"""Kinds of jobs: what does the work in a child, and what writes its result down. A line here registers one.

Paths are text, for two reasons: services lie above the engine, and a child loads only what its job needs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from plastinate.model.errors import RecipeNotFound


@dataclass(frozen=True)
class Task:
    """What the work function of a kind is given, in the child.

    Attributes:
        request: the job's own wishes, JSON values.
        inputs: the case's original files, fetched for this attempt; not to be written to.
        folder: private, empty but for the inputs; gone when the attempt ends.
    """

    request: dict[str, Any]
    inputs: tuple[Path, ...]
    folder: Path

    @property
    def out(self) -> Path:
        """The folder of results: every file in it is kept, under its name relative to it."""
        return self.folder / "out"

    @property
    def scan(self) -> Path:
        """What to read: the one file, or the folder that holds them all."""
        return self.inputs[0] if len(self.inputs) == 1 else self.folder / "input"


@dataclass(frozen=True)
class Kind:
    """Where the two halves of a kind of job live, as "module:function".

    Attributes:
        work: `f(task, *, progress) -> result`, JSON values; runs in the child, which may be killed.
        publish: `f(session, job, *, result, files)`; runs in the transaction that ends the job.
        urgency: what is more urgent is done first, whoever came first.
    """

    work: str
    publish: str
    urgency: int = 0


KINDS: dict[str, Kind] = {
    # A second's work, and someone waits for it.
    "inspect": Kind(
        "plastinate.services.work_inspect:inspect", "plastinate.services.work_inspect:publish", urgency=1
    ),
    "build": Kind("plastinate.services.work_build:build", "plastinate.services.work_build:publish"),
}
HOUSEKEEPING = "plastinate.services.housekeeping:tidy"


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        RecipeNotFound: this installation knows no such kind; a newer one may have queued it.
    """
    if name not in KINDS:
        raise RecipeNotFound("kind of job", name)
    return KINDS[name]


def place_in_queue(kind: str, created_at: datetime) -> tuple[int, datetime]:
    """What the queue is sorted by: the urgent first, and then whoever came first."""
    return (-KINDS[kind].urgency if kind in KINDS else 0, created_at)


def load(path: str) -> Callable[..., Any]:
    """Import the function that "module:function" names."""
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
