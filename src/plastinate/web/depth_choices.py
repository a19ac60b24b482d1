"""Networks that say how far away things are -> what a form offers, with licence and size; and back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import gettext as _

from plastinate.depot.cards import ModelCard
from plastinate.services.depth_choice import USUAL, depth_networks, may_come, needs_agreement
from plastinate.web.organ_choices import told_of_model
from plastinate.web.wording_pictures import DEPTH_WORDS

# Kinds of models whose recipes ask a network.
ASKING = ("object", "scene")


def networks(chosen: str, *, agreed: Collection[str]) -> dict[str, Any]:
    """The networks to choose from, and which is chosen.

    Args:
        chosen: a name as it came; an unknown one stands for the usual network.
        agreed: names whose licences were ticked.
    """
    cards = depth_networks()
    return {
        "networks": [_network(card) for card in cards],
        "network": chosen if any(card.name == chosen for card in cards) else USUAL,
        "agreed": agreed,
    }


def depth_wish(kind: str, chosen: str, *, agreed: Collection[str], is_plain: bool) -> dict[str, Any]:
    """What a choice asks of the services; nothing where it is the usual one, or none is asked."""
    if kind not in ASKING or is_plain or chosen in ("", USUAL):
        return {}
    return {"depth": chosen, "agreed": chosen in agreed}


def not_agreed() -> str:
    """The sentence at the field, where a licence is not agreed to."""
    return str(_("Agree to the licence of this network, or choose another."))


def not_to_be_had() -> str:
    """The sentence at a network that is not here and may not be fetched."""
    return str(_("It is not on this server, and only whoever runs it brings it."))


def _network(card: ModelCard) -> dict[str, Any]:
    title, purpose = DEPTH_WORDS.get(card.name, (card.title, ""))
    return {
        "name": card.name,
        "title": title,
        "purpose": purpose,
        "fetches": told_of_model(card.name) if may_come(card) else not_to_be_had(),
        "is_missing": not may_come(card),
        "licence": card.licence,
        "licence_url": card.licence_url,
        "needs_agreement": may_come(card) and needs_agreement(card.name),
    }
