"""The sign by which gettext's tools know a text that is translated when it is used."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 (the name by which gettext's tools know it)
    """Mark a text for the catalogue, to be translated when it is used."""
    return text
