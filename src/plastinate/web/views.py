"""Rows of the archive -> payloads, as the person who asks may see them."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from plastinate.archive import tables
from plastinate.model.case_errors import NotThere
from plastinate.services.access import Actor, role_on
from plastinate.services.builds import SCENE_FILE, offered_files
from plastinate.services.jobs import JobView
from plastinate.web import payloads as shapes
from plastinate.web.app_state import archive_of_app


def person_named(person: tables.Person, actor: Actor) -> shapes.PersonNamed:
    """A person, as others see them; whoever has no account sees no address."""
    email = person.email if actor.person_id is not None or actor.is_admin else ""
    return shapes.PersonNamed(id=person.id, name=person.name, email=email)


def case_line(session: Session, actor: Actor, case: tables.Case) -> shapes.CaseLine:
    """A case, as lists show it."""
    return shapes.CaseLine(**_line(session, actor, case))


def case_whole(session: Session, actor: Actor, case: tables.Case) -> shapes.CaseWhole:
    """A case with all that is known of it."""
    return shapes.CaseWhole(
        **_line(session, actor, case),
        notes=case.notes,
        inputs=[
            shapes.CaseInput(id=each.id, name=each.name, size=each.size, sha256=each.sha256)
            for each in case.inputs
        ],
        inspection=case.inspection,
    )


def job_whole(view: JobView) -> shapes.Job:
    """A job, how far it is, and how often it may be tried."""
    found = view.as_dict()["found"]
    # Another address for each picture: what is kept of it elsewhere is never an earlier one.
    glimpse = url_for("api_jobs.glimpse", job_id=view.job.id, v=len(found)) if found else None
    return shapes.Job(**view.as_dict(), glimpse=glimpse, attempts_max=archive_of_app().settings.attempts)


def build_whole(build: tables.Build) -> shapes.Build:
    """A build with its files and where to fetch them."""
    return shapes.Build(
        id=build.id,
        case_id=build.case_id,
        job_id=build.job_id,
        title=build.title,
        created_at=build.created_at,
        request=build.request,
        summary=build.summary,
        result_key=build.result_key,
        files=[
            shapes.BuildFile(
                name=each.name,
                size=each.size,
                sha256=each.sha256,
                url=url_for("api_builds.read_file", build_id=build.id, name=each.name),
            )
            for each in offered_files(build)
        ],
        scene_url=url_for("api_builds.read_file", build_id=build.id, name=SCENE_FILE)
        if any(each.name == SCENE_FILE for each in build.files)
        else None,
    )


def _line(session: Session, actor: Actor, case: tables.Case) -> dict[str, Any]:
    role = role_on(session, actor, case)
    if role == "none":
        raise NotThere("case")
    picture = case.thumbnail_sha256
    return {
        "id": case.id,
        "title": case.title,
        "tags": [each.tag for each in case.tags],
        "role": role,
        "owner": None if case.owner is None else person_named(case.owner, actor),
        "created_at": case.created_at,
        "changed_at": case.changed_at,
        "trashed_at": case.trashed_at,
        "version": case.version,
        # The address changes with the picture, so that browsers may keep it.
        "thumbnail": picture and url_for("api_cases.thumbnail", case_id=case.id, v=picture[:16]),
    }
