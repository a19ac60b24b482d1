"""A TOML file of cases -> what is to be scored against what; every flaw is told with its case and key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from plastinate.depot.package_names import package_flaw
from plastinate.model.errors import PathNotFound
from plastinate.model.evaluation import Author, CaseSet, EvaluationCase, Role, Source
from plastinate.model.evaluation_errors import CasesFlaw
from plastinate.model.foreign_toml import read_bounded, toml_tables
from plastinate.model.printable import printable
from plastinate.recipes.load import load_structures
from plastinate.services.sample_sources import SAMPLES

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LABEL_MAX = 65535
CASE_KEYS = ("name", "title", "role", "modality", "scan", "reference", "labels", "reference_by", "atlas")
TEXT_KEYS = ("licence", "origin", "note")
PINNED = ("package", "version", "file", "bytes", "sha256", "member_bytes", "member_sha256")
ORDERS = ("from-the-top", "from-the-feet")


@dataclass(frozen=True)
class _Table:
    """One table of the file, and where in it that stands."""

    file: str
    where: str
    table: Mapping[str, Any]

    def flaw(self, what: str, key: str = "") -> CasesFlaw:
        path = ".".join(part for part in (self.where, key) if part)
        return CasesFlaw(self.file, f"{path}: {what}" if path else what)

    def only(self, known: Collection[str]) -> None:
        for key in self.table:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                raise self.flaw(f"unknown key{f'; did you mean {near[0]}' if near else ''}", key)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.flaw("missing" if value is None else "must be text", key)
        text = " ".join(value.split())
        if printable(text) != text:
            raise self.flaw("holds letters that do not print", key)
        return text

    def choice(self, key: str, choices: Collection[str]) -> str:
        value = self.text(key)
        if value not in choices:
            raise self.flaw(f"is {' or '.join(choices)}, not {value!r:.40}", key)
        return value

    def below(self, key: str) -> _Table:
        value = self.table.get(key)
        if not isinstance(value, dict) or not value:
            raise self.flaw("missing" if value is None else "must be a table that is not empty", key)
        return _Table(self.file, f"{self.where}.{key}", value)


def read_cases(path: Path) -> CaseSet:
    """Read and check a file of cases; nothing is fetched and no scan is opened.

    Raises:
        PathNotFound: there is no such file.
        CasesFlaw: it does not follow docs/reference/evaluation-cases.md.
    """
    try:
        table = toml_tables(read_bounded(path))
    except OSError as error:
        raise PathNotFound(str(path)) from error
    except ValueError as error:
        # A name that no file can have is one as well.
        if "\0" in str(path):
            raise PathNotFound(str(path)) from error
        raise CasesFlaw(path.name, str(error)) from error
    whole = _Table(path.name, "", table)
    whole.only(("title", "about", "case"))
    listed = table.get("case", [])
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        raise whole.flaw("there must be at least one [[case]]")
    cases = tuple(_case(path.name, number, each) for number, each in enumerate(listed, 1))
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise whole.flaw(f"two cases are called {name!r}")
    return CaseSet(whole.text("title", path.stem), whole.text("about", ""), cases)


def _case(file: str, number: int, table: Mapping[str, Any]) -> EvaluationCase:
    numbered = _Table(file, f"case {number}", table)
    name = numbered.text("name")
    if not NAME.fullmatch(name) or len(name) > 60:
        raise numbered.flaw("must be small letters, digits and single hyphens, at most 60", "name")
    case = _Table(file, name, table)
    case.only((*CASE_KEYS, *TEXT_KEYS))
    is_atlas = table.get("atlas", False)
    if not isinstance(is_atlas, bool):
        raise case.flaw("must be true or false", "atlas")
    scan, reference = _source(case.below("scan")), _source(case.below("reference"), is_reference=True)
    if reference.kind == "sample" and scan.kind != "sample":
        raise case.flaw("names a file of a sample, but the scan is none", "reference")
    return EvaluationCase(
        name=name,
        title=case.text("title", name),
        role=cast(Role, case.choice("role", get_args(Role))),
        modality=case.choice("modality", ("CT", "MR")),
        scan=scan,
        reference=reference,
        labels=_labels(case.below("labels")),
        reference_by=cast(Author, case.choice("reference_by", get_args(Author))),
        is_atlas=is_atlas,
        **{key: case.text(key, "") for key in TEXT_KEYS},
    )


def _source(source: _Table, *, is_reference: bool = False) -> Source:
    kinds = [kind for kind in ("sample", "path", "package") if kind in source.table]
    if len(kinds) != 1:
        raise source.flaw("names one of sample, path and package")
    if kinds[0] == "sample":
        source.only(("sample",))
        if not is_reference:
            source.choice("sample", sorted(SAMPLES))
        return Source("sample", _inner(source, "sample"), {})
    if kinds[0] == "path":
        source.only(("path", "pictures") if is_reference else ("path",))
        order = source.choice("pictures", ORDERS) if "pictures" in source.table else ""
        return Source("path", _inner(source, "path"), {}, order)
    source.only((*PINNED, "member"))
    for key in ("bytes", "member_bytes"):
        value = source.table.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise source.flaw("must be a number of bytes", key)
    for key in ("sha256", "member_sha256"):
        if not re.fullmatch(r"[0-9a-f]{64}", source.text(key)):
            raise source.flaw("must be 64 hexadecimal digits", key)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}", source.text("file")):
        raise source.flaw("must be a plain file name", "file")
    if not source.text("file").endswith("-none-any.whl"):
        raise source.flaw("must be a wheel for every machine (-none-any.whl)", "file")
    flaw = package_flaw("pypi", package=source.text("package"), version=source.text("version"))
    if flaw:
        raise source.flaw(flaw[1], flaw[0])
    pinned = {key: source.table[key] if key.endswith("bytes") else source.text(key) for key in PINNED}
    return Source("package", _inner(source, "member"), pinned)


def _inner(source: _Table, key: str) -> str:
    """A path that stays below the folder it is looked for in."""
    place = source.text(key)
    path = Path(place)
    if path.is_absolute() or ".." in path.parts:
        raise source.flaw("must be a path below the data folder, without ..", key)
    return place


def _labels(labels: _Table) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for scored, values in labels.table.items():
        for structure in scored.split("+"):
            if structure not in load_structures():
                near = difflib.get_close_matches(structure, load_structures(), 1)
                guess = f"; did you mean {near[0]}" if near else ""
                raise labels.flaw(f"there is no structure of that name{guess}", scored)
        listed = values if isinstance(values, list) else [values]
        is_sound = all(isinstance(v, int) and not isinstance(v, bool) and 0 < v <= LABEL_MAX for v in listed)
        if not listed or not is_sound:
            raise labels.flaw(f"must be whole numbers from 1 to {LABEL_MAX}", scored)
        found[scored] = tuple(listed)
    return found
