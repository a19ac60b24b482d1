"""A card's tables flow in, what a model is, on whose terms, and its pinned bytes come out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plastinate.depot.package_names import package_flaw
from plastinate.depot.picture_card import PictureCard, read_picture_card
from plastinate.depot.read_table import CardTable
from plastinate.depot.run_card import RunCard, read_run_card
from plastinate.model.depot_errors import ModelNotFound

KINDS = ("pypi", "npm", "url")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# It becomes part of the names of folders and files.
NAME_LETTERS_MAX = 60
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
CARD_KEYS = (
    *(
        "title",
        "task",
        "modality",
        "licence",
        "licence_source",
        "licence_url",
        "code_licence",
        "must_agree",
        "commercial_use",
    ),
    *("trained_on", "not_for", "citation", "homepage", "source", "part"),
    *("name", "model", "input", "output"),
)
MODALITIES = ("CT", "MR")
# A picture is no scan: it stands alone, and its card says other things of how to run.
PICTURE = "picture"


@dataclass(frozen=True)
class Archive:
    """A file that somebody else has put where everybody can fetch it, pinned.

    Attributes:
        kind: "pypi" (a wheel), "npm" (a tarball) or "url" (anything).
        file: its name, here and on a mirror.
        bytes: its size; 0 where it is not known.
        sha256: of the whole file, hexadecimal.
        package, version: for "pypi" and "npm". url: for "url".
    """

    kind: Literal["pypi", "npm", "url"]
    file: str
    bytes: int
    sha256: str
    package: str = ""
    version: str = ""
    url: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from, in words for a person."""
        return self.url or f"{self.package} {self.version}"


@dataclass(frozen=True)
class ModelPart:
    """One file of a model.

    Attributes:
        name: what the program calls it; the first part is "net".
        member: path inside the archive; "" where the archive is the file itself.
        file: what it is called in the cache.
        bytes, sha256: pinned.
    """

    name: str
    member: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ModelCard:
    """What a model is, where it comes from and on whose terms.

    Attributes:
        name: what to call it on the command line.
        title, task: what it is and what it finds.
        modality: "CT", "MR"; or "picture" alone.
        archive: where its parts lie.
        parts: its files, the main one first.
        licence: of the weights, SPDX where there is an identifier.
        licence_source: where that is stated. licence_url: where it can be read.
        code_licence: of the code that was published with the weights; "" where nobody has said.
        must_agree: somebody has to say that they agree to it first.
        commercial_use: whether the licence allows it.
        trained_on, not_for: what it has seen, and where not to use it.
        citation, homepage: what to name, and where its makers describe it.
        run: how to run it on scans; None for those that have a method of their own.
        sees: how to ask it how far away the places of a picture are; None for all others.
        beside: the card's own folder, for a model that lies beside its card.
    """

    name: str
    title: str
    task: str
    modality: tuple[str, ...]
    archive: Archive | None
    parts: tuple[ModelPart, ...]
    licence: str
    licence_source: str
    trained_on: str
    not_for: str
    citation: str
    homepage: str
    licence_url: str = ""
    code_licence: str = ""
    must_agree: bool = False
    commercial_use: bool = True
    run: RunCard | None = None
    sees: PictureCard | None = None
    beside: Path | None = None

    @property
    def pin(self) -> str:
        """The SHA-256 that tells one version of the model from another."""
        return self.archive.sha256 if self.archive else self.parts[0].sha256

    def part(self, name: str = "") -> ModelPart:
        """A part by its name; the main one without.

        Raises:
            ModelNotFound: the model has no such part.
        """
        for part in self.parts:
            if name in ("", part.name):
                return part
        raise ModelNotFound(f"{self.name}/{name}")


