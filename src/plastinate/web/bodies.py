"""A request's body -> let through when it is of a kind and size that a route can take."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

# A request in JSON or a form. An upload raises the limit for itself, in `web/uploads.py`.
BODY_BYTES_MAX = 1 << 20
API = "/api/"
UPLOADS = "/api/uploads"


class FittingRequest(Request):
    """Flask's request, which says what is wrong with JSON that only a stack would understand."""

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        """The body as JSON values.

        Raises:
            BadRequest: it is not JSON, or is nested deeper than anybody means it.
        """
        try:
            return super().get_json(*args, **kwargs)
        except RecursionError as error:
            raise BadRequest("The body is nested too deeply.") from error


def accept_fitting_bodies_only(app: Flask) -> None:
    """Refuse compressed bodies, which may be bombs, and API bodies that do not say they are JSON.

    A form of another site cannot send JSON without asking first, so this also guards against those.
    """
    app.request_class = FittingRequest
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
