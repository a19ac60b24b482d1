"""Sharing over the API: with a person, to view or to edit; or by a link that expires."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import url_for

from plastinate.archive import tables
from plastinate.services import sharing as service
from plastinate.web.actor import current_actor
from plastinate.web.app_state import archive_of_app
from plastinate.web.payloads_people import (
    Link,
    LinkMade,
    Links,
    LinkWithSecret,
    Share,
    ShareChanged,
    ShareMade,
    Shares,
)
from plastinate.web.public_address import public_address
from plastinate.web.views import person_named

sharing = APIBlueprint("api_sharing", __name__, url_prefix="/api/cases/<case_id>", tag="Sharing")


@sharing.get("/shares")
@sharing.output(Shares)
def list_shares(case_id: str) -> Shares:
    """Everybody a case is shared with. Only its owner may ask."""
    found = service.list_shares(archive_of_app(), current_actor(), case_id)
    return Shares(shares=[_share(row) for row in found])


@sharing.post("/shares")
@sharing.input(ShareMade)
@sharing.output(Share, status_code=201)
def share(case_id: str, json_data: ShareMade) -> Share:
    """Share a case with the person who has this address."""
    return _share(
        service.share(archive_of_app(), current_actor(), case_id, role=json_data.role, email=json_data.email)
    )


@sharing.put("/shares/<person_id>")
@sharing.input(ShareChanged)
@sharing.output(Share)
def change_share(case_id: str, person_id: str, json_data: ShareChanged) -> Share:
    """Say what a person may do with a case."""
    archive, actor = archive_of_app(), current_actor()
    return _share(service.share(archive, actor, case_id, role=json_data.role, person_id=person_id))


@sharing.delete("/shares/<person_id>")
@sharing.output({}, status_code=204)
def unshare(case_id: str, person_id: str) -> str:
    """End a share. Its owner may, and the person it is for."""
    service.unshare(archive_of_app(), current_actor(), case_id, person_id)
    return ""


@sharing.get("/links")
@sharing.output(Links)
def list_links(case_id: str) -> Links:
    """The links of a case. Only its owner may ask."""
    found = service.list_links(archive_of_app(), current_actor(), case_id)
    return Links(
        links=[
            Link(id=row.id, label=row.label, created_at=row.created_at, expires_at=row.expires_at)
            for row in found
        ]
    )


@sharing.post("/links")
@sharing.input(LinkMade)
@sharing.output(LinkWithSecret, status_code=201)
def make_link(case_id: str, json_data: LinkMade) -> LinkWithSecret:
    """Make a link with which anyone may view the case until it expires."""
    row, secret = service.make_link(
        archive_of_app(), current_actor(), case_id, hours=json_data.hours, label=json_data.label
    )
    address = public_address(url_for("links.open_shared", secret=secret))
    return LinkWithSecret(id=row.id, url=address, label=row.label, expires_at=row.expires_at)


@sharing.delete("/links/<link_id>")
@sharing.output({}, status_code=204)
def end_link(case_id: str, link_id: str) -> str:
    """Make a link void, also for those who have opened it."""
    service.end_link(archive_of_app(), current_actor(), case_id, link_id)
    return ""


def _share(row: tables.Share) -> Share:
    person = person_named(row.person, current_actor())
    return Share.model_validate({"person": person, "role": row.role, "created_at": row.created_at})
