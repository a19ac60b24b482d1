"""Uploads become a case; a case is listed, read, renamed, thrown away, taken back, and deleted for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, defer

from plastinate.archive import jobs
from plastinate.archive.archive import Archive
from plastinate.archive.built_organs import made_one_of
from plastinate.archive.files import StoredFile
from plastinate.archive.tables import Build, Case, CaseInput, CaseTag, Share, Upload, now
from plastinate.model.case_errors import Conflict, Gone, NotThere, RequestFlaw
from plastinate.recipes.load import list_recipes, load_structures
from plastinate.services import text_fields
from plastinate.services.access import Actor, case_for, require_person

PER_PAGE_MAX = 200
UPLOADS_MAX = 1000
INSPECT = "inspect"
# What says of a file how it is packed or written, and nothing of the scan.
FILE_ENDINGS = (".zip", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")

Order = Literal["newest", "oldest", "changed", "title"]
ORDERS: dict[str, tuple[Any, ...]] = {
    "newest": (Case.created_at.desc(), Case.id),
    "oldest": (Case.created_at, Case.id),
    "changed": (Case.changed_at.desc(), Case.id),
    "title": (func.lower(Case.title), Case.id),
}


def create_case(archive: Archive, actor: Actor, *, title: str, upload_ids: Sequence[str]) -> Case:
    """Make a case of uploads that are whole, and queue the look at them.

    The second call with the same uploads finds the case of the first.

    Args:
        archive: where it is kept.
        actor: its owner to be.
        title: what to call it; "" takes the first file's name.
        upload_ids: one or more of the person's own uploads.

    Raises:
        SignInNeeded: nobody in particular asks.
        RequestFlaw: no upload, one twice, too many, or a title too long.
        NotThere: an upload that is not there, or not theirs.
        Conflict: an upload is not whole yet, or belongs to another case.
        Gone: an upload has expired.
    """
    owner_id = require_person(actor)
    if not 0 < len(upload_ids) <= UPLOADS_MAX or len(set(upload_ids)) != len(upload_ids):
        raise RequestFlaw(f"A case needs 1 to {UPLOADS_MAX} uploads, each once", where="uploads")
    with archive.database.write() as session:
        uploads = _own_uploads(session, owner_id, upload_ids)
        earlier = {upload.case_id for upload in uploads}
        if earlier != {None}:
            case = session.get(Case, next(iter(earlier)) or "") if len(earlier) == 1 else None
            of_it = select(func.count()).select_from(Upload).where(Upload.case_id.in_(earlier - {None}))
            if case is None or session.scalar(of_it) != len(uploads):
                raise Conflict("One of these uploads belongs to another case already.")
            return case
        files = [(upload.name, StoredFile(upload.sha256 or "", upload.size)) for upload in uploads]
        case = add_case(session, owner_id=owner_id, title=title, files=files)
        for upload in uploads:
            upload.case_id = case.id
        return case


def keep_case(
    archive: Archive, *, owner_id: str | None, title: str, files: Iterable[tuple[str, Path]]
) -> Case:
    """Make a case of files of this machine, and queue the look at them.

    Args:
        archive: where it is kept.
        owner_id: whose it is; None leaves it to the first administrator.
        title: what to call it.
        files: names with the paths they are copied from.

    Raises:
        StoreFull, StoreFailed: the files cannot be stored.
    """
    stored = [(name, archive.files.keep(path)) for name, path in files]
    with archive.database.write() as session:
        return add_case(session, owner_id=owner_id, title=title, files=stored)


def add_case(
    session: Session, *, owner_id: str | None, title: str, files: Sequence[tuple[str, StoredFile]]
) -> Case:
    """Write a case's rows and those of its first job.

    Raises:
        RequestFlaw: a title too long.
    """
    called = title if title.strip() else title_of_file(files[0][0])
    case = Case(
        owner_id=owner_id,
        title=text_fields.one_line(called, where="title", longest=text_fields.TITLE_MAX),
        inputs=[
            CaseInput(position=position, name=name, sha256=stored.sha256, size=stored.size)
            for position, (name, stored) in enumerate(files)
        ],
    )
    case.tags = []
    session.add(case)
    session.flush()
    jobs.add_job(session, case_id=case.id, person_id=owner_id, kind=INSPECT, request={})
    session.refresh(case, ["owner"])
    return case


def list_cases(
    archive: Archive,
    actor: Actor,
    *,
    search: str = "",
    tag: str = "",
    trash: bool = False,
    shared: bool = False,
    order: Order = "newest",
    page: int = 1,
    per_page: int = 24,
    names: Mapping[str, str] | None = None,
) -> tuple[list[Case], int]:
    """The cases someone may see, and how many there are in all.

    Args:
        archive: where they are kept.
        actor: who asks; an administrator sees every case.
        search: words, each of which the title, the notes, a tag, or the name of an organ or of models that
            were built must contain.
        tag: a tag they must have, in any letter case.
        trash: those in the trash instead: one's own.
        shared: only those that others have shared with this person.
        order: "newest", "oldest", "changed" (latest first) or "title".
        page: from 1.
        per_page: 1 to 200.
        names: what the person who asks calls organs and recipes, by their English names.

    Raises:
        SignInNeeded: nobody in particular asks.
    """
    asked = select(Case).where(*_seen_by(actor, trash=trash, shared=shared))
    if tag:
        asked = asked.where(
            exists().where(CaseTag.case_id == Case.id, func.lower(CaseTag.tag) == tag.lower())
        )
    asked = _containing(asked, search, names or {})
    size = min(max(per_page, 1), PER_PAGE_MAX)
    with archive.database.read() as session:
        total = session.scalar(select(func.count()).select_from(asked.subquery())) or 0
        # What was found in a scan may be long, and no list shows it.
        ordered = asked.order_by(*ORDERS[order]).options(defer(Case.inspection, raiseload=True))
        return list(session.scalars(ordered.offset((max(page, 1) - 1) * size).limit(size))), total


def list_tags(archive: Archive, actor: Actor) -> list[str]:
    """Every tag on a case that someone may see, in order; those that differ in letter case alone once.

    Raises:
        SignInNeeded: nobody in particular asks.
    """
    seen = select(Case.id).where(*_seen_by(actor, trash=False, shared=False))
    with archive.database.read() as session:
        found = select(CaseTag.tag).where(CaseTag.case_id.in_(seen)).distinct().order_by(CaseTag.tag)
        once: dict[str, str] = {}
        for tag in session.scalars(found):
            once.setdefault(tag.lower(), tag)
        return sorted(once.values(), key=str.lower)


def read_case(archive: Archive, actor: Actor, case_id: str) -> Case:
    """One case.

    Raises:
        NotThere: there is none that this person may know of.
    """
    with archive.database.read() as session:
        return case_for(session, actor, case_id, need="view")


def change_case(
    archive: Archive,
    actor: Actor,
    case_id: str,
    *,
    version: int | None = None,
    title: str | None = None,
    notes: str | None = None,
    tags: Iterable[str] | None = None,
) -> Case:
    """Rename a case, write its notes, file it under other tags; None leaves a field as it is.

    Args:
        archive: where it is kept.
        actor: who asks; needs to be allowed to edit.
        case_id: of the case.
        version: the version that the person saw; None writes over any.
        title: 1 to 300 characters.
        notes: up to 20,000 characters.
        tags: all its tags.

    Raises:
        NotThere, NotAllowed: as `case_for`.
        Conflict: it has changed since that version.
        RequestFlaw: a field that cannot be taken.
    """
    with archive.database.write() as session:
        case = case_for(session, actor, case_id, need="edit")
        if version is not None and case.version != version:
            raise Conflict("Someone else has changed this case meanwhile.")
        # Asked before anything is changed: what is asked meanwhile would write half of the change.
        wanted = [] if tags is None else _spelled_as_before(session, actor, case, text_fields.tags(tags))
        if title is not None:
            case.title = text_fields.one_line(title, where="title", longest=text_fields.TITLE_MAX)
        if notes is not None:
            case.notes = text_fields.notes(notes)
        if tags is not None:
            had = {tag.tag: tag for tag in case.tags}
            case.tags = [had.get(tag) or CaseTag(tag=tag) for tag in wanted]
        case.changed_at = now()
        return case


def trash_case(archive: Archive, actor: Actor, case_id: str) -> Case:
    """Put a case into the trash, and stop its jobs; it can be taken back until the trash is emptied.

    Raises:
        NotThere, NotAllowed: as `case_for`; only its owner may.
    """
    with archive.database.write() as session:
        case = case_for(session, actor, case_id, need="own")
        case.trashed_at = case.trashed_at or now()
        for job in jobs.jobs_of_case(session, case_id):
            if job.state in jobs.UNFINISHED:
                jobs.request_cancel(session, job.id)
        return case


def restore_case(archive: Archive, actor: Actor, case_id: str) -> Case:
    """Take a case back from the trash.

    Raises:
        NotThere, NotAllowed: as `case_for`; only its owner may.
    """
    with archive.database.write() as session:
        case = case_for(session, actor, case_id, need="own")
        case.trashed_at = None
        return case


def purge_case(archive: Archive, actor: Actor, case_id: str) -> None:
    """Delete a case for good, with its jobs and builds; files that no other case has go with the next sweep.

    Raises:
        NotThere, NotAllowed: as `case_for`; only its owner may.
        Conflict: it is not in the trash.
    """
    with archive.database.write() as session:
        case = case_for(session, actor, case_id, need="own")
        if case.trashed_at is None:
            raise Conflict("The case is not in the trash.", hint="Put it into the trash first.")
        _delete(session, [case_id])


def empty_old_trash(archive: Archive) -> int:
    """Delete what has been in the trash for longer than the settings say, and tell how many cases it was."""
    cutoff = now() - timedelta(days=archive.settings.trash_days)
    with archive.database.write() as session:
        old = list(session.scalars(select(Case.id).where(Case.trashed_at < cutoff)))
        _delete(session, old)
    return len(old)


def set_thumbnail(session: Session, case_id: str, *, sha256: str) -> None:
    """Give a case its picture; whoever edits the case meanwhile is not disturbed."""
    _set(session, case_id, thumbnail_sha256=sha256)


def set_inspection(session: Session, case_id: str, *, inspection: dict[str, Any]) -> None:
    """Write down what was found in a case's files; whoever edits the case meanwhile is not disturbed."""
    _set(session, case_id, inspection=inspection)


