"""A table of a TOML file flows in, checked values come out; every flaw is told with its card and key."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from plastinate.model.depot_errors import ModelCardFlaw
from plastinate.model.foreign_toml import read_bounded, toml_tables
from plastinate.model.printable import printable

MUCH = 10**15


@dataclass(frozen=True)
class CardTable:
    """One table of a card, and where in which card it stands.

    Attributes:
        card: the card's name or its file, for messages.
        where: the keys that led here.
        table: the values.
    """

    card: str
    table: dict[str, Any]
    where: tuple[str, ...] = ()

    def flaw(self, key: str, what: str) -> ModelCardFlaw:
        """What to raise about a key; "" stands for the table itself."""
        path = ".".join([*self.where, *([key] if key else [])])
        return ModelCardFlaw(self.card, f"{path}: {what}" if path else what)

    def only(self, *known: str) -> None:
        """Refuse a key that nobody would read: it is a misspelt one."""
        for key in self.table:
            if key not in known:
                raise self.flaw(key, f"unknown key; known are {', '.join(known)}")

    def below(self, key: str) -> CardTable:
        """The table under a key; empty where there is none."""
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            raise self.flaw(key, "must be a table")
        return CardTable(self.card, value, (*self.where, key))

    def each_below(self, key: str) -> list[CardTable]:
        """The tables of a list of tables."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.flaw(key, "must be a list of tables")
        return [CardTable(self.card, each, (*self.where, f"{key}[{i}]")) for i, each in enumerate(value)]

    def text(self, key: str, default: str | None = None) -> str:
        """A text, its white space made single."""
        value = self.table.get(key, default)
        if not isinstance(value, str):
            raise self.flaw(key, "missing" if value is None else "must be text")
        text = " ".join(value.split())
        if not text and default is None:
            raise self.flaw(key, "must not be empty")
        if printable(text) != text:
            raise self.flaw(key, "holds letters that do not print")
        return text

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """A text that is one of several."""
        value = self.text(key, default)
        if value not in choices:
            raise self.flaw(key, f"{value!r} is none of {', '.join(choices)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self.flaw(key, "must be a list of texts")
        if any(printable(each) != each for each in value):
            raise self.flaw(key, "holds letters that do not print")
        return tuple(value)

    def whole(self, key: str, default: int | None = None, *, low: int = 1, high: int = 1 << 40) -> int:
        """A whole number within its bounds."""
        value = self.table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.flaw(key, "missing" if value is None else "must be a whole number")
        if not low <= value <= high:
            raise self.flaw(key, f"{value} does not lie between {low} and {high}")
        return value

    def number(self, key: str, default: float | None = None, *, low: float, high: float) -> float:
        """A finite number within its bounds."""
        value = self.table.get(key, default)
        if not _is_number(value):
            raise self.flaw(key, "missing" if value is None else "must be a number")
        if not low <= value <= high:
            raise self.flaw(key, f"{value:g} does not lie between {low:g} and {high:g}")
        return float(value)

    def numbers(self, key: str, count: int, *, low: float, high: float) -> tuple[float, ...]:
        """So many finite numbers within their bounds."""
        value = self.table.get(key)
        if not isinstance(value, list) or len(value) != count or not all(map(_is_number, value)):
            raise self.flaw(key, "missing" if value is None else f"must be {count} numbers")
        for each in value:
            if not low <= each <= high:
                raise self.flaw(key, f"{each:g} does not lie between {low:g} and {high:g}")
        return tuple(float(each) for each in value)

    def yes(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self.flaw(key, "must be true or false")
        return value

    def sha256(self, key: str) -> str:
        """A SHA-256 in hexadecimal."""
        value = self.text(key).lower()
        if len(value) != 64 or any(letter not in "0123456789abcdef" for letter in value):
            raise self.flaw(key, "is not a SHA-256 (64 hexadecimal digits)")
        return value


def read_card_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ModelCardFlaw: it cannot be read, or is not TOML.
    """
    try:
        return toml_tables(read_bounded(path))
    except OSError as error:
        raise ModelCardFlaw(str(path), f"it cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ModelCardFlaw(str(path), str(error)) from error


def _is_number(value: Any) -> TypeGuard[float]:
    # A whole number may be too large for any float.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= MUCH and math.isfinite(value)
