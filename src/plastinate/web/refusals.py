"""An error's code, its exact sentence and its field -> what a page says of it, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from plastinate.model.errors import PlastinateError
from plastinate.web import wording
from plastinate.web.engine_words import reworded
from plastinate.web.languages import chosen_language

# Field of a service -> what the pages call it.
FIELDS = {
    "title": _l("Title"),
    "notes": _l("Notes"),
    "tags": _l("Tags"),
    "name": _l("Name"),
    "email": _l("E-mail address"),
    "role": _l("They"),
    "label": _l("For whom"),
    "hours": _l("Good for"),
    "days": _l("Good for"),
    "locale": _l("Language"),
}
# What a library says of an address or a body that does not fit: the heading and the hint say it all.
OF_LIBRARIES = "http."


@dataclass(frozen=True)
class Told:
    """What a page says of an error.

    Attributes:
        sentence: in the reader's language.
        exact: the English sentence with its numbers, where `sentence` could not hold them; else "".
        hint: what to do.
    """

    sentence: str
    exact: str
    hint: str


def told_of(error: PlastinateError) -> Told:
    """What to say of an error that is at hand."""
    return told(error.code, str(error), hint=error.hint, where=str(getattr(error, "where", "")))


def told(code: str, detail: str, *, hint: str, where: str = "") -> Told:
    """What to say of an error.

    Args:
        code: of the error; leads to its heading.
        detail: its exact English sentence.
        hint: its own hint; a page may know a better one.
        where: the field that it is about.
    """
    heading = wording.error_title(code)
    known = reworded(detail)
    # A hint that the service gave for just this case is worth more than that of every error of its kind.
    advice = reworded(hint) or wording.error_hint(code, hint)
    if code.startswith(OF_LIBRARIES) and known is None and heading:
        return Told(heading, "", advice)
    if known is None and heading and chosen_language() != "en":
        return Told(heading, detail, advice)
    sentence = known or detail
    field = str(FIELDS.get(where, ""))
    return Told(f"{field}: {sentence}" if field else sentence, "", advice)
