"""Takes the pictures of the README from the real program: python docs/pictures/take.py

Starts a server with the sample chest CT in a home of its own, builds it, and looks at its pages with
Chromium. Needs what the tests need.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from PIL import Image

from chromium import chromium
from running_server import EMAIL, PASSWORD, RunningServer, Visitor, serving

WINDOW = {"width": 1440, "height": 900}
BUILD_S = 600.0
# Until bricks and meshes are there and a picture without a graphics card has settled.
SETTLE_MS = 45_000
QUALITY = 84


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--sample", "chest-ct") as server:
        ada = server.first_administrator()
        case, build = _built(ada)
        with chromium() as browser:
            page = _signed_in(browser, server)
            page.goto(f"{server.url}/cases/{case}", wait_until="networkidle")
            _keep(page, "case-page.webp")
            page.goto(f"{server.url}/cases/{case}/builds/{build}/view", wait_until="networkidle")
            page.get_by_role("tab", name="Scan").click()
            page.get_by_role("radio", name="3D and slices").check(force=True)
            page.wait_for_timeout(SETTLE_MS)
            _keep(page, "viewer.webp")


def _built(ada: Visitor) -> tuple[str, str]:
    """The ids of the sample's case and of its build, once there is one."""
    deadline = time.monotonic() + BUILD_S
    while time.monotonic() < deadline:
        for case in ada.get("/api/cases").json()["cases"]:
            for build in ada.get(f"/api/cases/{case['id']}/builds").json()["builds"]:
                return str(case["id"]), str(build["id"])
        time.sleep(1)
    raise SystemExit("The sample was not built in time.")


def _signed_in(browser: Any, server: RunningServer) -> Any:
    page = browser.new_context(viewport=WINDOW, color_scheme="light", locale="en-GB").new_page()
    page.goto(f"{server.url}/sign-in")
    page.fill("#email", EMAIL)
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.wait_for_url("**/cases")
    return page


def _keep(page: Any, name: str) -> None:
    target = Path(__file__).with_name(name)
    Image.open(io.BytesIO(page.screenshot())).save(target, quality=QUALITY, method=6)
    print(target.relative_to(ROOT), target.stat().st_size)


if __name__ == "__main__":
    main()
