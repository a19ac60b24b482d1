"""What a person does in the viewer and what can be read of it, as numbers; its geometry calculated anew here.

The camera is taken from the link that the page itself makes; rays and projections are this module's own.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import numpy.typing as npt

Point = npt.NDArray[np.float64]
FIELD_OF_VIEW_DEGREES = 30.0
SHEET_WIDTH = 896
# Long enough for a machine that does other things beside; what waits for nothing fails all the same.
PATIENCE_MS = 120_000
# Two frames in a row, as what a hand did may only be taken up by the next one (a new size, a path begun).
REST = """async ([waited, ignored, patience]) => {
    let left = ["the page"], isOver = false;
    const rest = async () => {
        for (let still = 0; still < 2 && !isOver;) {
            await new Promise(requestAnimationFrame);
            const busy = document.documentElement.dataset.busy.split(" ").filter(Boolean);
            left = busy.filter(each => waited ? waited.includes(each) : !ignored.includes(each));
            still = left.length ? 0 : still + 1;
        }
        return "";
    };
    const late = new Promise(done => setTimeout(() => done(`still busy: ${left.join(", ")}`), patience));
    return await Promise.race([rest(), late]).finally(() => { isOver = true; });
}"""


class Viewer:
    """An open view."""

    # From one event of a hand to the next.
    BETWEEN_MS = 16.0

    def __init__(self, page: Any, address: str = "") -> None:
        self.page = page
        if address:
            page.goto(address)
        page.wait_for_selector("[data-organ]", state="attached")
        self.settle()

    def settle(self) -> None:
        """Until what is looked at is there, or said to be missing, and drawn, and nothing moves any more."""
        self._rest(but=["words"])

    def _rest(self, *parts: str, but: Sequence[str] = ()) -> None:
        """Until these parts of the page have nothing to do, or all but some."""
        assert self.page.evaluate(REST, [list(parts) or None, list(but), PATIENCE_MS]) == ""

    @property
    def box(self) -> dict[str, float]:
        """Where the canvas lies in the window."""
        found: dict[str, float] = self.page.locator("canvas.scene").bounding_box()
        return found

    def camera(self) -> tuple[Point, Point, float]:
        """Target, axes (rows: right, up, back) and distance, from the page's own link."""
        self.tab("take")
        self.page.click("[data-do=link]")
        if self.page.viewport_size["width"] < SHEET_WIDTH:
            # The panel is a sheet there, and takes its height from the picture.
            self.page.click("#tab-take")
            self.settle()
        said = parse_qs(urlsplit(self.page.url).fragment)
        numbers = [float(each) for each in said["camera"][0].split(",")]
        # A link is kept short, so its turn is rounded and no longer of length one.
        x, y, z, w = np.array(numbers[3:7]) / np.linalg.norm(numbers[3:7])
        turn = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        return np.array(numbers[:3]), turn.T, numbers[7]

    def on_screen(self, point: Sequence[float]) -> tuple[float, float]:
        """Where a point in the patient is seen, in pixels of the window."""
        target, (right, up, back), distance = self.camera()
        away = np.asarray(point, float) - (target + distance * back)
        box = self.box
        half = np.tan(np.radians(FIELD_OF_VIEW_DEGREES / 2)) / min(1.0, box["width"] / box["height"])
        pixels = box["height"] / 2 / half / float(-away @ back)
        return (
            float(box["x"] + box["width"] / 2 + away @ right * pixels),
            float(box["y"] + box["height"] / 2 - away @ up * pixels),
        )

    def press(self, point: Sequence[float]) -> None:
        """Press where a point in the patient is seen."""
        self.click(*self.on_screen(point))

    def click(self, x: float, y: float) -> None:
        """Press a spot of the window and wait for what comes of it."""
        self.drag([(x, y)])
        self.answered()

    def drag(self, way: Sequence[tuple[float, float]]) -> None:
        """Press at the first spot, let go at the last, with times between as a hand has them.

        Said with the events: on a machine that is busy they arrive later, and a tap would be none any more.
        """
        (x, y), *more = way
        events = [("mouseMoved", x, y), ("mousePressed", x, y)]
        events += [("mouseMoved", *spot) for spot in more]
        events.append(("mouseReleased", *way[-1]))
        session = self.page.context.new_cdp_session(self.page)
        begun = time.time() - len(events) * self.BETWEEN_MS / 1000
        for number, (kind, x, y) in enumerate(events):
            is_held = kind != "mouseReleased" and number > 0
            session.send(
                "Input.dispatchMouseEvent",
                {
                    "type": kind,
                    "x": x,
                    "y": y,
                    "button": "left" if number > 0 else "none",
                    "buttons": int(is_held),
                    "clickCount": int(number > 0),
                    "timestamp": begun + number * self.BETWEEN_MS / 1000,
                },
            )
        session.detach()

    def wheel(self, x: float, y: float, *, by: float) -> None:
        """Turn the wheel over a spot of the window; nothing else says when it has been heard."""
        self.page.mouse.move(x, y)
        self.page.evaluate(
            "() => { window.heard = 0; addEventListener('wheel', () => window.heard += 1, {once: true}); }"
        )
        self.page.mouse.wheel(0, by)
        self.page.wait_for_function("window.heard > 0")

    def answered(self) -> None:
        """Until what was pressed is known."""
        self._rest("pick", "probe")

    def tool(self, name: str) -> None:
        self.page.click(f"[data-tool={name}]")

    def tab(self, name: str) -> None:
        """Open a panel."""
        if self.page.get_attribute(f"#tab-{name}", "aria-selected") != "true":
            self.page.click(f"#tab-{name}")

    def look(self, side: str) -> None:
        """From one of the named sides; motion is reduced in these tests, so it is there at once."""
        self.page.click("view-menu summary")
        self.page.click(f"view-menu [data-view={side}]")
        self.page.keyboard.press("Escape")

    def probed(self) -> tuple[str, Point]:
        """What the probe says: the organ, and the place in LPS mm."""
        self.tab("measure")
        organ = self.page.inner_text(".probe dd >> nth=0")
        words = self.page.inner_text(".probe dd >> nth=1").split()
        signs = {"L": 1, "R": -1, "P": 1, "A": -1, "S": 1, "I": -1}
        place = [signs[words[at]] * float(words[at + 1].replace(",", "")) for at in (0, 2, 4)]
        return organ, np.array(place)

    def pixel(self, x: float, y: float) -> tuple[int, int, int]:
        """The colour of a pixel of the window, of the picture alone."""
        image = self.picture()
        box = self.box
        return tuple(image[round(y - box["y"]), round(x - box["x"])][:3].tolist())  # type: ignore[return-value]

    def picture(self) -> npt.NDArray[np.uint8]:
        """The canvas without what lies over it."""
        from PIL import Image

        show = (
            "how => document.querySelectorAll('.stage > :not(canvas)').forEach(e => e.style.visibility = how)"
        )
        self.settle()
        self.page.evaluate(show, "hidden")
        shot = self.page.locator("canvas.scene").screenshot()
        self.page.evaluate(show, "")
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))

    def words(self) -> str:
        """The scene as it is told to whoever listens, when it has come to rest."""
        self._rest()
        return str(self.page.inner_text("#scene-in-words"))