def _set(session: Session, case_id: str, **values: Any) -> None:
    # Straight at the table: the version is for what people change.
    session.execute(update(Case.__table__).where(Case.__table__.c.id == case_id).values(**values))  # type: ignore[arg-type]


def _own_uploads(session: Session, owner_id: str, upload_ids: Sequence[str]) -> list[Upload]:
    asked = select(Upload).where(Upload.id.in_(upload_ids), Upload.owner_id == owner_id)
    # Locked in one order: the same request, sent twice at once, makes one case.
    found = {upload.id: upload for upload in session.scalars(asked.order_by(Upload.id).with_for_update())}
    if set(found) != set(upload_ids):
        raise NotThere("upload")
    for upload in found.values():
        if upload.sha256 is None and upload.expires_at < now():
            raise Gone("upload")
        if upload.sha256 is None:
            raise Conflict("An upload is not whole yet.", hint="Send the rest of it first.")
    return [found[upload_id] for upload_id in upload_ids]


def _seen_by(actor: Actor, *, trash: bool, shared: bool) -> tuple[ColumnElement[bool], ...]:
    person_id = None if actor.is_admin else require_person(actor)
    theirs = Case.id.in_(select(Share.case_id).where(Share.person_id == actor.person_id))
    if shared:
        return Case.trashed_at.is_(None), theirs
    there = Case.trashed_at.is_not(None) if trash else Case.trashed_at.is_(None)
    if person_id is None:
        return (there,)
    mine = Case.owner_id == person_id
    return there, mine if trash else or_(mine, theirs)


