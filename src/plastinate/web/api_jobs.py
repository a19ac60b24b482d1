"""Jobs over the API: asked for, followed, cancelled; one at a time, all of a case, or as a stream."""

from __future__ import annotations

import json

from apiflask import APIBlueprint
from flask import Response, copy_current_request_context

from plastinate.services import jobs as service
from plastinate.services.build_wish import checked_wish
from plastinate.web.actor import current_actor, require_person
from plastinate.web.app_state import archive_of_app, state_of_app
from plastinate.web.events import MEDIA_TYPE, stream_jobs
from plastinate.web.operations import sends, sends_events
from plastinate.web.payloads import BuildAsked, Job, Jobs
from plastinate.web.views import job_whole

jobs = APIBlueprint("api_jobs", __name__, url_prefix="/api", tag="Jobs")


@jobs.get("/cases/<case_id>/jobs")
@jobs.output(Jobs)
def list_jobs(case_id: str) -> Jobs:
    """The jobs of a case, the newest first."""
    return Jobs(jobs=_jobs_of(case_id))


@jobs.post("/cases/<case_id>/jobs")
@jobs.input(BuildAsked)
@jobs.output(Job, status_code=202)
def begin_build(case_id: str, json_data: BuildAsked) -> Job:
    """Build organs of a case.

    The same wish again finds the job that waits, runs or is done.
    """
    archive, actor = archive_of_app(), current_actor()
    wish = json_data.model_dump(exclude_unset=True)
    job = service.submit_build(archive, actor, case_id, request=wish)
    return job_whole(service.read_job(archive, actor, job.id))


@jobs.post("/wish")
@jobs.input(BuildAsked)
@jobs.output(BuildAsked)
def check_wish(json_data: BuildAsked) -> BuildAsked:
    """Say whether a wish can be built at all, before a scan is sent. Nothing is begun.

    The answer is the wish in full, or the problem that asking for it would meet. Whether it fits a scan
    is known when the scan is here.
    """
    require_person()
    return BuildAsked.model_validate(checked_wish(json_data.model_dump(exclude_unset=True), inspection=None))


@jobs.get("/jobs/<job_id>")
@jobs.output(Job)
def read_job(job_id: str) -> Job:
    """A job: how far it is, or how it ended."""
    return job_whole(service.read_job(archive_of_app(), current_actor(), job_id))


@jobs.get("/jobs/<job_id>/glimpse")
@jobs.doc(responses={200: sends("image/png")})
def glimpse(job_id: str) -> Response:
    """What a running job has found so far, drawn from the front, a PNG."""
    picture = service.read_glimpse(archive_of_app(), current_actor(), job_id)
    response = Response(picture, mimetype="image/png")
    response.headers["Cache-Control"] = "private, max-age=600"
    return response


@jobs.post("/jobs/<job_id>/cancel")
@jobs.output(Job)
def cancel_job(job_id: str) -> Job:
    """Stop a job: at once while it waits, within seconds while it runs."""
    return job_whole(service.cancel_job(archive_of_app(), current_actor(), job_id))


@jobs.get("/cases/<case_id>/events")
@jobs.doc(responses={200: sends_events(MEDIA_TYPE)})
def follow_jobs(case_id: str) -> Response:
    """The jobs of a case as a stream of server-sent events.

    Each event `jobs` holds the list that `/jobs` would answer. Where too many streams are open already
    the answer is 503, and asking for `/jobs` every few seconds does the same.
    """

    @copy_current_request_context
    def look() -> str:
        return json.dumps([job.model_dump(mode="json") for job in _jobs_of(case_id)])

    return stream_jobs(state_of_app(), look)


def _jobs_of(case_id: str) -> list[Job]:
    return [job_whole(view) for view in service.list_jobs(archive_of_app(), current_actor(), case_id)]
