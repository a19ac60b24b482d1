"""Runs every benchmark and writes the tables into README.md beside this file."""

from __future__ import annotations

import platform
import re
from importlib.metadata import version
from pathlib import Path

import big_scene
import build_speed
import decoding
import first_organ
import five_organs
import start_up
import touching_organs
import truth
import viewer_speed

PAGE = Path(__file__).with_name("README.md")
SECTIONS = {
    "build-speed": build_speed.main,
    "truth": truth.main,
    "touching-organs": touching_organs.main,
    "decoding": decoding.main,
    "start-up": start_up.main,
    "five-organs": five_organs.main,
    "viewer-speed": viewer_speed.main,
    "first-organ": first_organ.main,
    "big-scene": big_scene.main,
}
PEERS = (
    "dicom2stl",
    "SimpleITK",
    "vtk",
    "scikit-image",
    "scipy",
    "trimesh",
    "fast-simplification",
    "imagecodecs",
)


def main() -> None:
    """Measure, and replace the text between each pair of markers in the page."""
    for name, measure in SECTIONS.items():
        print(f"{name} ...", flush=True)
        rows = measure()
        print("\n".join(rows), flush=True)
        _replace(name, rows)
    _replace("machine", [_machine()])


def _replace(name: str, rows: list[str]) -> None:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = PAGE.read_text(encoding="utf-8")
    body = "\n".join([begin, *rows, end])
    PAGE.write_text(re.sub(f"{begin}.*?{end}", lambda _: body, text, flags=re.DOTALL), encoding="utf-8")


def _machine() -> str:
    cpu = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    cores = sum(1 for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor"))
    peers = ", ".join(f"{name} {version(name)}" for name in PEERS)
    return f"{cores} cores, {cpu}, Python {platform.python_version()}; {peers}."


if __name__ == "__main__":
    main()
