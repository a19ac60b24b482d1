"""Draws estimate.webp: a photograph, and the model that was made of it, from the front, the side and behind.

python docs/pictures/take_estimate.py PHOTO
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from plastinate import model_of_picture
from plastinate.stages.compose.estimate_pictures import render_estimate

HEIGHT = 400


def main() -> None:
    """Draw the picture given next to the front, side and back of the model made of it."""
    scene = model_of_picture(sys.argv[1], "object", check=False, preview=False)
    drawn = render_estimate(scene, only=("preview", "side", "back"))
    shown = [Image.open(sys.argv[1]).convert("RGB")]
    shown += [Image.open(io.BytesIO(drawn[name])) for name in ("preview", "side", "back")]
    scaled = [each.resize((round(each.width * HEIGHT / each.height), HEIGHT)) for each in shown]
    sheet = Image.new("RGB", (sum(each.width for each in scaled), HEIGHT), "white")
    left = 0
    for each in scaled:
        sheet.paste(each, (left, 0))
        left += each.width
    sheet.save(Path(__file__).with_name("estimate.webp"), quality=82)


if __name__ == "__main__":
    main()
