"""What a picture's millimetres come from is shown where it was found."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from plastinate.model.picture import Picture
from plastinate.model.reference import Reference
from plastinate.stages.compose.reference_picture import COLOUR, SIDE_PX, render_reference


def marked(reference: Reference, *, shrunk: float = 1.0) -> np.ndarray:
    rgb = np.full((200, 300, 3), 90, np.uint8)
    picture = Picture(rgb, None, np.zeros((200, 300), np.uint16), shrunk=shrunk)
    drawn = np.asarray(Image.open(io.BytesIO(render_reference(picture, reference))).convert("RGB"))
    return (drawn == COLOUR).all(axis=2)


@pytest.mark.parametrize("shrunk", [1.0, 0.5])
def test_a_coin_is_outlined_and_its_long_axis_drawn(shrunk: float):
    ends = [(place[0] / shrunk, place[1] / shrunk) for place in ((120.0, 100.0), (180.0, 100.0))]
    facts = (("long_axis_px", 60.0 / shrunk), ("short_axis_px", 30.0 / shrunk))
    seen = marked(Reference(ends[0], ends[1], 23.25, facts=facts), shrunk=shrunk)
    rows, columns = np.nonzero(seen)
    # The coin and as much again beside it: 156 of the picture's pixels are drawn as wide as the side.
    scale = SIDE_PX / 156
    assert np.ptp(columns) == pytest.approx(60 * scale, abs=5)
    assert np.ptp(rows) == pytest.approx(30 * scale, abs=5)
    assert seen[seen.shape[0] // 2].sum() > 0.9 * 60 * scale


def test_two_points_at_the_border_are_a_line_within_the_picture():
    seen = marked(Reference((0.0, 0.0), (299.0, 199.0), 50.0))
    rows, columns = np.nonzero(seen)
    assert seen.shape == (320, SIDE_PX)
    assert np.corrcoef(rows, columns)[0, 1] > 0.99
