"""Every word a person may read is in the catalogue, and every language says all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from plastinate.web.catalogue import bring_up_to_date
from plastinate.web.languages import LANGUAGES, LOCALES
from plastinate.web.wording import error_hint
from plastinate.web.wording_errors import ERRORS, HINTS
from plastinate.web.wording_findings import FINDINGS

ROOT = Path(__file__).parents[3]
TRANSLATED = [language for language in LANGUAGES if language != "en"]


def source(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "messages.po"


def places(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|\{\w+\}|%%", text))


@pytest.mark.slow
@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_holds_every_text_of_now_and_no_other(language: str):
    # Compared here: to show where two long texts differ takes pytest longer than all tests.
    is_up_to_date = bring_up_to_date(source(language)) == source(language).read_bytes()
    assert is_up_to_date, "run `python -m plastinate.web.catalogue`, then translate what is empty"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_with_the_same_places_to_fill(language: str):
    with source(language).open("rb") as opened:
        catalogue = read_po(opened, locale=language)
    for message in catalogue:
        if not message.id:
            continue
        own = message.id if isinstance(message.id, tuple) else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(said), own
        assert all(places(each) == places(own[-1]) for each in said), own
        assert not message.fuzzy, own


def test_every_finding_that_the_pages_may_show_has_a_heading():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `((?:ingest|mesh|segment)\.[^`]+)` \|", page, re.M))
    assert listed - set(FINDINGS) == set()


def test_every_hint_belongs_to_an_error_that_has_a_heading():
    assert set(HINTS) - set(ERRORS) == set()
    assert error_hint("no.such-code", "As the engine said.") == "As the engine said."
