"""The manifest of a case archive: written from rows, read as the words of a stranger.

    {"format": "plastinate-case", "format_version": 1, "plastinate": "0.1.0",
     "case": {"title", "notes", "tags", "created_at", "inspection"},
     "inputs": [FILE], "thumbnail": FILE | null,
     "builds": [{"title", "created_at", "request", "summary", "files": [FILE], "measurements"}]}
    FILE = {"name": what it is called, "path": where it lies in the zip, "sha256", "size"}

Nothing that is read from one is believed beyond its kind and size: a field that pages
show has the shape that pages expect, or the archive is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plastinate.model.case_errors import ArchiveFlaw, RequestFlaw
from plastinate.services import measurements, text_fields
from plastinate.services.build_wish import require_kinds

NAME = "manifest.json"
FORMAT = "plastinate-case"
FORMAT_VERSION = 1
MANIFEST_BYTES_MAX = 32 << 20
BUILD_FILE_NAME_MAX = 400
# A case that was made here never has so many; pages read all that a case has.
INPUTS_MAX = 1000
BUILDS_MAX = 1000
BUILD_FILES_MAX = 20_000
SUMMARY_BYTES_MAX = 256 << 10
SUMMARIES_BYTES_MAX = 8 << 20
REQUEST_BYTES_MAX = 64 << 10
WORDS_MAX = 10_000
SHA256 = re.compile(r"[0-9a-f]{64}")
COLOUR = re.compile(r"#[0-9a-f]{6}")
LIGHTS = ("green", "amber", "red")
NUMBERS = ("volume_ml", "distance_mean_mm", "distance_p95_mm", "triangles")
FINDING_WORDS = ("code", "severity", "sentence", "action")
SEVERITIES = ("note", "repaired", "warning", "problem")
BACKSLASH = "\\"


@dataclass(frozen=True)
class ManifestFile:
    """A file of the archive.

    Attributes:
        name: what it is called.
        path: the name of its member in the zip.
        sha256: of its content.
        size: its bytes.
    """

    name: str
    path: str
    sha256: str
    size: int

    def as_dict(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {"name": self.name, "path": self.path, "sha256": self.sha256, "size": self.size}


@dataclass(frozen=True)
class ManifestBuild:
    """A build of the archive; `request` and `summary` are JSON values as `Build` keeps them."""

    title: str
    created_at: str
    request: dict[str, Any]
    summary: dict[str, Any]
    files: tuple[ManifestFile, ...]
    measurements: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Manifest:
    """All that a case archive says of itself."""

    title: str
    notes: str
    tags: tuple[str, ...]
    created_at: str
    inputs: tuple[ManifestFile, ...]
    thumbnail: ManifestFile | None
    builds: tuple[ManifestBuild, ...]

    def files(self) -> Iterator[ManifestFile]:
        """Every file, in the order of the zip."""
        yield from self.inputs
        if self.thumbnail:
            yield self.thumbnail
        for build in self.builds:
            yield from build.files

    def as_dict(self) -> dict[str, Any]:
        """As it stands in the zip, without what it says of the program."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "case": {
                "title": self.title,
                "notes": self.notes,
                "tags": list(self.tags),
                "created_at": self.created_at,
            },
            "inputs": [file.as_dict() for file in self.inputs],
            "thumbnail": self.thumbnail.as_dict() if self.thumbnail else None,
            "builds": [
                {
                    "title": build.title,
                    "created_at": build.created_at,
                    "request": build.request,
                    "summary": build.summary,
                    "files": [file.as_dict() for file in build.files],
                    "measurements": list(build.measurements),
                }
                for build in self.builds
            ],
        }


