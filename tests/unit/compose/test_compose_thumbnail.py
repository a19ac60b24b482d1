from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from plastinate.model.volume import UNMEASURED_INT16
from plastinate.stages.compose.thumbnail import SIDE_PX, render_thumbnail, shrink_picture


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data), formats=["PNG"]))


def test_pixels_are_square_whatever_the_spacing():
    picture = opened(render_thumbnail(np.zeros((100, 50), np.int16), quantity="HU", spacing=(1.0, 4.0)))
    assert picture.shape == (SIDE_PX // 2, SIDE_PX)


def test_what_was_never_measured_is_black_and_bone_is_white():
    plane = np.full((40, 40), 1000, np.int16)
    plane[:, :20] = UNMEASURED_INT16
    picture = opened(render_thumbnail(plane, quantity="HU", spacing=(1.0, 1.0)))
    assert picture[240, 100] == 0
    assert picture[240, 380] == 255


@pytest.mark.parametrize("values", [np.full((8, 8), np.nan), np.zeros((8, 8))])
def test_a_slice_without_contrast_is_no_error(values: np.ndarray):
    assert opened(render_thumbnail(values.astype(np.float32), quantity="a.u.", spacing=(1.0, 1.0))).size


def test_a_large_picture_is_made_small_and_a_small_one_stays():
    for size, expected in (((1280, 960), (360, 480, 3)), ((100, 50), (50, 100, 3))):
        buffer = io.BytesIO()
        Image.new("RGB", size, (10, 20, 30)).save(buffer, "PNG")
        assert opened(shrink_picture(buffer.getvalue())).shape == expected
