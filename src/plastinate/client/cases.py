"""Uploads and wishes flow to a server; a case, its jobs and the files of its builds come back."""

from __future__ import annotations

import re
import time
import urllib.parse
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from plastinate.client.answers import part, rows, said
from plastinate.client.connection import Server
from plastinate.client.stored_zip import Packet
from plastinate.client.upload import upload
from plastinate.model.case_errors import JobError, RequestFlaw, ServerRefused, ServerUnreachable

POLL_S = 0.5
ENDED = frozenset({"done", "failed", "cancelled"})
# Of a case's id, enough for a folder's name: forty bits.
SHORT_ID = 8
FOLDER_NAME_BYTES_MAX = 100
CASE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
# How long a server may be away while its job is waited for: jobs survive it.
PATIENCE_S = 600.0
# What a proxy answers while the server behind it is away.
AWAY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
WAITING = "server away; this goes on by itself"

Progress = Callable[[float, str], None]


def sign_in(url_server: Server, *, email: str, password: str, name: str) -> Server:
    """A server with a token of its own for this machine.

    Raises:
        ServerRefused: the address or the password is wrong, or there were too many tries.
    """
    body = {"email": email, "password": password, "name": name}
    made = url_server.ask("POST", "/api/sign-in", body)
    return Server(url_server.url, part(url_server.url, made, "token", str))


def who_am_i(server: Server) -> str:
    """The name (or the e-mail address) of the person whose token this is.

    Raises:
        ServerRefused: the token is not valid.
    """
    me = server.ask("GET", "/api/me")
    return said(part(server.url, me, "name", str) or me.get("email"))


def end_token(server: Server) -> bool:
    """Make the token void with which the server is spoken to; False where it was already.

    Raises:
        ServerRefused, ServerUnreachable: it may still hold.
    """
    try:
        token_id = part(server.url, server.ask("GET", "/api/me"), "token_id", str)
        server.ask("DELETE", f"/api/tokens/{token_id}")
    except ServerRefused as refusal:
        if refusal.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            return False
        raise
    return True


def require_possible(server: Server, wish: Mapping[str, Any]) -> None:
    """Ask whether a wish can be built at all, before a scan is sent.

    Raises:
        ServerRefused: no such recipe, organ or format ...
    """
    server.ask("POST", "/api/wish", dict(wish))


