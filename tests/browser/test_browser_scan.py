"""The scan in the viewer: slices, brightness, cuts and the volume, of a box and a ball of known values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from page_shelf import Shelf, signed_in
from viewer_hands import Viewer
from viewer_shelf import BALL_HU, BOX_HU, CENTRE, HIGH, LOW, serving_views

SIZE = {"width": 1000, "height": 640}
MIDDLE = (LOW + HIGH) / 2


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with serving_views(tmp_path_factory.mktemp("views")) as served:
        yield served


@pytest.fixture
def viewer(browser: Any, shelf: Shelf) -> Iterator[Viewer]:
    complaints: list[str] = []
    page = signed_in(browser, shelf, complaints, at="", viewport=SIZE, reduced_motion="reduce")
    opened = Viewer(page, shelf.url + shelf.pages["box and ball"])
    page.wait_for_selector("view-scan", state="attached")
    opened.tab("scan")
    yield opened
    page.context.close()
    harmless = ("GPU stall", "willReadFrequently")  # the browser speaks of how this test reads pixels
    assert [each for each in complaints if not any(part in each for part in harmless)] == []


def go_to(viewer: Viewer, layout: str) -> None:
    viewer.page.check(f"input[name=layout][value='{layout}']", force=True)
    painted(viewer)


def painted(viewer: Viewer) -> None:
    """Until every brick is there and every slice was drawn with it."""
    viewer.settle()
    viewer.page.wait_for_selector(".pane-face canvas[data-painted]", state="attached")


def pane(viewer: Viewer, plane: str = "axial") -> Any:
    return viewer.page.locator(f".pane-{plane} .pane-face")


def on_pane(viewer: Viewer, x: float, y: float) -> tuple[float, float]:
    """Where the place x (towards the left) and y (towards the back) is in the axial pane, in pixels of it.

    The whole scan, 160 by 80 mm, is fitted into the pane: the middle is at the middle.
    """
    box = pane(viewer).bounding_box()
    scale = min(box["width"] / 160, box["height"] / 80)
    return box["width"] / 2 + x * scale, box["height"] / 2 - (-y) * scale


def grey(viewer: Viewer, x: float, y: float) -> int:
    """The picture alone at a place, without what lies over it."""
    px, py = on_pane(viewer, x, y)
    found = viewer.page.evaluate(
        """([px, py]) => {
            const canvas = document.querySelector('.pane-axial canvas');
            const by = canvas.width / canvas.clientWidth;
            const [x, y] = [Math.floor(px * by), Math.floor(py * by)];
            return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];
        }""",
        [px, py],
    )
    assert found[0] == found[1] == found[2]
    return int(found[0])


def window_grey(value: float, *, centre: float = 40, width: float = 400) -> float:
    return 255 * min(1.0, max(0.0, (value - centre) / width + 0.5))


def plainly(viewer: Viewer) -> None:
    viewer.page.uncheck("input[name=overlay]")
    viewer.page.uncheck("input[name=outline]")


def test_a_slice_shows_known_values_as_the_window_says(viewer: Viewer) -> None:
    go_to(viewer, "axial")
    plainly(viewer)
    painted(viewer)
    assert abs(grey(viewer, MIDDLE[0], MIDDLE[1]) - window_grey(BOX_HU)) <= 1.5
    assert abs(grey(viewer, CENTRE[0], CENTRE[1]) - window_grey(BALL_HU)) <= 1.5
    assert grey(viewer, 70, 30) == 0
    viewer.page.select_option("select[name=window]", "bone")
    painted(viewer)
    wanted = window_grey(BOX_HU, centre=450, width=1800)
    assert abs(grey(viewer, MIDDLE[0], MIDDLE[1]) - wanted) <= 1.5


def test_the_patients_right_is_at_the_left_of_an_axial_slice(viewer: Viewer) -> None:
    go_to(viewer, "axial")
    letters = viewer.page.evaluate(
        "() => [...document.querySelectorAll('.pane-axial .letter')].map((one) => one.textContent)"
    )
    assert letters[:4] == ["R", "L", "A", "P"]


def test_the_pointer_reads_place_value_and_organ(viewer: Viewer) -> None:
    go_to(viewer, "axial")
    x, y = on_pane(viewer, CENTRE[0], CENTRE[1])
    pane(viewer).hover(position={"x": x, "y": y})
    viewer.page.wait_for_function(
        "() => document.querySelector('.pane-axial .pane-reading').value.includes('HU')"
    )
    said = viewer.page.locator(".pane-axial .pane-reading").evaluate("(one) => one.value")
    assert f"{BALL_HU} HU" in said
    assert "Left kidney" in said
    place = re.match(r"L (\S+) {2}A (\S+) ", said)
    assert place
    assert abs(float(place[1]) - CENTRE[0]) < 1
    assert abs(float(place[2]) + CENTRE[1]) < 1


def test_arrows_go_from_slice_to_slice_and_the_wheel_too(viewer: Viewer) -> None:
    go_to(viewer, "axial")
    title = viewer.page.locator(".pane-axial .pane-title")
    first = int(re.findall(r"\d+", title.inner_text())[0])
    pane(viewer).focus()
    viewer.page.keyboard.press("ArrowUp")
    assert int(re.findall(r"\d+", title.inner_text())[0]) == first + 1
    viewer.page.keyboard.press("End")
    assert re.findall(r"\d+", title.inner_text()) == ["40", "40"]
    viewer.page.keyboard.press("Home")
    assert re.findall(r"\d+", title.inner_text())[0] == "1"
    box = pane(viewer).bounding_box()
    viewer.wheel(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, by=-120)
    assert int(re.findall(r"\d+", title.inner_text())[0]) == 3


def test_a_distance_on_a_slice_is_the_true_one(viewer: Viewer) -> None:
    go_to(viewer, "1+3")
    viewer.tool("distance")
    box = pane(viewer).bounding_box()
    scale = min(box["width"] / 160, box["height"] / 80)
    for x in (LOW[0], HIGH[0]):
        px, py = on_pane(viewer, x, 0)
        viewer.page.mouse.click(box["x"] + px, box["y"] + py)
    viewer.page.wait_for_selector(".pane-axial .measure-label", state="attached")
    said = viewer.page.evaluate("() => document.querySelector('.pane-axial .measure-label').textContent")
    # A press lies within half a pixel of the point at either end.
    name, said_mm = said.split(": ")
    assert name == "Distance 1"
    assert abs(float(said_mm.split()[0]) - 50) <= 1 / scale


def test_a_press_on_a_slice_moves_the_crosshair_of_all(viewer: Viewer) -> None:
    go_to(viewer, "1+3")
    before = viewer.page.locator(".pane-sagittal .pane-title").inner_text()
    x, y = on_pane(viewer, CENTRE[0], CENTRE[1])
    pane(viewer).click(position={"x": x, "y": y})
    assert viewer.page.locator(".pane-sagittal .pane-title").inner_text() != before


def test_a_press_on_a_surface_brings_the_slices_there(viewer: Viewer) -> None:
    def shown_x() -> float:
        """The middle of the sagittal slice: all are 160 mm, counted from the patient's left."""
        said = viewer.page.locator(".pane-sagittal .pane-title").inner_text()
        at, count = (int(each) for each in re.findall(r"\d+", said))
        return 80 - (at - 0.5) * 160 / count

    go_to(viewer, "1+3")
    viewer.look("anterior")
    viewer.page.click("view-menu button[title='Fill the view']")
    for tool in ("turn", "pick"):
        viewer.tool(tool)
        for x in (-35.0, -15.0):
            viewer.press([x, LOW[1], -10.0])
            # Half a slice, and the pixel that was pressed.
            assert abs(shown_x() - x) <= 1.6, tool


