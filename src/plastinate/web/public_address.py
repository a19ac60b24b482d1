"""A path of ours -> the whole address that people can be given."""

from __future__ import annotations

from flask import request

from plastinate.web.app_state import archive_of_app


def public_address(path: str) -> str:
    """The address of a path: under the stated public one, else under the one that was asked."""
    root = archive_of_app().settings.public_url or request.host_url
    return root.rstrip("/") + path
