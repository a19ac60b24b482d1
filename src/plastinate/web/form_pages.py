"""What the forms of the pages send -> services, and back to a page with what came of it, or what failed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import flash, redirect, request, url_for
from flask import session as session_cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from plastinate.model.case_errors import (
    Conflict,
    NotThere,
    RequestError,
    RequestFlaw,
    SignInNeeded,
    TooManyRequests,
)
from plastinate.model.errors import PlastinateError, SystemFault
from plastinate.services import builds, jobs, people, sharing
from plastinate.services import cases as case_service
from plastinate.services.look_again import look_again
from plastinate.web import build_form, picture_form
from plastinate.web.actor import current_actor, require_person
from plastinate.web.app_state import archive_of_app
from plastinate.web.languages import COOKIE, LANGUAGES
from plastinate.web.page_frame import THEME_COOKIE, THEMES, cookie_options, pages
from plastinate.web.pages import FRESH_LINK, account_shown, edit_shown, people_shown
from plastinate.web.problems import status_of
from plastinate.web.public_address import public_address
from plastinate.web.refusals import told_of

Route = Callable[..., ResponseReturnValue]
# These have a page of their own; everything else is told where the person was.
NOT_HERE = (NotThere, SignInNeeded, SystemFault, TooManyRequests)


def tells_where_it_was(back: Callable[..., str]) -> Callable[[Route], Route]:
    """Let a refusal be told on the page that the form stood on; `back` takes the route's arguments."""

    def around(route: Route) -> Route:
        @wraps(route)
        def guarded(**places: str) -> ResponseReturnValue:
            try:
                return route(**places)
            except NOT_HERE:
                raise
            except PlastinateError as error:
                tell_failure(error)
                return redirect(back(**places), 303)

        return guarded

    return around


def tell(sentence: str, *, kind: str = "good", hint: str = "", code: str = "", detail: str = "") -> None:
    """Say something on the next page."""
    flash({"sentence": sentence, "hint": hint, "code": code, "detail": detail}, kind)  # type: ignore[arg-type]


def tell_failure(error: PlastinateError) -> None:
    """Say on the next page what was refused and what to do."""
    said = told_of(error)
    # What somebody can mend by themselves needs no code to quote to an administrator.
    code = "" if isinstance(error, RequestError) else error.code
    tell(said.sentence, kind="bad", hint=said.hint, code=code, detail=said.exact)


def _case(case_id: str, **_places: str) -> str:
    return url_for("pages.case", case_id=case_id)


def _form(name: str) -> str:
    return request.form.get(name, "").replace("\0", "").strip()


@pages.post("/look")
def look() -> ResponseReturnValue:
    """Keep the language and the colours that this browser shows."""
    back = request.form.get("back", "")
    # Only a path of ours: "//host" and "/\host" are addresses of others.
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    answer = redirect(back if is_ours else url_for("pages.home"), 303)
    theme, language = _form("theme"), _form("language")
    if theme in THEMES:
        answer.set_cookie(THEME_COOKIE, theme, **cookie_options())
    else:
        answer.delete_cookie(THEME_COOKIE)
    if language in LANGUAGES:
        answer.set_cookie(COOKIE, language, **cookie_options())
        if current_actor().via == "session":
            people.change_self(archive_of_app(), current_actor(), locale=language)
    return answer


# --- cases ---------------------------------------------------------------------------------------------


@pages.post("/cases/<case_id>/edit")
@tells_where_it_was(_case)
def edit(case_id: str) -> ResponseReturnValue:
    """Keep title, tags and notes; what cannot be kept is shown again beside what stands there."""
    version = _form("version")
    written: dict[str, Any] = {
        "title": _form("title"),
        "notes": request.form.get("notes", "").replace("\0", "").replace("\r\n", "\n"),
        "tags": [tag.strip() for tag in _form("tags").split(",") if tag.strip()],
    }
    try:
        case_service.change_case(
            archive_of_app(),
            current_actor(),
            case_id,
            version=int(version) if version.isdecimal() and len(version) < 10 else None,
            **written,
        )
    except (Conflict, RequestFlaw) as error:
        return edit_shown(case_id, written=written, error=error), status_of(error)
    tell(_("Kept."))
    return redirect(_case(case_id), 303)


@pages.get("/cases/<case_id>/edit")
def edit_again(case_id: str) -> ResponseReturnValue:
    """Whoever loads the address of a refused form anew, is led to the case."""
    return redirect(_case(case_id))