def read_card(name: str, table: CardTable) -> ModelCard:
    """The card of a model that is fetched from elsewhere.

    Raises:
        ModelCardFlaw: a key is missing, unknown or out of bounds.
    """
    if not NAME.fullmatch(name) or len(name) > NAME_LETTERS_MAX:
        raise table.flaw(
            "name",
            f"{name!r:.80} is not a name: small letters, digits and single hyphens, "
            f"at most {NAME_LETTERS_MAX}",
        )
    table.only(*CARD_KEYS)
    is_own = "name" in table.table
    archive = _archive(table.below("source")) if not is_own or "source" in table.table else None
    parts = tuple(_part(each) for each in table.each_below("part")) if archive else (_beside(table),)
    if not parts:
        raise table.flaw("part", "missing")
    for what in ("name", "file"):
        if len({getattr(part, what) for part in parts}) != len(parts):
            raise table.flaw("part", f"two parts have the same {what}")
    optional = "" if is_own else None
    modality = _modality(table, is_own=is_own)
    is_asked = modality == (PICTURE,) and (is_own or "input" in table.table)
    return ModelCard(
        name=name,
        title=table.text("title"),
        task=table.text("task", optional),
        modality=modality,
        archive=archive,
        parts=parts,
        licence=table.text("licence"),
        licence_source=table.text("licence_source", optional),
        licence_url=table.text("licence_url", ""),
        code_licence=table.text("code_licence", optional),
        must_agree=table.yes("must_agree", default=False),
        commercial_use=table.yes("commercial_use", default=True),
        trained_on=table.text("trained_on"),
        not_for=table.text("not_for"),
        citation=table.text("citation", optional),
        homepage=table.text("homepage", optional),
        run=read_run_card(*_told(table)) if is_own and not is_asked else None,
        sees=read_picture_card(*_told(table)) if is_asked else None,
    )


def _told(table: CardTable) -> tuple[CardTable, CardTable]:
    return table.below("input"), table.below("output")


def _modality(table: CardTable, *, is_own: bool) -> tuple[str, ...]:
    listed = table.texts("modality")
    if listed == (PICTURE,):
        return listed
    if not listed or not set(listed) <= set(MODALITIES):
        other = f", or {PICTURE} alone" if is_own else ""
        raise table.flaw("modality", f"must be a list of {' and '.join(MODALITIES)}{other}")
    return listed


def _beside(table: CardTable) -> ModelPart:
    model = table.below("model")
    model.only("file", "bytes", "sha256")
    file = _file_name(model)
    return ModelPart("net", "", file, model.whole("bytes"), model.sha256("sha256"))


def _archive(table: CardTable) -> Archive:
    table.only("kind", "package", "version", "url", "file", "bytes", "sha256")
    kind = table.choice("kind", KINDS)
    is_url = kind == "url"
    file = _file_name(table)
    if kind == "pypi" and not file.endswith("-none-any.whl"):
        raise table.flaw("file", "must be a wheel for every machine (-none-any.whl)")
    if kind == "npm" and not file.endswith(".tgz"):
        raise table.flaw("file", "must be a .tgz")
    package, version = ("", "") if is_url else (table.text("package"), table.text("version"))
    if not is_url and (flaw := package_flaw(kind, package=package, version=version)):
        raise table.flaw(*flaw)
    url = table.text("url") if is_url else ""
    if is_url and not re.fullmatch(r"https?://[!-.0-~]+/[!-~]+", url):
        raise table.flaw("url", "must begin with https:// or http://")
    return Archive(
        kind=kind,  # type: ignore[arg-type]
        file=file,
        bytes=table.whole("bytes"),
        sha256=table.sha256("sha256"),
        package=package,
        version=version,
        url=url,
    )


def _part(table: CardTable) -> ModelPart:
    table.only("name", "member", "file", "bytes", "sha256")
    return ModelPart(
        name=table.text("name"),
        member=table.text("member", ""),
        file=_file_name(table),
        bytes=table.whole("bytes"),
        sha256=table.sha256("sha256"),
    )


def _file_name(table: CardTable) -> str:
    file = table.text("file")
    if not FILE_NAME.fullmatch(file):
        raise table.flaw("file", "must be a plain file name")
    return file
