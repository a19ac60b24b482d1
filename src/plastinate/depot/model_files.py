"""A model's name flows in, its checked file on this machine comes out: the door of this folder."""

from __future__ import annotations

from pathlib import Path

from plastinate.depot import places
from plastinate.depot.archives import Told, archive_file, cannot_keep
from plastinate.depot.cards import ModelCard, ModelPart, card_named
from plastinate.depot.checked import is_pinned
from plastinate.depot.members import write_member
from plastinate.depot.one_at_a_time import alone
from plastinate.model.depot_errors import ModelAbsent, ModelDamaged


def model_file(name: str, *, part: str = "", fetch: bool = True, progress: Told | None = None) -> Path:
    """A file of a model, checked against its pinned SHA-256.

    The first call on a machine fetches it, if `fetch` and the settings allow it; later ones need no
    network. The folder of the file belongs to the model: what is made from it may be kept there.

    Args:
        name: of the model, as `plastinate models list` shows it.
        part: of a model of several files; "" is the main one.
        fetch: somebody has asked for what needs this model.
        progress: told (bytes so far, bytes in all) while it is fetched; what it raises ends the fetch.

    Raises:
        ModelNotFound: no such model or part.
        ModelAbsent: it is not here, and may not be fetched.
        ModelDamaged: what is here has other bytes than the pinned ones.
        DownloadFailed: it cannot be fetched.
        CannotWrite: the cache folder cannot be written, or the disk is full.
    """
    card = card_named(name)
    wanted = card.part(part)
    path = model_folder(card) / wanted.file
    if path.exists():
        _check(card, wanted, path)
        return path
    if not fetch:
        raise ModelAbsent(name, "nobody has asked for it")
    policy = places.fetch_policy()
    if policy == "command" and not places.mirror_folder():
        raise ModelAbsent(name, f"models are fetched by command only ({places.FETCH}=command)")
    bring(card, progress=progress)
    return path


def model_folder(card: ModelCard) -> Path:
    """Where the files of a model lie: another folder for another version of it."""
    return places.cache_folder() / "models" / f"{card.name}-{card.archive.sha256[:12]}"


def missing_parts(card: ModelCard) -> list[ModelPart]:
    """The files of a model that are not here, or not as they should be."""
    folder = model_folder(card)
    return [part for part in card.parts if not is_pinned(folder / part.file, part.sha256)]


def bring(card: ModelCard, *, progress: Told | None = None) -> None:
    """Fetch what is missing of a model; what is damaged is replaced.

    Raises:
        ModelAbsent, DownloadFailed, CannotWrite: see `model_file`.
    """
    folder, cache = model_folder(card), places.cache_folder()
    if places.fetch_policy() == "never" and not _is_at_hand(card):
        raise ModelAbsent(
            card.name,
            f"fetching is switched off ({places.FETCH}=never)",
            hint=f"Put {card.archive.file} into {cache}, or where {places.MIRROR} names a folder.",
        )
    try:
        with alone(cache, folder.name):
            missing = missing_parts(card)
            if not missing:
                return
            kept = cache / card.archive.file
            was_kept = kept.is_file()
            archive = archive_file(card.archive, progress=progress)
            folder.mkdir(parents=True, exist_ok=True)
            for part in missing:
                write_member(
                    archive, part.member, folder / part.file, size_bytes=part.bytes, sha256=part.sha256
                )
            if not was_kept:
                kept.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_keep(cache, error) from error


def _is_at_hand(card: ModelCard) -> bool:
    return bool(places.mirror_folder()) or is_pinned(
        places.cache_folder() / card.archive.file, card.archive.sha256
    )


def _check(card: ModelCard, part: ModelPart, path: Path) -> None:
    if not is_pinned(path, part.sha256):
        raise ModelDamaged(card.name, str(path), "has other bytes than its card says (SHA-256 differs)")
