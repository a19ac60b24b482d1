"""A link that somebody shared -> the case it opens, for as long as the link holds."""

from __future__ import annotations

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from plastinate.services.sharing import read_link
from plastinate.web.actor import remember_link
from plastinate.web.app_state import archive_of_app

links = Blueprint("links", __name__)


@links.get("/s/<secret>")
def open_shared(secret: str) -> ResponseReturnValue:
    """Remember the link in this browser and go to the case."""
    link = read_link(archive_of_app(), secret)
    remember_link(link.id)
    answer = redirect(f"/cases/{link.case_id}")
    # The address is the key: no other site should hear of it.
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
