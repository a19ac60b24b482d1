"""Pages over an archive with a case of every sort, served from a thread to real browsers.

with serving_pages(tmp_path) as shelf:
    page = signed_in(browser, shelf, complaints);  page.goto(shelf.url + shelf.pages["ready"])
"""

from __future__ import annotations

import atexit
import copy
import functools
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from werkzeug.serving import make_server

from bead_scans import write_bead
from chromium import watched_page
from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, Case, CaseInput, CaseTag, Job, now
from plastinate.engine.kinds import Task
from plastinate.pipeline.progress import Progress
from plastinate.services import work_build
from plastinate.services.build_wish import checked_wish
from plastinate.services.inspect_path import inspect_path
from web_stage import PASSWORD, Stage, open_stage

WISH = {"organs": ["skin"]}
# One text with everything that a careless page would take for its own; NUL, CR and LF the services refuse.
STRANGE = (
    "<script>alert(1)</script> \"><img src=x onerror=alert(2)> {{7*7}} ${7*7} '; =cmd|'/C calc' \u202egnp.exe"
)
PLAIN_PAGES = {
    "cases": "/cases",
    "found nothing": "/cases?search=no+such+words",
    "new": "/cases/new",
    "trash": "/cases/trash",
    "account": "/account",
    "password": "/change-password",
    "people": "/people",
    "no such case": "/cases/nothing",
}


@dataclass
class Shelf:
    """A served application; `pages` has the path of every page, by a name, `cookies` what says who came."""

    url: str
    app: APIFlask
    archive: Archive
    stage: Stage
    pages: dict[str, str] = field(default_factory=dict)
    cookies: Any = None


@contextmanager
def serving(app: APIFlask) -> Iterator[str]:
    """The address of a server for an application."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_app(folder: Path, **settings: Any) -> Iterator[Shelf]:
    """A served application of one administrator, with no case in it."""
    stage = open_stage(folder / "home", **settings)
    try:
        with serving(stage.app) as url:
            yield Shelf(url, stage.app, stage.archive, stage, dict(PLAIN_PAGES))
    finally:
        stage.close()


@contextmanager
def serving_pages(folder: Path) -> Iterator[Shelf]:
    """The shelf of one administrator, who owns all there is."""
    with serving_app(folder) as shelf:
        _fill(shelf)
        yield shelf


def signed_in(
    browser: Any, shelf: Shelf, complaints: list[str], *, at: str = "/cases", **options: Any
) -> Any:
    """The administrator's page, at a path (or nowhere yet); who was here before is known by a cookie."""
    page = watched_page(browser, complaints, **options, storage_state=shelf.cookies)
    if shelf.cookies:
        if at:
            page.goto(shelf.url + at)
        return page
    page.goto(f"{shelf.url}/sign-in")
    page.fill("#email", "admin@example.org")
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.wait_for_url("**/cases")
    shelf.cookies = page.context.storage_state()
    if at not in ("", "/cases"):
        page.goto(shelf.url + at)
    return page


def _fill(shelf: Shelf) -> None:
    inspection, *built = copy.deepcopy(_marble())
    cases = {
        "ready": _case(shelf, "A marble", inspection, tags=["glass"], notes="Round.\n\nFound in a shoe."),
        "strange": _case(shelf, STRANGE, _strange(inspection), tags=[STRANGE[:60]], notes=STRANGE),
        "running": _case(
            shelf,
            "Under way",
            inspection,
            job={"state": "running", "share_done": 0.43, "doing": "check: skin"},
        ),
        "waiting": _case(shelf, "Just come", None, job={"kind": "inspect"}),
        "failed": _case(
            shelf,
            "Gone wrong",
            inspection,
            job={
                "state": "failed",
                "attempt": 3,
                "error": {"code": "job.lost", "sentence": "The job was lost 3 times.", "hint": "Try again."},
            },
        ),
        "thrown away": _case(shelf, "Rubbish", inspection, trashed=True),
    }
    shelf.pages |= {name: f"/cases/{case_id}" for name, case_id in cases.items()}
    for name in ("ready", "strange"):
        build_id = _publish(shelf, cases[name], *built)
        shelf.pages[f"{name} build"] = f"/cases/{cases[name]}/builds/{build_id}"
    older = _publish(shelf, cases["thrown away"], *built, is_older=True)
    shelf.pages["older in 3D"] = f"/cases/{cases['thrown away']}/builds/{older}/view"


def _strange(inspection: dict[str, Any]) -> dict[str, Any]:
    series = inspection["series"][0]
    finding = {
        "code": "ingest.gap",
        "severity": "warning",
        "sentence": STRANGE,
        "action": STRANGE,
        "details": {},
    }
    more = {**series, "description": STRANGE, "findings": [finding], "phases": [STRANGE, "b"]}
    aside = {"reason": {**finding, "code": "no.such-code"}, "files": [STRANGE], "count": 1}
    return {**inspection, "series": [more, {**more, "number": 2, "is_usable": False}], "set_aside": [aside]}


@functools.cache
def _marble() -> tuple[dict[str, Any], dict[str, Any], Path]:
    """A marble's inspection and a real build of it, the same for every shelf of this process."""
    folder = Path(tempfile.mkdtemp(prefix="plastinate-marble-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    scan, attempt = write_bead(folder / "scan"), folder / "attempt"
    inspection = inspect_path(scan).as_dict()
    task = Task(checked_wish(WISH, inspection=inspection), (scan,), attempt)
    attempt.mkdir()
    return inspection, work_build.build(task, progress=Progress()), task.out


def _case(
    shelf: Shelf,
    title: str,
    inspection: dict[str, Any] | None,
    *,
    tags: list[str] | None = None,
    notes: str = "",
    job: dict[str, Any] | None = None,
    trashed: bool = False,
) -> str:
    original = shelf.archive.files.keep_bytes(b"not much of a scan")
    with shelf.archive.database.write() as session:
        case = Case(
            owner_id=shelf.stage.people["admin"],
            title=title,
            notes=notes,
            inspection=inspection,
            trashed_at=now() if trashed else None,
        )
        case.tags = [CaseTag(tag=tag) for tag in tags or []]
        case.inputs = [CaseInput(position=0, name=f"{title}.zip", sha256=original.sha256, size=original.size)]
        session.add(case)
        session.flush()
        if job is not None:
            moments = {"started_at": now(), "heard_at": now()} if job.get("state") == "running" else {}
            session.add(Job(**{"case_id": case.id, "kind": "build", "request": WISH, **moments, **job}))
        return case.id


def _publish(shelf: Shelf, case_id: str, result: dict[str, Any], out: Path, *, is_older: bool = False) -> str:
    """Write a build down; an older one is from before there was anything for a viewer."""
    files = {
        path.relative_to(out).as_posix(): shelf.archive.files.keep(path)
        for path in sorted(out.rglob("*"))
        if path.is_file() and not (is_older and path.parent.name == "view")
    }
    with shelf.archive.database.write() as session:
        job = Job(case_id=case_id, kind="build", request=WISH, state="done", attempt=1)
        session.add(job)
        session.flush()
        work_build.publish(session, job, result=result, files=files)
        session.flush()
        return str(session.query(Build.id).filter(Build.job_id == job.id).scalar())