def make_case(
    server: Server,
    packet: Packet,
    *,
    title: str = "",
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Send a packet and make a case of it; the server has what was sent, bit for bit.

    Raises:
        ServerRefused: see `upload`; or what the server has is not what was sent.
        ServerUnreachable: the server stayed away.
    """
    upload_id = upload(server, packet, progress=progress)
    case: dict[str, Any] = server.ask("POST", "/api/cases", {"title": title, "upload_ids": [upload_id]})
    part(server.url, case, "id", str)
    kept = [each.get("sha256") for each in rows(server.url, case, "inputs")]
    if kept != [packet.sha256]:
        raise ServerRefused(
            "The server holds other bytes than those that were sent.",
            hint="A file changed while it was sent. Put this case into the trash and send it again.",
        )
    return case


def start_build(server: Server, case_id: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for a build; the same wish again gives the same job again.

    Raises:
        ServerRefused: no such recipe, organ or series ...
    """
    job: dict[str, Any] = server.ask("POST", f"/api/cases/{case_id}/jobs", dict(wish))
    part(server.url, job, "id", str)
    return job


def wait_for(server: Server, job_id: str, *, progress: Progress | None = None) -> dict[str, Any]:
    """Wait until a job has ended well.

    Raises:
        JobError: it failed or was cancelled; in the server's words.
        ServerUnreachable, ServerRefused: the server stayed away for ten minutes, or a proxy said so.
    """
    tell = progress or _silent
    last_heard, share = time.monotonic(), 0.0
    while True:
        try:
            job: dict[str, Any] = server.ask("GET", f"/api/jobs/{job_id}")
            state = part(server.url, job, "state", str)
            last_heard = time.monotonic()
        except (ServerUnreachable, ServerRefused) as error:
            is_away = isinstance(error, ServerUnreachable) or error.status in AWAY
            if not is_away or time.monotonic() - last_heard > PATIENCE_S:
                raise
            tell(share, WAITING)
        else:
            share = min(1.0, max(0.0, part(server.url, job, "share_done", (float, int))))
            tell(share, said(job.get("doing") or state))
            if state in ENDED:
                break
        time.sleep(POLL_S)
    if state != "done":
        raise _ended_badly(job)
    return job


def wait_for_all(server: Server, case_id: str, *, progress: Progress | None = None) -> None:
    """Wait until nothing of a case is queued or running. Raises as `wait_for` does."""
    for job in rows(server.url, server.ask("GET", f"/api/cases/{case_id}/jobs"), "jobs")[::-1]:
        if part(server.url, job, "state", str) not in ENDED:
            wait_for(server, part(server.url, job, "id", str), progress=progress)


def read_case(server: Server, case_id: str) -> Mapping[str, Any]:
    """A case as the server describes it."""
    case: Mapping[str, Any] = server.ask("GET", f"/api/cases/{case_id}")
    for name in ("id", "title"):
        part(server.url, case, name, str)
    return case


def newest_build(server: Server, case_id: str) -> Mapping[str, Any]:
    """The last build of a case, with its files.

    Raises:
        RequestFlaw: nothing has been built yet.
    """
    builds = rows(server.url, server.ask("GET", f"/api/cases/{case_id}/builds"), "builds")
    if not builds:
        raise RequestFlaw("Nothing has been built of this case yet", where="case")
    newest = builds[0]
    part(server.url, newest, "title", str)
    for file in rows(server.url, newest, "files"):
        for name in ("name", "sha256", "url"):
            part(server.url, file, name, str)
        part(server.url, file, "size", int)
    return newest


def folder_for(case: Mapping[str, Any], within: Path) -> Path:
    """Where the models of a case go when nobody says: a folder named by its title and its id.

    A case that was renamed since keeps the folder that it has.

    >>> folder_for({"id": "abc23xyz77", "title": "Thorax / Anna"}, Path("."))
    PosixPath('Thorax-Anna-abc23xyz')
    """
    ending = f"-{str(case['id'])[:SHORT_ID]}"
    there = sorted(path for path in within.glob(f"*{ending}") if path.is_dir())
    if there:
        return there[0]
    plain = "-".join(re.findall(r"[^\W_]+", str(case["title"])))
    while len(plain.encode()) > FOLDER_NAME_BYTES_MAX:
        plain = plain[:-1]
    return within / f"{plain.strip('-') or 'case'}{ending}"


def case_named(text: str) -> tuple[str | None, str]:
    """The server and the id in what a person gives: an id, or the address of the case's page.

    >>> case_named("https://scans.example.org/cases/abc23/builds/xyz")
    ('https://scans.example.org', 'abc23')
    >>> case_named("abc23")
    (None, 'abc23')

    Raises:
        RequestFlaw: it is neither.
    """
    parts = urllib.parse.urlsplit(text)
    words = [word for word in parts.path.split("/") if word]
    server = f"{parts.scheme}://{parts.netloc}" if parts.netloc else None
    case_id = words[1] if server and words[:1] == ["cases"] and len(words) > 1 else text
    if not CASE_ID.fullmatch(case_id):
        raise RequestFlaw(f"{text} is neither the id nor the address of a case", where="case")
    return server, case_id


def _silent(share: float, doing: str) -> None:
    del share, doing


def _ended_badly(job: Mapping[str, Any]) -> JobError:
    flaw = job.get("error")
    flaw = flaw if isinstance(flaw, Mapping) else {}
    if job["state"] == "cancelled":
        return JobError("The job was cancelled.")
    error = JobError(said(flaw.get("sentence")) or "The job failed.")
    error.hint = said(flaw.get("hint")) or error.hint
    error.remote_code = said(flaw.get("code"))
    return error
