"""A plate is as large, as thick and as framed as was said, to a fiftieth of a millimetre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drawn_pictures import sphere
from plastinate.stages.depth.brightness import brightness
from plastinate.stages.surface.plate_solid import plate_solid

MM = 0.02


def plate(**params):
    """Of a black picture with a white square, whose sharp edges a resampling swings at."""
    rgb = np.zeros((90, 120, 3), np.uint8)
    rgb[30:60, 45:75] = 255
    picture = replace(sphere((90, 120)).picture, rgb=rgb, grey=rgb[..., 0].astype(np.uint16) * 257)
    depth = brightness(picture, side_px=1024, smooth_share=0.0, span=1.0)
    solid = plate_solid(picture, depth, structure="plate", levels={"full": None}, width_mm=40.0, **params)
    return solid.surfaces["full"]


def heights(surface, *, middle: bool) -> np.ndarray:
    """How far the front stands before the back, near the middle or away from it and from the rim."""
    x, y, z = surface.vertices.T
    near = (np.abs(x) < 4.0) & (np.abs(z) < 4.0)
    front = (y < y.max() - 0.3) & (np.abs(x) < 18.0) & (np.abs(z) < 13.0)
    return y.max() - y[front & (near if middle else ~near)]


def test_a_lithophane_is_thin_where_the_picture_is_white_and_thick_where_it_is_black():
    surface = plate(thinnest_mm=0.8, thickest_mm=3.0, frame_mm=0.0)
    assert surface.is_closed
    assert np.ptp(surface.vertices, axis=0) == pytest.approx([40.0, 3.0, 30.0], abs=MM)
    assert heights(surface, middle=True) == pytest.approx(0.8, abs=MM)
    assert heights(surface, middle=False).max() == pytest.approx(3.0, abs=MM)


def test_base_and_frame_are_added_where_they_belong():
    surface = plate(thinnest_mm=0.6, thickest_mm=2.0, base_mm=0.5, frame_mm=3.0, frame_height_mm=4.0)
    assert np.ptp(surface.vertices, axis=0) == pytest.approx([46.0, 4.0, 36.0], abs=MM)
    assert heights(surface, middle=True) == pytest.approx(1.1, abs=MM)
    x, y, z = surface.vertices.T
    inside = (np.abs(x) < 19.0) & (np.abs(z) < 14.0)
    assert (y.max() - y[inside]).max() == pytest.approx(2.5, abs=MM)
    assert (y.max() - y[~inside]).max() == pytest.approx(4.0, abs=MM)


def test_a_relief_is_high_where_the_picture_is_white():
    surface = plate(is_dark_thick=False, thinnest_mm=0.4, thickest_mm=4.0, base_mm=1.6, frame_mm=0.0)
    assert heights(surface, middle=True).max() == pytest.approx(5.6, abs=MM)
    assert heights(surface, middle=False).min() == pytest.approx(2.0, abs=MM)
