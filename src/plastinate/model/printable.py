r"""Words that may have come from anywhere flow in, words that a terminal only prints come out.

A server's reason, a header, a key of somebody's card: each may hold letters that move the cursor, colour the
screen, rename the window or turn the order of reading, and so make a terminal say what nobody said.

Source: ECMA-48 (control functions, C0 and C1); Unicode Standard Annex 9 (explicit directional formatting).
"""

from __future__ import annotations

import re

# C0, DEL and C1; the two that end a line or a paragraph; embeddings, overrides and isolates; surrogates.
COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with every letter that commands shown by its code; white space becomes a space.

    >>> printable("all is well\x1b[2J\n")
    'all is well\\x1b[2J '
    """
    return COMMANDS.sub(lambda found: _shown(found.group()), text)


def printable_lines(text: str) -> str:
    """As `printable`, line by line."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(letter: str) -> str:
    return " " if letter in "\t\n\r" else repr(letter)[1:-1]
