"""A card and a person's word flow in, whether its model may be used comes out; the word is kept beside it."""

from __future__ import annotations

from pathlib import Path

from plastinate.depot.cards import ModelCard
from plastinate.model.depot_errors import LicenceNotAgreed

AGREE = "agree"
NON_COMMERCIAL = "non-commercial"
# What a licence asks for -> how the refusal says it, and what has to be so.
ASKS = {
    AGREE: ("and nobody here has agreed to it yet", "you agree to it"),
    NON_COMMERCIAL: ("which forbids commercial use", "your use is not commercial"),
}


def words_asked(card: ModelCard) -> tuple[str, ...]:
    """What a person has to say before this model is used."""
    return (*((AGREE,) if card.must_agree else ()), *(() if card.commercial_use else (NON_COMMERCIAL,)))


def words_missing(card: ModelCard, folder: Path, *, saying: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What a person still has to say before this model is used.

    Args:
        card: of the model.
        folder: of the model's files, where the word is kept.
        saying: what the person says now.
    """
    return tuple(word for word in words_asked(card) if word not in saying | _kept(card, folder))


def check_agreed(card: ModelCard, folder: Path, *, saying: frozenset[str] = frozenset()) -> None:
    """Refuse a model whose licence asks for a word that nobody has given; see `words_missing`.

    Raises:
        LicenceNotAgreed: a word is missing; the hint says how to give all that is asked for.
    """
    if missing := words_missing(card, folder, saying=saying):
        licence = f"{card.licence} ({card.licence_url})" if card.licence_url else card.licence
        clause, so = ASKS[missing[0]]
        raise LicenceNotAgreed(card.name, licence, asks=clause, if_so=so, option=options_for(card))


def options_for(card: ModelCard) -> str:
    """The options of `plastinate models fetch` that say all that a licence asks for; "" if nothing."""
    return " ".join(f"--{word}" for word in words_asked(card))


def keep_word(card: ModelCard, folder: Path) -> None:
    """Keep what a person said about this licence; a card under another licence has to ask again.

    Raises:
        OSError: the folder cannot be written.
    """
    if asked := words_asked(card):
        _file(card, folder).write_text("\n".join([card.licence, *asked, ""]), encoding="utf-8")


def _kept(card: ModelCard, folder: Path) -> frozenset[str]:
    try:
        licence, *words = _file(card, folder).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return frozenset()
    return frozenset(words) if licence == card.licence else frozenset()


def _file(card: ModelCard, folder: Path) -> Path:
    return folder / f".{card.name}.agreed"
