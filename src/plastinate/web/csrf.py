"""An unsafe request from a browser -> let through with the session's token, or refused."""

from __future__ import annotations

from flask import Flask, g, request
from flask_wtf.csrf import CSRFProtect, validate_csrf
from wtforms import ValidationError

from plastinate.model.case_errors import CrossSiteRequest
from plastinate.web.actor import is_from_signed_in_browser

HEADER = "X-CSRF-Token"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Answers with a token in its body and sets no cookie: there is no session that another site could ride on.
EXEMPT = frozenset({"api_tokens.sign_in"})
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def protect_from_other_sites(app: Flask) -> None:
    """Ask for the session's token with every unsafe request that a browser could be made to send.

    The token lives as long as the session: an upload of two hours must not end for a form's sake. A request
    that says where it comes from (Origin, Sec-Fetch-Site) is judged by that as well.
    """
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    CSRFProtect(app)
    app.before_request(_check)


def _check() -> None:
    if request.method not in UNSAFE or request.endpoint in EXEMPT or not is_from_signed_in_browser():
        # Nobody is signed in: the route answers that somebody must. Forms for visitors check for themselves.
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CrossSiteRequest("it comes from another site")
    try:
        validate_csrf(_sent_token())
    except ValidationError as error:
        raise CrossSiteRequest("its token is missing or belongs to another session") from error
    g.csrf_valid = True


def _sent_token() -> str | None:
    token = request.headers.get(HEADER)
    # Only a form is read here: the body of an upload must reach its route unread.
    if token is None and request.mimetype in FORMS:
        token = request.form.get("csrf_token")
    return token
