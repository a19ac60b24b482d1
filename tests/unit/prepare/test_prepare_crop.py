import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, NoMillimetres, ParameterError
from plastinate.stages.prepare.crop import crop_to_body
from voxel_scenes import ball, volume_of

SHAPE = (30, 40, 50)
SPACING = (2.0, 1.0, 0.5)


def body(**kwargs):
    array = np.full(SHAPE, -1000, dtype=np.int16)
    array[ball(SHAPE, (15, 20, 25), 8, spacing=SPACING)] = 40
    array[2, 2, 2] = 3000
    return volume_of(array, spacing_mm=SPACING, **kwargs)


def test_every_voxel_that_stays_keeps_its_value_and_its_place():
    whole = body()
    cut = crop_to_body(whole, margin_mm=3.0)
    assert cut.array.flags.c_contiguous
    start = whole.geometry.lps_to_index(cut.geometry.index_to_lps(np.zeros(3)))
    assert np.allclose(start, start.round(), atol=1e-9)
    s, r, c = start.round().astype(int)
    box = tuple(slice(a, a + n) for a, n in zip((s, r, c), cut.geometry.shape, strict=True))
    assert np.array_equal(cut.array, whole.array[box])
    assert cut.geometry.spacing == whole.geometry.spacing


def test_the_box_is_tight_around_the_body_and_its_margin():
    # The ball spans 9, 17 and 33 voxels; 3 mm are 2, 3 and 6 of them.
    assert crop_to_body(body(), margin_mm=0).geometry.shape == (9, 17, 33)
    assert crop_to_body(body(), margin_mm=3.0).geometry.shape == (13, 23, 45)
    assert crop_to_body(body(), margin_mm=500).geometry.shape == SHAPE


def test_a_bright_speck_is_not_the_body():
    assert (crop_to_body(body()).array == 3000).sum() == 0


def test_an_mr_is_cut_by_its_own_brightness():
    array = np.where(body().array > 0, 800, 10).astype(np.float32)
    volume = volume_of(array, spacing_mm=SPACING, quantity="a.u.")
    assert crop_to_body(volume, margin_mm=0).geometry.shape == (9, 17, 33)
    assert crop_to_body(volume, margin_mm=0, above=5).geometry.shape == SHAPE


def test_slices_that_were_filled_stay_marked():
    whole = body()
    filled = np.zeros(SHAPE[0], dtype=bool)
    filled[12] = True
    marked = type(whole)(whole.geometry, whole.array, "HU", "CT", filled)
    assert np.flatnonzero(crop_to_body(marked, margin_mm=0).filled_slices).tolist() == [1]


def test_no_body_and_no_millimetres_are_said():
    with pytest.raises(EmptyMask):
        crop_to_body(body(), above=9000)
    with pytest.raises(EmptyMask):
        crop_to_body(volume_of(np.full((2, 2, 2), -32768, dtype=np.int16), quantity="a.u."))
    with pytest.raises(NoMillimetres):
        crop_to_body(body(unit="px"))
    with pytest.raises(ParameterError):
        crop_to_body(body(), margin_mm=-1)
