"""From a photograph to a textured model that says it is an estimate, in real Chromium, without a network."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from drawn_pictures import encoded, sphere
from page_shelf import Shelf, serving_app, signed_in
from painted_ball import painted
from plastinate.archive import jobs
from plastinate.archive.tables import Job
from plastinate.engine.attempt import run_attempt
from viewer_hands import Viewer
from viewer_shelf import add_scene

SIZE = {"width": 900, "height": 640}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A shelf whose files lie where jobs find them."""
    with serving_app(tmp_path_factory.mktemp("studio"), store="") as shelf:
        yield shelf


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A ball of which no length is known, as a network would have left it."""
    folder = tmp_path_factory.mktemp("shown")
    with serving_app(folder) as shelf:
        add_scene(shelf, "ball", painted("px"), None, folder / "ball")
        yield shelf


def let_work(shelf: Shelf) -> None:
    """Do the one job that waits, and see that it is done."""
    with shelf.archive.database.read() as session:
        (waiting,) = session.query(Job).filter_by(state=jobs.QUEUED)
    run_attempt(waiting.id, 0, shelf.archive.settings.environment())
    with shelf.archive.database.read() as session:
        job = session.get_one(Job, waiting.id)
        assert job.state == jobs.DONE, job.error


def around_the_middle(page: Any) -> Any:
    """(20, 20, 3) of what the canvas shows around its middle, as it is on the screen."""
    seen = np.asarray(Image.open(io.BytesIO(page.locator("canvas.scene").screenshot())).convert("RGB"))
    rows, columns = seen.shape[0] // 2, seen.shape[1] // 2
    return seen[rows - 10 : rows + 10, columns - 10 : columns + 10].astype(float)


def mean_colour(page: Any) -> tuple[float, float, float]:
    red, green, blue = around_the_middle(page).mean(axis=(0, 1))
    return float(red), float(green), float(blue)


def orange(page: Any) -> float:
    """How much more red than blue there is."""
    red, _, blue = mean_colour(page)
    return red - blue


def spread(page: Any) -> float:
    """From dark to bright."""
    return float(np.ptp(around_the_middle(page).mean(axis=2)))


@pytest.mark.slow
def test_a_photograph_becomes_a_textured_model_that_says_it_is_an_estimate(
    browser: Any, studio: Shelf, complaints: list[str], tmp_path: Path
):
    photo = tmp_path / "ball.png"
    photo.write_bytes(encoded(sphere().rgb))
    page = signed_in(browser, studio, complaints, at="/cases/new")
    page.locator("#files").set_input_files(photo)
    page.wait_for_url("**/cases/*")
    case = page.wait_for_selector("[data-case]") and page.url
    let_work(studio)
    page.goto(case)
    assert page.locator("#the-picture").inner_text() == "ball.png"
    assert page.locator("article.series img").evaluate("each => each.naturalWidth") == 320

    # Two points are pressed in the picture, and then the size is left open after all.
    page.check("input[name=size][value=known]")
    pointed = page.locator("[data-points]")
    seen = pointed.bounding_box()
    pointed.click(position={"x": seen["width"] / 2, "y": seen["height"] / 4})
    pressed = [int(page.input_value(f"#{name}")) for name in ("x1", "y1")]
    assert pressed == pytest.approx([160, 60], abs=1)
    # A coin takes one place, and is pressed again where it was missed.
    page.check("input[name=size][value=coin]")
    assert page.locator("#x2").is_hidden()
    pointed.click(position={"x": seen["width"] / 4, "y": seen["height"] / 2})
    assert [int(page.input_value(f"#{name}")) for name in ("x1", "y1")] == pytest.approx([80, 120], abs=1)
    page.check("input[name=size][value=unknown]")
    assert page.locator("[data-points]").is_hidden()
    page.get_by_text("Formats and exceptions").click()
    page.check("input[name=plain]")
    page.get_by_role("button", name="Build", exact=True).click()
    page.wait_for_selector("[data-job]")
    let_work(studio)
    page.goto(case)
    assert page.locator("#results").inner_text() == "Object, estimated"
    assert "Estimated from one picture" in page.locator(".result").inner_text()
    glb = page.locator(".formats a", has_text="GLB").get_attribute("href")
    assert glb.endswith("/object-ESTIMATED.glb")
    # No volume is known of it: nothing stands in its place.
    assert "–" not in page.locator(".result .organs").inner_text()

    page.get_by_role("link", name="Look at it in 3D").click()
    badge = page.locator(".viewer-head .estimated")
    badge.wait_for()
    assert "Estimated from one picture" in badge.inner_text()
    assert "px" in badge.inner_text()
    page.wait_for_function("() => !document.querySelector('.viewer.waiting')")
    # The ball is orange, and the model without its picture grey.
    page.wait_for_function("() => performance.getEntriesByName('viewer:painted').length > 0")
    assert orange(page) > 60
    # A picture has no organs and no patient; nothing in the viewer speaks of one, in whichever panel.
    page.locator("#tab-organs", has_text="Models").wait_for()
    assert re.findall(r"\b([Oo]rgans?|[Pp]atients?|slices?)\b", page.locator(".viewer").text_content()) == []
    assert page.locator("view-tools [aria-disabled=true]").count() == 0
    # Without a network nothing is known of how sure the depth is, and nothing is offered.
    assert page.locator("[data-do=sure], [name=paint]").count() == 0

    page.goto(page.url.partition("/view")[0])
    assert "From behind: nobody saw it" in page.locator("main").inner_text()
    # The driver speaks of how the picture of the screen is taken.
    assert [each for each in complaints if "GPU stall" not in each] == []
    page.context.close()


@pytest.mark.slow
def test_a_pictures_model_shows_how_sure_its_depth_is_and_is_measured_in_its_pixels(
    browser: Any, shown: Shelf, complaints: list[str]
):
    page = signed_in(browser, shown, complaints, at="", viewport=SIZE, reduced_motion="reduce")
    viewer = Viewer(page, shown.url + shown.pages["ball"])
    assert page.locator(".estimated-mark").inner_text() == "ESTIMATED"
    assert page.locator(".cube-side.left").text_content() == "Right"
    seen = viewer.box
    middle = (seen["x"] + seen["width"] / 2, seen["y"] + seen["height"] / 2)
    assert orange(page) > 60

    button = page.get_by_role("button", name="How sure the depth is")
    button.focus()
    button.press("Enter")
    viewer.settle()
    legend = page.locator(".sure-legend")
    assert [word in legend.inner_text() for word in ("unsure", "sure", "nobody saw it")] == [True] * 3
    red, green, blue = mean_colour(page)
    assert min(red, green) > 150 > 100 > blue
    page.locator("#scene-in-words", has_text="yellow sure").wait_for(state="attached")
    # What nobody saw is hatched, whatever colours one sees.
    viewer.look("posterior")
    viewer.settle()
    assert spread(page) > 60
    viewer.look("anterior")
    page.get_by_role("radio", name="The picture").check()
    viewer.settle()
    assert page.locator(".sure-legend").count() == 0
    assert orange(page) > 60

    viewer.tab("measure")
    assert "in pixels (px)" in page.locator("#panel-measure").inner_text()
    viewer.tool("distance")
    with page.expect_response(lambda answer: answer.url.endswith("/measurements") and answer.ok) as kept:
        for shift in (-20, 20):
            viewer.click(middle[0] + shift, middle[1])
    (line,) = kept.value.json()["measurements"]
    assert line["unit"] == "px"
    assert page.locator(".measure-list output").inner_text() == f"{line['value']:.1f} px"
    assert re.findall(r"\d\s*mm\b", page.locator(".viewer").text_content()) == []

    viewer.tab("take")
    with page.expect_download() as taken:
        page.click("[data-do=picture]")
    assert taken.value.suggested_filename.endswith("-ESTIMATED.png")
    for width, height in ((390, 844), (320, 640)):
        page.set_viewport_size({"width": width, "height": height})
        viewer.settle()
        assert page.locator(".viewer-head .estimated").is_visible()
        mark, menu = (page.locator(each).bounding_box() for each in (".estimated-mark", ".view-menu"))
        assert mark["x"] + mark["width"] <= menu["x"] or mark["y"] + mark["height"] <= menu["y"]
    assert [each for each in complaints if "GPU stall" not in each] == []
    page.context.close()


@pytest.mark.slow
def test_what_cannot_be_made_of_a_picture_is_said_at_its_field(
    browser: Any, studio: Shelf, complaints: list[str], tmp_path: Path
):
    photo = tmp_path / "plate.png"
    photo.write_bytes(encoded(sphere((60, 80)).rgb))
    page = signed_in(browser, studio, complaints, at="/cases/new")
    page.locator("#files").set_input_files(photo)
    page.wait_for_url("**/cases/*")
    case = page.wait_for_selector("[data-case]") and page.url
    let_work(studio)
    page.goto(case)
    page.check("input[name=kind][value=lithophane]")
    page.fill("#lithophane-width_mm", "wide")
    page.get_by_role("button", name="Build", exact=True).click()
    page.wait_for_selector("#refused")
    assert "“wide” is no number" in page.locator("#width_mm-flaw").inner_text()
    assert page.input_value("#lithophane-width_mm") == "wide"
    page.fill("#lithophane-width_mm", "60")
    page.check("input[name=kind][value=object]")
    page.get_by_text("Formats and exceptions").click()
    page.check("input[name=formats][value='3mf']")
    page.get_by_role("button", name="Build", exact=True).click()
    page.wait_for_selector("#formats-flaw")
    assert "none is known" in page.locator("#formats-flaw").inner_text()
    assert complaints == []
    page.context.close()