def test_a_cut_shows_the_scan_at_the_place_it_cuts(viewer: Viewer) -> None:
    plainly(viewer)
    viewer.tab("cut")
    viewer.page.click("view-cuts .cut-kinds button:has-text('Axial')")
    viewer.page.check("input[name=scan-on-cuts]")
    viewer.look("superior")
    offset = float(viewer.page.get_attribute("view-cuts input[type=range] >> nth=0", "value") or 0)
    for place, value in ((MIDDLE, BOX_HU), (CENTRE, BALL_HU)):
        x, y = viewer.on_screen([place[0], place[1], offset])
        pixel = viewer.pixel(x, y)
        assert max(pixel) - min(pixel) <= 2, (place, pixel)
        assert abs(pixel[0] - window_grey(value)) <= 3, (place, pixel)


def test_the_volume_is_shown_and_its_look_can_be_set_by_keys(viewer: Viewer) -> None:
    viewer.page.check("input[name=volume]")
    viewer.page.select_option("select[name=look]", "ct-soft-tissue")
    viewer.tab("organs")
    viewer.page.evaluate(
        "() => document.querySelectorAll('.organ .eye input').forEach((one) => one.checked && one.click())"
    )
    with_tissue = viewer.picture().astype(int)
    viewer.tab("scan")
    viewer.page.evaluate(
        "() => { document.querySelector('transfer-editor').closest('details').open = true; }"
    )
    point = viewer.page.locator("transfer-editor [data-index='1']")
    before = point.get_attribute("aria-label")
    point.focus()
    viewer.page.keyboard.press("ArrowUp")
    assert viewer.page.locator("transfer-editor [data-index='1']").get_attribute("aria-label") != before
    viewer.page.uncheck("input[name=volume]")
    without = viewer.picture().astype(int)
    assert (abs(with_tissue - without).max(-1) > 12).sum() > 2000


