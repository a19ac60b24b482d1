"""A window of intensities as people write it, LOW:HIGH -> its two ends."""

from __future__ import annotations

import click

Window = tuple[float | None, float | None]


def window(context: click.Context, parameter: click.Parameter, value: str | None) -> Window | None:
    """The callback of an option that takes a window.

    Raises:
        click.BadParameter: it is none.
    """
    del context, parameter
    if value is None:
        return None
    low, colon, high = value.partition(":")
    if not colon:
        raise click.BadParameter("write LOW:HIGH, for example 200:3000, or 200: with no upper end")
    try:
        return (float(low) if low else None, float(high) if high else None)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not LOW:HIGH in numbers") from error
