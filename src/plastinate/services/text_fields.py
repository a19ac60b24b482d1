"""What people type into a field -> what is stored: trimmed, bounded, and refused by the field's name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plastinate.model.case_errors import RequestFlaw

TITLE_MAX = 300
NOTES_MAX = 20_000
TAG_MAX = 60
TAGS_MAX = 50
NAME_MAX = 200
FILE_NAME_MAX = 1000
EMAIL_MAX = 254
# Local part, @, a domain: whether it exists only a letter to it could tell.
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}")
# Control characters; and what turns the direction of the text after it, so that a name reads as another.
UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")


def one_line(value: str, *, where: str, longest: int, may_be_empty: bool = False) -> str:
    r"""A trimmed line of text.

    >>> one_line(" left \r\n\n lung ", where="name", longest=20)
    'left lung'

    Args:
        value: as it came; where a line ends in it, a space stands afterwards.
        where: the field's name, for the error.
        longest: characters at most.
        may_be_empty: whether nothing is an answer.

    Raises:
        RequestFlaw: empty, or too long.
    """
    text = " ".join(line for each in value.splitlines() if (line := each.strip()))
    if not text and not may_be_empty:
        raise RequestFlaw("It must not be empty", where=where)
    if len(text) > longest:
        raise RequestFlaw(f"It has {len(text):,} characters, more than the {longest:,} allowed", where=where)
    return text


def file_name(value: str) -> str:
    r"""The name of a file that came from somewhere, without unseen letters that make it read as another.

    >>> file_name("scan\u202egpj.zip")
    'scangpj.zip'

    Raises:
        RequestFlaw: too long.
    """
    return one_line(UNSEEN.sub("", value), where="name", longest=FILE_NAME_MAX, may_be_empty=True)


def notes(value: str) -> str:
    """Longer text, as it was typed.

    Raises:
        RequestFlaw: too long.
    """
    if len(value) > NOTES_MAX:
        raise RequestFlaw(
            f"They have {len(value):,} characters, more than the {NOTES_MAX:,} allowed", where="notes"
        )
    return value


def tags(values: Iterable[str]) -> list[str]:
    """Tags in order, each once: of two that differ in letter case alone, the first.

    Raises:
        RequestFlaw: one is empty or too long, or there are too many.
    """
    once: dict[str, str] = {}
    for value in values:
        tag = one_line(value, where="tags", longest=TAG_MAX)
        once.setdefault(tag.lower(), tag)
    found = sorted(once.values())
    if len(found) > TAGS_MAX:
        raise RequestFlaw(f"There are {len(found)}, more than the {TAGS_MAX} allowed", where="tags")
    return found


def email(value: str) -> str:
    """An address in small letters, as it is looked up.

    >>> email(" Ada@Example.org ")
    'ada@example.org'

    Raises:
        RequestFlaw: not one.
    """
    text = one_line(value, where="email", longest=EMAIL_MAX).lower()
    if not EMAIL.fullmatch(text):
        raise RequestFlaw("It is not an e-mail address", where="email")
    return text
