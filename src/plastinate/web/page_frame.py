"""What surrounds every page: its words, measures, language and colours, and who is signed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, request, url_for
from flask_babel import get_locale, gettext
from markupsafe import Markup

from plastinate.web import case_page, wording
from plastinate.web.assets import asset, asset_imports
from plastinate.web.engine_words import said
from plastinate.web.languages import add_languages, chosen_language, direction, language_names, reader
from plastinate.web.measures import FILTERS
from plastinate.web.public_address import is_for_this_machine_only
from plastinate.web.refusals import told
from plastinate.web.script_words import script_words

pages = Blueprint("pages", __name__)

THEMES = ("light", "dark")
# Pages that belong to a place of the bar without bearing its name.
PLACES = {"people_page": "people", "invite": "people", "invite_again": "people"}
THEME_COOKIE = "theme"
# Overrides and embeddings of direction, and isolates; marks (U+200E, U+200F) belong to ordinary text.
UNSEEN = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}")


@pages.record_once
def _prepare(state: Any) -> None:
    """Give every template of the application its words and measures, the sign-in pages too."""
    app: Flask = state.app
    add_languages(app)
    # Flask-Login's own would look for the person even on the page that says the database is away.
    processors = app.template_context_processors[None]
    processors[:] = [each for each in processors if each.__module__ != "flask_login.utils"]
    app.jinja_env.finalize = visible
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.filters["rgb"] = _rgb
    app.jinja_env.filters["in_own_words"] = wording.translated
    app.jinja_env.globals.update(
        asset=asset,
        asset_imports=asset_imports,
        script_words=script_words,
        translated=wording.translated,
        doing=wording.doing,
        said=said,
        finding_title=wording.finding_title,
        error_title=wording.error_title,
        error_hint=wording.error_hint,
        refusal=told,
        is_for_this_machine_only=is_for_this_machine_only,
        job_title=case_page.job_title,
        organs_in_words=wording.organs_in_words,
        lights=wording.LIGHTS,
        severities=wording.SEVERITIES,
        kinds=wording.KINDS,
        roles=wording.ROLES,
        formats=wording.FORMATS,
    )


@pages.app_context_processor
def _around() -> dict[str, Any]:
    """What every page shows around its content."""
    me = reader()
    places = [("cases", url_for("pages.cases"), gettext("Cases"))]
    if me is not None and me.is_admin:
        places.append(("people", url_for("pages.people_page"), gettext("People")))
    endpoint = (request.endpoint or "").partition(".")[2]
    theme = request.cookies.get(THEME_COOKIE, "")
    return {
        "me": me,
        "places": places,
        "place": PLACES.get(endpoint, endpoint),
        "language": str(get_locale()).replace("_", "-"),
        "is_english": chosen_language() == "en",
        "direction": direction(),
        "languages": language_names(),
        "theme": theme if theme in THEMES else "",
        "here": request.full_path.rstrip("?") if request.method == "GET" else request.path,
    }


def visible(value: Any) -> Any:
    r"""A text without characters that turn round what stands beside them, or that cannot be seen at all.

    Browsers isolate each name, but within it an override would still show "gpj.exe" for "exe.jpg".

    >>> visible("a\u202eb"), visible(7)
    ('a\ufffdb', 7)
    """
    if not isinstance(value, str) or value.isascii():
        return value
    shown = value.translate(UNSEEN)
    return Markup(shown) if isinstance(value, Markup) else shown  # noqa: S704 (it was marked before)


def _rgb(colour: Any) -> str:
    """A colour as SVG takes it, from "#rrggbb" or three numbers; what is neither is grey.

    >>> _rgb((108, 160, 194)), _rgb("#6ca0c2"), _rgb("javascript:")
    ('#6ca0c2', '#6ca0c2', '#888888')
    """
    if isinstance(colour, str):
        digits = colour.removeprefix("#")
        is_colour = len(digits) == 6 and all(each in "0123456789abcdef" for each in digits.lower())
        return f"#{digits}" if is_colour else "#888888"
    return "#{:02x}{:02x}{:02x}".format(*(int(each) for each in colour))


def cookie_options() -> dict[str, Any]:
    """How this browser keeps its language and colours: for a year, unread by scripts of others."""
    is_tls = bool(current_app.config["SESSION_COOKIE_SECURE"])
    return {"max_age": 365 * 24 * 3600, "samesite": "Lax", "secure": is_tls, "httponly": True, "path": "/"}
