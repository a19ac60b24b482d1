"""A sentence of the engine, with its numbers in it -> the same sentence for a page, in the reader's language.

The engine states findings and doubts in exact English, and keeps them so in certificates; so do the services
with what they refuse. A page recognises
each by its template, takes the numbers out, and says it anew. What is not recognised is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from flask_babel import get_locale, gettext
from markupsafe import Markup, escape

from plastinate.web.engine_sentences import FRAGMENTS, ON_A_PAGE, SENTENCES
from plastinate.web.languages import chosen_language
from plastinate.web.service_sentences import FAILURES, REFUSALS, REFUSALS_ON_A_PAGE
from plastinate.web.wording import part_name

# Longer than any sentence of the engine: names in them are cut before.
LONGEST = 1000
PLACE = re.compile(r"\{(\w+)\}")
# As an error of the engine names a structure.
STRUCTURE = re.compile(r"'[a-z0-9-]+'")
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def said(sentence: str) -> Markup:
    """What the engine said, for a page; marked as English where the reader's words for it are not known."""
    found = reworded(sentence)
    if found is None and chosen_language() != "en":
        return Markup('<span lang="en" dir="auto">{}</span>').format(sentence)
    return escape(sentence if found is None else found)


def reworded(sentence: str) -> str | None:
    """The sentence in the reader's language; None where no template fits it."""
    if len(sentence) > LONGEST:
        return None
    for words, pattern in _templates():
        if fitting := pattern.fullmatch(sentence):
            known = {name: _filled(value) for name, value in fitting.groupdict().items()}
            return _put(str(gettext(words)), known)
    return None


def _put(words: str, known: Mapping[str, str]) -> str:
    return PLACE.sub(lambda place: known[place[1]], words)


def _filled(value: str) -> str:
    """What stood at a place: a known fragment translated, numbers as the reader writes them."""
    if value in FRAGMENTS:
        return str(gettext(value))
    if STRUCTURE.fullmatch(value):
        return str(gettext("“%(name)s”", name=part_name(value[1:-1])))
    if " " in value and (inner := reworded(value)) is not None:
        return inner
    if re.fullmatch(r"[\d,.%\s-]+", value):
        symbols = get_locale().number_symbols["latn"]
        swapped = {",": symbols["group"], ".": symbols["decimal"]}
        shown = NUMBER.sub(lambda number: "".join(swapped.get(each, each) for each in number[0]), value)
        # In German a no-break space stands before the sign.
        sign = re.search(r"\s*%", get_locale().percent_formats[None].pattern)
        return re.sub(r"(?<=\d)\s*%", sign[0], shown) if sign else shown
    return value


@cache
def _templates() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What to say for each template, those with the most words of their own first."""
    as_they_are = {each: each for each in (*SENTENCES, *REFUSALS, *FAILURES)}
    known: dict[str, str] = {**as_they_are, **ON_A_PAGE, **REFUSALS_ON_A_PAGE}
    order = sorted(known, key=lambda template: -len(PLACE.sub("", template)))
    return tuple((known[template], _pattern(template)) for template in order)


def _pattern(template: str) -> re.Pattern[str]:
    parts = PLACE.split(template)
    return re.compile(
        "".join(re.escape(part) if at % 2 == 0 else rf"(?P<{part}>.+?)" for at, part in enumerate(parts)),
        re.DOTALL,
    )
