"""Structures, as a running build finds them -> a picture of them for whoever waits, long before the models."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from plastinate.engine.early_look import FILE
from plastinate.model.geometry import Geometry
from plastinate.pipeline.progress import Mask
from plastinate.recipes.load import structure_named
from plastinate.stages import catalog

# Glass hides nothing in the models, and everything in a picture of nearest voxels.
SOLID = 0.999


class EarlyLook:
    """What a run has found so far, written into a file that is replaced whole with each organ.

    Args:
        folder: where the file goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._glimpse: Any = None
        self._found: list[str] = []

    def add(self, structure: str, mask: Mask, geometry: Geometry) -> None:
        """Show one more structure; see `Progress.found`."""
        if geometry.unit != "mm" or structure_named(structure).opacity < SOLID:
            return
        if self._glimpse is None:
            self._glimpse = catalog.door("glimpse")(geometry)
        self._glimpse.add(mask, structure_named(structure).colour)
        self._found.append(structure)
        told = {"found": self._found, "png": base64.b64encode(self._glimpse.png()).decode()}
        part = self._folder / f"{FILE}.part"
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(self._folder / FILE)
