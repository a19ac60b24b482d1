"""Every text that a person may read -> the catalogues in `locales/`, for translators.

    python -m plastinate.web.catalogue     brings each locales/LANGUAGE/LC_MESSAGES/messages.po up to date

Texts stand in templates, in Python, and in recipes and structures (titles and names).
A text that is new is left empty; one that is gone is dropped. `python build_pages.py` compiles them.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from plastinate.web.languages import LOCALES

WEB = Path(__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
NOISE = tuple(
    f'"{name}'
    for name in ("POT-Creation", "PO-Revision", "Last-Trans", "Language-Team", "Report-", "Generated-By")
)
KEYWORDS = {"_": None, "gettext": None, "_l": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}


def gather() -> Catalog:
    """Every text, with where it stands."""
    catalogue = Catalog(project="Plastinate", charset="utf-8")
    options = {"templates/**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}}
    found = extract_from_dir(
        WEB, METHODS, options, KEYWORDS, comment_tags=("i18n:",), strip_comment_tags=True
    )
    for name, line, text, comments, context in found:
        del line
        catalogue.add(text, locations=[(name, 0)], auto_comments=comments, context=context)
    for place, text in _named_elsewhere():
        catalogue.add(text, locations=[(place, 0)])
    return catalogue


def _named_elsewhere() -> list[tuple[str, str]]:
    """Titles of recipes and names of structures."""
    from plastinate.recipes.load import list_recipes, list_totalsegmentator_recipes, load_structures

    return [
        *(("recipes", recipe.title) for recipe in [*list_recipes(), *list_totalsegmentator_recipes()]),
        *(("structures", structure.name) for structure in load_structures().values()),
    ]


def bring_up_to_date(source: Path) -> bytes:
    """A catalogue's file with every text of now in it and no other, what is translated kept."""
    language = source.parents[1].name
    known = read_po(BytesIO(source.read_bytes()), locale=language)
    fresh = Catalog(
        language,
        project="Plastinate",
        header_comment="# `python -m plastinate.web.catalogue` brings this file up to date.",
        charset="utf-8",
        fuzzy=False,
    )
    for message in gather():
        if message.id:
            before = known.get(message.id, context=message.context)
            kept = before.string if before is not None else None
            fresh.add(message.id, kept, locations=message.locations, auto_comments=message.auto_comments)
    written = BytesIO()
    write_po(written, fresh, width=100, sort_by_file=True, include_lineno=False)
    # The same texts, the same file: the headers that name a moment or a person would only make noise.
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(NOISE)).encode()


if __name__ == "__main__":
    for each in sorted(LOCALES.glob("*/LC_MESSAGES/messages.po")):
        each.write_bytes(bring_up_to_date(each))
        print(each)
