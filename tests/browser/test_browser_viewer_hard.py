"""The viewer where things go wrong, on small screens, for fingers and ears: the rest works and it says so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from page_shelf import Shelf, signed_in
from viewer_hands import Viewer
from viewer_shelf import CENTRE, LOW, STRANGE, add_scene, many_balls, serving_views

SIZE = {"width": 900, "height": 640}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with serving_views(tmp_path_factory.mktemp("views")) as served:
        yield served


def opened(browser: Any, shelf: Shelf, name: str = "box and ball", **options: Any) -> Any:
    """A page that has not gone to the view yet, and the view's address."""
    page = signed_in(browser, shelf, [], at="", **{"viewport": SIZE, "reduced_motion": "reduce", **options})
    return page, shelf.url + shelf.pages[name]


def notices(page: Any) -> str:
    page.wait_for_selector(".notices .message")
    return str(page.inner_text(".notices"))


def without_webgl(page: Any) -> None:
    page.add_init_script(
        """const real = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
            return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
        };"""
    )


def test_without_webgl_the_table_and_the_pictures_stay_and_the_page_says_why(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    without_webgl(page)
    page.goto(address)
    page.wait_for_selector("[data-without-webgl]:visible")
    assert "Liver" in page.inner_text("table")
    assert page.locator("canvas.scene").count() == 0
    assert not page.is_visible("[data-while-loading]")
    page.context.close()


def test_a_lost_context_brings_the_scene_back_as_it_was(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    viewer = Viewer(page, address)
    viewer.look("anterior")
    viewer.tab("cut")
    page.click(".cut-kinds button:has-text('Axial')")
    before = viewer.picture()
    page.evaluate(
        """() => { const gl = document.querySelector("canvas.scene").getContext("webgl2");
        window.loss = gl.getExtension("WEBGL_lose_context"); window.loss.loseContext(); }"""
    )
    assert "comes back by itself" in notices(page)
    page.evaluate("window.loss.restoreContext()")
    page.wait_for_selector(".notices .message", state="detached")
    assert np.abs(viewer.picture().astype(int) - before).mean() < 0.5
    page.context.close()


def test_a_context_that_was_lost_with_the_scan_in_sight_draws_it_finely_again(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    finished = "() => document.querySelector('canvas.scene').dataset.volume === 'finished'"
    page.goto(f"{address}#camera=0,0,0,0.70711,0,0,0.70711,400&volume=mip,&hidden=liver,kidney-left")
    page.wait_for_function(finished)
    for _ in range(2):
        page.evaluate(
            """() => { const gl = document.querySelector("canvas.scene").getContext("webgl2");
            window.loss = gl.getExtension("WEBGL_lose_context"); window.loss.loseContext(); }"""
        )
        page.wait_for_selector(".notices .message")
        page.evaluate("window.loss.restoreContext()")
        page.wait_for_selector(".notices .message", state="detached")
        page.wait_for_function(finished)
    page.context.close()


def answer_with(page: Any, name: str, change: Any) -> None:
    """Let the server's answer for a file of the scene pass through a change."""

    def handle(route: Any) -> None:
        answer = route.fetch()
        body = change(answer.body())
        if body is None:
            route.fulfill(status=404, body="gone")
        else:
            headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
            route.fulfill(status=answer.status, headers=headers, body=body)

    page.route(f"**/files/view/{name}", handle)


def test_a_damaged_mesh_is_named_and_the_other_organs_are_there(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)

    def damage(body: bytes) -> bytes:
        return body[:30] + bytes(255 - each for each in body[30:60]) + body[60:]

    answer_with(page, "coarse.bin", damage)
    viewer = Viewer(page, address)
    told = notices(page)
    assert "could not be loaded" in told
    assert "Liver" in told
    viewer.look("anterior")
    viewer.tool("pick")
    viewer.press([CENTRE[0], CENTRE[1] - 20, CENTRE[2]])
    assert viewer.probed()[0] == "Left kidney"
    # What is there again at the second try comes.
    page.unroute("**/files/view/coarse.bin")
    page.click(".notices button:has-text('Try again')")
    page.wait_for_function("() => document.querySelector('[data-organ=liver]').dataset.detail != 'failed'")
    page.context.close()


def spoilt_scan(scene: dict[str, Any]) -> dict[str, Any]:
    """A list by which other bytes were written than those that come: nothing but the hash can tell."""
    hashes = scene["volume"]["levels"][0]["sha256"]
    place = next(place for place, each in enumerate(hashes) if each)
    hashes[place] = hashes[place][::-1]
    return scene


def test_a_brick_of_other_bytes_than_were_written_is_not_shown_as_values(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    answer_with(page, "scene.json", lambda body: json.dumps(spoilt_scan(json.loads(body))).encode())
    viewer = Viewer(page, address)
    viewer.tab("scan")
    assert "One part of the scan is damaged and is not shown." in notices(page)
    page.context.close()


def test_a_flipped_bit_of_the_scan_is_found_and_the_whole_brick_comes_at_the_second_try(
    browser: Any, shelf: Shelf
):
    page, address = opened(browser, shelf)
    answer_with(page, "volume-0.bin", lambda body: bytes([body[0], body[1] ^ 1, *body[2:]]))
    viewer = Viewer(page, address)
    viewer.tab("scan")
    assert "damaged and is not shown" in notices(page)
    page.unroute("**/files/view/volume-0.bin")
    page.click(".notices button:has-text('Try again')")
    viewer.settle()
    assert page.locator(".notices .message").count() == 0
    page.context.close()


def test_a_list_that_no_server_answers_for_can_be_asked_for_again_in_place(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    page.clock.install()
    page.route("**/files/view/scene.json", lambda route: route.fulfill(status=503))
    page.goto(address)
    # The waits between five tries.
    page.wait_for_selector("[data-while-loading]:visible")
    for _ in range(40):
        page.clock.run_for(1000)
        if page.locator("#viewer [role=alert] button").count():
            break
    assert "does not answer" in page.inner_text("#viewer [role=alert]")
    page.unroute("**/files/view/scene.json")
    page.click("#viewer [role=alert] button:has-text('Try again')")
    page.wait_for_selector("canvas.scene")
    page.context.close()


def test_missing_files_of_meshes_leave_the_page_usable(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    for name in ("coarse.bin", "medium.bin", "full.bin"):
        answer_with(page, name, lambda _: None)
    viewer = Viewer(page, address)
    assert "The models of 2 organs could not be loaded" in notices(page)
    viewer.tab("organs")
    page.click("[data-organ=liver] .organ-name")
    assert "Its model could not be loaded." in page.inner_text("#facts-liver")
    page.context.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda scene: {**scene, "version": 99}, "a newer version of the program"),
        (lambda scene: {**scene, "format": "other"}, "The list of the models is damaged"),
        (lambda scene: {**scene, "organs": [], "volume": None}, "nothing in this scene"),
    ],
)
def test_a_scene_that_cannot_be_read_says_so_in_place_and_the_table_stays(
    browser: Any, shelf: Shelf, change: Any, said: str
):
    page, address = opened(browser, shelf)
    answer_with(page, "scene.json", lambda body: json.dumps(change(json.loads(body))).encode())
    page.goto(address)
    page.wait_for_selector("#viewer [role=alert]")
    assert said in page.inner_text("#viewer [role=alert]")
    assert "Liver" in page.inner_text("table")
    page.context.close()


def test_a_server_that_is_away_for_a_moment_is_asked_again(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    tries: list[str] = []

    def stumble(route: Any) -> None:
        tries.append(route.request.url)
        if len(tries) < 3:
            route.fulfill(status=503, body="restarting")
        else:
            route.continue_()

    page.route("**/files/view/scene.json", stumble)
    viewer = Viewer(page, address)
    assert len(tries) == 3
    assert viewer.page.locator("[data-organ]").count() == 2
    page.context.close()


def test_a_slow_connection_is_said_and_what_comes_late_is_shown(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf)
    held: list[Any] = []
    page.route("**/files/view/coarse.bin", lambda route: held.append(route))
    page.goto(address)
    page.wait_for_selector(".notices .message:has-text('The connection is slow')", timeout=60_000)
    assert page.locator("[data-organ]").count() == 2
    for route in held:
        route.continue_()
    viewer = Viewer(page)
    page.wait_for_selector(".notices .message", state="detached")
    assert viewer.page.get_attribute("[data-organ=liver]", "data-detail") != "failed"
    page.context.close()


def test_a_huge_strange_name_is_text_and_breaks_nothing(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf, "strange")
    viewer = Viewer(page, address)
    assert STRANGE[:20] in page.inner_text("[data-organ=spleen]")
    assert page.locator("organ-tree b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert (
        page.evaluate(
            "document.querySelector('.side').scrollWidth - document.querySelector('.side').clientWidth"
        )
        <= 0
    )
    assert viewer.page.locator(".label").count() == 2
    page.context.close()


def touch(session: Any, kind: str, *points: tuple[float, float], **more: float) -> None:
    fingers = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers, **more})


def test_one_finger_turns_two_come_closer_and_a_tap_chooses(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf, **PHONE)
    viewer = Viewer(page, address)
    session = page.context.new_cdp_session(page)
    box = viewer.box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    first = viewer.camera()
    touch(session, "touchStart", (x, y))
    for step in range(1, 8):
        touch(session, "touchMove", (x + 12 * step, y))
    touch(session, "touchEnd")
    turned = viewer.camera()
    assert turned[1][2] @ first[1][2] < 0.95
    touch(session, "touchStart", (x - 30, y), (x + 30, y))
    for step in range(1, 8):
        touch(session, "touchMove", (x - 30 - 4 * step, y), (x + 30 + 4 * step, y))
    touch(session, "touchEnd")
    assert viewer.camera()[2] < turned[2] * 0.8
    spot = viewer.on_screen([-14.0, LOW[1], 0.0])
    # However long the machine takes for it, a tap is short.
    lifted_s = time.time()
    touch(session, "touchStart", spot, timestamp=lifted_s - 0.05)
    touch(session, "touchEnd", timestamp=lifted_s)
    assert "Chosen: Liver" in viewer.words()
    page.context.close()


def test_a_phone_has_the_picture_above_and_a_sheet_below(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf, **PHONE)
    viewer = Viewer(page, address)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    whole = viewer.box["height"]
    assert whole > 500
    page.tap("#tab-organs")
    viewer.settle()
    assert page.is_visible("[data-organ=liver]")
    assert 250 < viewer.box["height"] < whole
    page.tap("#tab-organs")
    assert not page.is_visible("[data-organ=liver]")
    page.context.close()


def test_at_four_times_the_size_everything_can_be_reached(browser: Any, shelf: Shelf):
    # 1280 x 900 at 400 %.
    page, address = opened(browser, shelf, viewport={"width": 320, "height": 225})
    viewer = Viewer(page, address)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert viewer.box["height"] >= 160
    page.click("#tab-organs")
    page.click("[data-organ=liver] .organ-name")
    page.click("#facts-liver button >> nth=0")
    assert page.get_attribute("#facts-liver button >> nth=0", "aria-pressed") == "true"
    page.context.close()


def memory_mb(browser: Any) -> float:
    """What the largest page of the browser holds."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [each["id"] for each in found if each["type"] == "renderer"]
    told = [Path(f"/proc/{page}/status").read_text(encoding="utf-8") for page in pages]
    return max(int(each.split("VmRSS:")[1].split()[0]) for each in told) / 1024


@pytest.mark.slow
def test_a_hundred_organs_of_three_million_triangles_open_are_named_and_picked_within_5_ms(
    browser: Any, shelf: Shelf, tmp_path: Path
):
    scene = many_balls(100, rings=88)
    assert sum(len(node.surfaces["full"].triangles) for node in scene.nodes) > 3_000_000
    add_scene(shelf, "many", scene, None, tmp_path / "many")
    page, address = opened(browser, shelf, "many")
    viewer = Viewer(page, address)
    assert page.locator("[data-organ]").count() == 100
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".label:not([hidden])")].map(each => {
            const {x, y, width, height} = each.getBoundingClientRect();
            return {x, y, width, height};
        })"""
    )
    assert len(boxes) > 8
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            is_beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            is_above = (
                one["y"] + one["height"] <= other["y"] + 0.5 or other["y"] + other["height"] <= one["y"] + 0.5
            )
            assert is_beside or is_above
    viewer.look("anterior")
    viewer.tool("pick")
    viewer.press([44, -10, 44])
    assert viewer.probed()[0] == "Organ 52"
    box = viewer.box
    answers = "performance.getEntriesByName('viewer:pick')"
    known = page.evaluate(f"{answers}.length")
    for step in range(25):
        page.mouse.move(box["x"] + 120 + 12 * step, box["y"] + 150 + 12 * step)
        page.wait_for_function(f"count => {answers}.length > count", arg=known + step, polling=10)
    took = page.evaluate(f"{answers}.map(each => each.detail.tookMs)")
    assert np.median(took) < 5
    assert memory_mb(browser) < 1500
    page.context.close()


def test_the_sample_of_a_mesh_alone_has_no_panel_for_the_scan(browser: Any, shelf: Shelf):
    page, address = opened(browser, shelf, "mesh only")
    viewer = Viewer(page, address)
    assert page.locator("#tab-scan").count() == 0
    assert page.get_attribute("[data-tool=crosshair]", "aria-disabled") == "true"
    viewer.tool("pick")
    viewer.look("anterior")
    viewer.press([-35.0, LOW[1], 0.0])
    assert viewer.probed()[0] == "Liver"
    page.context.close()
