"""A case flows out as one zip that is read without us; such a zip flows in and is a case again.

Out: rows and stored files -> `manifest.json`, `originals/`, `builds/`, nothing written anywhere.
In: the child unpacks and checks every size and SHA-256 (`read_case_archive`); the transaction
that ends its job writes the rows (`publish_case_archive`).
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from plastinate import __version__
from plastinate.archive.archive import Archive
from plastinate.archive.files import StoredFile
from plastinate.archive.tables import Blob, Build, BuildFile, Case, CaseInput, CaseTag, Measurements, now
from plastinate.model.case_errors import ArchiveFlaw
from plastinate.model.errors import LimitError
from plastinate.services import case_manifest
from plastinate.services.access import Actor, case_for
from plastinate.services.case_manifest import Manifest, ManifestBuild, ManifestFile
from plastinate.services.measurements import measured_of
from plastinate.services.zip_stream import ZipEntry, stream_zip, zip_length
from plastinate.stages.ingest.limits import RATIO_MATTERS_BYTES, Limits
from plastinate.stages.ingest.zip_directory import open_zip, refusals

BLOCK_BYTES = 1 << 20
# What no file system takes in a name, and what would be a folder.
NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]')
NAME_BYTES_MAX = 120
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


def export_case(archive: Archive, actor: Actor, case_id: str) -> Iterator[bytes]:
    """A whole case as a zip, block by block, while its files are read.

    Args:
        archive: where it is kept.
        actor: who asks; needs to be allowed to view it.
        case_id: of the case.

    Raises:
        NotThere: there is none that this person may know of; at once.
        StoreFailed: a file cannot be read; while it flows.
    """
    return stream_zip(case_entries(archive, actor, case_id))


def case_entries(archive: Archive, actor: Actor, case_id: str) -> list[ZipEntry]:
    """What the zip of a case holds; `zip_length` tells how long it will be.

    Raises:
        NotThere: there is none that this person may know of.
    """
    with archive.database.read() as session:
        case = case_for(session, actor, case_id, need="view")
        found = select(Build).where(Build.case_id == case_id).order_by(Build.created_at, Build.id)
        manifest = _manifest_of(session, case, list(session.scalars(found)))
        inspection = case.inspection
    whole = manifest.as_dict()
    whole["case"]["inspection"] = inspection
    whole["plastinate"] = __version__
    text = json.dumps(whole, ensure_ascii=False, indent=1).encode()
    first = ZipEntry(case_manifest.NAME, len(text), lambda: [text])
    return [first, *(_entry(archive, file) for file in manifest.files())]


def export_length(archive: Archive, actor: Actor, case_id: str) -> int:
    """How many bytes `export_case` will give, if nothing changes meanwhile.

    Raises:
        NotThere: there is none that this person may know of.
    """
    return zip_length(case_entries(archive, actor, case_id))


def is_case_archive(path: Path) -> bool:
    """Whether a file is a zip with a manifest of ours."""
    try:
        with open_zip(path, name=path.name) as archive:
            member = archive.getinfo(case_manifest.NAME)
            if member.file_size > case_manifest.MANIFEST_BYTES_MAX:
                return False
            with archive.open(member) as source:
                return case_manifest.is_manifest(source.read(case_manifest.MANIFEST_BYTES_MAX))
    except (KeyError, OSError, LimitError, *DAMAGED):
        return False


def read_case_archive(path: Path, out: Path, *, limits: Limits | None = None) -> dict[str, Any]:
    """Unpack a case archive into a folder and hold every file against its size and its SHA-256.

    Belongs into a child process with limits. No name from the zip becomes a path.

    Args:
        path: the zip.
        out: an empty folder; gets `originals/` (with harmless names) and `files/`.
        limits: caps on members and unpacked bytes; by default those of the environment.

    Returns:
        The manifest as JSON values, for `publish_case_archive`; "originals" tells where in `out` the scan
        lies: one file, or the folder of all.

    Raises:
        ArchiveFlaw: its contents are not what its manifest says, or not what a case archive may hold.
    """
    caps = limits or Limits.from_environment()
    (out / "originals").mkdir(parents=True)
    (out / "files").mkdir()
    packed_bytes = path.stat().st_size
    try:
        with open_zip(path, name=path.name) as archive:
            members = _members(archive, caps, packed_bytes=packed_bytes)
            manifest = case_manifest.parse_manifest(_manifest_bytes(archive, members))
            _require_same(members, manifest)
            _require_bounded(manifest, caps, packed_bytes=packed_bytes)
            taken: set[str] = set()
            for number, file in enumerate(manifest.files()):
                is_original = number < len(manifest.inputs)
                name = f"originals/{_free_name(file.name, taken)}" if is_original else f"files/{number:06d}"
                _unpack(archive, members[file.path], file, target=out / name)
    except DAMAGED as error:
        raise ArchiveFlaw("it is damaged") from error
    kept = sorted(each.name for each in (out / "originals").iterdir())
    return {**manifest.as_dict(), "originals": f"originals/{kept[0]}" if len(kept) == 1 else "originals"}


def publish_case_archive(
    session: Session, case_id: str, *, described: Mapping[str, Any], files: Mapping[str, StoredFile]
) -> None:
    """Make a case what an unpacked archive says, in the transaction that ends its job.

    The uploaded zip makes room for the originals in it. What the import doctor finds
    in them is written by its own look, not taken from the archive.

    Args:
        session: to write in.
        case_id: the case that the zip was uploaded for.
        described: what `read_case_archive` returned.
        files: every file of its folder, as it was kept.

    Raises:
        ArchiveFlaw: it names a file that was not kept.
    """
    manifest = case_manifest.parse_manifest(json.dumps(dict(described)).encode())
    kept = {(stored.sha256, stored.size) for stored in files.values()}
    if any((file.sha256, file.size) not in kept for file in manifest.files()):
        raise ArchiveFlaw("one of its files was not kept")
    for table in (CaseInput, CaseTag):
        session.execute(delete(table).where(table.case_id == case_id))
    session.add_all(CaseTag(case_id=case_id, tag=tag) for tag in manifest.tags)
    session.add_all(
        CaseInput(case_id=case_id, position=position, name=file.name, sha256=file.sha256, size=file.size)
        for position, file in enumerate(manifest.inputs)
    )
    for build in manifest.builds:
        row = _build_row(case_id, build)
        session.add(row)
        if build.measurements:
            session.flush()
            session.add(Measurements(build_id=row.id, items=list(build.measurements)))
    values: dict[str, Any] = {"title": manifest.title, "notes": manifest.notes, "changed_at": now()}
    if manifest.thumbnail is not None:
        values["thumbnail_sha256"] = manifest.thumbnail.sha256
    whole = Case.__table__
    # Its version, too: a page that shows the zip's name must not write it over the case's own.
    values["version"] = whole.c.version + 1
    session.execute(update(whole).where(whole.c.id == case_id).values(**values))  # type: ignore[arg-type]


def _manifest_of(session: Session, case: Case, builds: list[Build]) -> Manifest:
    taken: set[str] = set()
    inputs = tuple(_described("originals", file, taken) for file in case.inputs)
    shown = session.get(Blob, case.thumbnail_sha256) if case.thumbnail_sha256 else None
    return Manifest(
        title=case.title,
        notes=case.notes,
        tags=tuple(tag.tag for tag in case.tags),
        created_at=case.created_at.isoformat(),
        inputs=inputs,
        thumbnail=ManifestFile("thumbnail.png", "thumbnail.png", shown.sha256, shown.size) if shown else None,
        builds=tuple(
            _described_build(number, build, taken, measured_of(session, build.id).items)
            for number, build in enumerate(builds, start=1)
        ),
    )


def _described_build(
    number: int, build: Build, taken: set[str], measured: list[dict[str, Any]]
) -> ManifestBuild:
    folder = f"builds/{number:02d} {_harmless(build.title)}"
    return ManifestBuild(
        title=build.title,
        created_at=build.created_at.isoformat(),
        request=build.request,
        summary=build.summary,
        files=tuple(_described(folder, file, taken) for file in build.files),
        measurements=tuple(measured),
    )


def _described(folder: str, file: CaseInput | BuildFile, taken: set[str]) -> ManifestFile:
    steps = [_harmless(step) for step in file.name.split("/") if step.strip(". ")] or ["file"]
    path = "/".join([folder, *steps])
    number = 2
    while path.lower() in taken:
        path = "/".join([folder, *steps[:-1], f"{number}-{steps[-1]}"])
        number += 1
    taken.add(path.lower())
    return ManifestFile(file.name, path, file.sha256, file.size)


def _harmless(name: str) -> str:
    """A name that any system takes, as near to the given one as can be."""
    plain = NOT_IN_NAMES.sub("_", name).strip(". ")
    while len(plain.encode()) > NAME_BYTES_MAX:
        stem, dot, ending = plain.rpartition(".")
        plain = f"{stem[:-1]}.{ending}" if dot and stem and len(ending.encode()) < 20 else plain[:-1]
    return plain or "file"


def _entry(archive: Archive, file: ManifestFile) -> ZipEntry:
    return ZipEntry(file.path, file.size, lambda: archive.files.open_range(file.sha256, 0, file.size))


def _members(archive: zipfile.ZipFile, caps: Limits, *, packed_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The zip's members by name, if all of them are plain files at harmless places."""
    found = [member for member in archive.infolist() if not member.is_dir()]
    if len(found) > caps.zip_members:
        raise ArchiveFlaw(f"it holds more than {caps.zip_members:,} files")
    for number, refusal in refusals(found, packed_bytes=packed_bytes, limits=caps).items():
        raise ArchiveFlaw(f"{found[number].filename[:60]!r} is not unpacked, because {refusal.reason}")
    for member in found:
        if not case_manifest.is_safe_path(member.filename):
            raise ArchiveFlaw(f"a file lies at {member.filename[:60]!r}")
    members = {member.filename: member for member in found}
    if len(members) != len(found):
        raise ArchiveFlaw("two of its files lie in one place")
    return members


