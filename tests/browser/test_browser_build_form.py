"""The form that asks for a build, in real Chromium: it offers what fits the series, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from found_series import let_be_found, series
from page_shelf import Shelf, serving_pages, signed_in
from plastinate.archive.tables import Job


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with serving_pages(tmp_path_factory.mktemp("shelf")) as served:
        let_be_found(
            served.archive,
            served.pages["failed"].rpartition("/")[2],
            series(1, "CT", "Thorax", phases=["early", "late"]),
            series(2, "MR", "Head"),
            series(3, "", tags={"likely_modality": "CT"}),
            series(4, "PT"),
        )
        yield served


def opened(browser: Any, shelf: Shelf, complaints: list[str], **options: Any) -> tuple[Any, Any]:
    """The page, and the form on it, as on a case of which nothing was asked for that still can be had."""
    with shelf.archive.database.write() as session:
        for job in session.query(Job).filter_by(case_id=shelf.pages["failed"].rpartition("/")[2]):
            job.request = {"recipe": "gone"}
    page = signed_in(browser, shelf, complaints, **options)
    page.goto(shelf.url + shelf.pages["failed"])
    return page, page.locator("form[data-build]")


def choose(form: Any, name: str, value: str) -> None:
    form.locator(f"input[name={name}][value='{value}']").check()


def checked(form: Any, name: str) -> list[str]:
    found: list[str] = form.locator(f"input[name={name}]:checked").evaluate_all(
        "all => all.map(e => e.value)"
    )
    return found


def in_sight(form: Any, name: str) -> set[str]:
    script = "all => all.filter(e => e.checkVisibility()).map(e => e.value)"
    return set(form.locator(f"input[name={name}]").evaluate_all(script))


def test_another_series_brings_what_is_made_for_it(browser: Any, shelf: Shelf, complaints: list[str]):
    page, form = opened(browser, shelf, complaints)
    assert checked(form, "recipe") == ["ct-chest"]
    choose(form, "series", "2")
    assert (in_sight(form, "recipe"), checked(form, "recipe")) == ({"mr-brain", "mr-head"}, ["mr-head"])
    choose(form, "series", "1")
    assert checked(form, "recipe") == ["ct-chest"]
    # What a person chose stays where it fits.
    choose(form, "recipe", "ct-skin")
    choose(form, "series", "2")
    choose(form, "series", "1")
    choose(form, "recipe", "ct-skeleton")
    choose(form, "series", "3")
    assert checked(form, "recipe") == ["ct-skeleton"]
    choose(form, "series", "4")
    assert in_sight(form, "recipe") == set()
    assert form.get_by_text("No set of organs is made for this kind of scan.").is_visible()
    page.context.close()
    assert complaints == []


def test_the_kind_of_a_scan_is_asked_only_where_it_is_open(browser: Any, shelf: Shelf, complaints: list[str]):
    page, form = opened(browser, shelf, complaints)
    question = form.get_by_text("CT or MR?")
    assert question.is_hidden()
    choose(form, "series", "3")
    assert question.is_visible()
    assert checked(form, "modality") == ["CT"]
    assert form.get_by_text("Its values look like those of a CT.").is_visible()
    choose(form, "modality", "MR")
    assert in_sight(form, "recipe") == {"mr-brain", "mr-head"}
    choose(form, "series", "1")
    choose(form, "series", "3")
    assert checked(form, "modality") == ["MR"]
    page.context.close()
    assert complaints == []


@pytest.mark.parametrize("scripted", [True, False])
def test_a_refused_form_keeps_every_choice_and_leads_to_what_is_wrong(
    browser: Any, shelf: Shelf, complaints: list[str], scripted: bool
):
    page, form = opened(browser, shelf, complaints, java_script_enabled=scripted)
    choose(form, "what", "organs")
    choose(form, "organs", "lung-left")
    choose(form, "what", "threshold")
    form.get_by_label("From", exact=True).fill("much")
    form.get_by_label("Name", exact=True).fill("Wax")
    form.locator("summary").click()
    choose(form, "formats", "3mf")
    choose(form, "compression", "draco")
    form.get_by_role("button", name="Build").click()
    page.wait_for_url("**refused")
    form = page.locator("form[data-build]")
    summary = form.get_by_role("link", name="From: “much” is no number. Write it like 200 or -50.5.")
    assert summary.is_visible()
    low = form.get_by_label("From", exact=True)
    assert (low.input_value(), low.get_attribute("aria-invalid")) == ("much", "true")
    assert form.get_by_label("Name", exact=True).input_value() == "Wax"
    assert checked(form, "organs") == ["lung-left"]
    assert set(checked(form, "formats")) == {"glb", "stl", "3mf"}
    assert checked(form, "compression") == ["draco"]
    if scripted:
        assert page.evaluate("document.activeElement.id") == "refused"
        summary.click()
        assert page.evaluate("document.activeElement.id") == "low"
        low.fill("100")
        form.get_by_role("button", name="Build").click()
        page.locator(".job").get_by_role("button", name="Stop").click()
        assert page.locator(".job").count() == 0
    page.context.close()
    assert complaints == []


def test_without_scripts_a_button_brings_what_fits_another_series(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page, form = opened(browser, shelf, complaints, java_script_enabled=False)
    assert "mr-head" not in in_sight(form, "recipe")
    choose(form, "series", "2")
    form.get_by_role("button", name="Show what fits").click()
    page.wait_for_url("**#build")
    form = page.locator("form[data-build]")
    assert (in_sight(form, "recipe"), checked(form, "recipe")) == ({"mr-brain", "mr-head"}, ["mr-head"])
    page.context.close()
    assert complaints == []


def test_the_formats_that_will_come_are_named_beside_the_button(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page, form = opened(browser, shelf, complaints)
    named = form.locator("[data-formats]")
    assert named.inner_text() == "GLB, STL"
    form.locator("summary").click()
    choose(form, "formats", "seg")
    assert named.inner_text() == "GLB, STL, DICOM SEG"
    page.context.close()
    assert complaints == []


def test_after_build_the_keyboard_is_at_the_work_and_the_choice_stays(
    browser: Any, shelf: Shelf, complaints: list[str]
):
    page, form = opened(browser, shelf, complaints)
    choose(form, "recipe", "ct-skin")
    form.get_by_role("button", name="Build", exact=True).press("Enter")
    page.wait_for_selector(".job h2:focus")
    assert (
        page.evaluate("document.activeElement.textContent") == "Skin: the body's outside, without the table"
    )
    assert page.evaluate("location.hash") == ""
    assert checked(page.locator("form[data-build]"), "recipe") == ["ct-skin"]
    page.context.close()
    assert complaints == []
