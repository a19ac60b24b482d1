"""An output folder that is filled whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from plastinate.model.errors import CannotWrite
from plastinate.model.owner import is_running, machine_mark, own_mark
from plastinate.stages.export.atomic_write import reason_of

PARTIAL_PREFIX = ".plastinate-partial-"


def models_folder(scan: Path) -> Path:
    """Where the models of a scan go when nobody says where: a folder in the one where the person stands.

    >>> models_folder(Path("scans/CT")).as_posix()
    'CT-models'
    """
    name = scan.resolve().name
    # Of "head.nii.gz" and "export.zip" the first part; a folder may well have dots in its name.
    name = name.partition(".")[0] or name if scan.is_file() else name
    return Path(f"{name or 'scan'}-models")


def require_writable(target: Path) -> None:
    """Refuse a folder that cannot be made or written into, before the work of minutes and not after it.

    Raises:
        CannotWrite: the path is a file, is no possible name, or permission is denied.
    """
    try:
        nearest = target.absolute()
        while not _exists(nearest):
            nearest = nearest.parent
        if not nearest.is_dir():
            raise OSError(errno.ENOTDIR if nearest != target.absolute() else errno.EEXIST, "")
        if not os.access(nearest, os.W_OK | os.X_OK):
            is_read_only = bool(os.statvfs(nearest).f_flag & os.ST_RDONLY)
            raise OSError(errno.EROFS if is_read_only else errno.EACCES, "")
    except (OSError, ValueError) as error:
        raise CannotWrite(str(target), _reason(error)) from error


def _exists(path: Path) -> bool:
    # Path.exists swallows errors such as a name that is too long, in some versions of Python.
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return "there is a file of that name" if error.errno == errno.EEXIST else reason_of(error)
    return f"it is no possible name ({error})"


@contextmanager
def output_folder(target: Path, *, former: Sequence[str] = ()) -> Iterator[Path]:
    """A folder to write into, whose files appear in `target` only when the block ends well.

    The work happens in a hidden sibling on the same disk, so that each file
    arrives by a rename: after a crash, a full disk or `kill -9` the target holds
    its old files or the new ones, never half of one. A sibling that a killed run
    left behind is cleared by the next run in the same place.

    Args:
        target: the folder people will look into; made if it does not exist.
        former: relative names of files in it that go when the block ends well, unless they are written anew.
            The last of them lists the others: as long as one of them is there, it is.

    Raises:
        CannotWrite: the place is not writable, a final name is taken by a folder, or the disk is full.
    """
    try:
        was_there = target.is_dir()
        target.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(target)
        partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL_PREFIX}{own_mark()}-", dir=target))
    except (OSError, ValueError) as error:
        raise CannotWrite(str(target), _reason(error)) from error
    try:
        yield partial
        finals = {path: target / path.relative_to(partial) for path in partial.rglob("*") if path.is_file()}
        for final in finals.values():
            _require_free(final, target)
        gone = [target / name for name in former if target / name not in finals.values()]
        # What lists the former files goes, or is replaced, when they are gone: a run that is killed between
        # leaves the next one to know them.
        lists = target / former[-1] if former else None
        for source, final in sorted(finals.items()):
            if final != lists:
                _arrive(source, final)
        _take_away(gone, target)
        for source, final in finals.items():
            if final == lists:
                _arrive(source, final)
    except CannotWrite as error:
        # The hidden folder is gone when the sentence is read; the name it stood for is not.
        raise CannotWrite(error.path.replace(str(partial), str(target)), error.reason) from error
    except OSError as error:
        raise CannotWrite(str(target), _reason(error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if not was_there:
            with contextlib.suppress(OSError):
                # Only an empty folder goes: one that was filled stays.
                target.rmdir()


def _arrive(source: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    source.replace(final)


def _take_away(paths: Sequence[Path], target: Path) -> None:
    """Remove files, and the folders below `target` that have nothing in them after that."""
    for path in paths:
        path.unlink(missing_ok=True)
        for folder in path.relative_to(target).parents:
            if folder != Path():
                with contextlib.suppress(OSError):
                    (target / folder).rmdir()


def _require_free(final: Path, target: Path) -> None:
    """Refuse a name that a rename could not take, before the first rename: else old and new get mixed."""
    if final.is_dir() and not final.is_symlink():
        raise CannotWrite(str(final), reason_of(OSError(errno.EISDIR, "")))
    for folder in final.relative_to(target).parents:
        place = target / folder
        if not place.is_dir():
            if os.path.lexists(place):
                raise CannotWrite(str(place), "there is a file of that name")
        elif not os.access(place, os.W_OK | os.X_OK):
            raise CannotWrite(str(place), reason_of(OSError(errno.EACCES, "")))
        elif place.stat().st_dev != target.stat().st_dev:
            raise CannotWrite(str(place), "it lies on another disk than the folder it is in")


def _clear_abandoned(target: Path) -> None:
    for leftover in target.glob(f"{PARTIAL_PREFIX}*"):
        machine, _, rest = leftover.name.removeprefix(PARTIAL_PREFIX).partition("-")
        owner = rest.partition("-")[0]
        if machine == machine_mark() and owner.isdigit() and not is_running(int(owner)):
            shutil.rmtree(leftover, ignore_errors=True)
