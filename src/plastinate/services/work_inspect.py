"""The first look at a case: its files flow in, what the import doctor found and a picture come out.

An upload may also be a case that was exported before; then it is taken in, and the look is at the scan in it.
One picture, or a pair, has no series: it is decoded, and what was found is what kind of picture it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plastinate.engine.kinds import Task
from plastinate.model.errors import InputError, LimitError
from plastinate.pipeline.progress import Progress
from plastinate.services import text_fields, work_import
from plastinate.services.inspect_path import glance_at, look_at_picture
from plastinate.stages import catalog

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from plastinate.archive.files import StoredFile
    from plastinate.archive.tables import Job

# The picture of a series.
SLICE = "slice-{number}.png"
# A case that is one picture, or a pair, has no series; its pictures stand under these numbers.
THE_PICTURES = (1, 2)


def inspect(task: Task, *, progress: Progress) -> dict[str, Any]:
    """Look at every file; in the child.

    Returns:
        {"inspection", "case_archive"}, JSON values.

    Raises:
        InputError, LimitError: nothing there that could be read, or too much.
        ArchiveFlaw: a case archive whose contents are not what its manifest says.
    """
    described = work_import.take_in(task, progress=progress) if work_import.is_import(task) else None
    scan = task.scan if described is None else task.out / described["originals"]
    if (looked := _look_at_picture(scan, progress=progress)) is not None:
        inspection, small = looked
        for number, each in zip(THE_PICTURES, small, strict=False):
            catalog.door("write-bytes")(task.out / SLICE.format(number=number), each)
        return {"inspection": inspection, work_import.KEY: described}
    try:
        with progress.step("look at the files", share=1.0 if described is None else 0.5) as within:
            found, pictures = glance_at(scan, progress=lambda done, total, what: within(done / max(total, 1)))
    except (InputError, LimitError):
        if described is None:
            raise
        # The case was kept with a scan that nobody could read, and so it comes back.
        return {"inspection": None, work_import.KEY: described}
    for number, picture in pictures.items():
        catalog.door("write-bytes")(task.out / SLICE.format(number=number), picture)
    # By its own name: where it lay during the job is nobody's business.
    inspection = {**found.as_dict(), "path": scan.name if scan.is_file() else ""}
    return {"inspection": inspection, work_import.KEY: described}


def _look_at_picture(scan: Path, *, progress: Progress) -> tuple[dict[str, Any], tuple[bytes, ...]] | None:
    """The inspection of one picture, or of two that are a pair, and the pictures; None for anything else."""
    with progress.step("look at the files", share=0.0):
        found = look_at_picture(scan)
    if found is None:
        return None
    inspection = {
        "path": scan.name if scan.is_file() else "",
        "files_looked_at": len(found.small),
        "series": [],
        "set_aside": [],
        "findings": [finding.as_dict() for finding in found.findings],
        "picture": found.described,
    }
    return inspection, found.small


def publish(
    session: Session, job: Job, *, result: Mapping[str, Any], files: Mapping[str, StoredFile]
) -> None:
    """Write down what was found, in the transaction that ends the job."""
    from sqlalchemy import delete, update

    from plastinate.archive.tables import Case, SeriesSlice

    work_import.publish(session, job, result=result, files=files)
    described = result.get(work_import.KEY)
    values: dict[str, Any] = {"inspection": result["inspection"]}
    title = "" if described else _own_title(result["inspection"])
    if title and _is_called_as_its_file(session, job.case_id):
        values["title"] = title
    inspection = result["inspection"] or {}
    numbers = [each["number"] for each in inspection.get("series", [])]
    numbers += [*THE_PICTURES] if inspection.get("picture") else []
    slices = {each: files[name] for each in numbers if (name := SLICE.format(number=each)) in files}
    if slices and not (described and described.get("thumbnail")):
        values["thumbnail_sha256"] = next(iter(slices.values())).sha256
    session.execute(delete(SeriesSlice).where(SeriesSlice.case_id == job.case_id))
    session.add_all(
        SeriesSlice(case_id=job.case_id, number=number, sha256=stored.sha256)
        for number, stored in slices.items()
    )
    # Not through the row's object: this is no change that a person's edit could conflict with.
    session.execute(update(Case).where(Case.id == job.case_id).values(**values))


def _own_title(inspection: Mapping[str, Any] | None) -> str:
    """What the scan calls itself: its first series that can be built."""
    usable = (each for each in (inspection or {}).get("series", []) if each["is_usable"])
    first: Mapping[str, Any] = next(usable, {})
    return str(first.get("tags", {}).get("title", ""))[: text_fields.TITLE_MAX]


def _is_called_as_its_file(session: Session, case_id: str) -> bool:
    """Whether nobody has given the case a title of its own: folders called "dicom" say less than the scan."""
    from plastinate.archive.tables import Case
    from plastinate.services.cases import title_of_file

    case = session.get_one(Case, case_id)
    return bool(case.inputs) and case.title == title_of_file(case.inputs[0].name)