def _manifest_bytes(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> bytes:
    if case_manifest.NAME not in members:
        raise ArchiveFlaw("it has no manifest")
    with archive.open(members[case_manifest.NAME]) as source:
        return source.read(case_manifest.MANIFEST_BYTES_MAX + 1)


def _require_same(members: Mapping[str, zipfile.ZipInfo], manifest: Manifest) -> None:
    """The manifest names every file, and the zip holds every file that it names."""
    named = {case_manifest.NAME, *(file.path for file in manifest.files())}
    missing, strange = sorted(named - set(members)), sorted(set(members) - named)
    if missing:
        raise ArchiveFlaw(f"{missing[0][:60]!r} is missing in it")
    if strange:
        raise ArchiveFlaw(f"its manifest does not name {strange[0][:60]!r}")


def _require_bounded(manifest: Manifest, caps: Limits, *, packed_bytes: int) -> None:
    size = sum(file.size for file in manifest.files())
    if size > caps.inflated_bytes:
        raise ArchiveFlaw(f"it unpacks to more than {caps.inflated_bytes:,} bytes")
    if size > RATIO_MATTERS_BYTES and size > caps.inflation_ratio * packed_bytes:
        raise ArchiveFlaw(f"it unpacks to more than {caps.inflation_ratio} times its size")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: ManifestFile, *, target: Path) -> None:
    """Write one file; not one byte more than its manifest says is inflated."""
    digest, count = hashlib.sha256(), 0
    with archive.open(member) as source, target.open("xb") as sink:
        while block := source.read(min(BLOCK_BYTES, file.size - count + 1)):
            count += len(block)
            if count > file.size:
                break
            digest.update(block)
            sink.write(block)
    if count != file.size or digest.hexdigest() != file.sha256:
        raise ArchiveFlaw(f"{file.name[:60]!r} is not what it was when it was exported")


def _free_name(name: str, taken: set[str]) -> str:
    """A harmless name like the given one that is not taken yet; it is from then on."""
    wanted = _harmless(name.replace("\\", "/").rstrip("/").rpartition("/")[2])
    number, free = 2, wanted
    while free.lower() in taken:
        number, free = number + 1, f"{number}-{wanted}"
    taken.add(free.lower())
    return free


def _build_row(case_id: str, build: ManifestBuild) -> Build:
    return Build(
        case_id=case_id,
        title=build.title,
        request=build.request,
        # No content key: only what was made here stands in for what would be made again.
        summary=build.summary,
        created_at=datetime.fromisoformat(build.created_at),
        files=[BuildFile(name=file.name, sha256=file.sha256, size=file.size) for file in build.files],
    )
