"""A language that nobody speaks: every text of the catalogue in brackets, longer, and read from the right.

Whatever a page shows outside brackets never went through the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask

from plastinate.web.catalogue import gather
from plastinate.web.wording import FORMATS

# Arabic stands for it: browsers then lay the page out from right to left, and numbers stay readable.
CODE = "ar"
# Texts of people and of the engine, names of files and formats, and what each reader's browser writes.
NOT_OURS = """
    [lang=en], [lang=de], bdi, [dir=auto], code, .hash, time, .brand, script, noscript, textarea, .chip,
    .files a, tbody th, option[value=ar], .eyebrow, select#tag
"""
NAMES = [title for title, _ in FORMATS.values()]
READ = """([notOurs, names]) => {
    const left = new Set();
    const look = (text, place) => {
        let rest = text;
        for (let before = ""; before !== rest; ) [before, rest] = [rest, rest.replace(/⟦[^⟦⟧]*⟧/g, "")];
        rest = rest.trim();
        if (/[A-Za-z]{3}/.test(rest) && !names.includes(rest) && !place.closest(notOurs)) left.add(rest);
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) look(walker.currentNode.textContent, walker.currentNode.parentElement);
    for (const name of ["aria-label", "alt", "title", "placeholder"]) {
        for (const each of document.body.querySelectorAll(`[${name}]`)) look(each.getAttribute(name), each);
    }
    return [...left];
}"""


def pseudo(text: str) -> str:
    """The text in brackets and a third longer; what is filled in later stays as it is."""
    return f"⟦{text}{' ~~~~~~~' * (len(text) // 24)}{'~' * (len(text) // 3 % 8)}⟧"


@contextmanager
def speak_pseudo(app: Flask, folder: Path) -> Iterator[None]:
    """Let an application speak it, for browsers that ask for Arabic."""
    catalogue = Catalog(CODE)
    for message in gather():
        if isinstance(message.id, tuple):
            catalogue.add(message.id, tuple(pseudo(message.id[1]) for _ in range(catalogue.num_plurals)))
        elif message.id:
            catalogue.add(message.id, pseudo(message.id))
    compiled = folder / CODE / "LC_MESSAGES" / "messages.mo"
    compiled.parent.mkdir(parents=True)
    with compiled.open("wb") as target:
        write_mo(target, catalogue)
    spoken, languages = app.extensions["babel"], app.config["LANGUAGES"]
    directories = spoken.translation_directories
    spoken.translation_directories, app.config["LANGUAGES"] = [str(folder)], (*languages, CODE)
    try:
        yield
    finally:
        spoken.translation_directories, app.config["LANGUAGES"] = directories, languages


def untranslated(page: Any) -> list[str]:
    """Every text of ours on the page that did not come from the catalogue."""
    found: list[str] = page.evaluate(READ, [NOT_OURS, NAMES])
    return found
