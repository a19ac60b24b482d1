"""A path of ours -> the whole address that people can be given, and whether it leads others here at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from plastinate.web.app_state import archive_of_app
from plastinate.web.listening import is_only_here


def public_address(path: str) -> str:
    """The address of a path: under the stated public one, else under the one that was asked."""
    root = archive_of_app().settings.public_url or request.host_url
    return root.rstrip("/") + path


def is_for_this_machine_only() -> bool:
    """Whether an address that we give out would lead whoever has it to their own machine instead of here."""
    return is_only_here(urlsplit(public_address("")).hostname or "")
