"""Unusual ways into the view: without scripts, as a guest, on a phone, by keys, as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chromium import watched_page
from page_shelf import Shelf, signed_in
from plastinate.archive.tables import Share
from viewer_hands import Viewer
from viewer_shelf import LOW, serving_views
from web_stage import PASSWORD

SIZE = {"width": 900, "height": 640}
MEASURED = {"id": "m1", "kind": "distance", "name": "Width", "points_lps_mm": [[-50, -20, 0], [-20, -20, 0]]}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with serving_views(tmp_path_factory.mktemp("views")) as served:
        yield served


def opened(browser: Any, shelf: Shelf, name: str = "box and ball", **options: Any) -> tuple[Any, str]:
    """A page that has not gone to the view yet, and the view's address."""
    page = signed_in(browser, shelf, [], **{"viewport": SIZE, "reduced_motion": "reduce", **options})
    return page, shelf.url + shelf.pages[name]


def test_without_scripts_the_table_the_certificate_and_the_pictures_show_and_nothing_is_said_to_come(
    browser: Any, shelf: Shelf
):
    page, address = opened(browser, shelf, java_script_enabled=False)
    page.goto(address)
    assert page.get_by_role("row", name="Liver").is_visible()
    assert page.get_by_role("link", name="Certificate and pictures").is_visible()
    assert "needs JavaScript" in page.locator("noscript p").inner_text()
    assert not page.get_by_text("Fetching the models").is_visible()
    page.context.close()


def test_a_guest_is_offered_to_take_away_only_what_he_measured_himself(browser: Any, shelf: Shelf):
    path = shelf.pages["mesh only"]
    case, build = path.split("/")[2], path.split("/")[4]
    with shelf.archive.database.write() as session:
        session.add(Share(case_id=case, person_id=shelf.stage.people["viewer"], role="view"))
    kept = shelf.stage.script("admin").put(
        f"/api/builds/{build}/measurements", json={"measurements": [MEASURED]}
    )
    assert kept.status_code == 200, kept.text
    page = watched_page(browser, [], viewport=SIZE, reduced_motion="reduce")
    page.goto(f"{shelf.url}/sign-in")
    page.fill("#email", "viewer@example.org")
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.wait_for_url("**/cases")
    viewer = Viewer(page, shelf.url + path)
    viewer.tab("measure")
    page.wait_for_selector(".measure-list li")
    assert page.get_by_role("button", name="Remove Width").count() == 0
    assert not page.locator(".measure-list input").is_editable()
    assert "what you measure here is not kept" in page.inner_text("view-measures")
    viewer.look("anterior")
    viewer.tool("distance")
    viewer.press([-50.0, LOW[1], 10.0])
    viewer.press([-20.0, LOW[1], 10.0])
    viewer.tab("measure")
    page.locator(".measure-list li").last.get_by_role("button").click()
    assert page.locator(".measure-list li").count() == 1
    page.context.close()


def changed_scene(page: Any, change: Any) -> None:
    """Serve another scene.json to this page than the build has."""

    def answer(route: Any) -> None:
        scene = json.loads(route.fetch().body())
        change(scene)
        route.fulfill(json=scene)

    page.route("**/view/scene.json", answer)


def test_an_organ_whose_label_makes_no_sense_is_shown_and_the_want_is_told_in_its_place(
    browser: Any, shelf: Shelf
):
    page, address = opened(browser, shelf)
    changed_scene(page, lambda scene: scene["organs"][0].update(label=-7))
    Viewer(page, address)
    page.click("[data-organ=liver] .organ-name")
    facts = page.inner_text("#facts-liver")
    assert "not outlined in the slices" in facts
    assert "Mean in the scan" not in facts
    page.click("[data-organ=kidney-left] .organ-name")
    assert "Mean in the scan" in page.inner_text("#facts-kidney-left")
    page.context.close()


def test_what_a_hull_encloses_is_read_as_inside_of_it_and_its_surface_as_itself(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    changed_scene(page, lambda scene: scene["organs"][0].update(opacity=0.25))
    viewer = Viewer(page, address)
    page.wait_for_selector("view-scan", state="attached")
    # Glass is pressed only where nothing solid is in sight.
    page.click("[data-organ=kidney-left] .eye")
    viewer.look("anterior")
    viewer.tool("pick")
    viewer.press([-35.0, LOW[1], 0.0])
    # On its very surface the voxel may lie within or without: its value is read all the same.
    page.wait_for_function("() => document.querySelector('.marks span')?.textContent.includes('HU')")
    assert "inside" not in viewer.probed()[0]
    viewer.tab("cut")
    page.click(".cut-kinds button:has-text('Coronal')")
    viewer.press([-35.0, LOW[1], 0.0])
    assert viewer.probed()[0] == "inside “Liver”"
    assert "110 HU" in page.inner_text(".probe")
    page.context.close()
