"""Numbers, sizes, lengths of time -> words in the reader's language. None, not known, is a dash."""

from __future__ import annotations

import math
from datetime import datetime

from babel.units import format_unit
from flask_babel import format_date, format_decimal, format_percent, get_locale, gettext

UNKNOWN = "–"
# Below so many seconds a guess is not worth a number.
A_FEW_S = 10
SIZES = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")


def number(value: float | None, digits: int = 0) -> str:
    """A number with so many digits after the point."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return str(format_decimal(round(value, digits), format="#,##0" + ("." + "0" * digits if digits else "")))


def plain(value: object) -> str:
    """A parameter of a method: numbers as the reader writes them, all else as it is.

    >>> plain([1, "a"])
    "[1, 'a']"
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(format_decimal(value, format="#,##0.######")) if is_number else str(value)


def size(count: int | None) -> str:
    """Bytes, in the largest unit that leaves a whole number before the point."""
    if count is None:
        return UNKNOWN
    step = min(len(SIZES) - 1, int(math.log10(max(count, 1)) // 3))
    value = count / 1000**step
    pattern = "#,##0.0" if step and value < 100 else "#,##0"
    return str(format_unit(value, f"digital-{SIZES[step]}", "short", format=pattern, locale=get_locale()))


def volume(millilitres: float | None) -> str:
    """A volume in millilitres, in litres from one litre on, with three figures that count."""
    if millilitres is None or not math.isfinite(millilitres):
        return UNKNOWN
    if millilitres >= 1000:
        return f"{number(millilitres / 1000, 2 if millilitres < 100_000 else 0)} l"
    return f"{number(millilitres, 0 if millilitres >= 100 else 1)} ml"


def length(value: float | None, unit: str = "mm", digits: int = 2) -> str:
    """A length with its unit."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{number(value, digits)} {unit}"


def share(value: float) -> str:
    """0 to 1 in whole per cent; never 100 before all is done."""
    return str(format_percent(min(0.99, math.floor(value * 100) / 100) if value < 1 else 1))


def roughly(seconds: float | None) -> str:
    """A length of time as roughly as it is known."""
    if seconds is None:
        return UNKNOWN
    if seconds < A_FEW_S:
        return str(gettext("a few seconds"))
    if seconds < 90:
        return _time(math.ceil(seconds / 5) * 5, "second", "#,##0")
    if seconds < 90 * 60:
        return _time(round(seconds / 60), "minute", "#,##0")
    return _time(seconds / 3600, "hour", "#,##0.0")


def left(seconds: float) -> str:
    """How long something will still take."""
    if seconds < A_FEW_S:
        return str(gettext("A few seconds left"))
    return str(gettext("About %(time)s left", time=roughly(seconds)))


def _time(value: float, unit: str, pattern: str) -> str:
    return str(format_unit(value, f"duration-{unit}", "long", format=pattern, locale=get_locale()))


def day(moment: datetime | None) -> str:
    """A date; the page's script shows it in the reader's own time zone."""
    return UNKNOWN if moment is None else str(format_date(moment, "medium"))


FILTERS = {
    "number": number,
    "plain": plain,
    "size": size,
    "volume": volume,
    "distance": length,
    "share": share,
    "roughly": roughly,
    "left": left,
    "day": day,
}
