"""Cases over the API: made of uploads, listed, read, changed, put in the trash, taken out whole."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from plastinate.archive import tables
from plastinate.model.case_errors import NotThere
from plastinate.services import cases as service
from plastinate.services.case_archive import case_entries
from plastinate.services.series_slices import read_slice
from plastinate.services.uploads import settle
from plastinate.web.actor import current_actor
from plastinate.web.app_state import archive_of_app
from plastinate.web.downloads import send_stored, send_zip
from plastinate.web.if_match import etag_of, version_meant
from plastinate.web.operations import IF_MATCH, VERSIONED, says, sends
from plastinate.web.payloads import (
    CaseChanged,
    CaseMade,
    CasePage,
    CasesAsked,
    CaseWhole,
    DeletionAsked,
    Tags,
)
from plastinate.web.views import case_line, case_whole

cases = APIBlueprint("api_cases", __name__, url_prefix="/api/cases", tag="Cases")

Tagged = tuple[CaseWhole, int, dict[str, str]]


@cases.get("")
@cases.input(CasesAsked, location="query")
@cases.output(CasePage)
def list_cases(query_data: CasesAsked) -> CasePage:
    """The cases that you own or that are shared with you.

    An administrator sees every case.
    """
    archive, actor = archive_of_app(), current_actor()
    found, total = service.list_cases(archive, actor, **query_data.model_dump())
    with archive.database.read() as session:
        lines = [case_line(session, actor, case) for case in found]
    return CasePage(cases=lines, total=total, page=query_data.page, per_page=query_data.per_page)


@cases.post("")
@cases.input(CaseMade)
@cases.output(CaseWhole, status_code=201)
def make_case(json_data: CaseMade) -> Tagged:
    """Make a case of finished uploads, and begin to look at them.

    The same uploads again give the same case again.
    """
    archive, actor = archive_of_app(), current_actor()
    for upload_id in json_data.upload_ids:
        settle(archive, actor, upload_id)
    case = service.create_case(archive, actor, title=json_data.title, upload_ids=json_data.upload_ids)
    return _answer(case, status=201)


@cases.get("/tags")
@cases.output(Tags)
def list_tags() -> Tags:
    """Every tag on a case that you may see."""
    return Tags(tags=service.list_tags(archive_of_app(), current_actor()))


@cases.get("/<case_id>")
@cases.output(CaseWhole)
@cases.doc(responses=VERSIONED)
def read_case(case_id: str) -> Tagged:
    """A case with all that is known of it."""
    return _answer(service.read_case(archive_of_app(), current_actor(), case_id))


@cases.patch("/<case_id>")
@cases.input(CaseChanged)
@cases.output(CaseWhole)
@cases.doc(responses=VERSIONED, extensions=IF_MATCH)
def change_case(case_id: str, json_data: CaseChanged) -> Tagged:
    """Rename a case, write its notes, file it under other tags."""
    case = service.change_case(
        archive_of_app(), current_actor(), case_id, version=version_meant(), **json_data.model_dump()
    )
    return _answer(case)


@cases.delete("/<case_id>")
@cases.input(DeletionAsked, location="query")
@cases.output({}, status_code=204)
def delete_case(case_id: str, query_data: DeletionAsked) -> str:
    """Put a case into the trash; or, from there, delete it for good."""
    act = service.purge_case if query_data.forever else service.trash_case
    act(archive_of_app(), current_actor(), case_id)
    return ""


@cases.post("/<case_id>/restore")
@cases.output(CaseWhole)
def restore_case(case_id: str) -> Tagged:
    """Take a case back from the trash."""
    return _answer(service.restore_case(archive_of_app(), current_actor(), case_id))


@cases.get("/<case_id>/thumbnail")
@cases.doc(responses={200: sends("image/png"), 304: says("Not modified.")})
def thumbnail(case_id: str) -> Response:
    """The picture of a case, a PNG."""
    archive = archive_of_app()
    case = service.read_case(archive, current_actor(), case_id)
    if case.thumbnail_sha256 is None:
        raise NotThere("picture")
    with archive.database.read() as session:
        blob = session.get_one(tables.Blob, case.thumbnail_sha256)
    return send_stored(archive.files, blob.sha256, size=blob.size, name="thumbnail.png", is_inline=True)


@cases.get("/<case_id>/series/<int:number>/picture")
@cases.doc(responses={200: sends("image/png"), 304: says("Not modified.")})
def series_picture(case_id: str, number: int) -> Response:
    """A slice of one series of a case, as `inspection` numbers them, a PNG."""
    archive = archive_of_app()
    stored = read_slice(archive, current_actor(), case_id, number=number)
    name = f"series-{number}.png"
    return send_stored(archive.files, stored.sha256, size=stored.size, name=name, is_inline=True)


@cases.get("/<case_id>/archive")
@cases.doc(responses={200: sends("application/zip")})
def export_case(case_id: str) -> Response:
    """A case as one zip: its originals, everything built of it, and a manifest with every hash."""
    archive, actor = archive_of_app(), current_actor()
    case = service.read_case(archive, actor, case_id)
    return send_zip(case_entries(archive, actor, case_id), name=f"{case.title}.zip")


def _answer(case: tables.Case, *, status: int = 200) -> Tagged:
    with archive_of_app().database.read() as session:
        return case_whole(session, current_actor(), case), status, etag_of(case.version)
