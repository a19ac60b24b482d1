"""What the build jobs of a case have made: listed, read, taken file by file, and deleted."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, BuildFile
from plastinate.model.case_errors import NotThere
from plastinate.services.access import Actor, Need, case_for

# What the viewer fetches piece by piece: kept, exported and counted with a build, but offered to nobody.
VIEW_FOLDER = "view/"
SCENE_FILE = "view/scene.json"


def offered_files(build: Build) -> list[BuildFile]:
    """The files of a build that people take away."""
    return [each for each in build.files if not each.name.startswith(VIEW_FOLDER)]


def list_builds(archive: Archive, actor: Actor, case_id: str) -> list[Build]:
    """The builds of a case, the newest first.

    Raises:
        NotThere: there is no case that this person may know of.
    """
    with archive.database.read() as session:
        case_for(session, actor, case_id, need="view")
        found = select(Build).where(Build.case_id == case_id)
        return list(session.scalars(found.order_by(Build.created_at.desc(), Build.id)))


def read_build(archive: Archive, actor: Actor, build_id: str) -> Build:
    """One build with its files.

    Raises:
        NotThere: there is none that this person may know of.
    """
    with archive.database.read() as session:
        return build_for(session, actor, build_id, need="view")


def named_after(archive: Archive, actor: Actor, build_id: str) -> tuple[str, bool]:
    """What the files of a build are called after: its case's title, and whether they say ESTIMATED.

    Raises:
        NotThere: there is no such build that this person may know of.
    """
    with archive.database.read() as session:
        build = build_for(session, actor, build_id, need="view")
        title = case_for(session, actor, build.case_id, need="view").title
        return title, bool(build.summary.get("estimate"))


def read_build_file(archive: Archive, actor: Actor, build_id: str, *, name: str) -> BuildFile:
    """One file of a build, by its relative name.

    Raises:
        NotThere: no such build to this person, or no such file in it.
    """
    with archive.database.read() as session:
        build_for(session, actor, build_id, need="view")
        found = session.get(BuildFile, (build_id, name)) if "\0" not in name else None
        if found is None:
            raise NotThere("file")
        return found


def delete_build(archive: Archive, actor: Actor, build_id: str) -> None:
    """Delete a build for good; it can be built again. Its files go with the next sweep.

    Raises:
        NotThere: there is none that this person may know of.
        NotAllowed: they may only see it.
    """
    with archive.database.write() as session:
        session.delete(build_for(session, actor, build_id, need="edit"))


def build_for(session: Session, actor: Actor, build_id: str, *, need: Need) -> Build:
    """The build, if this person may see it and do what they need.

    Raises:
        NotThere: there is none that this person may know of.
        NotAllowed: they may see it, and not this.
    """
    build = session.get(Build, build_id)
    if build is None:
        raise NotThere("build")
    try:
        case_for(session, actor, build.case_id, need=need)
    except NotThere as error:
        raise NotThere("build") from error
    return build