@pages.post("/cases/<case_id>/build")
@tells_where_it_was(_case)
def build_models(case_id: str) -> ResponseReturnValue:
    """Queue what the form asks for; or show the form again as it was sent, with what is wrong beside it."""
    archive, actor = archive_of_app(), current_actor()
    inspection = case_service.read_case(archive, actor, case_id).inspection
    picture = picture_form.choices_in(request.form)
    choices = picture or build_form.choices_in(request.form) or build_form.Choices()
    query: dict[str, Any] = {"case_id": case_id, **choices.as_query()}
    if "show" in request.form:
        return redirect(url_for("pages.case", **query, _anchor="build"), 303)
    if isinstance(choices, picture_form.PictureChoices):
        wish, flaws = picture_form.judged(choices, inspection)
    else:
        wish, flaws = build_form.judged(choices, inspection)
    if flaws and inspection is None:
        raise RequestFlaw(next(iter(flaws.values())).rstrip("."))
    if flaws:
        return redirect(url_for("pages.case", **query, refused="yes", _anchor="refused"), 303)
    job = jobs.submit_build(archive, actor, case_id, request=wish)
    if job.state == "done":
        tell(_("Exactly this has been built already: it stands below."))
    # Whoever came by keyboard or by ear goes on at the work that was begun.
    return redirect(url_for("pages.case", case_id=case_id, _anchor=f"job-{job.id}"), 303)