@pytest.mark.slow
def test_after_another_look_the_body_is_as_on_a_page_that_opens_with_it(viewer: Viewer, shelf: Shelf) -> None:
    def opened(look: str) -> None:
        viewer.page.goto("about:blank")
        shown = f"#camera=-35,0,0,0.7071,0,0,0.7071,400&hidden=liver,kidney-left&volume=composite,{look}"
        Viewer(viewer.page, shelf.url + shelf.pages["box and ball"] + shown)

    opened("ct-soft-tissue")
    wanted = viewer.picture().astype(int)
    opened("ct-bone")
    first = viewer.picture().astype(int)
    viewer.tab("scan")
    viewer.page.select_option("select[name=look]", "ct-soft-tissue")
    # Nothing is turned or moved in between.
    switched = viewer.picture().astype(int)
    assert (abs(first - wanted).max(-1) > 12).sum() > 2000
    assert (abs(switched - wanted).max(-1) > 12).sum() < 50
    # The picture to take away shows the same: the box about its middle, beside what names and measures there.
    viewer.tab("take")
    with viewer.page.expect_download() as told:
        viewer.page.click("[data-do=picture]")
    taken = np.asarray(Image.open(told.value.path()).convert("RGB")).astype(int)
    height, width = wanted.shape[:2]
    middle = taken[880:1280:20, 1720:2120:20]
    assert (abs(middle - wanted[height // 2, width // 2]).max(-1) <= 12).mean() > 0.3


def test_a_lost_context_brings_the_slices_back(viewer: Viewer) -> None:
    go_to(viewer, "axial")
    plainly(viewer)
    painted(viewer)
    viewer.page.evaluate(
        """() => {
            const gl = document.querySelector('canvas.scene').getContext('webgl2');
            window.loser = gl.getExtension('WEBGL_lose_context');
            window.loser.loseContext();
        }"""
    )
    viewer.page.wait_for_selector(".notices .message")
    viewer.page.evaluate("window.loser.restoreContext()")
    viewer.page.wait_for_selector(".notices .message", state="detached")
    pane(viewer).focus()
    viewer.page.keyboard.press("ArrowUp")
    painted(viewer)
    assert abs(grey(viewer, MIDDLE[0], MIDDLE[1]) - window_grey(BOX_HU)) <= 1.5
    assert abs(grey(viewer, CENTRE[0], CENTRE[1]) - window_grey(BALL_HU)) <= 1.5
