"""What is to be scored, and against what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["develop", "judge"]
# Who drew the reference: a figure against a program's labels says how alike two programs are.
Author = Literal["person", "program", "template"]


@dataclass(frozen=True)
class Source:
    """Where a file or folder comes from: a sample, a path, or a member of a pinned package.

    Attributes:
        kind: "sample", "path" or "package".
        place: the sample's name, the path below the data folder, or the member inside the package.
        pinned: for a package: package, version, file, bytes, sha256, member_bytes, member_sha256.
        pictures: for a folder of pictures, one for each slice: "from-the-top" or "from-the-feet"; else "".
    """

    kind: Literal["sample", "path", "package"]
    place: str
    pinned: Mapping[str, Any]
    pictures: str = ""


@dataclass(frozen=True)
class EvaluationCase:
    """One scan with its reference.

    Attributes:
        name: small letters, digits, hyphens; names its files.
        title: for people.
        role: "develop" was looked at while rules and numbers were chosen; "judge" was not.
        modality: "CT" or "MR".
        scan, reference: where they come from.
        labels: what is scored -> the reference's values that make it. A structure id, or several
            joined by "+", where the reference does not tell them apart.
        reference_by: who drew it.
        is_atlas: the methods have this scan in them; it is never scored.
        licence, origin, note: for people.
    """

    name: str
    title: str
    role: Role
    modality: str
    scan: Source
    reference: Source
    labels: Mapping[str, tuple[int, ...]]
    reference_by: Author
    is_atlas: bool = False
    licence: str = ""
    origin: str = ""
    note: str = ""

    @property
    def organs(self) -> tuple[str, ...]:
        """Every structure id that takes part in what is scored, each once."""
        return tuple(dict.fromkeys(part for scored in self.labels for part in scored.split("+")))


@dataclass(frozen=True)
class CaseSet:
    """The cases of one file."""

    title: str
    about: str
    cases: tuple[EvaluationCase, ...]
