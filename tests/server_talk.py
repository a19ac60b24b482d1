"""Uploads, cases and jobs over HTTP, step by step: what journeys before a real server have in common."""

from __future__ import annotations

import base64
from typing import Any

import requests

from job_rig import eventually
from plastinate.client.stored_zip import Packet
from running_server import Visitor

TUS = {"Tus-Resumable": "1.0.0"}


def begin(visitor: Visitor, packet: Packet) -> str:
    name = base64.b64encode(packet.name.encode()).decode()
    headers = {**TUS, "Upload-Length": str(packet.size), "Upload-Metadata": f"filename {name}"}
    answer = visitor.post("/api/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def send(visitor: Visitor, location: str, packet: Packet, begin: int = 0, size: int = 1 << 24) -> int:
    headers = {**TUS, "Upload-Offset": str(begin), "Content-Type": "application/offset+octet-stream"}
    answer = visitor.patch(location, data=packet.read(begin, size), headers=headers)
    assert answer.status_code == 204, answer.text
    return int(answer.headers["Upload-Offset"])


def offset_of(visitor: Visitor, location: str) -> int:
    """How much the server has; 0 while it does not answer."""
    try:
        return int(visitor.head(location, headers=TUS).headers["Upload-Offset"])
    except requests.ConnectionError:
        return 0


def case_of(visitor: Visitor, packet: Packet, title: str = "Bead") -> dict[str, Any]:
    location = begin(visitor, packet)
    assert send(visitor, location, packet) == packet.size
    body = {"title": title, "upload_ids": [location.rpartition("/")[2]]}
    answer = visitor.post("/api/cases", json=body)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


def done(visitor: Visitor, job_id: str) -> dict[str, Any]:
    """The job once it has ended, which must be well."""

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = visitor.get(f"/api/jobs/{job_id}").json()
        return job if job["state"] in ("done", "failed", "cancelled") else None

    job = eventually(ended, within_s=300, what="the end of the job")
    assert job["state"] == "done", job
    return job
