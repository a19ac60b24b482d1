"""Unusual ways into the view: without scripts, as a guest, on a phone, by keys, as a picture."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

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


def test_what_is_measured_after_the_session_ended_is_saved_once_one_has_signed_in_again(
    browser: Any, shelf: Shelf
):
    page, address = opened(browser, shelf)
    viewer = Viewer(page, address)
    page.context.clear_cookies()
    viewer.look("anterior")
    viewer.tool("distance")
    viewer.press([-50.0, LOW[1], 0.0])
    viewer.press([-20.0, LOW[1], 0.0])
    told = page.locator("[data-notice=measurements]")
    told.wait_for()
    assert "no longer signed in" in told.inner_text()
    with page.expect_popup() as opening:
        told.get_by_role("link", name="Sign in in another tab").click()
    other = opening.value
    other.fill("#email", "admin@example.org")
    other.fill("#password", PASSWORD)
    other.click("main form button")
    other.wait_for_url("**/cases")
    other.close()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    told.wait_for(state="detached")
    page.reload()
    Viewer(page).tab("measure")
    page.wait_for_selector(".measure-list li")
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
    page.wait_for_function(
        "() => [...document.querySelectorAll('.marks span')].some((one) => one.textContent.includes('HU'))"
    )
    assert "inside" not in viewer.probed()[0]
    viewer.tab("cut")
    page.click(".cut-kinds button:has-text('Coronal')")
    viewer.press([-35.0, LOW[1], 0.0])
    assert viewer.probed()[0] == "inside “Liver”"
    assert "110 HU" in page.inner_text(".probe")
    page.context.close()


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def area(page: Any, selector: str) -> dict[str, float]:
    """Where something lies in the window; of no size where it is not seen."""
    found = page.locator(selector)
    nothing = {"x": 0.0, "y": 0.0, "width": 0.0, "height": 0.0}
    return (found.bounding_box() if found.count() else None) or nothing


def painted_whole(page: Any) -> None:
    """Until the slice was drawn as large as its pane is, so that nothing of it is stretched."""
    page.wait_for_function(
        """() => { const face = document.querySelector(".pane-face"), picture = face?.querySelector("canvas");
        return picture?.dataset.painted && picture.width === Math.round(face.clientWidth * devicePixelRatio)
            && picture.height === Math.round(face.clientHeight * devicePixelRatio); }"""
    )


def caution_is_apart(page: Any) -> None:
    """It stands over no picture and under nothing."""
    caution, views = area(page, ".caution"), area(page, ".views")
    assert 0 < caution["height"] < 30
    assert caution["y"] >= views["y"] + views["height"]
    assert caution["y"] + caution["height"] <= area(page, ".side")["y"]


@pytest.mark.parametrize("height", [844, 640])
def test_on_a_phone_one_picture_stays_above_an_open_panel_and_two_below_each_other_without(
    browser: Any, shelf: Shelf, height: int
):
    size = {"width": 390 if height > 700 else 360, "height": height}
    page, address = opened(browser, shelf, **{**PHONE, "viewport": size})
    viewer = Viewer(page, address)
    caution_is_apart(page)
    page.wait_for_selector("view-scan", state="attached")
    page.click("#tab-scan")
    page.check("input[name=layout][value='1+3']", force=True)
    switch = page.get_by_role("group", name="Which picture is seen")
    assert switch.get_by_role("button").all_inner_texts() == ["3D", "Axial", "Coronal", "Sagittal"]
    # The model has at least a quarter of the screen, and no slice takes of it.
    assert area(page, "canvas.scene")["height"] > height / 4 - 10
    assert page.locator(".slice-pane").count() == 0
    switch.get_by_role("button", name="Coronal").click()
    assert page.locator(".slice-pane").count() == 1
    assert area(page, ".pane-coronal")["height"] > height / 4 - 10
    assert area(page, "canvas.scene")["height"] == 0
    painted_whole(page)
    page.click("#tab-scan")
    page.wait_for_selector("canvas.scene:visible")
    painted_whole(page)
    model, pane = area(page, "canvas.scene"), area(page, ".pane-coronal")
    assert model["y"] + model["height"] <= area(page, "pane-switch")["y"] + 1 <= pane["y"] + 1
    assert min(model["height"], pane["height"]) > height / 4
    # What is touched last stays when the panel opens again.
    page.touchscreen.tap(model["x"] + 200, model["y"] + model["height"] * 0.6)
    page.click("#tab-organs")
    assert area(page, "canvas.scene")["height"] > 0
    assert page.locator(".slice-pane").count() == 0
    caution_is_apart(page)
    # The named views are in reach, however low the picture is.
    viewer.look("left")
    page.wait_for_selector(".cube[data-facing=left]", state="attached")
    page.click("#tab-scan")
    page.check("input[name=layout][value='axial']", force=True)
    caution_is_apart(page)
    page.context.close()


def test_the_sheet_of_a_phone_is_raised_lowered_and_closed_by_pulling_and_by_pressing(
    browser: Any, shelf: Shelf
):
    page, address = opened(browser, shelf, **PHONE)
    Viewer(page, address)
    page.click("#tab-organs")
    grabber = page.locator(".grabber")
    half = area(page, "#panel-organs")["height"]
    grabber.press("Enter")
    assert area(page, "#panel-organs")["height"] > half * 1.4
    assert grabber.get_attribute("aria-label") == "Lower the panel"
    grabber.press("Enter")
    assert area(page, "#panel-organs")["height"] == half

    def pull(by: float) -> None:
        at = area(page, ".grabber")
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + by / 2)
        page.mouse.move(x, y + by)
        page.mouse.up()

    pull(-230)
    assert area(page, "#panel-organs")["height"] > half * 1.4
    pull(200)
    assert area(page, "#panel-organs")["height"] == half
    pull(260)
    assert not page.is_visible("#panel-organs")
    assert page.get_attribute("#tab-organs", "aria-selected") == "false"
    page.context.close()


WIDE = {"width": 1120, "height": 600}


def slices_open(browser: Any, shelf: Shelf, **options: Any) -> Viewer:
    """The 3D picture with all slices of the box and the ball beside it."""
    page, address = opened(browser, shelf, viewport=WIDE, **options)
    viewer = Viewer(page, address)
    page.wait_for_selector("view-scan", state="attached")
    viewer.tab("scan")
    page.check("input[name=layout][value='1+3']", force=True)
    page.wait_for_selector(".pane-axial .pane-face canvas[data-painted]", state="attached")
    return viewer


def middle_of(locator: Any) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pulled(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def test_the_oblique_plane_is_turned_and_pushed_by_its_line_in_a_slice_and_by_its_grips_in_3d(
    browser: Any, shelf: Shelf
):
    viewer = slices_open(browser, shelf)
    page = viewer.page
    page.locator("details", has=page.locator("input[name=oblique-turn]")).evaluate("one => one.open = true")
    page.locator("input[name=oblique-turn]").fill("0")
    turn = page.get_by_role("slider", name="Turn the oblique plane in the slice: Axial")
    assert float(turn.get_attribute("aria-valuenow")) == 0
    # A third of a right angle around the crosshair, which is between the two ends.
    grip, other = (middle_of(page.locator(".pane-axial .grip.tilt").nth(at)) for at in (0, 1))
    middle = (grip[0] + other[0]) / 2, (grip[1] + other[1]) / 2
    radius, angle = grip[0] - middle[0], np.radians(30)
    end = (middle[0] + radius * np.cos(angle), middle[1] - radius * np.sin(angle))
    pulled(page, grip, end)
    assert abs(float(turn.get_attribute("aria-valuenow")) - 30) < 1
    assert abs(abs(float(page.locator("input[name=oblique-turn]").input_value())) - 30) <= 1
    turn.press("ArrowUp")
    turn.press("PageDown")
    assert abs(float(turn.get_attribute("aria-valuenow")) - 21) < 1.1
    push = page.get_by_role("slider", name="Push the oblique plane in the slice: Axial")
    slice_before = page.locator(".pane-axial .pane-title").inner_text()
    before = float(push.get_attribute("aria-valuenow"))
    push.press("PageUp")
    stepped = float(push.get_attribute("aria-valuenow"))
    assert abs(abs(stepped - before) - 10 * 2.0 / max(np.cos(np.radians(21)), 0.5)) < 1
    at = middle_of(push)
    pulled(page, at, (at[0], at[1] + 40))
    assert (float(push.get_attribute("aria-valuenow")) - stepped) * (stepped - before) < 0
    # The axial slice itself stays where it is.
    assert page.locator(".pane-axial .pane-title").inner_text() == slice_before
    page.check("input[name=in-3d]")
    in_3d = page.get_by_role("slider", name="Push the oblique plane", exact=True)
    pushed = float(push.get_attribute("aria-valuenow"))
    in_3d.press("ArrowUp")
    page.wait_for_function(
        "([one, was]) => Math.abs(one.ariaValueNow - was) > 0.5", arg=[push.element_handle(), pushed]
    )
    tilted = page.get_by_role("slider", name="Tilt the oblique plane", exact=True)
    tilt = page.locator("input[name=oblique-tilt]").input_value()
    tilted.press("PageUp")
    assert page.locator("input[name=oblique-tilt]").input_value() != tilt
    page.context.close()


def test_by_keys_alone_a_slice_is_measured_probed_and_cut_along(browser: Any, shelf: Shelf):
    viewer = slices_open(browser, shelf)
    page = viewer.page
    page.focus(".pane-axial .pane-face")
    page.keyboard.press("d")
    assert page.get_attribute("button[data-tool=distance]", "aria-pressed") == "true"
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    # What other tests measured on this case may stand there too.
    assert str(page.locator(".pane-axial .measure-label").last.text_content()).endswith(": 20.0 mm")
    assert "HU" in page.locator(".pane-axial .pane-reading").evaluate("one => one.value")
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.probe')?.textContent.includes('HU')")
    assert viewer.probed()[0] == "Liver"
    page.focus(".pane-axial .pane-face")
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    viewer.camera()
    # What is taken away lies towards the one who looks: below, as an axial slice is seen from the feet.
    cut = parse_qs(urlsplit(page.url).fragment)["cut"]
    assert [float(each) for each in cut[0].split(",")[:3]] == [0, 0, -1]
    page.context.close()


def test_by_keys_alone_a_surface_is_measured_and_cut(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf, "mesh only")
    viewer = Viewer(page, address)
    viewer.tab("organs")
    page.click("[data-organ=kidney-left] .eye")
    viewer.look("anterior")
    page.focus("canvas.scene")
    page.keyboard.press("0")
    page.keyboard.press("1")
    page.keyboard.press("+")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("d")
    for _ in range(2):
        page.keyboard.press("Enter")
        # The point is set when it is drawn: the picture may be moved from then on.
        page.wait_for_function("() => document.querySelector('.marks circle')")
        page.keyboard.press("Shift+ArrowRight")
    viewer.tab("measure")
    page.wait_for_selector(".measure-list li[data-measure=distance]")
    page.focus("canvas.scene")
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    viewer.tab("cut")
    page.wait_for_selector("[data-cut]")
    page.context.close()


def picture_of(viewer: Viewer) -> npt.NDArray[np.int64]:
    """The picture that is taken away."""
    viewer.tab("take")
    with viewer.page.expect_download(timeout=60_000) as told:
        viewer.page.click("[data-do=picture]")
    image = Image.open(io.BytesIO(told.value.path().read_bytes())).convert("RGB")
    return np.asarray(image).astype(np.int64)


def bar_pixels(picture: npt.NDArray[np.int64]) -> int:
    """How long the scale bar at the lower right is; 0 where there is none."""
    row = picture[2160 - 96 - 190, 2000:].sum(-1)
    return int((row < 200).sum())


def test_a_picture_has_a_bar_that_is_as_long_as_it_says_and_what_is_probed(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf, "mesh only", color_scheme="light")
    viewer = Viewer(page, address)
    viewer.look("anterior")
    viewer.tool("pick")
    viewer.press([-35.0, LOW[1], 10.0])
    picture = picture_of(viewer)
    distance = viewer.camera()[2]
    # What 2160 pixels are at the depth of the point that the view turns about.
    mm = bar_pixels(picture) * 2 * distance * np.tan(np.radians(15)) / 2160
    assert min(abs(mm / each - 1) for each in (10, 20, 50, 100)) < 0.01
    assert (abs(picture - np.array([20, 33, 61])).max(-1) < 3).sum() > 10_000
    page.goto(shelf.url + shelf.pages["without millimetres"])
    assert bar_pixels(picture_of(Viewer(page))) == 0
    page.context.close()


def test_a_link_brings_a_look_of_ones_own_and_says_when_a_part_of_it_makes_no_sense(
    browser: Any, shelf: Shelf
):
    page, address = opened(browser, shelf)
    camera = "#camera=0,0,0,0,0,0,1,600&volume=composite,,flat"
    Viewer(page, f"{address}{camera}&curve=-20*6b2f26*0_60*c9705c*0.08_700*fffaf0*1")
    page.wait_for_selector("view-scan", state="attached")
    page.click("#tab-scan")
    assert page.locator("select[name=look] option:checked").inner_text() == "Your own"
    assert page.locator("transfer-editor [data-index]").count() == 3
    assert "value 60, density 8 %" in page.get_attribute("transfer-editor [data-index='1']", "aria-label")
    assert not page.is_checked("input[name=lighting]")
    assert page.locator(".notices .message").count() == 0
    page.goto("about:blank")
    Viewer(page, f"{address}{camera}&curve=-20*6b2f26*0_60*c9705c*80")
    assert "makes no sense and was left out" in page.inner_text(".notices")
    page.context.close()


def test_in_a_small_slice_the_oblique_plane_keeps_a_grip_to_turn_and_one_to_push(browser: Any, shelf: Shelf):
    viewer = slices_open(browser, shelf)
    page = viewer.page
    page.locator("details", has=page.locator("input[name=oblique-turn]")).evaluate("one => one.open = true")
    page.locator("input[name=oblique-turn]").fill("0")
    page.set_viewport_size({"width": 900, "height": 640})
    page.wait_for_function("() => document.querySelector('.pane-axial .pane-grips').clientWidth < 160")
    viewer.settle()
    turning = page.locator(".pane-axial .grip.tilt").locator("visible=true")
    assert turning.count() == 1
    turn, push = middle_of(turning), middle_of(page.locator(".pane-axial .grip.push"))
    # Two fingers wide, as all that is taken hold of.
    assert np.hypot(turn[0] - push[0], turn[1] - push[1]) > 36
    shown = page.locator(".pane-axial .grip.tilt").first
    pulled(page, turn, (turn[0], turn[1] - 20))
    assert abs(float(shown.get_attribute("aria-valuenow"))) > 5
