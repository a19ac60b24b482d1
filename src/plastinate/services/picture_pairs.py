"""Two pictures in one input: whether they can be what two cameras saw, and what to say where they cannot."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from plastinate.model.errors import UnsupportedFile
from plastinate.model.evidence import Finding
from plastinate.model.picture import Picture

MOST = 2


def can_match() -> bool:
    """Whether what matches two pictures is installed here."""
    return importlib.util.find_spec("cv2") is not None


def require_few(path: Path, count: int) -> None:
    """Refuse more pictures than a model can be made of.

    Raises:
        UnsupportedFile: there are more.
    """
    if count > MOST:
        raise _no_pair(path, f"it holds {count} pictures, and a model is made of one")


def require_pair(path: Path, first: Picture, second: Picture) -> None:
    """Refuse two pictures that cannot have been taken side by side.

    Raises:
        UnsupportedFile: of two sizes, or no photographs.
    """
    if first.kind != "photo" or second.kind != "photo":
        raise _no_pair(path, "it holds two pictures that are no photographs, and a model is made of one")
    if first.shape != second.shape:
        (rows, columns), (others_rows, others_columns) = first.shape, second.shape
        raise _no_pair(
            path,
            f"it holds two pictures of different sizes ({columns} x {rows} and {others_columns} x"
            f" {others_rows} pixels), which are no pair",
        )


def told_once(*told: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of two pictures, without those that say the same of both."""
    kept: list[Finding] = []
    for finding in chain(*told):
        if finding not in kept:
            kept.append(finding)
    return tuple(kept)


def _no_pair(path: Path, reason: str) -> UnsupportedFile:
    hint = "Give one picture, or two of the same size that were taken side by side."
    return UnsupportedFile(path.name, reason, hint=hint)
