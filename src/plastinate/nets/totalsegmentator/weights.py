"""A task of TotalSegmentator -> its weights here: found, from a mirror, or by the package's own download."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from plastinate.depot import places
from plastinate.depot.archives import cannot_keep
from plastinate.depot.checked import file_sha256
from plastinate.depot.one_at_a_time import alone
from plastinate.depot.url_download import url_download, without_password
from plastinate.model.depot_errors import KeyAbsent, ModelAbsent, NetworkUnsound
from plastinate.model.errors import DownloadFailed
from plastinate.nets.totalsegmentator.program import KEY, PACKAGE, ask

PLACE = "TOTALSEG_WEIGHTS_PATH"
RELEASES = "https://github.com/wasserth/TotalSegmentator/releases"
KEY_PAGE = "https://backend.totalsegmentator.com/license-academic/"
# Five networks of 1.5 mm take about a gigabyte; one archive never takes so much.
UNPACKED_MAX = 8 << 30
MEMBERS_MAX = 10_000
BLOCK_BYTES = 1 << 20

# What share of the fetching is done; what it raises ends it.
Told = Callable[[float], None]


@dataclass(frozen=True)
class Weights:
    """What a task needs, as the installed package says it.

    Attributes:
        task, mode: by the package's own names.
        version: of the package.
        classes: all that the task can label.
        is_part: only the networks for some of them are run, on the part of the scan that holds them.
        networks: {"number", "folder", "release", "is_licensed"} of each, in the order they run.
    """

    task: str
    mode: str
    version: str
    classes: tuple[str, ...]
    is_part: bool
    networks: tuple[Mapping[str, Any], ...]

    @property
    def missing(self) -> list[Mapping[str, Any]]:
        """The networks that do not lie here."""
        return [each for each in self.networks if not _is_whole(weights_folder() / each["folder"])]

    def sha256(self) -> dict[str, str]:
        """The SHA-256 of every file of weights, by its path in the folder of weights."""
        root = weights_folder()
        files = [file for each in self.networks for file in _checkpoints(root / each["folder"])]
        return {file.relative_to(root).as_posix(): file_sha256(file) for file in files}


def weights_folder() -> Path:
    """Where the networks lie: TOTALSEG_WEIGHTS_PATH, else where the package put some, else in the cache."""
    chosen = os.environ.get(PLACE, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    home = os.environ.get("TOTALSEG_HOME_DIR", "").strip()
    own = (Path(home) if home else Path.home() / ".totalsegmentator") / "nnunet" / "results"
    return own if own.is_dir() else places.cache_folder() / "totalsegmentator"


def licence_key() -> str:
    """The person's licence key; "" where none is set."""
    return os.environ.get(KEY, "").strip()


def look(task: str, *, mode: str = "", classes: Sequence[str] = ()) -> Weights:
    """What a task needs; nothing is fetched.

    Args:
        task: the package's own name of it.
        mode: "", "fast" or "fastest".
        classes: what alone is wanted of it; none for all.

    Raises:
        ExtraAbsent: there is no TotalSegmentator here.
    """
    request = {"do": "look", "task": task, "mode": mode, "classes": list(classes)}
    told = ask(request, weights=weights_folder())
    networks = tuple(told["weights"])
    return Weights(task, mode, told["version"], tuple(told["classes"]), told["is_part"], networks)


def require_key(task: str, *, is_licensed: bool) -> None:
    """Refuse a licensed task where there is no key.

    Raises:
        KeyAbsent: it needs one.
    """
    if is_licensed and not licence_key():
        raise KeyAbsent(f"totalsegmentator:{task}", setting=KEY, page=KEY_PAGE)


def bring(weights: Weights, *, by_command: bool = False, progress: Told | None = None) -> None:
    """Have all networks of a task here.

    Args:
        weights: what `look` said.
        by_command: a person asked for the fetching itself, not only for an organ.
        progress: told what share is done; what it raises ends the fetching, and leaves nothing half.

    Raises:
        KeyAbsent: a network needs a licence key.
        ModelAbsent: one is not here and may not be fetched.
        DownloadFailed: it cannot be had.
        CannotWrite: the disk refuses.
    """
    missing = weights.missing
    require_allowed(weights, by_command=by_command)
    root = weights_folder()
    try:
        for count, network in enumerate(missing):

            def within(share: float, begun: int = count) -> None:
                if progress:
                    progress((begun + min(share, 1.0)) / len(missing))

            with alone(root, network["folder"], waiting=lambda: within(0.0)):
                if not _is_whole(root / network["folder"]):
                    _fetch(network, root, within)
    except OSError as error:
        raise cannot_keep(root, error) from error


