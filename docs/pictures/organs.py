"""Draws the organs of the recipes page from the sample chest CT: python docs/pictures/organs.py [NAME ...]

Fetches the scan, and the liver's network, where they are not here yet; builds each group of organs, and keeps
the picture that the program itself draws of it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from plastinate.cli.main import cli as program

HERE = Path(__file__).parent
# Picture -> the organs in it: what is told of, and what says where it lies.
GROUPS = {
    "bones": ("spine", "ribs"),
    "aorta": ("aorta", "heart", "spine"),
    "belly": ("liver", "spleen", "kidneys", "spine"),
    "breath": ("trachea", "lungs", "heart"),
    "fat": ("fat-visceral", "fat-subcutaneous"),
}
SIZE = (800, 600)
QUALITY = 84


def main(names: list[str]) -> None:
    """Draw those named, or all."""
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan"
        program(["sample", "chest-ct", str(scan)], standalone_mode=False)
        for name in names or list(GROUPS):
            built = Path(folder) / name
            wish = ["--organ", *GROUPS[name], "--no-check", "--single-level", "--format", "stl"]
            program(["build", str(scan / "dicom"), *wish, "-o", str(built)], standalone_mode=False)
            target = HERE / f"organs-{name}.webp"
            picture = Image.open(built / "preview.png").convert("RGB")
            picture.resize(SIZE, Image.Resampling.LANCZOS).save(target, quality=QUALITY, method=6)
            print(target.name, target.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1:])
