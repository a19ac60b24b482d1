"""Who reads -> in which language the pages speak to them, and from which side they are read.

A person's own choice comes first, then the choice of this browser, then what the browser says it prefers.
A language is a folder in `locales/` and a line here; `python -m plastinate.web.catalogue` gathers its words.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel
from flask_login import current_user

from plastinate.model.errors import PlastinateError

if TYPE_CHECKING:
    from plastinate.web.person_store import SignedIn

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = ("en", "de")
COOKIE = "language"


def add_languages(app: Flask) -> None:
    """Let the application speak every language there is, chosen anew for each request."""
    app.config.setdefault("LANGUAGES", LANGUAGES)
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(LOCALES))
    Babel(app, locale_selector=chosen_language)


def reader() -> SignedIn | None:
    """Who is signed in. Nobody, where that cannot be known: the page that says so must still be written."""
    try:
        return current_user._get_current_object() if current_user.is_authenticated else None
    except PlastinateError:
        return None


def chosen_language() -> str:
    """The language of this request."""
    if not has_request_context():
        return LANGUAGES[0]
    if "language" not in g:
        known = current_app.config["LANGUAGES"]
        person = reader()
        own = person.locale if person is not None else ""
        wishes = (own, request.cookies.get(COOKIE, ""), request.accept_languages.best_match(known) or "")
        g.language = next((wish for wish in wishes if wish in known), known[0])
    language: str = g.language
    return language


def language_names() -> dict[str, str]:
    """Every language by its own name.

    >>> Locale("de").get_display_name("de")
    'Deutsch'
    """
    return {
        each: (Locale.parse(each).get_display_name(each) or each).capitalize()
        for each in current_app.config["LANGUAGES"]
    }


def direction() -> str:
    """Side from which the page is read: "ltr" or "rtl"."""
    return Locale.parse(chosen_language()).text_direction
