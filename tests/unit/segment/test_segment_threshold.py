import math

import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.segment.threshold import PRESETS, preset, threshold
from voxel_scenes import volume_of


def ramp(**kwargs):
    return volume_of(np.array([[[-32768, -1000, -400, 0, 226, 3000]]], dtype=np.int16), **kwargs)


def test_both_ends_of_the_window_belong_to_it():
    assert threshold(ramp(), low=-400, high=226)[0, 0].tolist() == [False, False, True, True, True, False]


def test_an_open_window_takes_all_that_was_measured():
    assert threshold(ramp())[0, 0].tolist() == [False, True, True, True, True, True]


def test_a_mask_given_bounds_the_search():
    inside = np.array([[[True, True, False, True, False, False]]])
    assert threshold(ramp(), inside, low=-500)[0, 0].tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize(("low", "high"), [(1, 0), (math.nan, 3), (3, math.nan)])
def test_an_empty_window_is_a_wrong_parameter(low, high):
    with pytest.raises(ParameterError):
        threshold(ramp(), low=low, high=high)


def test_a_window_nobody_is_in_is_an_empty_result():
    with pytest.raises(EmptyMask, match="1 to 2"):
        threshold(ramp(), low=1, high=2)


def test_a_mask_of_another_grid_is_refused():
    with pytest.raises(ParameterError, match="grid"):
        threshold(ramp(), np.ones((1, 1, 5), dtype=bool))


def test_every_preset_is_a_window_with_a_source():
    for name, window in PRESETS.items():
        assert window.low_hu < window.high_hu, name
        assert any(year in window.source for year in ("19", "20")), name


def test_a_preset_is_its_window():
    assert preset(ramp(), tissue="bone")[0, 0].tolist() == [False] * 4 + [True] * 2
    assert preset(ramp(), tissue="lung")[0, 0].tolist() == [False, True, True, False, False, False]


def test_a_preset_needs_hounsfield_units_and_a_known_name():
    with pytest.raises(ParameterError, match="Hounsfield"):
        preset(ramp(quantity="a.u."), tissue="bone")
    with pytest.raises(ParameterError, match="there are"):
        preset(ramp(), tissue="cheese")
