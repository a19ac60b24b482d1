"""A person's card and model flow in, a model that the program knows by name comes out; and out it goes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plastinate.depot import places
from plastinate.depot.agreements import check_agreed, keep_word
from plastinate.depot.cards import ModelCard
from plastinate.depot.checked import file_sha256
from plastinate.depot.model_files import leftovers
from plastinate.depot.one_at_a_time import alone
from plastinate.depot.read_table import read_card_file
from plastinate.depot.registry import own_card_files, read_own_card
from plastinate.model.depot_errors import ModelCardFlaw, ModelError
from plastinate.model.errors import CannotWrite

CARD = "card.toml"
MODEL_HEADING = re.compile(r"^\[model\][ \t]*(#.*)?$", re.MULTILINE)


def add_own_model(
    card_file: Path,
    *,
    saying: frozenset[str] = frozenset(),
    look: Callable[[ModelCard], None] | None = None,
) -> ModelCard:
    """Take a model of one's own in: its card, and the file that the card names beside it.

    Where the card does not pin the file yet, its size and SHA-256 are measured and written into the copy.
    An earlier model of the same name is replaced; nothing changes where anything is refused.

    Args:
        card_file: the card; the model lies in the same folder.
        saying: what the person says to its licence.
        look: holds the card against its model, and raises what is wrong.

    Raises:
        ModelCardFlaw: the card does not follow the format, or does not fit its model.
        LicenceNotAgreed: the licence asks for a word that was not given.
        CannotWrite: the folder of own models cannot be written.
    """
    folder = places.own_models_folder()
    try:
        with alone(folder, "own"):
            fresh = folder / ".new"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            try:
                card = _take_in(card_file, fresh, saying, look)
                target = folder / card.name
                shutil.rmtree(target, ignore_errors=True)
                fresh.replace(target)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise CannotWrite(str(folder), error.strerror or str(error)) from error
    return read_own_card(target / CARD)


def remove_model(card: ModelCard) -> list[Path]:
    """Delete what is kept of a model; a person's own is then unknown, any other can be fetched again.

    Returns:
        What is gone.

    Raises:
        ModelError: an own model that `add_own_model` did not bring: its files are the person's to delete.
        CannotWrite: something cannot be deleted.
    """
    own = places.own_models_folder() / card.name
    is_added = own / CARD in own_card_files()
    if card.beside and not is_added:
        fault = ModelError(f"The model {card.name!r} was not brought by `plastinate models add`.")
        fault.hint = f"Delete its card and its file in {card.beside} yourself."
        raise fault
    gone = [*([own] if is_added else []), *leftovers(card)]
    for path in gone:
        _delete(path)
    return gone


def _take_in(
    card_file: Path, fresh: Path, saying: frozenset[str], look: Callable[[ModelCard], None] | None
) -> ModelCard:
    tables = read_card_file(card_file)
    text = card_file.read_text(encoding="utf-8")
    model = tables.get("model")
    if isinstance(model, dict) and "source" not in tables:
        text = _pinned(card_file, model, text, fresh)
    (fresh / CARD).write_text(text, encoding="utf-8")
    try:
        card = read_own_card(fresh / CARD)
    except ModelCardFlaw as flaw:
        raise ModelCardFlaw(card_file.name, flaw.flaw) from flaw
    if card.beside and file_sha256(fresh / card.parts[0].file) != card.parts[0].sha256:
        raise ModelCardFlaw(card_file.name, f"{card.parts[0].file} has another SHA-256 than the card says")
    check_agreed(card, fresh, saying=saying)
    if look and card.beside:
        look(card)
    if card.beside:
        keep_word(card, fresh)
    return card


def _pinned(card_file: Path, model: dict[str, Any], text: str, fresh: Path) -> str:
    """Copy the model, and the card's text with the size and SHA-256 that it has."""
    name = model.get("file")
    if not isinstance(name, str) or Path(name).name != name:
        raise ModelCardFlaw(card_file.name, "model.file: must be a plain file name")
    there = card_file.parent / name
    if not there.is_file():
        raise ModelCardFlaw(card_file.name, f"there is no {name} beside it")
    shutil.copyfile(there, fresh / name)
    measured = {"bytes": there.stat().st_size, "sha256": f'"{file_sha256(fresh / name)}"'}
    lines = [f"{key} = {value}" for key, value in measured.items() if key not in model]
    if not lines:
        return text
    if not MODEL_HEADING.search(text):
        raise ModelCardFlaw(card_file.name, "the table [model] has to stand under a heading of its own")
    return MODEL_HEADING.sub(lambda found: "\n".join([found.group(0), *lines]), text, count=1)


def _delete(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise CannotWrite(str(path), error.strerror or str(error)) from error
