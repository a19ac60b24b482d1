"""A path -> what is in it, series by series, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plastinate.model.series import Inspection
from plastinate.stages import catalog


def inspect_path(path: Path, *, progress: Callable[[int, int, str], None] | None = None) -> Inspection:
    """Look at every file under a path without building anything.

    Raises:
        InputError: nothing readable is there.
        LimitError: looking would cost more than is allowed.
    """
    inspection: Inspection = catalog.door("inspect-input")(path, progress=progress)
    return inspection