def _spelled_as_before(session: Session, actor: Actor, case: Case, wanted: Sequence[str]) -> list[str]:
    """Tags as they are spelled on other cases that the person sees: one word, one tag."""
    if not wanted:
        return []
    others = select(Case.id).where(*_seen_by(actor, trash=False, shared=False), Case.id != case.id)
    in_use = select(CaseTag.tag).where(
        CaseTag.case_id.in_(others), func.lower(CaseTag.tag).in_([tag.lower() for tag in wanted])
    )
    known: dict[str, str] = {}
    for tag in session.scalars(in_use.distinct().order_by(CaseTag.tag)):
        known.setdefault(tag.lower(), tag)
    return sorted({known.get(tag.lower(), tag) for tag in wanted})


def _containing(asked: Select[Case], search: str, names: Mapping[str, str]) -> Select[Case]:
    for word in search.lower().replace("\0", " ").split()[:20]:
        tagged = exists().where(
            CaseTag.case_id == Case.id, func.lower(CaseTag.tag).contains(word, autoescape=True)
        )
        asked = asked.where(
            or_(
                func.lower(Case.title).contains(word, autoescape=True),
                func.lower(Case.notes).contains(word, autoescape=True),
                tagged,
                _built(word, names),
            )
        )
    return asked


def _built(word: str, names: Mapping[str, str]) -> ColumnElement[bool]:
    """Whether models of a case, or an organ among them, are called so: in English, or as `names` say."""

    def is_called_so(name: str) -> bool:
        return word in name.lower() or word in names.get(name, "").lower()

    organs = [each.id for each in load_structures().values() if word in each.id or is_called_so(each.name)]
    recipes = [each.title for each in list_recipes() if is_called_so(each.title)]
    called = [func.lower(Build.title).contains(word, autoescape=True), Build.title.in_(recipes)]
    return exists().where(Build.case_id == Case.id, or_(*called, *([made_one_of(organs)] if organs else [])))


def title_of_file(file_name: str) -> str:
    """A file's name without its folder and the ending of its kind, cut to what a title may have.

    >>> [title_of_file(each) for each in ("a/head.nii.gz", "Thorax.ZIP", "scan 1.2")]
    ['head', 'Thorax', 'scan 1.2']
    """
    name = file_name.replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
    ending = next((each for each in FILE_ENDINGS if name.lower().endswith(each)), "")
    stem = name[: len(name) - len(ending)]
    return (stem.strip() or "Untitled")[: text_fields.TITLE_MAX]


def _delete(session: Session, case_ids: Sequence[str]) -> None:
    if case_ids:
        # The uploads too: as long as their rows are there they hold the originals.
        session.execute(delete(Upload).where(Upload.case_id.in_(case_ids)))
        session.execute(delete(Case.__table__).where(Case.__table__.c.id.in_(case_ids)))  # type: ignore[arg-type]
