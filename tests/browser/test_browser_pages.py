"""Every page in real Chromium: readable to all, in every width and direction, whatever names people give."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

from page_shelf import STRANGE, Shelf, signed_in
from pseudo_language import speak_pseudo, untranslated

PAGES = [
    "cases",
    "found nothing",
    "new",
    "trash",
    "account",
    "password",
    "people",
    "no such case",
    "ready",
    "ready build",
    "strange",
    "strange build",
    "running",
    "waiting",
    "failed",
    "thrown away",
    "older in 3D",
]


def unfolded(page: Any) -> None:
    """Open whatever can be opened in place."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => each.open = true)")


def sideways(page: Any) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_read_from_right_to_left_in_other_words_no_page_breaks_and_none_was_forgotten(
    browser: Any, shelf: Shelf, complaints: list[str], tmp_path: Path
):
    with speak_pseudo(shelf.app, tmp_path):
        page = signed_in(
            browser,
            shelf,
            complaints,
            viewport={"width": 320, "height": 800},
            locale="ar",
            reduced_motion="reduce",
        )
        assert page.get_attribute("html", "dir") == "rtl"
        forgotten: dict[str, Any] = {}
        for name in PAGES:
            page.goto(shelf.url + shelf.pages[name])
            unfolded(page)
            if (left := untranslated(page)) or sideways(page) > 0:
                forgotten[name] = (left, sideways(page))
        page.context.close()
    assert forgotten == {}
    # A page that is not there says so with its status, which the console repeats.
    assert [each for each in complaints if "the server responded with a status of 404" not in each] == []


@pytest.mark.parametrize("name", ["cases", "strange", "strange build"])
def test_whatever_people_call_things_is_shown_as_they_typed_it(
    browser: Any, shelf: Shelf, complaints: list[str], name: str
):
    page = signed_in(browser, shelf, complaints)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.goto(shelf.url + shelf.pages[name])
    unfolded(page)
    # A mark that turns the text round is shown as a sign instead.
    shown = STRANGE.replace("\u202e", "\N{REPLACEMENT CHARACTER}")
    assert shown in page.inner_text("main")
    assert "\u202e" not in page.content()
    assert page.query_selector("main img[src=x]") is None
    assert "49" not in page.inner_text("h1")
    page.context.close()
    assert (asked, complaints) == ([], [])


