"""A case archive flows in as the upload of a new case; what it holds becomes that case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plastinate.engine.kinds import Task
from plastinate.pipeline.progress import Progress
from plastinate.services.case_archive import is_case_archive, publish_case_archive, read_case_archive

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from plastinate.archive.files import StoredFile
    from plastinate.archive.tables import Job

KEY = "case_archive"


def is_import(task: Task) -> bool:
    """Whether what was uploaded is a case that was exported before."""
    return len(task.inputs) == 1 and is_case_archive(task.inputs[0])


def take_in(task: Task, *, progress: Progress) -> dict[str, Any]:
    """Unpack the archive into the task's results and check every file; in the child.

    Returns:
        What `read_case_archive` says.

    Raises:
        ArchiveFlaw: its contents are not what its manifest says.
    """
    with progress.step("check the case archive", share=0.5):
        return read_case_archive(task.inputs[0], task.out)


def publish(
    session: Session, job: Job, *, result: Mapping[str, Any], files: Mapping[str, StoredFile]
) -> None:
    """Make the job's case what the archive says, where it was one; in the transaction that ends the job."""
    if result.get(KEY) is not None:
        publish_case_archive(session, job.case_id, described=result[KEY], files=files)
