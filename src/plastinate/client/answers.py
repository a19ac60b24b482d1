"""What a server answers -> what a command goes on with: of the kind it should be, and fit for a terminal.

A server is somebody else's program. What it leaves out, or gives in another kind, is no fault of ours to
fall over; and what it says is printed, so it must not move the cursor, clear the screen or hide a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from plastinate.model.case_errors import ServerUnreachable
from plastinate.stages.ingest.words import safe

T = TypeVar("T")
NOT_OURS = "what answers there is not Plastinate"
LONGEST_SAID = 2000


def part(url: str, whole: Any, name: str, kind: type[T] | tuple[type[T], ...]) -> T:
    """What an answer holds under a name.

    Args:
        url: of the server, for the error.
        whole: the answer, or a part of it.
        name: of the field.
        kind: what it has to be.

    Raises:
        ServerUnreachable: it is not there, or of another kind.
    """
    value = whole.get(name) if isinstance(whole, Mapping) else None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ServerUnreachable(url, NOT_OURS)
    return value


def rows(url: str, whole: Any, name: str) -> list[Mapping[str, Any]]:
    """A list of objects that an answer holds under a name. Raises as `part` does."""
    found = part(url, whole, name, list)
    if not all(isinstance(each, Mapping) for each in found):
        raise ServerUnreachable(url, NOT_OURS)
    return found


def said(text: object) -> str:
    """Words of a server for a terminal: one line that prints, of a length that can be read."""
    return safe("" if text is None else str(text), longest=LONGEST_SAID)
