"""A name flows in, the card of that model comes out: those that come with Plastinate, and a person's own."""

from __future__ import annotations

import difflib
from dataclasses import replace
from functools import cache
from pathlib import Path

from plastinate.depot import places
from plastinate.depot.cards import ModelCard, read_card
from plastinate.depot.read_table import CardTable, read_card_file
from plastinate.model.depot_errors import ModelCardFlaw, ModelNotFound

BUILT_IN = Path(__file__).parent / "models.toml"


@cache
def built_in_cards() -> dict[str, ModelCard]:
    """The cards that come with Plastinate, by name."""
    whole = CardTable(BUILT_IN.name, read_card_file(BUILT_IN))
    return {name: read_card(name, whole.below(name)) for name in whole.table}


def read_own_card(path: Path) -> ModelCard:
    """The card of a model of one's own, from its file.

    Raises:
        ModelCardFlaw: it does not follow the format, or bears the name of a model that comes with Plastinate.
    """
    table = CardTable(path.name, read_card_file(path))
    card = read_card(table.text("name"), table)
    if card.name in built_in_cards():
        raise table.flaw("name", f"{card.name!r} is the name of a model that comes with Plastinate")
    return card if card.archive else replace(card, beside=path.parent)


def own_card_files() -> list[Path]:
    """The files of the cards of a person's own models, in the order of their names."""
    folder = places.own_models_folder()
    found = [*folder.glob("*.toml"), *folder.glob("*/*.toml")] if folder.is_dir() else []
    # What is hidden is on its way in.
    return sorted(path for path in found if not path.relative_to(folder).parts[0].startswith("."))


def own_cards() -> tuple[dict[str, ModelCard], list[ModelCardFlaw]]:
    """A person's own cards by name, and what was refused of them: one bad card spoils no other."""
    cards: dict[str, ModelCard] = {}
    refused: list[ModelCardFlaw] = []
    for path in own_card_files():
        try:
            card = read_own_card(path)
            if card.name in cards:
                raise ModelCardFlaw(str(path), f"there is another card called {card.name!r}")
            cards[card.name] = card
        except ModelCardFlaw as flaw:
            refused.append(flaw)
    return cards, refused


def card_named(name: str) -> ModelCard:
    """A model's card.

    Raises:
        ModelNotFound: there is none of that name.
        ModelCardFlaw: there is one among a person's own cards, and it was refused.

    >>> card_named("liver-ct").licence
    'Apache-2.0'
    """
    if name in built_in_cards():
        return built_in_cards()[name]
    own, refused = own_cards()
    if name in own:
        return own[name]
    for flaw in refused:
        if Path(flaw.card).stem == name:
            raise flaw
    raise ModelNotFound(name, near=difflib.get_close_matches(name, [*built_in_cards(), *own], n=2))
