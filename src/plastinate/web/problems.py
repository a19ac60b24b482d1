"""An error -> its status and a problem document (RFC 9457) with the code and hint of the error; or a page.

The table below is the only place that knows which error answers with which status.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, json, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from jinja2 import TemplateNotFound
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.wrappers import Response as AnyResponse

from plastinate.model import case_errors, depot_errors, errors, prompt_errors
from plastinate.model.errors import PlastinateError
from plastinate.web.actor import is_from_signed_in_browser

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:plastinate:problem:"
OWNED = frozenset({"case", "job", "build", "upload", "person"})
# gunicorn reads so much of a body that nobody wanted, and closes upon more.
LEFT_UNREAD_BYTES = 1 << 15
RETRY_AFTER_S = {423: 1, 429: 60, 503: 5}

# Looked up along the error's classes: the nearest line counts.
STATUSES: dict[type[BaseException], int] = {
    case_errors.NotThere: 404,
    case_errors.NotAllowed: 403,
    case_errors.CrossSiteRequest: 403,
    case_errors.SignInNeeded: 401,
    case_errors.Conflict: 409,
    case_errors.VersionNeeded: 428,
    case_errors.Gone: 410,
    case_errors.Busy: 423,
    case_errors.UploadTooLarge: 413,
    case_errors.TooManyRequests: 429,
    case_errors.RequestError: 422,
    case_errors.JobError: 409,
    case_errors.StoreFull: 507,
    case_errors.StoreFailed: 503,
    case_errors.DatabaseFailed: 503,
    case_errors.TooManyStreams: 503,
    prompt_errors.PrompterBusy: 503,
    prompt_errors.PrompterLost: 503,
    # It is no fault, and waiting does not help: there are none here.
    case_errors.PagesMissing: 404,
    # Whoever asks can mend it: by another name, or by a word about a licence.
    depot_errors.ModelNotFound: 422,
    depot_errors.LicenceNotAgreed: 422,
    errors.CannotWrite: 507,
    errors.Cancelled: 409,
    # Nothing is wrong here; it is only not installed.
    errors.PartMissing: 501,
    depot_errors.ModelAbsent: 501,
    errors.SystemFault: 500,
    errors.PlastinateError: 422,
}
HINTS = {
    400: "The request cannot be read. Look at its form.",
    404: "Check the address.",
    405: "Use a method that this address knows.",
    406: "Ask for another media type.",
    413: "Send less at once.",
    415: "Send JSON with Content-Type: application/json; uploads go to /api/uploads.",
    416: "Ask for a range inside the file.",
    422: "Correct the fields that are named and send it again.",
    500: "Nothing you sent was the cause. Look at the server's log, or report it.",
    501: "Ask whoever runs this server to install it.",
    503: "Try again in a few seconds.",
}

log = logging.getLogger(__name__)


def answer_with_problems(app: APIFlask) -> None:
    """Answer every error of the application with a problem document, or with a page to a browser's page."""
    app.register_error_handler(PlastinateError, _from_ours)
    app.register_error_handler(HTTPError, _from_validation)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(ParseException, _from_framing)
    app.register_error_handler(Exception, _from_fault)


def status_of(error: PlastinateError) -> int:
    """The status that this error answers with."""
    return next(STATUSES[each] for each in type(error).__mro__ if each in STATUSES)


def problem(
    status: int, *, code: str, title: str, detail: str, hint: str, where: str = "", **more: Any
) -> AnyResponse:
    """One answer in the one shape that every error has."""
    body = {
        "type": TYPE + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": hint,
        "where": where,
        **more,
    }
    answer = _page(body) if _wants_page() else _document(body)
    if status in RETRY_AFTER_S:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S[status])
    if (request.content_length or 0) > LEFT_UNREAD_BYTES:
        # What is left of the body is not read, so the connection cannot be used again. A header of ours would
        # not say so: gunicorn writes its own.
        getattr(request.environ["wsgi.input"], "end_connection", lambda: None)()
    if status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="plastinate"'
    return answer


def _from_ours(error: PlastinateError) -> AnyResponse:
    if _may_be_there_once_signed_in(error):
        error = case_errors.SignInNeeded()
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # What is full or busy is no fault of the program's: where it was noticed tells nobody anything.
        trace = error if status == HTTPStatus.INTERNAL_SERVER_ERROR else None
        log.error("%s %s: %s", request.method, request.path, error, exc_info=trace)
    if isinstance(error, case_errors.SignInNeeded) and _wants_page() and request.method == "GET":
        return redirect(url_for("security.login", next=request.full_path.rstrip("?")))
    return problem(
        status,
        code=error.code,
        title=HTTPStatus(status).phrase,
        detail=str(error),
        hint=error.hint,
        where=str(getattr(error, "where", "")),
    )


def _may_be_there_once_signed_in(error: PlastinateError) -> bool:
    """Whether nobody in particular asked for something of somebody's, be it there or not."""
    is_owned = isinstance(error, case_errors.NotThere) and error.what in OWNED
    return is_owned and not is_from_signed_in_browser() and "Authorization" not in request.headers


def _from_validation(error: HTTPError) -> AnyResponse:
    places = {
        f"{location}.{field}" if location != "json" else field: " ".join(map(str, flaws))
        for location, fields in (error.detail or {}).items()
        for field, flaws in fields.items()
    }
    sentence = "; ".join(f"{place}: {flaw}" for place, flaw in places.items()) or str(error.message)
    return problem(
        error.status_code,
        code=case_errors.RequestFlaw.code,
        title=HTTPStatus(error.status_code).phrase,
        detail=f"{sentence}.",
        hint=HINTS[422],
        where=next(iter(places), ""),
    )


def _from_http(error: HTTPException) -> AnyResponse:
    if isinstance(error, CSRFError):
        # A form for visitors, whose session has ended since it was shown.
        return _from_ours(case_errors.CrossSiteRequest("its token is missing or belongs to another session"))
    if error.response is not None:
        return Response.force_type(error.response)  # type: ignore[arg-type]
    status = error.code or 500
    answer = problem(
        status,
        code=f"http.{status}",
        title=HTTPStatus(status).phrase,
        detail=error.description or HTTPStatus(status).phrase,
        hint=HINTS.get(status, "Look at the request again."),
    )
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers[name] = value
    return answer


def _from_framing(error: ParseException) -> AnyResponse:
    """A body whose pieces do not follow one another: found out while it is read, by gunicorn."""
    return _from_http(BadRequest(f"The body is not framed as HTTP wants it ({type(error).__name__})."))


def _from_fault(error: Exception) -> AnyResponse:
    log.error("%s %s: a fault of ours", request.method, request.path, exc_info=error)
    return problem(
        500,
        code="system.error",
        title=HTTPStatus(500).phrase,
        detail="The server met a fault of its own.",
        hint=HINTS[500],
    )


def _wants_page() -> bool:
    is_api = request.path.startswith("/api/") or request.path == "/openapi.json"
    return not is_api and request.accept_mimetypes.best_match(["text/html", MEDIA_TYPE]) == "text/html"


def _document(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status=body["status"], mimetype=MEDIA_TYPE)


def _page(body: dict[str, Any]) -> Response:
    try:
        page = render_template("error.html", problem=body)
    except (TemplateNotFound, PlastinateError):
        # The pages were not built, or the very thing that failed is needed to show a page.
        text = f"{body['title']}\n\n{body['detail']} [{body['code']}]\n{body['hint']}\n"
        return Response(text, status=body["status"], mimetype="text/plain")
    return Response(page, status=body["status"], mimetype="text/html")
