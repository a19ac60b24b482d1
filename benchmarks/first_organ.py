"""From navigation to the first frame with an organ in it, on the sample chest CT: ours, NiiVue, vtk.js.

    python benchmarks/first_organ.py [--rounds 7]

One server has all three pages, each visit is a browser of its own with nothing cached, and the pages take
turns. What counts is what stands on the screen: the browser's frames are looked at from outside, and the
first one in which a hundredth of the picture has the hue of an organ ends the time. The peers get what
helps them: the same full mesh in the form they read fastest, one lung before all else, asked for before
their script is, and the scan after the organs. Ours is the page that people get, with all around the picture.

Needs Chromium, and the viewer's packages (`npm ci` in viewer); brings the peers itself.
"""

from __future__ import annotations

import argparse
import base64
import colorsys
import io
import json
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Playwright, sync_playwright

from peer_files import write_peer_files
from plastinate.api import build_model
from scans import CACHE, sample_scan
from viewer_site import Site, serving_site
from viewer_speed import FLAGS, PICTURES, built_pages

SIZE = {"width": 1280, "height": 800}
# Of the frames that are looked at: half the size, so that looking costs little.
LOOKED = (640, 400)
SHARE, HUE_STEP = 0.01, 0.04
LONGEST_S = 60.0
# Pictures made by the server may stand in the page before; they are no organ that can be turned.
HIDE_PICTURES = """
const sheet = new CSSStyleSheet();
sheet.replaceSync("figure img { visibility: hidden }");
document.adoptedStyleSheets = [sheet];
"""


@dataclass(frozen=True)
class Visit:
    """What one visit came to."""

    organ_s: float
    picture: Image.Image


def main(rounds: int = 7) -> list[str]:
    """Measure in turns and write the table."""
    build = _sample_build()
    colours = [organ["colour"] for organ in json.loads((build / "view/scene.json").read_text())["organs"]]
    with tempfile.TemporaryDirectory() as folder:
        pages = built_pages(Path(folder) / "pages")
        write_peer_files(build, sample_scan(), pages / "data")
        with (
            serving_site(Path(folder), peers=pages, views={"chest": build}) as site,
            sync_playwright() as play,
        ):
            addresses = {
                "ours": site.pages["chest"],
                "NiiVue": f"{site.url}/peers/niivue_first.html",
                "vtk.js": f"{site.url}/peers/vtkjs_first.html",
            }
            taken: dict[str, list[float]] = {name: [] for name in addresses}
            # The first turn warms the server and the machine's page cache, and does not count.
            for turn in range(rounds + 1):
                for name, address in addresses.items():
                    visit = _visit(play, site, address, colours)
                    if turn:
                        taken[name].append(visit.organ_s)
                        print(f"  round {turn}: {name} {visit.organ_s:.2f} s", flush=True)
                    else:
                        visit.picture.save(
                            PICTURES / f"first-{name.replace('.', '').lower()}.png", optimize=True
                        )
    middle = {name: statistics.median(each) for name, each in taken.items()}
    rows = ["| page | s to the first organ | quickest to slowest | ours is |", "|---|---|---|---|"]
    for name, seconds in middle.items():
        ratio = "" if name == "ours" else f"{middle['ours'] / seconds:.2f} of it"
        spread = f"{min(taken[name]):.2f} to {max(taken[name]):.2f}"
        rows.append(f"| {name} | {seconds:.2f} | {spread} | {ratio} |")
    return rows


def _sample_build() -> Path:
    """The sample's organs as a server builds them, with the finest mesh of each for the peers; kept."""
    folder = CACHE / "chest-organs"
    if not (folder / "view" / "scene.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        build_model(sample_scan(), "ct-chest", output=folder, formats="viewer,stl")
    return folder


def _visit(play: Playwright, site: Site, address: str, colours: list[str]) -> Visit:
    """A browser that was never here, from its navigation to the first organ."""
    browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    try:
        context = browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
        context.add_cookies(site.cookies)  # type: ignore[arg-type]
        context.add_init_script(HIDE_PICTURES)
        page = context.new_page()
        page.on("pageerror", lambda error: print(f"  {error}"))
        # The drawing process is up before anybody navigates, as it is where people browse.
        page.goto("about:blank")
        page.screenshot()
        at, picture = _first_frame(page, address, _hues(colours))
        return Visit(at - page.evaluate("performance.timeOrigin") / 1000, picture)
    finally:
        browser.close()


def _first_frame(page: Page, address: str, hues: list[float]) -> tuple[float, Image.Image]:
    """When the first frame with an organ came (seconds since 1970), and the frame."""
    session = page.context.new_cdp_session(page)
    found: list[tuple[float, Image.Image]] = []

    def look(frame: dict[str, Any]) -> None:
        session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})
        if not found:
            picture = Image.open(io.BytesIO(base64.b64decode(frame["data"]))).convert("RGB")
            if shows_organ(picture, hues):
                found.append((frame["metadata"]["timestamp"], picture))

    session.on("Page.screencastFrame", look)
    wanted = {"format": "jpeg", "quality": 70, "maxWidth": LOOKED[0], "maxHeight": LOOKED[1]}
    session.send("Page.startScreencast", wanted)
    page.goto(address, wait_until="commit")
    waited = 0.0
    while not found and waited < LONGEST_S:
        page.wait_for_timeout(10)
        waited += 0.01
    if not found:
        raise RuntimeError(f"no organ came to be seen at {address}")
    return found[0]


def _hues(colours: list[str]) -> list[float]:
    return [
        colorsys.rgb_to_hsv(*(int(each[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0] for each in colours
    ]


def shows_organ(picture: Image.Image, hues: list[float]) -> bool:
    """Whether a hundredth of the middle half of a frame has the hue of an organ, neither grey nor black."""
    width, height = picture.size
    inner = picture.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4)).convert("HSV")
    hue, saturation, value = (np.asarray(each, float) / 255 for each in inner.split())
    near = np.zeros(hue.shape, bool)
    for wanted in hues:
        away = np.abs(hue - wanted)
        near |= np.minimum(away, 1 - away) < HUE_STEP
    return bool((near & (saturation > 0.12) & (value > 0.2)).mean() > SHARE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    print("\n".join(main(parser.parse_args().rounds)))