def _whole(text: str, *, where: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise RequestFlaw("It must be a number", where=where)
    return int(text)


@pages.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> ResponseReturnValue:
    """Stop a job."""
    view = jobs.cancel_job(archive_of_app(), current_actor(), job_id)
    return redirect(_case(view.job.case_id), 303)


@pages.post("/jobs/<job_id>/again")
def again(job_id: str) -> ResponseReturnValue:
    """Queue once more what failed."""
    archive, actor = archive_of_app(), current_actor()
    failed = jobs.read_job(archive, actor, job_id).job
    try:
        if failed.kind == "build":
            jobs.submit_build(archive, actor, failed.case_id, request=dict(failed.request))
        else:
            look_again(archive, actor, failed.case_id)
    except NOT_HERE:
        raise
    except PlastinateError as error:
        tell_failure(error)
    return redirect(_case(failed.case_id), 303)


@pages.post("/cases/<case_id>/trash")
@tells_where_it_was(_case)
def to_trash(case_id: str) -> ResponseReturnValue:
    """Put a case into the trash."""
    case = case_service.trash_case(archive_of_app(), current_actor(), case_id)
    tell(_("“%(title)s” is in the trash, and can be taken back from there.", title=case.title))
    return redirect(url_for("pages.cases"), 303)


@pages.post("/cases/<case_id>/restore")
@tells_where_it_was(_case)
def restore(case_id: str) -> ResponseReturnValue:
    """Take a case back from the trash."""
    case_service.restore_case(archive_of_app(), current_actor(), case_id)
    tell(_("The case is back."))
    return redirect(_case(case_id), 303)


@pages.post("/cases/<case_id>/purge")
@tells_where_it_was(lambda case_id: url_for("pages.trash"))
def purge(case_id: str) -> ResponseReturnValue:
    """Delete a case for good."""
    case_service.purge_case(archive_of_app(), current_actor(), case_id)
    tell(_("The case is deleted."))
    return redirect(url_for("pages.trash"), 303)


@pages.post("/builds/<build_id>/delete")
def delete_build(build_id: str) -> ResponseReturnValue:
    """Delete the models of one build."""
    archive, actor = archive_of_app(), current_actor()
    case_id = builds.read_build(archive, actor, build_id).case_id
    builds.delete_build(archive, actor, build_id)
    tell(_("The models are deleted. The scan stays, and can be built again."))
    return redirect(_case(case_id), 303)


# --- sharing -------------------------------------------------------------------------------------------


@pages.post("/cases/<case_id>/share")
@tells_where_it_was(_case)
def share(case_id: str) -> ResponseReturnValue:
    """Share a case with a person."""
    try:
        sharing.share(archive_of_app(), current_actor(), case_id, role=_form("role"), email=_form("email"))
    except NotThere as error:
        if error.what != "person":
            raise
        tell(_("Nobody here has the address %(email)s.", email=_form("email")), kind="bad")
    else:
        tell(_("Shared with %(email)s.", email=_form("email")))
    return redirect(_case(case_id), 303)


@pages.post("/cases/<case_id>/unshare")
@tells_where_it_was(_case)
def unshare(case_id: str) -> ResponseReturnValue:
    """End what is shared with a person."""
    sharing.unshare(archive_of_app(), current_actor(), case_id, _form("person"))
    return redirect(_case(case_id), 303)


@pages.post("/cases/<case_id>/links")
@tells_where_it_was(_case)
def make_link(case_id: str) -> ResponseReturnValue:
    """Make a link; its secret waits in the session for the case's page, which shows it once."""
    hours = _whole(_form("hours"), where="hours")
    _row, secret = sharing.make_link(
        archive_of_app(), current_actor(), case_id, hours=hours, label=_form("label")
    )
    session_cookie[f"{FRESH_LINK}{case_id}"] = public_address(url_for("links.open_shared", secret=secret))
    tell(_("The link is made. It stands below, shown only this once."))
    return redirect(f"{_case(case_id)}#sharing", 303)


@pages.post("/cases/<case_id>/links/<link_id>/end")
@tells_where_it_was(_case)
def end_link(case_id: str, link_id: str) -> ResponseReturnValue:
    """Make a link void."""
    sharing.end_link(archive_of_app(), current_actor(), case_id, link_id)
    return redirect(_case(case_id), 303)


# --- people --------------------------------------------------------------------------------------------


@pages.post("/account")
@tells_where_it_was(lambda: url_for("pages.account"))
def change_account() -> ResponseReturnValue:
    """Keep one's own name and language."""
    require_person()
    locale = _form("locale")
    people.change_self(
        archive_of_app(),
        current_actor(),
        name=_form("name"),
        locale=locale if locale in LANGUAGES else "",
    )
    tell(_("Kept."))
    return redirect(url_for("pages.account"), 303)


@pages.post("/account/tokens")
@tells_where_it_was(lambda: url_for("pages.account"))
def make_token() -> ResponseReturnValue:
    """Make a token; its secret is shown on the page that answers, and never again."""
    require_person()
    days = _whole(_form("days"), where="days") if _form("days") else None
    _row, secret = people.make_token(archive_of_app(), current_actor(), name=_form("name"), days=days)
    return account_shown(fresh_token=secret)


@pages.post("/account/tokens/<token_id>/end")
def end_token(token_id: str) -> ResponseReturnValue:
    """Make a token void."""
    people.end_token(archive_of_app(), current_actor(), token_id)
    return redirect(url_for("pages.account"), 303)


@pages.post("/people")
@tells_where_it_was(lambda: url_for("pages.people_page"))
def invite() -> ResponseReturnValue:
    """Invite someone; the link is shown on the page that answers, and never again."""
    asked = {"email": _form("email"), "name": _form("name"), "is_admin": _form("is_admin")}
    try:
        person, secret = people.invite(
            archive_of_app(),
            current_actor(),
            email=asked["email"],
            name=asked["name"],
            is_admin=bool(asked["is_admin"]),
        )
    except (Conflict, RequestFlaw) as error:
        tell_failure(error)
        return people_shown(asked=asked), status_of(error)
    return people_shown(fresh_invitation=_invitation(person.email, secret))


@pages.post("/people/<person_id>/invite")
@tells_where_it_was(lambda person_id: url_for("pages.people_page"))
def invite_again(person_id: str) -> ResponseReturnValue:
    """A new link for someone to choose a password with."""
    archive, actor = archive_of_app(), current_actor()
    secret = people.invite_again(archive, actor, person_id)
    person = people.read_person(archive, person_id)
    return people_shown(fresh_invitation=_invitation(person.email if person else "", secret))


def _invitation(email: str, secret: str) -> dict[str, str]:
    return {"email": email, "link": public_address(url_for("welcome.show", token=secret))}


@pages.post("/people/<person_id>")
@tells_where_it_was(lambda person_id: url_for("pages.people_page"))
def change_person(person_id: str) -> ResponseReturnValue:
    """Let someone sign in or not, make them an administrator or not."""
    claims = {"yes": True, "no": False}
    people.change_person(
        archive_of_app(),
        current_actor(),
        person_id,
        active=claims.get(_form("active")),
        is_admin=claims.get(_form("is_admin")),
    )
    return redirect(url_for("pages.people_page"), 303)
