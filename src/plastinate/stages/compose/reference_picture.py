"""A picture and what its millimetres come from -> a small picture of that, for a person to look at."""

from __future__ import annotations

import io
import math

from plastinate.model.picture import Picture
from plastinate.model.reference import Place, Reference

SIDE_PX = 480
# So much of the picture is seen beside it, as a share of its own length.
AROUND = 0.8
COLOUR = (232, 32, 96)
ELLIPSE_STEPS = 90


def render_reference(picture: Picture, reference: Reference) -> bytes:
    """The outline that was taken for a coin, or the line from the first to the last mark, in the picture.

    Args:
        picture: in which it was found.
        reference: what was found.

    Returns:
        PNG bytes.
    """
    from PIL import Image, ImageDraw

    first, second = (
        (column * picture.shrunk, row * picture.shrunk) for column, row in (reference.first, reference.second)
    )
    middle = ((first[0] + second[0]) / 2, (first[1] + second[1]) / 2)
    half = (0.5 + AROUND) * max(math.dist(first, second), 16.0)
    rows, columns = picture.shape
    box = (
        max(0, math.floor(middle[0] - half)),
        max(0, math.floor(middle[1] - half)),
        min(columns, math.ceil(middle[0] + half)),
        min(rows, math.ceil(middle[1] + half)),
    )
    part = Image.fromarray(picture.rgb[box[1] : box[3], box[0] : box[2]])
    scale = SIDE_PX / max(part.size)
    part = part.resize((max(1, round(part.width * scale)), max(1, round(part.height * scale))))
    drawing = ImageDraw.Draw(part)
    facts = dict(reference.facts)
    lines = [[first, second]]
    if "short_axis_px" in facts:
        lines.append(_ellipse(first, second, float(facts["short_axis_px"]) * picture.shrunk / 2.0))
    for line in lines:
        placed = [((column - box[0]) * scale, (row - box[1]) * scale) for column, row in line]
        drawing.line(placed, fill=COLOUR, width=3)
    stream = io.BytesIO()
    part.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _ellipse(first: Place, second: Place, short: float) -> list[Place]:
    column, row = (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
    across, down = (second[0] - first[0]) / 2, (second[1] - first[1]) / 2
    long = max(math.hypot(across, down), 1e-9)
    turns = [step * 2 * math.pi / ELLIPSE_STEPS for step in range(ELLIPSE_STEPS + 1)]
    return [
        (
            column + math.cos(turn) * across - math.sin(turn) * short * down / long,
            row + math.cos(turn) * down + math.sin(turn) * short * across / long,
        )
        for turn in turns
    ]
