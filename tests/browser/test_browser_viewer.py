"""Organs turned in the hand in real Chromium: what is pressed, measured and cut is where the truth is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from page_shelf import Shelf, signed_in
from viewer_hands import Viewer
from viewer_shelf import CENTRE, HIGH, LOW, RADIUS_MM, serving_views

SIZE = {"width": 900, "height": 640}
# Software drawing says how slowly it reads pixels; that is no fault of a page.
HARMLESS = "GPU stall due to ReadPixels"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with serving_views(tmp_path_factory.mktemp("views")) as served:
        yield served


@pytest.fixture
def page(browser: Any, shelf: Shelf, complaints: list[str]) -> Iterator[Any]:
    page = signed_in(browser, shelf, complaints, at="", viewport=SIZE, reduced_motion="reduce")
    yield page
    page.context.close()
    assert [each for each in complaints if HARMLESS not in each] == []


@pytest.fixture
def viewer(page: Any, shelf: Shelf) -> Viewer:
    return Viewer(page, shelf.url + shelf.pages["box and ball"])


def apart(one: Any, other: Any) -> float:
    return float(np.linalg.norm(np.asarray(one) - np.asarray(other)))


def test_the_organs_are_listed_with_volume_and_light_and_what_was_not_found(viewer: Viewer):
    rows = viewer.page.locator("[data-organ]")
    assert rows.count() == 2
    assert "Liver" in rows.nth(0).inner_text()
    assert "100 ml" in rows.nth(0).inner_text()
    assert "33.5 ml" in rows.nth(1).inner_text()
    assert rows.nth(0).locator(".lamp").get_attribute("aria-label").startswith("Amber")
    viewer.page.click("summary:has-text('Not found (1)')")
    assert "nothing looks like one" in viewer.page.inner_text(".not-found li")


def test_a_pressed_point_is_where_it_lies_in_the_patient_to_a_tenth_of_a_millimetre(viewer: Viewer):
    viewer.look("anterior")
    viewer.tool("pick")
    for point in (
        [-35.0, LOW[1], 10.0],
        [-15.0, LOW[1], -20.0],
        [CENTRE[0], CENTRE[1] - RADIUS_MM, CENTRE[2]],
    ):
        viewer.press(point)
        organ, place = viewer.probed()
        assert organ == ("Liver" if point[0] < 0 else "Left kidney")
        assert apart(place, point) < 0.35
        # Across the line of sight a pixel decides; along it the surface does.
        assert abs(place[1] - point[1]) < 0.1


def test_an_organ_is_chosen_by_pressing_it_and_let_go_by_pressing_beside(viewer: Viewer):
    viewer.look("anterior")
    viewer.press([-35.0, -20.0, 0.0])
    assert viewer.page.get_attribute("[data-organ=liver] .organ-name", "aria-expanded") == "true"
    assert "Chosen: Liver, 100 ml, 50 × 40 × 50 mm" in viewer.words()
    viewer.press([0.0, -20.0, 24.0])
    assert viewer.page.get_attribute("[data-organ=liver] .organ-name", "aria-expanded") == "false"


def test_hidden_organs_are_neither_seen_nor_pressed_and_the_words_say_so(viewer: Viewer):
    viewer.look("anterior")
    spot = viewer.on_screen([-35.0, -20.0, 0.0])
    seen = viewer.pixel(*spot)
    viewer.tab("organs")
    viewer.page.click("[data-organ=liver] .eye")
    beside = viewer.pixel(viewer.box["x"] + 120, spot[1])
    assert np.abs(np.subtract(viewer.pixel(*spot), beside)).max() < 6
    assert np.abs(np.subtract(seen, beside)).max() > 40
    assert "In sight: Left kidney. Hidden: Liver." in viewer.words()
    viewer.tool("pick")
    viewer.click(*spot)
    viewer.tab("measure")
    assert viewer.page.locator(".probe").count() == 0


def test_one_organ_alone_half_clear_and_in_another_colour(viewer: Viewer):
    viewer.look("anterior")
    spot = viewer.on_screen(CENTRE)
    viewer.tab("organs")
    viewer.page.click("[data-organ=kidney-left] .organ-name")
    viewer.page.click("#facts-kidney-left button:has-text('Alone')")
    assert "Hidden: Liver." in viewer.words()
    viewer.page.locator("#facts-kidney-left input[type=color]").fill("#00ff00")
    viewer.page.click("[data-organ=kidney-left] .organ-name")
    viewer.page.mouse.move(5, 5)
    red, green, blue = viewer.pixel(*spot)
    assert green > 150
    assert max(red, blue) < green - 60
    viewer.page.click("[data-organ=kidney-left] .organ-name")
    viewer.page.locator("#facts-kidney-left input[type=range]").fill("0.3")
    viewer.page.click("[data-organ=kidney-left] .organ-name")
    viewer.page.mouse.move(5, 5)
    faint = viewer.pixel(*spot)
    assert faint[0] > red + 40


def test_a_search_leaves_what_has_the_words(viewer: Viewer):
    viewer.page.fill("organ-tree input[type=search]", "KIDN")
    assert viewer.page.locator("[data-organ]").count() == 1
    viewer.page.fill("organ-tree input[type=search]", "nothing like it")
    assert "No organ of that name." in viewer.page.inner_text("organ-tree")


def test_dragging_turns_with_the_finger_and_scrolling_comes_closer(viewer: Viewer):
    viewer.look("anterior")
    _, (right, _, back), distance = viewer.camera()
    middle = viewer.box["x"] + 300, viewer.box["y"] + 400
    viewer.page.mouse.move(*middle)
    viewer.page.mouse.down()
    viewer.page.mouse.move(middle[0] + 50, middle[1], steps=4)
    viewer.page.mouse.up()
    _, (_, up, turned), _ = viewer.camera()
    # Pulled to the right the patient's right side comes, the head stays up.
    assert turned @ right < -0.2
    assert up[2] > 0.999
    assert abs(np.arccos(turned @ back) - 50 * 0.008) < 0.06
    viewer.wheel(*middle, by=-200)
    assert viewer.camera()[2] < distance * 0.8


def test_what_lies_under_the_pointer_stays_there_while_coming_closer(viewer: Viewer):
    viewer.look("anterior")
    point = np.array([-35.0, 0.0, 15.0])
    spot = viewer.on_screen(point)
    viewer.wheel(*spot, by=-150)
    assert apart(viewer.on_screen(point), spot) < 1.5


def test_everything_by_keys(viewer: Viewer):
    viewer.look("anterior")
    before = viewer.camera()
    viewer.page.focus("canvas.scene")
    for _ in range(12):
        viewer.page.keyboard.press("ArrowRight")
    assert viewer.camera()[1][2] @ before[1][2] < 0.2
    viewer.page.focus("canvas.scene")
    viewer.page.keyboard.press("+")
    viewer.page.keyboard.press("Shift+ArrowUp")
    after = viewer.camera()
    assert after[2] < before[2]
    assert apart(after[0], before[0]) > 1
    viewer.page.focus("canvas.scene")
    viewer.page.keyboard.press("d")
    viewer.page.wait_for_selector("[data-tool=distance][aria-pressed=true]")
    viewer.page.keyboard.press("0")
    assert (
        apart(
            viewer.camera()[0],
            (np.minimum(LOW, CENTRE - RADIUS_MM) + np.maximum(HIGH, CENTRE + RADIUS_MM)) / 2,
        )
        < 0.1
    )


def test_let_go_in_motion_it_glides_on_and_comes_to_rest(browser: Any, shelf: Shelf):
    page = signed_in(browser, shelf, [], at="", viewport=SIZE)
    viewer = Viewer(page, shelf.url + shelf.pages["mesh only"])
    start = viewer.camera()[1][2]
    x, y = viewer.box["x"] + 260, viewer.box["y"] + 330
    viewer.drag([(x + 14 * step, y) for step in range(9)])
    viewer.settle()
    rest = viewer.camera()[1][2]
    # About the axis of the body: further than the hand has pulled, by what its last speed goes on for.
    turned = np.arctan2(rest[1], rest[0]) - np.arctan2(start[1], start[0])
    pulled, per_ms = 14 * 8 * 0.008, 14 * 0.008 / Viewer.BETWEEN_MS
    glided = abs((turned + np.pi) % (2 * np.pi) - np.pi) - pulled
    assert abs(glided - per_ms / -np.log(0.9955)) < 0.1 * glided
    page.context.close()


def test_a_pen_turns_and_the_second_button_moves(viewer: Viewer):
    viewer.look("anterior")
    session = viewer.page.context.new_cdp_session(viewer.page)
    x, y = viewer.box["x"] + 260, viewer.box["y"] + 380
    before = viewer.camera()

    def pen(kind: str, along: float, button: str) -> None:
        event = {
            "type": kind,
            "x": x + along,
            "y": y,
            "button": button,
            "pointerType": "pen",
            "clickCount": 1,
        }
        held = {"left": 1, "right": 2}[button]
        session.send("Input.dispatchMouseEvent", {**event, "buttons": 0 if kind == "mouseReleased" else held})

    for button in ("left", "right"):
        pen("mousePressed", 0, button)
        for step in range(1, 6):
            pen("mouseMoved", 12 * step, button)
        pen("mouseReleased", 60, button)
        after = viewer.camera()
        if button == "left":
            assert after[1][2] @ before[1][2] < 0.95
            assert apart(after[0], before[0]) < 1e-6
            before = after
    assert apart(after[1], before[1]) < 1e-6
    assert apart(after[0], before[0]) > 3


def test_the_cube_turns_along_and_a_side_of_it_that_is_pressed_faces_one(viewer: Viewer):
    viewer.look("anterior")
    viewer.page.focus("canvas.scene")
    for _ in range(5):
        viewer.page.keyboard.press("ArrowLeft")
    viewer.settle()
    side = viewer.page.locator(".cube-side.left").bounding_box()
    viewer.click(side["x"] + side["width"] / 2, side["y"] + side["height"] / 2)
    assert apart(viewer.camera()[1][2], (1, 0, 0)) < 1e-3


@pytest.mark.parametrize(
    ("side", "back", "up"),
    [
        ("anterior", (0, -1, 0), (0, 0, 1)),
        ("left", (1, 0, 0), (0, 0, 1)),
        ("inferior", (0, 0, -1), (0, -1, 0)),
    ],
)
def test_named_views_look_from_their_side(viewer: Viewer, side: str, back: Any, up: Any):
    viewer.look(side)
    _, axes, _ = viewer.camera()
    assert apart(axes[2], back) < 1e-3
    assert apart(axes[1], up) < 1e-3
    viewer.settle()
    assert viewer.page.locator(".cube").get_attribute("data-facing") == side


def test_a_distance_on_surfaces_is_the_true_one_within_a_tenth_of_a_millimetre(viewer: Viewer):
    viewer.look("anterior")
    viewer.tool("distance")
    one, other = [-55.0, LOW[1], -20.0], [-15.0, LOW[1], 20.0]
    exact = [(x, y) for x, y in (viewer.on_screen(one), viewer.on_screen(other))]
    # Whole pixels, so that the truth is where they are and not where they were meant.
    spots = [(round(x), round(y)) for x, y in exact]
    mm_per_pixel = 40.0 / (exact[1][0] - exact[0][0])
    truth = apart(spots[0], spots[1]) * mm_per_pixel
    for spot in spots:
        viewer.click(*spot)
    viewer.tab("measure")
    last = viewer.page.locator(".measure-list li").last
    assert last.locator("input").input_value().startswith("Distance ")
    told = float(last.locator("output").inner_text().split()[0])
    assert abs(told - truth) < 0.1


def test_an_angle_of_a_corner_is_ninety_degrees(viewer: Viewer):
    viewer.look("anterior")
    viewer.tool("angle")
    for point in ([-50.0, LOW[1], -20.0], [-20.0, LOW[1], -20.0], [-20.0, LOW[1], 20.0]):
        viewer.press(point)
    viewer.tab("measure")
    assert (
        abs(float(viewer.page.inner_text("[data-measure=angle] output").replace("°", "").split()[0]) - 90)
        < 0.8
    )


def test_measurements_are_renamed_taken_away_as_a_table_and_kept_with_the_case(page: Any, shelf: Shelf):
    viewer = Viewer(page, shelf.url + shelf.pages["mesh only"])
    viewer.look("anterior")
    viewer.tool("distance")
    viewer.press([-50.0, LOW[1], 0.0])
    viewer.press([-20.0, LOW[1], 0.0])
    viewer.tab("measure")
    page.fill(".measure-list input", "=Width, widest")
    with page.expect_response(lambda answer: answer.request.method == "PUT") as kept:
        page.keyboard.press("Enter")
    assert kept.value.ok
    with page.expect_download() as told:
        page.click("text=Table (CSV)")
    lines = told.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("kind,name,value,unit,x1_lps_mm")
    assert lines[1].startswith('distance,"\'=Width, widest",')
    assert abs(float(lines[1].split('",')[1].split(",")[0]) - 30) < 0.7
    page.reload()
    again = Viewer(page)
    again.tab("measure")
    assert page.locator(".measure-list input").input_value() == "=Width, widest"
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.click(".measure-list button")
    assert page.locator(".measure-list li").count() == 0
    with page.expect_response(lambda answer: answer.request.method == "PUT") as put_back:
        page.click("[data-do=put-back]")
    assert put_back.value.ok
    assert page.locator(".measure-list input").input_value() == "=Width, widest"
    assert page.locator("[data-notice]").count() == 0


def test_without_millimetres_nothing_is_measured_and_the_page_says_why(page: Any, shelf: Shelf):
    viewer = Viewer(page, shelf.url + shelf.pages["without millimetres"])
    assert page.get_attribute("[data-tool=distance]", "aria-disabled") == "true"
    assert "no millimetres" in page.get_attribute("[data-tool=distance]", "title")
    viewer.page.click("[data-tool=distance]", force=True)
    assert page.get_attribute("[data-tool=distance]", "aria-pressed") == "false"
    viewer.tab("measure")
    assert "nothing in it can be measured" in page.inner_text("view-measures")
    viewer.tab("organs")
    page.click("[data-organ=liver] .organ-name")
    assert "mm" not in page.inner_text("#facts-liver")


def test_a_cut_is_solid_in_the_colour_of_the_organ_and_lets_through_what_lies_behind(viewer: Viewer):
    viewer.look("anterior")
    inside = viewer.on_screen([-35.0, 0.0, 0.0])
    viewer.tab("cut")
    viewer.page.click(".cut-kinds button:has-text('Coronal')")
    viewer.page.uncheck("input[name=scan-on-cuts]")
    red, green, blue = viewer.pixel(*inside)
    # (150, 70, 60) as it is, a little darker; one colour all over, unlike a lit surface.
    assert abs(red - 140) < 14
    assert red > green + 40 > blue
    other = viewer.pixel(*viewer.on_screen([-55.0, 0.0, 20.0]))
    assert np.abs(np.subtract((red, green, blue), other)).max() <= 2
    viewer.tool("pick")
    depth = float(viewer.page.get_attribute(".cut input[type=range]", "min"))
    viewer.tab("cut")
    # Cut away whole: nothing is left to be pressed.
    viewer.page.locator(".cut input[type=range]").fill(str(depth))
    assert "Cuts: 1." in viewer.words()


def test_a_cut_may_spare_organs(viewer: Viewer):
    viewer.look("anterior")
    viewer.tab("cut")
    viewer.page.click(".cut-kinds button:has-text('Coronal')")
    viewer.page.click(".cut summary")
    viewer.page.uncheck(".scope label:has-text('Liver') input")
    viewer.tool("pick")
    viewer.press([-35.0, LOW[1], 0.0])
    assert abs(viewer.probed()[1][1] - LOW[1]) < 0.1
    viewer.press(CENTRE)
    # Of the ball the front half is gone: the face of the cut is met, half way through the scene.
    assert abs(viewer.probed()[1][1] - (min(LOW[1], CENTRE[1] - RADIUS_MM) + HIGH[1]) / 2) < 0.1


def test_a_distance_on_the_face_of_a_cut_is_the_true_one_within_a_tenth_of_a_millimetre(
    page: Any, shelf: Shelf
):
    viewer = Viewer(page, shelf.url + shelf.pages["mesh only"])
    viewer.look("anterior")
    viewer.tab("cut")
    page.click(".cut-kinds button:has-text('Coronal')")
    face = (min(LOW[1], CENTRE[1] - RADIUS_MM) + HIGH[1]) / 2
    viewer.tool("distance")
    one, other = [-55.0, face, -20.0], [-15.0, face, 20.0]
    exact = [viewer.on_screen(one), viewer.on_screen(other)]
    spots = [(round(x), round(y)) for x, y in exact]
    truth = apart(*spots) * 40.0 / (exact[1][0] - exact[0][0])
    for spot in spots:
        viewer.click(*spot)
    viewer.tab("measure")
    assert abs(float(page.locator("[data-measure] output").last.inner_text().split()[0]) - truth) < 0.1
    # What is measured stays with the case: the next test begins with none.
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.locator("[data-measure] button").last.click()


def test_the_handle_of_a_cut_pushes_it_by_mouse_and_keys(viewer: Viewer):
    viewer.look("left")
    viewer.tab("cut")
    viewer.page.click(".cut-kinds button:has-text('Coronal')")
    viewer.settle()
    handle = viewer.page.locator(".grip.push")
    before = float(handle.get_attribute("aria-valuenow"))
    box = handle.bounding_box()
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    middle = (np.minimum(LOW, CENTRE - RADIUS_MM) + np.maximum(HIGH, CENTRE + RADIUS_MM)) / 2
    pixels = (viewer.on_screen(middle + np.array([0, 10, 0]))[0] - viewer.on_screen(middle)[0]) / 10
    viewer.tab("cut")
    viewer.page.mouse.move(*at)
    viewer.page.mouse.down()
    viewer.page.mouse.move(at[0] - 8 * pixels, at[1], steps=3)
    viewer.page.mouse.up()
    viewer.settle()
    pushed = float(handle.get_attribute("aria-valuenow"))
    assert abs(pushed - before - 8) < 0.4
    handle.press("ArrowUp")
    handle.press("PageDown")
    viewer.settle()
    assert abs(float(handle.get_attribute("aria-valuenow")) - pushed + 9) < 0.11


def test_three_cuts_are_the_most_and_a_box_shows_only_what_lies_in_it(viewer: Viewer):
    viewer.look("anterior")
    viewer.tab("cut")
    for _ in range(3):
        viewer.page.click(".cut-kinds button:has-text('Axial')")
    assert viewer.page.is_disabled(".cut-kinds button:has-text('Axial')")
    for _ in range(3):
        viewer.page.click("[data-cut] button:has-text('Remove') >> nth=0")
    viewer.page.check("input[name=box]")
    viewer.page.wait_for_function("() => document.querySelectorAll('.grip.face').length == 6")
    faces = viewer.page.locator(".box-faces input")
    low = float(faces.nth(2).get_attribute("min"))
    faces.nth(2).fill(str(low + 15))
    viewer.tool("pick")
    viewer.page.uncheck("input[name=handles]")
    viewer.press([-35.0, low + 15, 0.0])
    # Its front wall is cut off: the face of the box is met.
    assert abs(viewer.probed()[1][1] - (low + 15)) < 0.1


def test_a_link_opens_the_very_view(viewer: Viewer, page: Any):
    viewer.look("left")
    viewer.tab("organs")
    page.click("[data-organ=liver] .eye")
    viewer.tab("cut")
    page.click(".cut-kinds button:has-text('Axial')")
    camera = viewer.camera()
    picture = viewer.picture()
    address = page.url
    page.goto("about:blank")
    again = Viewer(page, address)
    assert apart(again.camera()[1], camera[1]) < 1e-3
    assert "Hidden: Liver." in again.words()
    assert "Cuts: 1." in again.words()
    assert np.abs(again.picture().astype(int) - picture).mean() < 1.0


def test_a_picture_is_3840_pixels_wide_and_shows_the_scene_and_the_legend(page: Any, shelf: Shelf):
    import io

    from PIL import Image

    viewer = Viewer(page, shelf.url + shelf.pages["mesh only"])
    viewer.look("anterior")
    # Beside what was measured on this case before.
    face = [-35.0, -20.0, -16.0]
    x, y = viewer.on_screen(face)
    plain = viewer.pixel(x, y)
    viewer.press(face)
    assert viewer.pixel(x, y) != plain
    viewer.tab("take")
    viewer.page.evaluate(
        """() => {
            const line = document.querySelector("[data-painting]");
            const said = window.said = [];
            new MutationObserver(() => said.push(line.textContent.trim()))
                .observe(line, {childList: true, characterData: true, subtree: true});
        }"""
    )
    with viewer.page.expect_download(timeout=60_000) as told:
        viewer.page.click("[data-do=picture]")
    image = Image.open(io.BytesIO(told.value.path().read_bytes())).convert("RGB")
    assert image.size == (3840, 2160)
    viewer.settle()
    first, *_, last = viewer.page.evaluate("window.said")
    assert first.startswith("The large picture is being made.")
    assert last == ""
    # What is chosen does not glow in it.
    box = viewer.box
    by = 2160 / box["height"]
    at = (1920 + (x - box["x"] - box["width"] / 2) * by, 1080 + (y - box["y"] - box["height"] / 2) * by)
    seen = image.getpixel((round(at[0]), round(at[1])))
    assert max(abs(a - b) for a, b in zip(seen, plain, strict=True)) <= 3
    red, green, blue = image.getpixel((1500, 1290))
    assert red > green + 25 > blue
    # The swatches of the legend at the lower left, in the colours of the organs.
    colours = {image.getpixel((116, y)) for y in range(1900, 2100)}
    assert (150, 70, 60) in colours
    assert (70, 120, 190) in colours
