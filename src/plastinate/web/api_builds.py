"""Builds over the API: what was made, and its files, one by one or several in a zip."""

from __future__ import annotations

from functools import partial

from apiflask import APIBlueprint
from flask import Response

from plastinate.model.case_errors import NotThere
from plastinate.services import builds as service
from plastinate.services import measurements
from plastinate.services.zip_stream import ZipEntry
from plastinate.web.actor import current_actor
from plastinate.web.app_state import archive_of_app
from plastinate.web.downloads import send_stored, send_zip
from plastinate.web.file_names import file_name, zip_name
from plastinate.web.if_match import etag_of, is_meant_for_any, version_meant
from plastinate.web.operations import (
    IF_MATCH_NEEDED,
    RANGE,
    REPLACED_MEASUREMENTS,
    STORED,
    VERSIONED_MEASUREMENTS,
    sends,
)
from plastinate.web.payloads import Build, Builds, FilesAsked, Measurements, MeasurementsAsked
from plastinate.web.views import build_whole

builds = APIBlueprint("api_builds", __name__, url_prefix="/api", tag="Builds")

Tagged = tuple[Measurements, int, dict[str, str]]
# Pictures that we rendered ourselves may be shown in place; nothing else of a build is.
OWN_PICTURES = ("preview.png", "pictures/")


@builds.get("/cases/<case_id>/builds")
@builds.output(Builds)
def list_builds(case_id: str) -> Builds:
    """What was built of a case, the newest first."""
    found = service.list_builds(archive_of_app(), current_actor(), case_id)
    return Builds(builds=[build_whole(build) for build in found])


@builds.get("/builds/<build_id>")
@builds.output(Build)
def read_build(build_id: str) -> Build:
    """A build: its organs with their verdicts, and its files."""
    return build_whole(service.read_build(archive_of_app(), current_actor(), build_id))


@builds.get("/builds/<build_id>/measurements")
@builds.output(Measurements)
@builds.doc(responses=VERSIONED_MEASUREMENTS)
def read_measurements(build_id: str) -> Tagged:
    """What was measured on a build."""
    return _measured(measurements.read_measurements(archive_of_app(), current_actor(), build_id))


@builds.put("/builds/<build_id>/measurements")
@builds.input(MeasurementsAsked)
@builds.output(Measurements)
@builds.doc(responses=REPLACED_MEASUREMENTS, extensions=IF_MATCH_NEEDED)
def write_measurements(build_id: str, json_data: MeasurementsAsked) -> Tagged:
    """Put a list of measurements in place of the one there is. Values are calculated from the points."""
    asked = json_data.model_dump()["measurements"]
    archive, actor = archive_of_app(), current_actor()
    return _measured(
        measurements.write_measurements(
            archive, actor, build_id, items=asked, version=version_meant(), is_over_any=is_meant_for_any()
        )
    )


@builds.delete("/builds/<build_id>")
@builds.output({}, status_code=204)
def delete_build(build_id: str) -> str:
    """Delete a build for good. It can be built again."""
    service.delete_build(archive_of_app(), current_actor(), build_id)
    return ""


@builds.get("/builds/<build_id>/files/<path:name>")
@builds.doc(responses=STORED, extensions=RANGE)
def read_file(build_id: str, name: str) -> Response:
    """A file of a build, as an attachment. Parts of it can be asked for."""
    archive, actor = archive_of_app(), current_actor()
    file = service.read_build_file(archive, actor, build_id, name=name)
    is_picture = name.endswith(".png") and name.startswith(OWN_PICTURES)
    case_title, is_estimated = service.named_after(archive, actor, build_id)
    shown = name if is_picture else file_name(case_title, name, is_estimated=is_estimated)
    return send_stored(archive.files, file.sha256, size=file.size, name=shown, is_inline=is_picture)


@builds.get("/builds/<build_id>/archive")
@builds.input(FilesAsked, location="query")
@builds.doc(responses={200: sends("application/zip")})
def read_files(build_id: str, query_data: FilesAsked) -> Response:
    """Several files of a build as one zip; all of them where none are named."""
    archive, actor = archive_of_app(), current_actor()
    build = service.read_build(archive, actor, build_id)
    names = {name for name in query_data.names.split(",") if name}
    files = [file for file in build.files if file.name in names] if names else service.offered_files(build)
    if names - {file.name for file in files}:
        raise NotThere("file")
    entries = [
        ZipEntry(file.name, file.size, partial(archive.files.open_range, file.sha256, 0, file.size))
        for file in files
    ]
    case_title, is_estimated = service.named_after(archive, actor, build_id)
    return send_zip(entries, name=zip_name(case_title, build.title, names, is_estimated=is_estimated))


def _measured(found: measurements.Measured) -> Tagged:
    return Measurements.model_validate({"measurements": found.items}), 200, etag_of(found.version)
