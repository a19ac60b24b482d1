"""A file of cases -> each built and scored, and a scoreboard of all: numbers, a table, a page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from plastinate import __version__
from plastinate.model.errors import Cancelled, CannotWrite, PlastinateError
from plastinate.model.evaluation import CaseSet, EvaluationCase
from plastinate.model.evaluation_errors import CasesFlaw
from plastinate.pipeline.progress import Progress, ProgressEvent
from plastinate.services.evaluation_cases import read_cases
from plastinate.services.evaluation_scans import Places, reference_path, scan_path
from plastinate.services.evaluation_summary import machine, summary
from plastinate.services.output_folder import output_folder, require_writable
from plastinate.services.score_case import score_case
from plastinate.stages import catalog

FORMAT = "plastinate-scoreboard/1"
# What a score depends on: a result made by other code is made again.
CODE_FOLDERS = ("depot", "model", "native", "nets", "pipeline", "recipes", "stages")
CODE_SUFFIXES = (".py", ".toml", ".cpp", ".hpp")


@dataclass(frozen=True)
class EvaluationRequest:
    """What a person asks for.

    Attributes:
        cases: the TOML file.
        output: folder for the scoreboard; results of cases in it are kept and used again.
        data: what the paths of the file are below; None for the folder that the file lies in.
        only: names of cases; empty for all.
        is_fresh: score all anew, whatever lies in the folder.
    """

    cases: Path
    output: Path
    data: Path | None = None
    only: tuple[str, ...] = ()
    is_fresh: bool = False


def evaluate(request: EvaluationRequest, *, progress: Progress | None = None) -> dict[str, Any]:
    """Build and score every case, and write the scoreboard.

    A case whose scan or reference cannot be had, or that cannot be built, is told with its error and
    costs nothing else. A run that was stopped goes on where it was: what is done is not done again
    while case, files and code are the same.

    Returns:
        The report, as scoreboard.json holds it.

    Raises:
        PathNotFound, CasesFlaw: the file of cases.
        CannotWrite: the output folder.
        Cancelled: the run was asked to stop; finished cases are kept.
    """
    progress = progress or Progress()
    chosen = _chosen(read_cases(request.cases), request)
    output = request.output.absolute()
    require_writable(output)
    data = (request.data or request.cases.parent).absolute()
    places = Places(data, output / "fetched")
    results: list[dict[str, Any]] = []
    scored = [case for case in chosen.cases if not case.is_atlas]
    for number, case in enumerate(scored):
        own = Progress(
            say=_within(progress, number, len(scored), case.name), is_cancelled=progress.is_cancelled
        )
        results.append(_result(case, places, output, is_fresh=request.is_fresh, progress=own))
    report = {
        "format": FORMAT,
        "title": chosen.title,
        "about": chosen.about,
        "plastinate_version": __version__,
        "machine": machine(),
        "summary": summary(results),
        "cases": results,
        "atlases": [{"name": case.name, "title": case.title} for case in chosen.cases if case.is_atlas],
    }
    with output_folder(output) as folder:
        catalog.door("write-scoreboard")(report, folder, pictures=_pictures(results, output))
    progress.finish()
    return report


def _chosen(cases: CaseSet, request: EvaluationRequest) -> CaseSet:
    unknown = set(request.only) - {case.name for case in cases.cases}
    if unknown:
        raise CasesFlaw(request.cases.name, f"there is no case called {sorted(unknown)[0]!r}")
    if not request.only:
        return cases
    return replace(cases, cases=tuple(case for case in cases.cases if case.name in request.only))


def _within(whole: Progress, number: int, count: int, name: str) -> Any:
    def say(event: ProgressEvent) -> None:
        whole.say(ProgressEvent((number + event.share_done) / count, f"{name}: {event.doing}"))

    return say


def _result(
    case: EvaluationCase, places: Places, output: Path, *, is_fresh: bool, progress: Progress
) -> dict[str, Any]:
    kept = output / "cases" / f"{case.name}.json"
    about = {
        "name": case.name,
        "title": case.title,
        "role": case.role,
        "modality": case.modality,
        "reference_by": case.reference_by,
        "licence": case.licence,
        "origin": case.origin,
        "note": case.note,
    }
    try:
        with progress.step("fetch the scan", share=0.05):
            scan, reference = scan_path(case, places), reference_path(case, places)
        key = _key(case, scan, reference)
        if not is_fresh and (known := _known(kept, key)) is not None:
            progress.finish()
            return known
        result, pictures = score_case(case, scan, reference, progress=progress)
    except (Cancelled, CannotWrite):
        raise
    except MemoryError:
        return {**about, "error": {"code": "system.out-of-memory", "sentence": "Memory ran out.", "hint": ""}}
    except PlastinateError as error:
        return {**about, "error": error.as_dict()}
    finished = {**about, "key": key, **result}
    with output_folder(output) as folder:
        write = catalog.door("write-bytes")
        for name in ("cases", "pictures"):
            (folder / name).mkdir()
        for name, picture in pictures.items():
            write(folder / "pictures" / name, picture)
        write(folder / "cases" / kept.name, json.dumps(finished, indent=1, ensure_ascii=False).encode())
    progress.finish()
    return finished


def _known(path: Path, key: str) -> dict[str, Any] | None:
    """The kept result, if it is whole and of this very case, these files and this code."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("key") != key:
        return None
    pictures = [score["picture"]["file"] for score in found["scores"].values() if score.get("picture")]
    return found if all((path.parents[1] / "pictures" / name).is_file() for name in pictures) else None


def _key(case: EvaluationCase, scan: Path, reference: Path) -> str:
    text = json.dumps(
        [asdict(case), _stamps(scan), _stamps(reference), _code_digest()], sort_keys=True, default=list
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _stamps(path: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and dates: enough to notice another scan, without reading gigabytes."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [
        (str(file.relative_to(path.parent)), file.stat().st_size, file.stat().st_mtime_ns)
        for file in files
        if file.is_file()
    ]


def _code_digest() -> str:
    root = Path(__file__).parents[1]
    digest = hashlib.sha256(__version__.encode())
    for folder in CODE_FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in CODE_SUFFIXES:
                digest.update(str(file.relative_to(root)).encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _pictures(results: Collection[Mapping[str, Any]], output: Path) -> dict[str, bytes]:
    names = [
        score["picture"]["file"]
        for result in results
        for score in result.get("scores", {}).values()
        if score.get("picture")
    ]
    return {name: (output / "pictures" / name).read_bytes() for name in names}
