"""A recipe flows in, the models that its methods need come out, fetched where they are not here yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plastinate.depot import ModelCard, card_named, model_file
from plastinate.depot.agreements import check_agreed, words_asked
from plastinate.depot.model_files import bring, is_here, model_folder, require_may_come
from plastinate.model.depot_errors import ModelNotFound
from plastinate.model.recipe import Recipe
from plastinate.pipeline.progress import Progress
from plastinate.stages import catalog

# What fetching one takes of a whole build, on a line that brings a few megabytes a second.
FETCH_SHARE = 0.1
# What a run says it does meanwhile.
FETCHING = "fetch: {name}"


def models_needed(recipe: Recipe) -> list[ModelCard]:
    """The cards of the models that a recipe's methods use, each once.

    Raises:
        ModelError: a model is unknown, or its card was refused.
    """
    return [card_named(name) for name in names_of_models(recipe)]


def names_of_models(recipe: Recipe) -> list[str]:
    """What the models are called that a recipe's methods use, each once, whether or not there are such.

    A method says in the catalog which it needs; one that runs any model is told by its parameter `model`.
    """
    names: dict[str, None] = {}
    for step in recipe.segment:
        names.update(dict.fromkeys(catalog.find(catalog.SEGMENT, "segment method", step.method).models))
        if isinstance(chosen := step.params.get("model"), str):
            names[chosen] = None
    return list(names)


def fetch_needed_models(recipe: Recipe, *, progress: Progress) -> list[ModelCard]:
    """Have every model that a recipe needs on this machine before its first step.

    Asking for an organ is asking for its model. All are had, or the run ends here: an organ that is missing
    because of the network would look like one that the scan does not show.

    Raises:
        ModelError, DownloadFailed, CannotWrite: see `plastinate.depot.model_file`.
        Cancelled: the run was asked to stop.
    """
    return fetch_models(names_of_models(recipe), progress=progress)


def require_words_given(names: Sequence[str]) -> None:
    """Refuse, before anything is queued, a model whose licence waits for a word; others are seen to later.

    Raises:
        LicenceNotAgreed: it forbids commercial use or asks for agreement, and nobody has answered it.
    """
    for name in names:
        try:
            card = card_named(name)
        except ModelNotFound:
            # A task of TotalSegmentator's, or what has gone since: told when it is asked for.
            continue
        check_agreed(card, model_folder(card))


def fetch_models(
    names: Sequence[str], *, progress: Progress, saying: frozenset[str] = frozenset()
) -> list[ModelCard]:
    """Have the models of these names here, likewise.

    Args:
        names: of the models.
        progress: told what is fetched.
        saying: what the person says to their licences (see `depot/agreements.py`); kept for later.

    Raises:
        ModelError, DownloadFailed, CannotWrite: see `plastinate.depot.model_file`.
        Cancelled: the run was asked to stop.
    """
    cards = [card_named(name) for name in names]
    for card in cards:
        require_may_come(card, saying=saying)
    for card in cards:
        if saying and words_asked(card):
            _bring(card, saying, progress)
        for part in card.parts:
            _have(card, part.name, progress)
    return cards


def models_record(cards: Sequence[ModelCard]) -> list[dict[str, Any]]:
    """What a certificate states of the models that were used; plain JSON values."""
    return [
        {
            "name": card.name,
            "origin": card.archive.origin if card.archive else "",
            "licence": card.licence,
            "sha256": {part.file: part.sha256 for part in card.parts},
            "trained_on": card.trained_on,
            "not_for": card.not_for,
            "citation": card.citation,
        }
        for card in cards
    ]


def _bring(card: ModelCard, saying: frozenset[str], progress: Progress) -> None:
    if is_here(card):
        bring(card, saying=saying)
        return
    with progress.step(FETCHING.format(name=card.name), share=FETCH_SHARE) as within:
        bring(card, saying=saying, progress=lambda done, total: within(done / max(total, 1)))


def _have(card: ModelCard, part: str, progress: Progress) -> None:
    if is_here(card):
        model_file(card.name, part=part)
        return
    with progress.step(FETCHING.format(name=card.name), share=FETCH_SHARE) as within:
        model_file(card.name, part=part, progress=lambda done, total: within(done / max(total, 1)))
