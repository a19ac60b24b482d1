"""A person's browser -> pages: each reads through the services as that person, and renders a template.

What a form sends is in `form_pages.py`, and what surrounds every page in `page_frame.py`; all belong to one
blueprint. Scripts only refine what works without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask import session as session_cookie
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from pydantic import ValidationError

from plastinate.archive.tables import Build
from plastinate.model.case_errors import Conflict, NotThere
from plastinate.model.errors import PlastinateError
from plastinate.services import access, builds, case_cards, jobs, people, series_slices, sharing
from plastinate.services import cases as case_service
from plastinate.web import build_form, build_page, case_page, picture_form, view_page, wording
from plastinate.web.actor import current_actor, require_person
from plastinate.web.app_state import archive_of_app
from plastinate.web.page_frame import pages
from plastinate.web.payloads import CasesAsked
from plastinate.web.public_address import public_address
from plastinate.web.refusals import told_of
from plastinate.web.views import case_line, case_whole, job_whole

PER_PAGE = 24
# With a case's id: where a link that has just been made waits to be shown.
FRESH_LINK = "fresh-link-of-"
ORDERS = {
    "newest": _l("newest first"),
    "changed": _l("last changed first"),
    "oldest": _l("oldest first"),
    "title": _l("by title"),
}


@pages.get("/")
def home() -> ResponseReturnValue:
    """The cases; or the sign-in page, for whoever is not signed in."""
    return redirect(url_for("pages.cases"))


@pages.get("/cases")
def cases() -> str:
    """The shelf: cases with their pictures, searched and ordered."""
    require_person()
    archive, actor = archive_of_app(), current_actor()
    asked = _asked()
    order = request.args.get("order", "newest")
    order = order if order in ORDERS else "newest"
    wish: dict[str, Any] = {"search": asked.search, "tag": asked.tag, "shared": asked.shared}
    found, total = case_service.list_cases(
        archive,
        actor,
        **wish,
        order=order,  # type: ignore[arg-type]
        page=asked.page,
        per_page=PER_PAGE,
        names=wording.names_here(),
    )
    cards = case_cards.cards_of(archive, found)
    with archive.database.read() as session:
        lines = [case_line(session, actor, case) for case in found]
    return render_template(
        "cases.html",
        cards=[
            {
                "case": line,
                "job": cards[line.id].job,
                "organs": cards[line.id].organs,
                "missing": cards[line.id].missing,
                "is_anothers": actor.is_admin and (line.owner is None or line.owner.id != actor.person_id),
            }
            for line in lines
        ],
        asked={**wish, "order": order, "page": asked.page},
        query={name: value for name, value in {**wish, "order": order}.items() if value},
        total=total,
        pages=-(-total // PER_PAGE),
        tags=case_service.list_tags(archive, actor),
        orders=ORDERS,
        is_searching=bool(asked.search or asked.tag or asked.shared),
        is_changing=any(card.job and card.job.state in case_page.ACTIVE for card in cards.values()),
    )


def _asked() -> CasesAsked:
    """What the shelf is asked for; what cannot be taken is left out rather than refused."""
    given = {name: value for name, value in request.args.items() if value}
    try:
        return CasesAsked.model_validate(given)
    except ValidationError:
        return CasesAsked.model_validate({"search": given.get("search", "")[:200].replace("\0", "")})


@pages.get("/cases/trash")
def trash() -> str:
    """What lies in the trash."""
    require_person()
    archive, actor = archive_of_app(), current_actor()
    found, _ = case_service.list_cases(archive, actor, trash=True, order="changed", per_page=200)
    return render_template("trash.html", cases=found, trash_days=archive.settings.trash_days)


@pages.get("/cases/new")
def new_case() -> str:
    """Where a scan is dropped."""
    require_person()
    return render_template("new_case.html", upload_bytes=archive_of_app().settings.upload_bytes)


@pages.get("/cases/<case_id>")
def case(case_id: str) -> str:
    """A case: what was built, what is being built, what could be, and what the scan holds."""
    archive, actor = archive_of_app(), current_actor()
    # First of all: what a job wrote is there once it is done, and the page's script looks for jobs that go
    # on or end after these. Read last, a job that ended meanwhile would be shown with nothing of its work.
    its_jobs = [job_whole(view) for view in jobs.list_jobs(archive, actor, case_id)]
    row = case_service.read_case(archive, actor, case_id)
    with archive.database.read() as session:
        whole = case_whole(session, actor, row)
    its_builds = [build_page.build_shown(each) for each in builds.list_builds(archive, actor, case_id)]
    rank = access.RANK[whole.role]
    can_own = rank >= access.RANK["own"] and actor.person_id is not None
    found = case_page.found_in(whole.inspection)
    slices = series_slices.list_slices(archive, actor, case_id)
    usable = [each for each in (found or {}).get("series", []) if each["is_usable"]]
    plan: dict[str, Any] | None
    if found and found["picture"]:
        plan = _picture_plan(whole.inspection or {}, case_page.last_wish(its_jobs))
    else:
        plan = _scan_plan(found, whole.inspection, case_page.last_wish(its_jobs))
    return render_template(
        "case.html",
        case=whole,
        can_edit=rank >= access.RANK["edit"],
        can_own=can_own,
        is_anothers=whole.role == "admin" and (whole.owner is None or whole.owner.id != actor.person_id),
        modalities=[found["picture"]["kind_words"]]
        if found and found["picture"]
        else list(dict.fromkeys(each["modality_words"] for each in usable)),
        found=found,
        slices=case_page.slices_of(case_id, slices),
        plan=plan,
        builds=its_builds,
        history=case_page.history_of(its_jobs, its_builds),
        shares=sharing.list_shares(archive, actor, case_id) if can_own else [],
        links=sharing.list_links(archive, actor, case_id) if can_own else [],
        # A share link that has just been made is shown once: it waits in the session for this page.
        fresh_link=session_cookie.pop(f"{FRESH_LINK}{case_id}", ""),
        **case_page.work_of(its_jobs),
    )


def _scan_plan(
    found: Mapping[str, Any] | None, inspection: Mapping[str, Any] | None, last: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    # A form that was refused, or a build asked for again, comes as a query.
    chosen = build_form.choices_in(request.args)
    flaws = build_form.judged(chosen, inspection)[1] if chosen and "refused" in request.args else {}
    return build_form.form_of(found, chosen or build_form.choices_after(last, inspection), flaws=flaws)


def _picture_plan(inspection: Mapping[str, Any], last: Mapping[str, Any] | None) -> dict[str, Any]:
    chosen = picture_form.choices_in(request.args)
    flaws = picture_form.judged(chosen, inspection)[1] if chosen and "refused" in request.args else {}
    return picture_form.form_of(
        inspection["picture"], chosen or picture_form.choices_after(last), flaws=flaws
    )


def edit_shown(case_id: str, *, written: Mapping[str, Any], error: PlastinateError) -> str:
    """What somebody wrote about a case and could not be kept, beside what stands there now."""
    archive, actor = archive_of_app(), current_actor()
    with archive.database.read() as session:
        whole = case_whole(session, actor, case_service.read_case(archive, actor, case_id))
    return render_template(
        "case_edit.html",
        case=whole,
        written=written,
        refused=told_of(error),
        is_overtaken=isinstance(error, Conflict),
    )


@pages.get("/cases/<case_id>/builds/<build_id>")
def build(case_id: str, build_id: str) -> str:
    """The certificate of a build, with its pictures and files."""
    _, told = _told_of_build(case_id, build_id)
    return render_template("build.html", part_name=wording.part_name, **told)


@pages.get("/cases/<case_id>/builds/<build_id>/view")
def view(case_id: str, build_id: str) -> str:
    """A build in 3D; its organs and pictures where that cannot be shown."""
    row, told = _told_of_build(case_id, build_id)
    return render_template(
        "view.html",
        scene=view_page.scene_of(row),
        files=view_page.files_address(row),
        said_in_3d=view_page.said_in_3d(row, told["build"], can_edit=told["can_build"]),
        **told,
    )


def _told_of_build(case_id: str, build_id: str) -> tuple[Build, dict[str, Any]]:
    """A build, and what its pages say of it."""
    archive, actor = archive_of_app(), current_actor()
    row = builds.read_build(archive, actor, build_id)
    if row.case_id != case_id:
        raise NotThere("build")
    with archive.database.read() as session:
        whole = case_whole(session, actor, case_service.read_case(archive, actor, case_id))
    shown = build_page.build_shown(row)
    return row, {
        "case": whole,
        "build": shown,
        "can_edit": access.RANK[whole.role] >= access.RANK["edit"],
        "can_build": access.RANK[whole.role] >= access.RANK["edit"] and not whole.trashed_at,
        "can_own": access.RANK[whole.role] >= access.RANK["own"] and actor.person_id is not None,
        "report": build_page.report_of(archive, row),
        "pictures": build_page.pictures_of(shown),
        "organ_names": ", ".join(wording.translated(each["name"]) for each in shown["organs"]),
    }


@pages.get("/account")
def account() -> str:
    """One's own name, language, password and tokens."""
    return account_shown()


def account_shown(*, fresh_token: str = "") -> str:
    """The account page, with a token that has just been made and is shown only now."""
    require_person()
    return render_template(
        "account.html",
        tokens=people.list_tokens(archive_of_app(), current_actor()),
        fresh_token=fresh_token,
        server_address=public_address(""),
    )


@pages.get("/people")
def people_page() -> str:
    """Everyone, for administrators."""
    return people_shown()


def people_shown(
    *, fresh_invitation: dict[str, str] | None = None, asked: Mapping[str, str] | None = None
) -> str:
    """The page of people, with an invitation that has just been made and is shown only now.

    Args:
        fresh_invitation: the address and the link.
        asked: what was typed for one that was refused.
    """
    return render_template(
        "people.html",
        people=people.list_people(archive_of_app(), current_actor()),
        fresh_invitation=fresh_invitation,
        asked=asked or {},
    )
