"""The name of a sample scan flows in, a case with its organs being built comes out: something to look at.

Whoever starts a server for the first time finds a case there. It belongs to nobody until the first
administrator comes, and is put in once: whoever deletes it is not shown it again.
"""

from __future__ import annotations

import contextlib
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from plastinate.archive.archive import Archive
from plastinate.archive.files import StoredFile
from plastinate.archive.tables import Case, CaseInput, Person
from plastinate.model.errors import SystemFault
from plastinate.pipeline.progress import Progress as Told
from plastinate.pipeline.progress import ProgressEvent
from plastinate.recipes.load import organ_ids, recipe_for_organs
from plastinate.services.cases import add_case
from plastinate.services.jobs import queue_build
from plastinate.services.needed_models import FETCH_SHARE, fetch_needed_models
from plastinate.services.sample import SampleInfo, fetch_sample
from plastinate.services.sample_sources import SAMPLES, Sample

NO_DATE = (1980, 1, 1, 0, 0, 0)

Progress = Callable[[str, float], None]


def put_sample_in(
    archive: Archive,
    name: str,
    *,
    progress: Progress | None = None,
    leaves_out: Callable[[str, SystemFault], None] | None = None,
    samples: Mapping[str, Sample] = SAMPLES,
) -> str | None:
    """Put a sample scan into the archive and queue its organs, unless that has been done before.

    The models that its organs need are fetched here, while somebody looks on.

    To be called while nobody else can do the same: by a server that is about to start.

    Args:
        archive: where to put it.
        name: of the sample.
        progress: called with a few words and a share from 0 to 1.
        leaves_out: told of each organ that is not built, for its model cannot be had, and why.
        samples: the table to look in.

    Returns:
        The id of its case; None where someone has deleted it since.

    Raises:
        RecipeNotFound: no sample of that name.
        DownloadFailed: it cannot be fetched.
        CannotWrite, StoreFull, StoreFailed: the disk or the store refuses.
    """
    mark = archive.settings.home / f"sample-{name}"
    known = mark.read_text(encoding="utf-8").strip() if mark.is_file() else None
    if known is not None:
        with archive.database.read() as session:
            is_there = session.get(Case, known) is not None
            if is_there or session.scalar(select(Person.id).limit(1)) is not None:
                return known if is_there else None
    work = archive.settings.home / "sample-work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        info = fetch_sample(name, work / name, progress=progress, samples=samples)
        wish = _wish(info.sample, progress or _say_nothing, leaves_out or _leave_out)
        packed = _packed(info, work / f"{name}.zip")
        stored = archive.files.keep(packed, move=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    with archive.database.write() as session:
        case_id = _case_of(session, stored) or _new_case(session, info, stored, wish)
    with contextlib.suppress(OSError):
        mark.write_text(case_id, encoding="utf-8")
    return case_id


def _wish(
    sample: Sample, progress: Progress, leaves_out: Callable[[str, SystemFault], None]
) -> dict[str, object]:
    """What to build of a sample, with the models for it; empty where there is nothing.

    Not everybody has a network: an organ whose model cannot be had is told of, and the others are built.
    """
    if sample.recipe:
        return {"recipe": sample.recipe}
    possible = []

    def say(event: ProgressEvent) -> None:
        # A share of the fetching alone: no build follows here.
        progress(event.doing, min(1.0, event.share_done / FETCH_SHARE))

    for organ in organ_ids(sample.organs):
        try:
            fetch_needed_models(recipe_for_organs([organ], sample.modality), progress=Told(say=say))
        except SystemFault as fault:
            leaves_out(organ, fault)
        else:
            possible.append(organ)
    return {"organs": possible} if possible else {}


def _say_nothing(words: str, share: float) -> None:
    del words, share


def _leave_out(organ: str, fault: SystemFault) -> None:
    del organ, fault


def _case_of(session: Session, stored: StoredFile) -> str | None:
    return session.scalar(select(CaseInput.case_id).where(CaseInput.sha256 == stored.sha256).limit(1))


def _new_case(session: Session, info: SampleInfo, stored: StoredFile, wish: Mapping[str, object]) -> str:
    admins = select(Person.id).where(Person.is_admin, Person.active).order_by(Person.created_at)
    owner_id = session.scalar(admins.limit(1))
    case = add_case(session, owner_id=owner_id, title=info.sample.title, files=[(f"{info.name}.zip", stored)])
    sample = info.sample
    case.notes = f"{sample.about}\n\n{sample.licence}\n\nCite: {sample.citation}"
    if wish:
        queue_build(session, case, person_id=owner_id, request=wish)
    return case.id


def _packed(info: SampleInfo, target: Path) -> Path:
    """The series as one zip, not compressed; the same bytes every time, so that it is stored once."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(info.series.rglob("*")):
            if path.is_file():
                member = zipfile.ZipInfo(path.relative_to(info.series).as_posix(), NO_DATE)
                archive.writestr(member, path.read_bytes())
    return target