def is_manifest(data: bytes) -> bool:
    """Whether a member called manifest.json is one of ours; a scan's zip may have another."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.get("format") == FORMAT


def parse_manifest(data: bytes) -> Manifest:
    """A manifest from the bytes of its member, or from `Manifest.as_dict` as JSON.

    Raises:
        ArchiveFlaw: not one that is understood here.
    """
    if len(data) > MANIFEST_BYTES_MAX:
        raise ArchiveFlaw("its manifest is too long")
    try:
        whole = _dict(json.loads(data), "the manifest")
    except (ValueError, RecursionError) as error:
        raise ArchiveFlaw("its manifest is not JSON") from error
    if whole.get("format") != FORMAT:
        raise ArchiveFlaw("its manifest is not that of a case")
    if whole.get("format_version") != FORMAT_VERSION:
        raise ArchiveFlaw("it was made by a newer Plastinate")
    case = _dict(whole.get("case"), "case")
    shown = whole.get("thumbnail")
    tags = [_text(tag, "a tag", longest=text_fields.TAG_MAX) for tag in _list(case.get("tags"), "tags")]
    found = Manifest(
        title=_text(case.get("title"), "the title", longest=text_fields.TITLE_MAX),
        notes=_text(case.get("notes"), "the notes", longest=text_fields.NOTES_MAX, may_be_empty=True),
        tags=tuple(sorted(set(tags)))[: text_fields.TAGS_MAX],
        created_at=_moment(case.get("created_at")),
        inputs=tuple(
            _file(each, longest=1 << 12) for each in _list(whole.get("inputs"), "inputs", most=INPUTS_MAX)
        ),
        thumbnail=None if shown is None else _file(shown, longest=text_fields.NAME_MAX),
        builds=_builds(_list(whole.get("builds"), "builds", most=BUILDS_MAX)),
    )
    if not found.inputs:
        raise ArchiveFlaw("it holds no scan")
    paths = [file.path for file in found.files()]
    if len(set(paths)) != len(paths):
        raise ArchiveFlaw("two of its files lie in one place")
    return found


def is_safe_path(path: str) -> bool:
    """Whether a member's name stays inside the folder it would be unpacked into.

    >>> is_safe_path("builds/1/scene.glb"), is_safe_path("../x"), is_safe_path("C:/x"), is_safe_path("/x")
    (True, False, False, False)
    """
    steps = path.split("/")
    return not (
        BACKSLASH in path
        or "\0" in path
        or re.match(r"[A-Za-z]:", path)
        or any(step in ("", ".", "..") for step in steps)
    )


def _builds(values: list[Any]) -> tuple[ManifestBuild, ...]:
    """The builds, as long as pages can show them all."""
    found: list[ManifestBuild] = []
    files = summaries = 0
    for value in values:
        build = _build(_dict(value, "a build"))
        size = len(json.dumps(build.summary))
        files, summaries = files + len(build.files), summaries + size
        if size > SUMMARY_BYTES_MAX or summaries > SUMMARIES_BYTES_MAX:
            raise ArchiveFlaw("what it says of its builds is too long")
        if files > BUILD_FILES_MAX:
            raise ArchiveFlaw(f"its builds have more than {BUILD_FILES_MAX:,} files")
        found.append(build)
    return tuple(found)


def _build(value: dict[str, Any]) -> ManifestBuild:
    files = tuple(_file(each, longest=BUILD_FILE_NAME_MAX) for each in _list(value.get("files"), "files"))
    names = [file.name for file in files]
    if len(set(names)) != len(names):
        raise ArchiveFlaw("two files of a build have one name")
    for name in names:
        if not is_safe_path(name):
            raise ArchiveFlaw(f"a file of a build is called {name[:60]!r}")
    summary = _summary(_dict(value.get("summary"), "a build's summary"))
    measured = _measurements(_list(value.get("measurements", []), "measurements"))
    return ManifestBuild(
        title=_text(value.get("title"), "a build's title", longest=text_fields.TITLE_MAX, may_be_empty=True),
        created_at=_moment(value.get("created_at")),
        request=_request(_dict(value.get("request"), "a build's request")),
        summary=summary,
        files=files,
        measurements=tuple(measurements.in_unit(measured, measurements.length_unit_of(summary))),
    )


def _measurements(values: list[Any]) -> tuple[dict[str, Any], ...]:
    """What was measured, with values that follow from the points; archives made before have none."""
    try:
        return tuple(measurements.checked(_dict(each, "a measurement") for each in values))
    except RequestFlaw as error:
        raise ArchiveFlaw("a measurement is not one") from error


def _summary(value: dict[str, Any]) -> dict[str, Any]:
    """What lists and pages show of a build, and nothing else."""
    left_out = _dict(value.get("formats_left_out", {}), "formats left out")
    return {
        "organs": [_organ(_dict(each, "an organ")) for each in _list(value.get("organs", []), "organs")],
        "not_found": [
            _not_found(_dict(each, "an organ"))
            for each in _list(value.get("not_found", []), "organs that were not found")
        ],
        "findings": [
            {
                **{word: _text(each.get(word, ""), word, may_be_empty=True) for word in FINDING_WORDS},
                "severity": _one_of(each.get("severity"), SEVERITIES, "a severity"),
                "details": {},
            }
            for each in (_dict(found, "a finding") for found in _list(value.get("findings", []), "findings"))
        ],
        "formats_left_out": {
            _text(name, "a format", longest=60): _text(why, "a reason") for name, why in left_out.items()
        },
        "wall_s": _number(value.get("wall_s")),
        **({"estimate": _estimate(value["estimate"])} if value.get("estimate") is not None else {}),
        # Whoever reads the lights should know that another server set them.
        "imported": True,
    }


def _estimate(value: Any) -> dict[str, Any]:
    """That a model was made of pictures, and whether it has a length; an unknown unit claims none."""
    said = value if isinstance(value, dict) else {}
    words = {name: said.get(name) for name in ("kind", "invented", "length_from")}
    return {
        **{name: _text(word, f"an estimate's {name}") for name, word in words.items() if word is not None},
        "unit": "mm" if said.get("unit") == "mm" else "px",
        "pictures": 2 if said.get("pictures") == 2 else 1,
    }


def _not_found(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": _text(value.get("id"), "an organ's id", longest=100),
        "name": _text(value.get("name"), "an organ's name", longest=text_fields.NAME_MAX),
        "reason": _text(value.get("reason"), "a reason"),
    }


def _organ(value: dict[str, Any]) -> dict[str, Any]:
    colour = _text(value.get("colour"), "a colour", longest=7)
    if not COLOUR.fullmatch(colour):
        raise ArchiveFlaw("a colour is not one")
    return {
        "id": _text(value.get("id"), "an organ's id", longest=100),
        "name": _text(value.get("name"), "an organ's name", longest=text_fields.NAME_MAX),
        "colour": colour,
        "light": _one_of(value.get("light"), LIGHTS, "a light"),
        "reasons": [_text(each, "a reason") for each in _list(value.get("reasons", []), "reasons")[:100]],
        **{name: _number(value.get(name)) for name in NUMBERS},
    }


def _request(value: dict[str, Any]) -> dict[str, Any]:
    """What was asked for: plain values and lists of them, of the kinds that wishes have here."""
    plain = (str, int, float, bool, type(None))
    for name, each in value.items():
        # Those two are made of parts, and held to them below.
        if name in ("picture", "prompts"):
            continue
        if not all(isinstance(item, plain) for item in (each if isinstance(each, list) else [each])):
            raise ArchiveFlaw("a build's request is not one")
    try:
        # NaN is no JSON, and lets no answer through.
        if len(json.dumps(value, allow_nan=False)) > REQUEST_BYTES_MAX:
            raise ArchiveFlaw("a build's request is too long")
        require_kinds(value)
    except (ValueError, OverflowError, RequestFlaw) as error:
        raise ArchiveFlaw("a build's request is not one") from error
    return value


def _file(value: Any, *, longest: int) -> ManifestFile:
    fields = _dict(value, "a file")
    path, sha256, size = fields.get("path"), fields.get("sha256"), fields.get("size")
    if not isinstance(path, str) or len(path) > 2000 or not is_safe_path(path) or path == NAME:
        raise ArchiveFlaw(f"a file lies at {str(path)[:60]!r}")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise ArchiveFlaw("a SHA-256 is not one")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ArchiveFlaw("a size is not one")
    return ManifestFile(_text(fields.get("name"), "a file's name", longest=longest), path, sha256, size)


def _text(value: Any, what: str, *, longest: int = WORDS_MAX, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > longest or not (value.strip() or may_be_empty):
        raise ArchiveFlaw(f"{what} is not text of the length it may have")
    return value


def _moment(value: Any) -> str:
    """A moment with its zone, of the past: this archive cannot have been made tomorrow."""
    try:
        moment = datetime.fromisoformat(_text(value, "a moment", longest=40))
    except ValueError as error:
        raise ArchiveFlaw("a moment is not one") from error
    if moment.tzinfo is None:
        raise ArchiveFlaw("a moment has no zone")
    try:
        return min(moment.astimezone(UTC), datetime.now(UTC)).isoformat()
    except OverflowError as error:
        raise ArchiveFlaw("a moment is not one") from error


def _number(value: Any) -> float | int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ArchiveFlaw("a number is not one")
    if abs(value) > 1e15:
        raise ArchiveFlaw("a number is senseless")
    return value


def _one_of(value: Any, words: tuple[str, ...], what: str) -> str:
    if value not in words:
        raise ArchiveFlaw(f"{what} is not one")
    return str(value)


def _dict(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ArchiveFlaw(f"{what} is missing")
    return value


def _list(value: Any, what: str, *, most: int = 100_000) -> list[Any]:
    if not isinstance(value, list):
        raise ArchiveFlaw(f"{what}: not a list")
    if len(value) > most:
        raise ArchiveFlaw(f"{what}: more than {most:,}")
    return value
