"""The file in which a child shows what it has found -> its names and its picture, whenever they are new."""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass
from pathlib import Path

# What a child writes was made of somebody's files: no more of it is believed than can be shown.
FILE = "glimpse.json"
BYTES_MAX = 1_000_000
FOUND_MAX, NAME_MAX = 500, 100
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Look:
    """Ids of the structures found so far, and a PNG of them."""

    found: tuple[str, ...]
    png: bytes


class EarlyLooks:
    """The looks of one attempt's child.

    Args:
        folder: the attempt's own.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._known = (0, 0)

    def new(self) -> Look | None:
        """What is there and was not there when last asked; None where nothing is."""
        try:
            with self._path.open("rb") as file:
                stat = os.fstat(file.fileno())
                mark = (stat.st_ino, stat.st_mtime_ns)
                if mark == self._known or stat.st_size > BYTES_MAX:
                    return None
                self._known = mark
                return _look(file.read(BYTES_MAX))
        except OSError:
            return None


def _look(data: bytes) -> Look | None:
    try:
        told = json.loads(data)
        found, png = told["found"], base64.b64decode(told["png"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    is_list = isinstance(found, list) and len(found) <= FOUND_MAX
    if not is_list or not all(isinstance(each, str) and len(each) <= NAME_MAX for each in found):
        return None
    return Look(tuple(found), png) if png.startswith(PNG) else None
