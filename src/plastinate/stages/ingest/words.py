"""Text from files -> text that is safe and short enough to stand in a sentence."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides), surrogate, private use, unassigned: none prints.
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn"}


def safe(text: str, *, longest: int = 64) -> str:
    r"""The text without anything that would not print or would confuse a terminal.

    >>> safe("CT\x1b[31m  Thorax\x00")
    'CT[31m Thorax'
    """
    if len(text) <= longest and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    kept = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in UNPRINTABLE
    )
    short = " ".join(kept.split())
    return short if len(short) <= longest else short[: longest - 1] + "…"
