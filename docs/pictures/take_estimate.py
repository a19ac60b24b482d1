"""Draws what the pages about pictures show: a photograph, and what the program makes of it on the way.

python docs/pictures/take_estimate.py PHOTO

estimate.webp: the photograph, and its model from the front, the side and behind.
photo-to-print.webp: the photograph, what was cut out, how far away it is taken to be, model and lithophane.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from plastinate import model_of_picture
from plastinate.pipeline.picture_run import run_picture
from plastinate.recipes.pictures import load_picture_recipe
from plastinate.stages import catalog
from plastinate.stages.compose.estimate_pictures import render_estimate

HEIGHT = 400
QUALITY = 84
# So much of what lies around the model is cut from its picture, which is drawn to stand alone.
KEPT = 1.15


def main() -> None:
    """Draw both."""
    path = Path(sys.argv[1])
    photo = Image.open(path).convert("RGB")
    scene = model_of_picture(path, "object", check=False, preview=False)
    front, side, back = (_drawn(scene, name) for name in ("preview", "side", "back"))
    _keep("estimate.webp", [photo, front, side, back])
    cut_out, depth = _on_the_way(path)
    plate = model_of_picture(path, "lithophane", check=False, preview=False)
    _keep("photo-to-print.webp", [photo, cut_out, depth, front, _drawn(plate, "preview")])


def _on_the_way(path: Path) -> tuple[Image.Image, Image.Image]:
    """The cut-out on white, and its depth, near things bright."""
    picture = catalog.door("read-flat-picture")(path).picture
    recipe = load_picture_recipe("picture-object")
    run = run_picture(picture, recipe, structure="object", levels={"full": None}, check=False)
    rows, columns = picture.shape
    mask = Image.fromarray((np.asarray(run.foreground) * 255).astype(np.uint8)).resize((columns, rows))
    white = Image.new("RGB", (columns, rows), "white")
    cut_out = Image.composite(Image.fromarray(picture.rgb), white, mask)
    nearness = 1.0 / run.depth.depth
    inside = np.asarray(mask.resize(nearness.shape[::-1])) > 127
    low, high = np.percentile(nearness[inside], (2, 98))
    grey = np.clip(40 + 200 * (nearness - low) / (high - low), 0, 255).astype(np.uint8)
    depth = Image.composite(Image.fromarray(grey).convert("RGB").resize((columns, rows)), white, mask)
    return cut_out, depth


def _drawn(scene: Any, name: str) -> Image.Image:
    """A view of a model, without most of the empty ground beside it."""
    view = Image.open(io.BytesIO(render_estimate(scene, only=(name,))[name])).convert("RGB")
    pixels = np.asarray(view).astype(int)
    # The ground has one colour in each row.
    seen = np.abs(pixels - pixels[:, :1]).max(axis=2) > 12
    columns = np.flatnonzero(seen.any(axis=0))
    half = int(max(KEPT * (np.ptp(columns) + 1), 0.6 * view.height) / 2)
    middle = int(columns.mean())
    return view.crop((max(0, middle - half), 0, min(view.width, middle + half), view.height))


def _keep(name: str, shown: list[Image.Image]) -> None:
    scaled = [each.resize((round(each.width * HEIGHT / each.height), HEIGHT)) for each in shown]
    sheet = Image.new("RGB", (sum(each.width for each in scaled), HEIGHT), "white")
    left = 0
    for each in scaled:
        sheet.paste(each, (left, 0))
        left += each.width
    target = Path(__file__).with_name(name)
    sheet.save(target, quality=QUALITY, method=6)
    print(name, sheet.size, target.stat().st_size)


if __name__ == "__main__":
    main()