def test_a_script_that_stands_in_a_page_does_not_run(browser: Any, shelf: Shelf, complaints: list[str]):
    page = signed_in(browser, shelf, complaints)
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
    }""")
    assert page.evaluate("window.ran") is None
    page.context.close()
    assert any("Content Security Policy" in each for each in complaints)


def test_a_keyboard_is_enough(browser: Any, shelf: Shelf, complaints: list[str]):
    page = signed_in(browser, shelf, complaints)
    page.goto(shelf.url + shelf.pages["ready"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    menu = page.locator("header.bar .menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    assert menu.get_attribute("open") is not None
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.sheet') !== null")
    page.keyboard.press("Escape")
    assert menu.get_attribute("open") is None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    # What has the focus now must not lie under it.
    assert menu.get_attribute("open") is None
    form = page.locator("form[data-build]")
    form.get_by_label("A set of organs").focus()
    page.keyboard.press("ArrowDown")
    assert form.locator("fieldset[data-for=organs]").is_visible()
    assert form.locator("fieldset[data-for=recipe]").is_hidden()
    page.context.close()
    assert complaints == []


def test_without_scripts_a_case_is_renamed_and_a_build_is_asked_for(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page = signed_in(browser, shelf, complaints, java_script_enabled=False)
    page.goto(shelf.url + shelf.pages["failed"])
    page.locator("summary", has_text="Rename").click()
    page.get_by_label("Tags").fill("mended, glass")
    page.get_by_role("button", name="Keep").click()
    assert page.get_by_role("link", name="mended", exact=True).is_visible()
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url("**" + shelf.pages["failed"])
    assert page.locator(".job").count() == 1
    page.locator(".job").get_by_role("button", name="Stop").click()
    assert page.locator(".job").count() == 0
    page.context.close()
    assert complaints == []


def test_language_and_colours_stay_as_they_were_chosen(browser: Any, shelf: Shelf, complaints: list[str]):
    page = signed_in(browser, shelf, complaints)
    page.get_by_label("Language").select_option("de")
    page.get_by_role("heading", name="Fälle", level=1).wait_for()
    page.get_by_label("Farben").select_option("dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.goto(shelf.url + shelf.pages["ready"])
    assert page.get_attribute("html", "lang") == "de"
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert page.get_by_text("Haut", exact=True).first.is_visible()
    page.get_by_label("Sprache").select_option("en")
    page.get_by_role("heading", name="Downloads").wait_for()
    page.context.close()
    assert complaints == []


def test_a_job_that_goes_on_and_ends_is_seen_without_loading_the_page_again(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    from plastinate.archive.tables import Job

    page = signed_in(browser, shelf, complaints)
    page.goto(shelf.url + shelf.pages["running"])
    page.evaluate("window.same = true")
    card = page.locator(".job")
    assert card.locator("[data-part=share]").inner_text() == "43%"
    case_id = shelf.pages["running"].rpartition("/")[2]
    with shelf.archive.database.write() as session:
        job = session.query(Job).filter_by(case_id=case_id).one()
        job.share_done, job.doing = 0.77, "surface: skin"
    card.get_by_text("Laying the surface: Skin").wait_for()
    assert card.locator("[data-part=share]").inner_text() == "77%"
    with shelf.archive.database.write() as session:
        job = session.query(Job).filter_by(case_id=case_id).one()
        job.state, job.error = "failed", {"code": "job.lost", "sentence": "Nothing.", "hint": "Look."}
    page.get_by_role("button", name="Try again").wait_for()
    assert page.evaluate("window.same") is True
    with shelf.archive.database.write() as session:
        session.query(Job).filter_by(case_id=case_id).one().state = "running"
    page.context.close()
    assert complaints == []


def test_a_secret_is_shown_once(browser: Any, shelf: Shelf, complaints: list[str]):
    page = signed_in(browser, shelf, complaints)
    page.goto(shelf.url + "/account")
    page.get_by_label("What it is for").fill("Nightly")
    page.get_by_role("button", name="Make a token").click()
    assert re.fullmatch(r"pl_[\w-]{20,}", page.get_by_label("New token").input_value())
    page.goto(shelf.url + "/account")
    assert page.get_by_label("New token").count() == 0
    page.get_by_role("button", name="End the token Nightly").click()
    assert page.get_by_text("No tokens yet.").count() == 0  # the one of the tests is still there
    page.context.close()
    assert complaints == []


def test_what_a_build_has_found_comes_into_sight_while_it_runs(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    from PIL import Image

    from plastinate.archive.tables import Job

    case_id = shelf.pages["running"].rpartition("/")[2]

    def found(names: list[str] | None, width: int = 0) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (width or 1, 3)).save(buffer, "PNG")
        with shelf.archive.database.write() as session:
            job = session.query(Job).filter_by(case_id=case_id).one()
            job.found, job.glimpse = names, buffer.getvalue() if names else None

    page = signed_in(browser, shelf, complaints)
    page.goto(shelf.url + shelf.pages["running"])
    figure = page.locator(".job .glimpse")
    assert not figure.is_visible()
    for names, words, width in ((["lung-left"], "Left lung", 4), (["lung-left", "heart"], "Heart", 7)):
        found(names, width)
        figure.get_by_text(words).wait_for()
        decoded = "async img => { await img.decode(); return img.naturalWidth; }"
        assert figure.locator("img").evaluate(decoded) == width
    found(None)
    figure.wait_for(state="hidden")
    page.context.close()
    assert complaints == []


def test_without_a_stream_to_spare_the_page_asks_instead(browser: Any, shelf: Shelf, complaints: list[str]):
    from plastinate.archive.tables import Job
    from plastinate.web.app_state import state_of_app

    case_id = shelf.pages["waiting"].rpartition("/")[2]
    streams = state_of_app(shelf.app)
    allowed, streams.streams_max = streams.streams_max, 0
    try:
        page = signed_in(browser, shelf, complaints)
        page.goto(shelf.url + shelf.pages["waiting"])
        with shelf.archive.database.write() as session:
            job = session.query(Job).filter_by(case_id=case_id).one()
            job.state, job.share_done, job.doing = "running", 0.5, "look at the files"
        page.locator(".job [data-part=share]").get_by_text("50%").wait_for()
    finally:
        streams.streams_max = allowed
    with shelf.archive.database.write() as session:
        job = session.query(Job).filter_by(case_id=case_id).one()
        job.state, job.share_done, job.doing = "queued", 0.0, ""
    page.context.close()
    assert [each for each in complaints if "503" not in each] == []


def test_a_page_on_which_nothing_goes_on_holds_no_thread_of_the_server(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page = signed_in(browser, shelf, complaints)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shelf.url + shelf.pages["ready"], wait_until="networkidle")
    assert not any(each.endswith("/events") for each in asked)
    page.goto(shelf.url + shelf.pages["running"])
    page.wait_for_function("performance.getEntriesByType('resource').length > 0")
    assert any(each.endswith("/events") for each in asked)
    page.context.close()
    assert complaints == []


@pytest.mark.slow
def test_the_view_in_3d_fetches_its_manifest_once_and_no_picture_until_it_is_needed(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page = signed_in(browser, shelf, complaints)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url.rpartition("/")[2]))
    place = shelf.url + shelf.pages["ready build"] + "/view"
    page.goto(place)
    page.wait_for_selector("#viewer.begun")
    page.wait_for_load_state("networkidle")
    assert fetched.count("scene.json") == 1
    assert [name for name in fetched if name.endswith(".png")] == []
    fetched.clear()
    page.route("**/view-*.js", lambda route: route.abort())
    page.goto(place)
    with page.expect_request("**/preview.png", timeout=60_000):
        pass
    assert page.is_visible("figure.pictured img")
    page.context.close()