def require_allowed(weights: Weights, *, by_command: bool = False) -> None:
    """Refuse what may not be fetched, where something has to be.

    Raises:
        KeyAbsent, ModelAbsent: see `bring`.
    """
    missing = weights.missing
    if not missing:
        return
    require_key(weights.task, is_licensed=any(each["is_licensed"] for each in missing))
    name, policy = f"totalsegmentator:{weights.task}", places.fetch_policy()
    if places.mirror_folder() or policy == "first-use" or (policy == "command" and by_command):
        return
    file = f"{missing[0]['folder']}.zip"
    hint = f"Unpack {file} into {weights_folder()}, or put it where {places.MIRROR} names a folder."
    if policy == "command":
        raise ModelAbsent(name, f"models are fetched by command only ({places.FETCH}=command)")
    raise ModelAbsent(name, f"fetching is switched off ({places.FETCH}=never)", hint=hint)


def _fetch(network: Mapping[str, Any], root: Path, within: Told) -> None:
    """Bring one network: beside its place first, and there at once when it is whole."""
    folder = network["folder"]
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".coming-", dir=root) as coming:
        if places.mirror():
            archive = _from_mirror(f"{folder}.zip", Path(coming), within)
            _unpack(archive, folder, Path(coming))
        else:
            _own_download(network, Path(coming), within)
        if not _is_whole(Path(coming) / folder):
            raise DownloadFailed(f"{folder}.zip", "it holds no network of nnU-Net")
        # What was left of an earlier try is no network, or it would have been taken.
        shutil.rmtree(root / folder, ignore_errors=True)
        (Path(coming) / folder).rename(root / folder)
    within(1.0)


def _from_mirror(file: str, coming: Path, within: Told) -> Path:
    where = places.mirror_folder()
    if where is not None:
        found = where / file
        if not found.is_file():
            failure = DownloadFailed(file, f"the mirror {where} does not hold it")
            failure.hint = f"Put it there: {RELEASES} has it."
            raise failure
        return found
    url = f"{places.mirror().rstrip('/')}/{file}"
    try:
        url_download(
            url, coming / file, size_bytes=0, progress=lambda done, total: within(done / max(total, 1))
        )
    except DownloadFailed as failure:
        failure.hint = f"{places.MIRROR} is {without_password(places.mirror())}: is {file} there?"
        raise
    return coming / file


def _own_download(network: Mapping[str, Any], coming: Path, within: Told) -> None:
    def told(message: Mapping[str, Any]) -> None:
        within(message["at"] / max(message["of"], 1) if message.get("unit") == "bytes" else 0.0)

    request = {"do": "fetch", "numbers": [network["number"]]}
    try:
        ask(request, weights=coming, key=licence_key(), told=told)
    except NetworkUnsound as error:
        what = "found no connection" if "ConnectionError" in error.fault else error.fault
        failure = DownloadFailed(f"{network['folder']}.zip", f"{PACKAGE}'s own download {what}")
        failure.hint = f"Where there is no network: {places.MIRROR} names a folder that holds it."
        raise failure from error


def _unpack(archive: Path, folder: str, into: Path) -> None:
    """Only what lies in the network's own folder, as plain files, and no more than fits."""
    refused = DownloadFailed(archive.name, "it is no archive of a network")
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [each for each in packed.infolist() if not each.is_dir()]
            if len(members) > MEMBERS_MAX or sum(each.file_size for each in members) > UNPACKED_MAX:
                raise refused
            for member in members:
                path = PurePosixPath(member.filename)
                if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
                    raise refused
                if path.parts[0] != folder:
                    continue
                target = into.joinpath(*path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(member) as source, target.open("wb") as sink:
                    left = member.file_size
                    while block := source.read(min(BLOCK_BYTES, left + 1)):
                        left -= len(block)
                        if left < 0:
                            raise refused
                        sink.write(block)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise refused from error


def _is_whole(folder: Path) -> bool:
    return bool(_checkpoints(folder)) and any(folder.glob("*/plans.json"))


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/fold_*/checkpoint_final.pth"))
