"""If-Match -> the version of a case that a change is meant for; a version -> its ETag."""

from __future__ import annotations

import re

from flask import request
from werkzeug.exceptions import BadRequest

HEADER = "If-Match"
VERSION = re.compile(r'(?:W/)?"?(\d{1,9})"?')


def version_meant() -> int | None:
    """The version that the person saw, or None to change whatever is there.

    Raises:
        BadRequest: the header holds something else.
    """
    header = request.headers.get(HEADER)
    if header is None or header.strip() == "*":
        return None
    found = VERSION.fullmatch(header.strip())
    if found is None:
        raise BadRequest("If-Match must hold the version of a case, as its ETag has it.")
    return int(found[1])


def is_meant_for_any() -> bool:
    """Whether the person said outright that they write over whatever is there."""
    return request.headers.get(HEADER, "").strip() == "*"


def etag_of(version: int) -> dict[str, str]:
    """The header that tells the version.

    >>> etag_of(3)
    {'ETag': '"3"'}
    """
    return {"ETag": f'"{version}"'}
