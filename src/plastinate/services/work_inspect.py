"""The first look at a case: its files flow in, what the import doctor found and a picture come out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plastinate.engine.kinds import Task
from plastinate.pipeline.progress import Progress
from plastinate.services.inspect_path import glance_at
from plastinate.stages import catalog

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from plastinate.archive.files import StoredFile
    from plastinate.archive.tables import Job

THUMBNAIL = "thumbnail.png"


def inspect(task: Task, *, progress: Progress) -> dict[str, Any]:
    """Look at every file; in the child.

    Returns:
        {"inspection"}, JSON values.

    Raises:
        InputError, LimitError: nothing there that could be read, or too much.
    """
    with progress.step("look at the files", share=1.0) as within:
        found, picture = glance_at(task.scan, progress=lambda done, total, what: within(done / max(total, 1)))
    if picture is not None:
        catalog.door("write-bytes")(task.out / THUMBNAIL, picture)
    return {"inspection": {**found.as_dict(), "path": _shown(task.scan, task.folder)}}


def publish(
    session: Session, job: Job, *, result: Mapping[str, Any], files: Mapping[str, StoredFile]
) -> None:
    """Write down what was found, in the transaction that ends the job."""
    from sqlalchemy import update

    from plastinate.archive.tables import Case

    values: dict[str, Any] = {"inspection": result["inspection"]}
    if THUMBNAIL in files:
        values["thumbnail_sha256"] = files[THUMBNAIL].sha256
    # Not through the row's object: this is no change that a person's edit could conflict with.
    session.execute(update(Case).where(Case.id == job.case_id).values(**values))


def _shown(scan: Path, folder: Path) -> str:
    """The input by its own name: where it lay during the job is nobody's business."""
    return "" if scan.parent == folder else scan.name
