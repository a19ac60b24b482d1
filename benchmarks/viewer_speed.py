"""A shaded volume of 256 voxels an edge with a mesh in it, 512 pixels wide: ours against vtk.js, in software.

Both pages stand open in one browser and draw in turn, the same camera, the same steps of one
millimetre. Seconds are wall time of a frame with its pixels read back, and processor time of the
browser's drawing process, which other programs on the machine disturb less.

Needs Chromium, and the viewer's packages (`npm ci` in viewer); brings vtk.js itself.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent / "viewer"
PICTURES = HERE / "pictures"
PAGES = ("ours", "vtkjs")
PEERS = ("@kitware/vtk.js", "@niivue/niivue")
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]


def main(rounds: int = 5) -> list[str]:
    """Build the pages, draw `rounds` frames of each in turn, and write the table."""
    with tempfile.TemporaryDirectory() as site:
        built_pages(Path(site))
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=site))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            return _table(f"http://127.0.0.1:{server.server_port}", rounds)
        finally:
            server.shutdown()


def built_pages(folder: Path) -> Path:
    """Our page and the peers', built into a folder; what they need is installed first."""
    npm = shutil.which("npm", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "npm"
    if not all((HERE / "node_modules" / name).exists() for name in PEERS):
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    vite = HERE.parent.parent / "viewer" / "node_modules" / ".bin" / "vite"
    words = ["build", "--config", str(HERE / "vite.config.ts"), "--outDir", str(folder)]
    subprocess.run([vite, *words, "--emptyOutDir", "--logLevel", "warn"], check=True)
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _table(site: str, rounds: int) -> list[str]:
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        pages: dict[str, Page] = {}
        for name in PAGES:
            page = browser.new_page(viewport={"width": 512, "height": 512})
            page.on("pageerror", lambda error: print(f"  {error}"))
            page.goto(f"{site}/{name}.html")
            page.wait_for_function("window.bench !== undefined", timeout=600_000)
            page.evaluate("window.bench.frame(0)")
            pages[name] = page
        PICTURES.mkdir(exist_ok=True)
        for name, page in pages.items():
            page.screenshot(path=PICTURES / f"{name}.png")
        wall: dict[str, list[float]] = {name: [] for name in PAGES}
        cpu: dict[str, list[float]] = {name: [] for name in PAGES}
        for turn in range(1, rounds + 1):
            for name, page in pages.items():
                page.bring_to_front()
                before = _drawing_seconds()
                wall[name].append(page.evaluate(f"window.bench.frame({turn * 7})") / 1000)
                cpu[name].append(_drawing_seconds() - before)
                print(f"  round {turn}: {name} {wall[name][-1]:.2f} s", flush=True)
        browser.close()
    middle = {name: (statistics.median(wall[name]), statistics.median(cpu[name])) for name in PAGES}
    rows = ["| page | s a frame | processor s a frame | of vtk.js |", "|---|---|---|---|"]
    for name, (seconds, work) in middle.items():
        shares = f"{seconds / middle['vtkjs'][0]:.2f} ({work / middle['vtkjs'][1]:.2f} of the processor's)"
        rows.append(f"| {name} | {seconds:.2f} | {work:.2f} | {shares} |")
    return rows


def _drawing_seconds() -> float:
    """Processor seconds so far of the GPU process that this script's browser started."""
    hertz = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_text()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        if "--type=gpu-process" in command:
            seconds[int(entry.name)] = (int(fields[11]) + int(fields[12])) / hertz
    return sum(each for process, each in seconds.items() if _is_below(process, os.getpid(), parents))


def _is_below(process: int, ancestor: int, parents: dict[int, int]) -> bool:
    while process in parents:
        if process == ancestor:
            return True
        process = parents[process]
    return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    print("\n".join(main(parser.parse_args().rounds)))
