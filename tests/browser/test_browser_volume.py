"""The scan as rays and slices show it, read pixel by pixel, on phantoms whose every voxel is known.

The page under test holds no server: it writes the phantom's bricks itself, as the server writes them.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from chromium import chromium

VIEWER = Path(__file__).parents[2] / "viewer"
EDGE = 96
BONE = {"value": 300, "colour": "#ffd0a0", "opacity": 1}
# Two bars of 1000 HU along z, before and behind the middle, in air: 48 voxels of 1 mm about (0, 0, 0).
BARS = "(s, r, c) => Math.abs(c - 24) < 3 && (Math.abs(r - 6) < 3 || Math.abs(r - 41) < 3) ? 1000 : -1000"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    vite = VIEWER / "node_modules" / ".bin" / "vite"
    if not vite.exists():
        pytest.skip("the viewer's packages are not installed (npm ci in viewer/)")
    site = tmp_path_factory.mktemp("site")
    subprocess.run(
        [vite, "build", "--config", "tests/pages/vite.config.ts", "--outDir", site, "--emptyOutDir"],
        cwd=VIEWER,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        check=True,
        capture_output=True,
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": EDGE, "height": EDGE})
        faults: list[str] = []
        opened.on("pageerror", lambda fault: faults.append(str(fault)))
        opened.goto(f"http://127.0.0.1:{server.server_port}/volume.html")
        opened.wait_for_function("window.volumePage !== undefined")
        yield opened
        assert faults == []
    server.shutdown()


@pytest.fixture(autouse=True)
def closed(page: Any) -> Iterator[None]:
    yield
    page.evaluate("() => { window.view?.close(); window.view = undefined; }")


def see(page: Any, phantom: str, **setting: Any) -> None:
    """Open a phantom, looked at from in front, everything of it opaque that is denser than 300 HU."""
    page.evaluate(
        """async ([phantom, setting, bone]) => {
            const P = window.volumePage;
            const plain = {size: 96, eye: [0, -160, 0], fov: 20, background: "#ffffff"};
            window.view = P.open(await eval(phantom)(P), {...plain, ...setting});
            view.set({volume: {lighting: false, transferPoints: [{...bone, value: 299, opacity: 0}, bone]}});
            view.drawable.fix({share: 1, stepVoxels: 0.5, passes: 1, skips: true});
        }""",
        [phantom, setting, BONE],
    )


def drawn(page: Any) -> npt.NDArray[np.int64]:
    """The picture, its top row first."""
    page.evaluate("async () => { view.drawable.refresh(); await view.settle(); }")
    flat = page.evaluate("() => view.pixels()")
    return np.array(flat).reshape(EDGE, EDGE, 4)[::-1]


def bars(shape: str = BARS, more: str = "") -> str:
    return (
        f"P => P.writePhantom({{shape: [48, 48, 48], valueAt: {shape}, levels: 1, {more}"
        " indexToLps: P.turnedBy(0, [1, 1, 1], [0, 0, 0], [48, 48, 48])})"
    )


def near(pixel: npt.NDArray[np.int64], colour: tuple[int, int, int], tolerance: int = 6) -> bool:
    return bool((abs(pixel[:3] - np.array(colour)) <= tolerance).all())


BONE_COLOUR = (255, 208, 160)
BALL = {"centre": [0, 0, 0], "radiusMm": 12, "colour": "#2040ff", "opacity": 1}


def test_a_bar_before_a_ball_hides_it_and_one_behind_it_is_hidden(page: Any) -> None:
    see(page, bars(), meshes=[BALL])
    front = drawn(page)[48, 48]
    assert near(front, BONE_COLOUR)
    only_behind = BARS.replace("Math.abs(r - 6) < 3 ||", "")
    page.evaluate("() => view.close()")
    see(page, bars(only_behind), meshes=[BALL])
    picture = drawn(page)
    assert picture[48, 48, 2] > picture[48, 48, 0] + 60  # the ball's blue
    assert near(picture[18, 48], BONE_COLOUR)  # above the ball nothing hides the bar


def test_a_see_through_ball_tints_what_is_behind_it_and_not_what_is_before(page: Any) -> None:
    see(page, bars(), meshes=[{**BALL, "opacity": 0.5}])
    assert near(drawn(page)[48, 48], BONE_COLOUR)
    page.evaluate("() => view.close()")
    only_behind = BARS.replace("Math.abs(r - 6) < 3 ||", "")
    see(page, bars(only_behind), meshes=[{**BALL, "opacity": 0.5}])
    picture = drawn(page)
    tinted, bare = picture[48, 48], picture[18, 48]
    assert near(bare, BONE_COLOUR)
    assert tinted[0] < bare[0] - 40
    assert tinted[2] > bare[2]
    # And the bar is still seen through it: beside it the glass lies before white.
    assert abs(picture[48, 55, :3] - tinted[:3]).max() > 20


def cut(page: Any, scope: str) -> None:
    plane = f"{{id: '1', normal: [0, -1, 0], offsetMm: 15, isFlipped: false, scope: {scope}}}"
    page.evaluate(f"() => view.set({{planes: [{plane}]}})")


def test_a_cut_takes_away_the_bar_before_it(page: Any) -> None:
    see(page, bars(), meshes=[BALL])
    cut(page, "'all'")
    assert drawn(page)[48, 48, 2] > 100
    cut(page, "['liver']")
    assert near(drawn(page)[48, 48], BONE_COLOUR)


def test_a_box_keeps_what_lies_in_it(page: Any) -> None:
    see(page, bars())
    page.evaluate("() => view.set({box: [[-24, -24, -5], [24, 24, 5]]})")
    picture = drawn(page)
    assert near(picture[48, 48], BONE_COLOUR)
    assert near(picture[15, 48], (255, 255, 255))


def test_what_was_not_measured_is_transparent(page: Any) -> None:
    hole = BARS.replace("(s, r, c) =>", "(s, r, c) => Math.abs(s - 24) < 6 ? -32768 :")
    see(page, bars(hole, "unmeasured: -32768,"))
    picture = drawn(page)
    assert near(picture[48, 48], (255, 255, 255))
    assert near(picture[20, 48], BONE_COLOUR)
    # No veil where measured and unmeasured voxels are mixed: every pixel is bone or background, or an edge.
    white = (255, 255, 255)
    assert sum(not near(p, BONE_COLOUR) and not near(p, white) for p in picture[:, 48, :3]) <= 6


def test_what_is_skipped_as_empty_does_not_change_the_picture(page: Any) -> None:
    see(page, "P => P.writeBody(72, [1, 1.5, 1], 20, true)", eye=[90, -150, 60])
    page.evaluate("() => view.set({volume: {lighting: true}})")
    skipped = drawn(page)
    page.evaluate("() => view.drawable.fix({share: 1, stepVoxels: 0.5, passes: 1, skips: false})")
    whole = drawn(page)
    assert (skipped[..., 0] < 250).sum() > 500
    assert abs(skipped - whole).max() <= 2


def test_the_brightest_value_on_a_ray_is_shown_as_the_window_says(page: Any) -> None:
    steps = "(s, r, c) => c < 24 ? (r === 20 ? 240 : 40) : (r === 20 ? 140 : -60)"
    see(page, bars(steps), background="#000000")
    page.evaluate("() => view.set({volume: {mode: 'mip'}, window: {centre: 40, width: 400}})")
    page.evaluate("() => view.drawable.fix({share: 1, stepVoxels: 0.25, passes: 1, skips: true})")
    picture = drawn(page)
    assert abs(int(picture[48, 30, 0]) - 255) <= 8
    assert abs(int(picture[48, 66, 0]) - 191) <= 8


def test_a_fine_brick_is_drawn_as_its_voxels_say_across_brick_borders(page: Any) -> None:
    # 80 voxels an edge are eight bricks; a bar along x crosses their border.
    bar = "(s, r, c) => Math.abs(s - 40) < 4 && Math.abs(r - 40) < 4 ? 1000 : -1000"
    see(
        page,
        f"P => P.writePhantom({{shape: [80, 80, 80], valueAt: {bar}, levels: 2,"
        " indexToLps: P.turnedBy(0, [1, 1, 1], [0, 0, 0], [80, 80, 80])})",
        eye=[0, -260, 0],
    )
    picture = drawn(page)
    inner = picture[48, 20:76]
    assert all(near(p, BONE_COLOUR) for p in inner)


def test_a_damaged_brick_is_told_and_the_rest_is_shown(page: Any) -> None:
    bar = "(s, r, c) => Math.abs(s - 40) < 4 && Math.abs(r - 40) < 4 ? 1000 + (c % 7) : -1000"
    see(
        page,
        "async P => { const made = await P.writePhantom({shape: [80, 80, 80], levels: 2,"
        f" valueAt: {bar}, indexToLps: P.turnedBy(0, [1, 1, 1], [0, 0, 0], [80, 80, 80])}});"
        " P.damage(made.volume.levels[0], 0); return made; }",
        eye=[0, -260, 0],
    )
    picture = drawn(page)
    assert page.evaluate("() => view.troubles.length") == 1
    assert all(near(p, BONE_COLOUR, 30) for p in picture[48, 22:74])


def slice_of(page: Any, orientation: str, through: list[float], **options: Any) -> tuple[Any, Any]:
    found = page.evaluate(
        "async ([orientation, through, options]) => view.slice(orientation, through, 96, options)",
        [orientation, through, options],
    )
    image = np.array(found["pixels"]).reshape(EDGE, EDGE, 4)
    return image, found["at"]


RAMP = "P => P.writeRamp([40, 60, 50], P.turnedBy(25, [3, 1.5, 1], [0, 0, 0], [40, 60, 50]), 1)"


@pytest.mark.parametrize("orientation", ["axial", "oblique"])
def test_a_voxel_of_known_value_shows_the_grey_that_the_window_says(page: Any, orientation: str) -> None:
    see(page, RAMP)
    page.evaluate("() => view.set({window: {centre: -800, width: 500}})")
    # Voxels (column, row, slice) of slice 20, which is axial; the oblique plane lies in it, seen from above.
    voxels = [[c, r, 20] for c in (6, 20, 33, 44) for r in (9, 30, 51)]
    through = page.evaluate(
        "() => { const m = view.phantom.indexToLps; return [m[3], m[7], 20 * m[8] + m[11]]; }"
    )
    image, at = slice_of(page, orientation, through, voxels=voxels, halfMm=60, normal=[0, 0, -1])
    for (column, row, _), (x, y) in zip(voxels, at, strict=True):
        # The pixel's middle is not the voxel's: the ramp says what lies there.
        px, py = int(x), int(y)
        value = page.evaluate(
            "([px, py, x, y, c, r, orientation]) => {"
            " const mm = 120 / 96, dx = (px + 0.5 - x) * mm * (orientation === 'oblique' ? -1 : 1),"
            " dy = (py + 0.5 - y) * mm, a = 25 * Math.PI / 180;"
            " const c2 = c + (Math.cos(a) * dx + Math.sin(a) * dy) / 1;"
            " const r2 = r + (-Math.sin(a) * dx + Math.cos(a) * dy) / 1.5;"
            " return -1000 + 2 * c2 + 3 * r2 + 5 * 20; }",
            [px, py, x, y, column, row, orientation],
        )
        wanted = 255 * min(1, max(0, (value + 800) / 500 + 0.5))
        assert abs(image[py, px, 0] - wanted) <= 1.5, (column, row)
        assert image[py, px, 3] == 255


def test_the_patients_right_is_at_the_left_and_the_front_is_above(page: Any) -> None:
    corner = "(s, r, c) => c < 24 && r < 24 ? 500 : -500"  # columns run to the left, rows to the back
    see(page, bars(corner))
    image, _ = slice_of(page, "axial", [0, 0, 0], halfMm=24)
    assert image[20, 20, 0] == 255
    assert image[20, 76, 0] == image[76, 20, 0] == 0


def test_a_thick_slice_shows_the_highest_the_lowest_and_the_mean(page: Any) -> None:
    layers = "(s, r, c) => [0, 0, 100, 200, 300][((s % 5) + 5) % 5]"
    see(page, bars(layers))
    page.evaluate("() => view.set({window: {centre: 150, width: 300}})")
    greys = {}
    for mode in ("mip", "minip", "mean"):
        image, _ = slice_of(page, "axial", [0, 0, 0.5], halfMm=24, slab={"mm": 20, "mode": mode})
        greys[mode] = int(image[48, 48, 0])
    assert greys["mip"] >= 253
    assert greys["minip"] <= 2
    assert abs(greys["mean"] - 255 * 120 / 300) <= 8


def test_outside_the_scan_a_slice_is_transparent_and_the_unmeasured_has_a_colour_of_its_own(
    page: Any,
) -> None:
    see(page, bars("(s, r, c) => c < 10 ? -32768 : 40", "unmeasured: -32768,"))
    image, _ = slice_of(page, "axial", [0, 0, 0], halfMm=48)
    assert image[48, 5, 3] == 0
    assert image[48, 28, 3] == 255
    assert image[48, 28, 2] > image[48, 28, 1]
    assert image[48, 60, 0] == image[48, 60, 1] == image[48, 60, 2]


def test_organs_are_washed_and_outlined_in_their_colours(page: Any) -> None:
    meshes = {"coarse": None, "medium": None, "full": None}
    unknown = dict.fromkeys(("code", "side", "parent", "distanceMeanMm", "distanceP95Mm", "statistics"))
    organ = {
        "id": "one",
        "name": "One",
        "colour": "#ff0000",
        "label": 1,
        "light": "green",
        "reasons": [],
        "volumeMl": 1,
        "areaMm2": 1,
        "triangles": 1,
        "opacity": 1,
        "meshes": meshes,
        **unknown,
        "boundsLpsMm": [[-1, -1, -1], [1, 1, 1]],
        "centreLpsMm": [0, 0, 0],
    }
    half = "labelAt: (s, r, c) => c < 24 ? 1 : 0,"
    see(page, bars("(s, r, c) => 40 + (c % 2)", half), organs=[organ])
    page.evaluate("() => view.set({window: {centre: 40, width: 400}})")
    washed, _ = slice_of(page, "axial", [0, 0, 0], halfMm=24, overlay=True)
    assert washed[48, 20, 0] > washed[48, 20, 1] + 40
    assert washed[48, 80, 0] == washed[48, 80, 1]
    outlined, _ = slice_of(page, "axial", [0, 0, 0], halfMm=24, outline=True)
    assert tuple(outlined[48, 47, :3]) == (255, 0, 0)
    assert outlined[48, 30, 0] == outlined[48, 30, 1]
    # How much of an organ is seen through in 3D is nothing to its slices; only hiding it takes them away.
    for way, before in (("overlay", washed), ("outline", outlined)):
        page.evaluate("() => view.set({organs: {one: {isShown: true, opacity: 0.1, colour: '#ff0000'}}})")
        glass, _ = slice_of(page, "axial", [0, 0, 0], halfMm=24, **{way: True})
        assert (glass == before).all()
        page.evaluate("() => view.set({organs: {one: {isShown: false, opacity: 1, colour: '#ff0000'}}})")
        hidden, _ = slice_of(page, "axial", [0, 0, 0], halfMm=24, **{way: True})
        assert (hidden[..., 0] == hidden[..., 1]).all()


def test_the_value_under_the_pointer_is_the_stored_one_also_where_the_texture_rounds(page: Any) -> None:
    see(page, bars("(s, r, c) => 3001 + c"))
    assert page.evaluate("() => view.scan.largestStep") == 2
    read = page.evaluate("async () => view.read([-23.5 + 6, 0.2, -0.3])")
    assert read["value"] == 3007
    assert page.evaluate("async () => (await view.read([900, 0, 0])) ?? null") is None


def test_a_small_device_keeps_within_its_texture_and_shows_values_to_a_step(page: Any) -> None:
    see(page, RAMP, profile="phone")
    page.evaluate("() => view.set({window: {centre: -800, width: 500}})")
    through = page.evaluate(
        "() => { const m = view.phantom.indexToLps; return [m[3], m[7], 20 * m[8] + m[11]]; }"
    )
    image, at = slice_of(page, "axial", through, voxels=[[20, 30, 20]], halfMm=60)
    assert page.evaluate("() => view.scan.form") == "r8"
    (x, y) = at[0]
    step = page.evaluate("() => view.scan.largestStep")
    wanted = 255 * ((-1000 + 40 + 90 + 100 + 800) / 500 + 0.5)
    assert abs(image[int(y), int(x), 0] - wanted) <= 255 * (step + 4) / 500


def test_only_what_a_slice_needs_is_fetched_finely(page: Any) -> None:
    rough = "(s, r, c) => (s * 7919 + r * 104729 + c * 1299709) % 997"
    see(
        page,
        f"P => P.writePhantom({{shape: [256, 80, 80], valueAt: {rough}, levels: 2,"
        " indexToLps: P.turnedBy(0, [1, 1, 1], [0, 0, 0], [256, 80, 80])})",
    )
    before = page.evaluate("() => ({...window.volumePage.traffic})")
    slice_of(page, "axial", [0, 0, -110], halfMm=40)
    after = page.evaluate("() => ({...window.volumePage.traffic})")
    sizes = page.evaluate(
        "() => view.phantom.volume.levels.map((l) => l.bricks.reduce((sum, b) => sum + b[1], 0))"
    )
    fetched = after["bytes"] - before["bytes"]
    assert sizes[1] < fetched < sizes[1] + 0.8 * sizes[0]
