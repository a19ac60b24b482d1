"""A request's body -> let through when it is of a kind and size that a route can take."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import UnsupportedMediaType

# A request in JSON or a form. An upload raises the limit for itself, in `web/uploads.py`.
BODY_BYTES_MAX = 1 << 20
API = "/api/"
UPLOADS = "/api/uploads"


def accept_fitting_bodies_only(app: Flask) -> None:
    """Refuse compressed bodies, which may be bombs, and API bodies that do not say they are JSON.

    A form of another site cannot send JSON without asking first, so this also guards against those.
    """
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.config["MAX_FORM_MEMORY_SIZE"] = BODY_BYTES_MAX
    app.before_request(_check)


def _check() -> None:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if not has_body or not request.path.startswith(API) or request.path.startswith(UPLOADS):
        return
    if not request.is_json:
        raise UnsupportedMediaType("The body must be JSON.")
