"""The page of a case becomes true by itself, and takes nothing away from whoever is using it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from page_shelf import WISH, Shelf, signed_in
from plastinate.archive.tables import Case, CaseTag, Job, now
from web_stage import PASSWORD

AWAY = "The server does not answer."
SIGNED_OUT = "You have been signed out."
# What the console says of a request that was refused or did not arrive.
NETWORK = ("net::ERR", "401", "404", "503")


def opened(browser: Any, shelf: Shelf, complaints: list[str], name: str) -> tuple[Any, str]:
    """The page of a case, marked so that a reload would be noticed; and the case's id."""
    page = signed_in(browser, shelf, complaints, at=shelf.pages[name])
    page.evaluate("window.same = true")
    return page, shelf.pages[name].rpartition("/")[2]


def changed(shelf: Shelf, case_id: str, change: Callable[[Case, Any], None]) -> None:
    with shelf.archive.database.write() as session:
        change(session.get_one(Case, case_id), session)


def looked(page: Any) -> None:
    """As if the person came back from another window: the page asks at once."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def with_a_look_under_way(shelf: Shelf, inspection: Any = None) -> str:
    """A case that has just been brought in."""
    with shelf.archive.database.write() as session:
        case = Case(owner_id=shelf.stage.people["admin"], title="upload.zip", inspection=inspection)
        session.add(case)
        session.flush()
        moment = now() - timedelta(seconds=1)
        session.add(Job(case_id=case.id, kind="inspect", state="running", attempt=1, started_at=moment))
        shelf.pages["brought in"] = f"/cases/{case.id}"
        return case.id


def test_what_a_first_look_finds_is_there_without_loading_the_page_again(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    with shelf.archive.database.read() as session:
        ready = session.get_one(Case, shelf.pages["ready"].rpartition("/")[2])
        inspection = ready.inspection
    case_id = with_a_look_under_way(shelf)
    page, _ = opened(browser, shelf, complaints, "brought in")
    assert page.locator("form[data-build]").count() == 0
    page.locator("summary", has_text="Rename").click()
    notes = page.locator("#case-notes")
    notes.fill("half a sent")
    notes.evaluate("field => field.setSelectionRange(4, 4)")

    def end(case: Case, session: Any) -> None:
        case.title, case.inspection, case.tags = "Chest of 1987", inspection, [CaseTag(tag="imported")]
        session.query(Job).filter_by(case_id=case_id).one().state = "done"

    changed(shelf, case_id, end)
    page.get_by_role("heading", name="Chest of 1987", level=1).wait_for()
    assert page.title().startswith("Chest of 1987")
    assert page.locator(".trail").inner_text().endswith("Chest of 1987")
    assert page.locator(".heading").get_by_text("imported").is_visible()
    assert page.locator("form[data-build]").is_visible()
    assert page.locator("article.series").count() == len(inspection["series"])
    # What was begun stays, with the place in it, and is still the form that belonged to the old title.
    assert notes.input_value() == "half a sent"
    assert page.evaluate("document.activeElement.id + document.activeElement.selectionStart") == "case-notes4"
    assert page.get_by_label("Title").input_value() == "upload.zip"
    assert page.evaluate("window.same") is True
    page.context.close()
    assert complaints == []


def test_what_was_opened_stays_open_and_the_focus_where_it_was(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page, case_id = opened(browser, shelf, complaints, "ready")
    page.locator("summary", has_text="Single files").click()
    page.locator("summary", has_text="Share by a link").focus()
    page.keyboard.press("Enter")
    with shelf.archive.database.write() as session:
        job = Job(case_id=case_id, kind="build", state="running", attempt=1, started_at=now(), request=WISH)
        session.add(job)
    looked(page)
    page.locator(".job").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Share by a link"
    with shelf.archive.database.write() as session:
        session.query(Job).filter_by(case_id=case_id, state="running").one().state = "cancelled"
        session.get_one(Case, case_id).title = "A marble of glass"
    page.locator(".message", has_text="stopped").wait_for()
    page.get_by_role("heading", name="A marble of glass", level=1).wait_for()
    for name in ("Single files", "Share by a link"):
        assert page.locator("details", has=page.locator("summary", has_text=name)).get_attribute("open") == ""
    assert page.evaluate("document.activeElement.textContent") == "Share by a link"
    assert page.evaluate("window.same") is True
    with shelf.archive.database.write() as session:
        session.query(Job).filter_by(case_id=case_id, state="cancelled").delete()
    page.context.close()
    assert complaints == []


def test_a_server_that_is_away_is_told_and_taken_back_by_itself(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page, case_id = opened(browser, shelf, complaints, "failed")
    assert page.get_by_text(AWAY).is_hidden()
    page.context.set_offline(True)
    looked(page)
    page.get_by_text(AWAY).wait_for(timeout=60_000)
    changed(shelf, case_id, lambda case, _session: setattr(case, "title", "Changed meanwhile"))
    page.context.set_offline(False)
    page.get_by_text(AWAY).wait_for(state="hidden", timeout=60_000)
    page.get_by_role("heading", name="Changed meanwhile", level=1).wait_for()
    assert page.evaluate("window.same") is True
    page.context.close()
    assert [each for each in complaints if not any(word in each for word in NETWORK)] == []


def test_whoever_was_signed_out_is_told_and_goes_on_after_signing_in_elsewhere(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page, _ = opened(browser, shelf, complaints, "waiting")
    page.locator("summary", has_text="Rename").click()
    page.locator("#case-notes").fill("kept through it all")
    page.context.clear_cookies()
    looked(page)
    page.get_by_text(SIGNED_OUT).wait_for(timeout=60_000)
    other = page.context.new_page()
    with other.expect_navigation(url="**/cases"):
        other.goto(f"{shelf.url}/sign-in")
        other.fill("#email", "admin@example.org")
        other.fill("#password", PASSWORD)
        other.click("main form button")
    looked(page)
    page.get_by_text(SIGNED_OUT).wait_for(state="hidden", timeout=60_000)
    # The form was written for the old session, and holds in the new one.
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("Kept.").wait_for()
    assert page.locator(".notes").inner_text() == "kept through it all"
    page.context.close()
    assert [each for each in complaints if not any(word in each for word in NETWORK)] == []


def test_a_case_that_is_gone_is_told(browser: Any, shelf: Shelf, complaints: list[str]):
    case_id = with_a_look_under_way(shelf)
    page, _ = opened(browser, shelf, complaints, "brought in")
    with shelf.archive.database.write() as session:
        session.query(Job).filter_by(case_id=case_id).delete()
        session.query(Case).filter_by(id=case_id).delete()
    looked(page)
    page.get_by_text("This is no longer here").wait_for(timeout=60_000)
    page.context.close()
    assert [each for each in complaints if not any(word in each for word in NETWORK)] == []


def test_a_link_that_is_shown_once_outlives_what_changes_beside_it(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page, case_id = opened(browser, shelf, complaints, "ready")
    page.locator("summary", has_text="Share by a link").click()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Link to this case")
    address = link.input_value()
    with shelf.archive.database.write() as session:
        session.add(Job(case_id=case_id, kind="build", state="cancelled", request=WISH))
    looked(page)
    page.locator(".message", has_text="stopped").wait_for()
    assert link.input_value() == address
    with shelf.archive.database.write() as session:
        session.query(Job).filter_by(case_id=case_id, state="cancelled").delete()
    page.context.close()
    assert complaints == []
