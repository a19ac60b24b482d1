"""100 organs of 3 million triangles in a scan of 512x512x800: memory of the page, and how long a pick takes.

    python benchmarks/big_scene.py [--picks 40]

Memory is what the drawing page's own process and the browser's drawing process hold for themselves alone
(private pages of /proc/PID/smaps_rollup), at their highest while the scene opens, sharpens and shows slices
and volume; on a computer with a graphics card most of the second lies there. A pick is timed by the page
itself: in the worker that looks for the organ, and until the answer is back.

Needs Chromium, and the viewer's packages (`npm ci` in viewer).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from measure import tree_of
from scans import CACHE
from viewer_site import serving_site
from viewer_speed import FLAGS

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene
from plastinate.model.volume import Volume
from plastinate.stages.export.formats import write_formats
from plastinate.stages.surface.decimate import decimate
from viewer_shelf import many_balls

ORGANS, RINGS = 100, 87
SHAPE, SPACING_MM = (800, 512, 512), 0.25


def main(picks: int = 40) -> list[str]:
    """Open the scene, look at all of it, pick, and write the table."""
    build = big_build()
    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder) / "peers"
        nothing.mkdir()
        with (
            serving_site(Path(folder), peers=nothing, views={"big": build}) as site,
            sync_playwright() as play,
        ):
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
            context.add_cookies(site.cookies)  # type: ignore[arg-type]
            page = context.new_page()
            page.on("pageerror", lambda error: print(f"  {error}"))
            with _Memory() as memory:
                page.goto(site.pages["big"])
                _settle(page)
                rows = [_row("the organs, fine", memory)]
                page.click("#tab-scan")
                page.check("[name=layout][value='1+3']", force=True)
                _settle(page)
                rows.append(_row("with three slices", memory))
                page.check("[name=volume]")
                # The brightest along each ray: every brick of the scan is needed, and fetched.
                page.check("[name=volume-mode] >> nth=1", force=True)
                _settle(page)
                rows.append(_row("with all of the volume", memory))
            page.uncheck("[name=volume]")
            page.check("[name=layout][value='3d']", force=True)
            worker, waited = _picks(page, picks)
            browser.close()
    head = "| shown | page MB | browser's drawing MB | together MB |"
    said = (
        f"{statistics.median(worker):.1f} ms in the worker, {statistics.median(waited):.1f} ms to the answer"
    )
    return [head, "|---|---|---|---|", *rows, "", f"A pick, the middle of {len(worker)}: {said}."]


def big_build() -> Path:
    """The scene's files, made once and kept: balls in rows, in a scan of smooth noise."""
    folder = CACHE / "big-scene"
    if not (folder / "view" / "scene.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        scene, volume = _scene_and_volume()
        write_formats(scene, folder, ["viewer"], volume=volume, lighten=decimate)
    return folder


def _scene_and_volume() -> tuple[Scene, Volume]:
    """Balls of 10 mm radius, 22 mm apart, in 200 x 128 x 128 mm; a ball differs from what is around it."""
    matrix = np.diag([0.0, 0.0, 0.0, 1.0])
    matrix[2, 0], matrix[1, 1], matrix[0, 2] = -SPACING_MM, SPACING_MM, SPACING_MM
    matrix[:3, 3] = [-14.0, -14.0, 186.0]
    grid = Geometry(SHAPE, matrix, "mm")
    scene = many_balls(ORGANS, rings=RINGS)
    labels = np.zeros(SHAPE, np.uint16)
    array = np.empty(SHAPE, np.int16)
    chance = np.random.default_rng(1)
    y, x = (np.arange(512) * SPACING_MM - 14.0 for _ in range(2))
    side = int(np.ceil(ORGANS ** (1 / 3)))
    place = np.array([(n % side, n // side % side, n // side**2) for n in range(ORGANS)]) * 22.0
    for at in range(SHAPE[0]):
        z = 186.0 - at * SPACING_MM
        for number, (cx, cy, cz) in enumerate(place):
            if abs(z - cz) < 10.0:
                inside = (y[:, None] - cy) ** 2 + (x[None] - cx) ** 2 < 100.0 - (z - cz) ** 2
                labels[at][inside] = number + 1
        noise = chance.normal(0, 12, (512, 512))
        array[at] = np.where(labels[at] > 0, 60 + 3 * (labels[at] % 40), -80) + noise
    named = {number + 1: node.structure.id for number, node in enumerate(scene.nodes)}
    label_map = LabelMap(grid, labels, named)
    whole = Scene("Big", grid, scene.nodes, (), scene.evidence, label_map)
    return whole, Volume(grid, array, "HU")


def _settle(page: Page) -> None:
    """Until every organ is there and the scan has come."""
    page.wait_for_function(
        """() => {
            const organs = [...document.querySelectorAll("[data-organ]")];
            const canvas = document.querySelector("canvas.scene");
            return organs.length && organs.every(each => each.dataset.detail)
                && canvas.dataset.scan === "there" && canvas.dataset.volume !== "coming";
        }""",
        timeout=900_000,
    )
    page.wait_for_timeout(3000)


def _picks(page: Page, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds in the worker and until the answer, of presses all over the picture."""
    box = page.locator("canvas.scene").bounding_box()
    assert box
    chance = np.random.default_rng(2)
    page.evaluate("performance.clearMeasures('viewer:pick')")
    for _ in range(count):
        x, y = chance.uniform(0.3, 0.7, 2)
        # The answer, or a while: under a name there is nothing to look for.
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.evaluate(
            """async () => {
                const count = () => performance.getEntriesByName("viewer:pick").length;
                const [had, until] = [count(), performance.now() + 3000];
                while (count() === had && performance.now() < until)
                    await new Promise(go => setTimeout(go, 20));
            }"""
        )
    found: list[dict[str, Any]] = page.evaluate(
        "performance.getEntriesByName('viewer:pick').map(e => ({took: e.detail.tookMs, all: e.duration}))"
    )
    if not found:
        raise RuntimeError("nothing was picked")
    return [each["took"] for each in found], [each["all"] for each in found]


class _Memory:
    """Watches the private memory of the page's and the drawing process."""

    def __init__(self) -> None:
        self.page_mb = self.drawing_mb = self.together_mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            pages, drawing = 0.0, 0.0
            for process in tree_of(os.getpid()):
                kind, megabytes = _private_mb(process)
                if kind == "renderer":
                    pages = max(pages, megabytes)
                elif kind == "gpu-process":
                    drawing += megabytes
            self.page_mb, self.drawing_mb = max(self.page_mb, pages), max(self.drawing_mb, drawing)
            self.together_mb = max(self.together_mb, pages + drawing)


def _private_mb(process: int) -> tuple[str, float]:
    """What sort of the browser's processes it is, and its private memory."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ").split()
        kind = next((each.partition("=")[2] for each in words if each.startswith("--type=")), "")
        if kind not in ("renderer", "gpu-process"):
            return "", 0.0
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return "", 0.0
    return kind, sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1000


def _row(name: str, memory: _Memory) -> str:
    row = f"| {name} | {memory.page_mb:.0f} | {memory.drawing_mb:.0f} | {memory.together_mb:.0f} |"
    print(f"  {row}", flush=True)
    return row


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picks", type=int, default=40)
    print("\n".join(main(parser.parse_args().picks)))
