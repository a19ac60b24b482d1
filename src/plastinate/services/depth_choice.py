"""The name of a network flows in, a recipe for pictures that asks it comes out; and which there are."""

from __future__ import annotations

from plastinate.depot import ModelCard, card_named
from plastinate.depot.agreements import AGREE, words_asked, words_missing
from plastinate.depot.model_files import model_folder, require_may_come
from plastinate.depot.registry import built_in_cards, own_cards
from plastinate.model.depot_errors import LicenceNotAgreed, ModelAbsent
from plastinate.model.errors import ParameterError
from plastinate.model.picture_recipe import PictureRecipe

METHOD = "depth-net"
# The one that the recipes ask, and that needs no agreement.
USUAL = "depth-small"
# What a person says who agrees to a licence.
AGREED = frozenset({AGREE})


def depth_networks() -> list[ModelCard]:
    """The models that say how far away a picture's places are: Plastinate's first, then a person's own."""
    cards = [*built_in_cards().values(), *own_cards()[0].values()]
    return [card for card in cards if card.sees is not None]


def with_depth(recipe: PictureRecipe, model: str | None) -> PictureRecipe:
    """The recipe that asks this network about the depth; as it is where none is named.

    Raises:
        ParameterError: the recipe asks no network, or the model does not say how far away things are.
        ModelNotFound, ModelCardFlaw: there is no such model, or its card was refused.
    """
    if model is None:
        return recipe
    if recipe.depth.method != METHOD:
        error = ParameterError(f"The recipe {recipe.name!r} asks no network how far away things are.")
        error.hint = "A depth network is asked about one picture that becomes an object or a scene."
        raise error
    if card_named(model).sees is None:
        error = ParameterError(f"The model {model!r} does not say how far away the places of a picture are.")
        error.hint = f"One of these does: {', '.join(card.name for card in depth_networks())}."
        raise error
    return recipe.with_depth({"model": model})


def needs_agreement(model: str | None) -> bool:
    """Whether a person has yet to agree to this network's licence before it is fetched.

    Raises:
        ModelNotFound, ModelCardFlaw: as `with_depth`.
    """
    if model is None:
        return False
    card = card_named(model)
    return AGREE in words_missing(card, model_folder(card))


def may_come(card: ModelCard) -> bool:
    """Whether this network is here, or would be fetched once its licence is agreed to."""
    try:
        require_may_come(card, saying=frozenset(words_asked(card)))
    except ModelAbsent:
        return False
    return True


def require_usable(model: str | None, *, saying: frozenset[str], hint: str) -> None:
    """Refuse a network whose licence waits for a word, or that may not be fetched; nothing is fetched yet.

    Args:
        model: its name; None for the usual one, which is seen to when it is asked.
        saying: what the person says.
        hint: how to agree where the person is.

    Raises:
        LicenceNotAgreed: a word is missing.
        ModelAbsent: it is not here, and the settings forbid to fetch it.
        ModelNotFound, ModelCardFlaw: as `with_depth`.
    """
    if model is None:
        return
    card = card_named(model)
    try:
        require_may_come(card, saying=saying)
    except LicenceNotAgreed as refused:
        if words_missing(card, model_folder(card), saying=saying) == (AGREE,):
            refused.hint = hint
        raise
