import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.prepare.normalise import (
    ct_window,
    landmarks,
    learn_standard,
    mr_percentiles,
    standard_histogram,
)
from voxel_scenes import ball, volume_of

SHAPE = (16, 20, 24)


def head(*, gain=1.0, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    array = np.where(ball(SHAPE, (8, 10, 12), 8), 300, 0) + np.where(ball(SHAPE, (8, 10, 12), 5), 250, 0)
    array = array * gain + offset + rng.normal(0, 15 * gain, SHAPE)
    return volume_of(array.astype(np.float32), quantity="a.u.")


def test_a_ct_window_maps_its_ends_to_nought_and_one():
    array = np.array([[[-32768, -2000, -160, 40, 240, 3000]]], dtype=np.int16)
    mapped = ct_window(volume_of(array), low_hu=-160, high_hu=240)
    assert mapped.quantity == "a.u."
    assert np.isnan(mapped.array[0, 0, 0])
    assert mapped.array[0, 0, 1:].tolist() == [0, 0, 0.5, 1, 1]


def test_a_ct_window_needs_a_ct_and_two_ends():
    array = np.zeros((1, 1, 2), dtype=np.int16)
    with pytest.raises(ParameterError, match="Hounsfield"):
        ct_window(volume_of(array, quantity="a.u."), low_hu=0, high_hu=1)
    with pytest.raises(ParameterError):
        ct_window(volume_of(array), low_hu=1, high_hu=1)


def test_percentiles_ignore_what_was_not_measured():
    array = np.arange(-20, 101, dtype=np.float32).reshape(1, 1, -1)
    array[array < 0] = np.nan
    mapped = mr_percentiles(volume_of(array, quantity="a.u."), low_percent=10, high_percent=90)
    assert np.isnan(mapped.array[array != array]).all()
    assert mapped.array[0, 0, 20 + 10] == pytest.approx(0)
    assert mapped.array[0, 0, 20 + 50] == pytest.approx(0.5)
    assert mapped.array[0, 0, 20 + 90] == pytest.approx(1)


def test_the_same_head_at_another_gain_gets_the_same_values():
    standard = learn_standard([head(seed=1), head(seed=2, gain=2.0)])
    assert standard[0] == pytest.approx(0)
    assert standard[-1] == pytest.approx(100)
    plain = standard_histogram(head(), standard=standard)
    louder = standard_histogram(head(gain=3.0, offset=50), standard=standard)
    assert np.allclose(plain.array, louder.array, atol=1e-2)
    assert np.allclose(landmarks(head()), (landmarks(head(gain=3.0, offset=50)) - 50) / 3, atol=1e-2)


def test_landmarks_fall_on_the_standard_and_order_is_kept():
    standard = tuple(float(value) for value in (0, 5, 12, 20, 33, 41, 50, 62, 77, 85, 100))
    volume = head()
    mapped = standard_histogram(volume, standard=standard)
    own = landmarks(volume)
    order = np.argsort(volume.array.ravel(), kind="stable")
    assert (np.diff(mapped.array.ravel()[order]) >= -1e-4).all()
    assert np.interp(own[3], volume.array.ravel()[order], mapped.array.ravel()[order]) == pytest.approx(
        20, abs=0.1
    )


@pytest.mark.parametrize("standard", [(0.0, 100.0), tuple([5.0] * 11), tuple(range(11, 0, -1))])
def test_a_standard_must_rise_through_eleven_numbers(standard):
    with pytest.raises(ParameterError, match="11 rising"):
        standard_histogram(head(), standard=standard)


def test_flat_and_unmeasured_volumes_are_refused():
    flat = volume_of(np.full((2, 2, 2), 5, dtype=np.float32), quantity="a.u.")
    gone = volume_of(np.full((2, 2, 2), np.nan, dtype=np.float32), quantity="a.u.")
    for method in (mr_percentiles, lambda v: standard_histogram(v, standard=range(11))):
        with pytest.raises(ParameterError):
            method(flat)
        with pytest.raises(EmptyMask):
            method(gone)
    with pytest.raises(ParameterError):
        mr_percentiles(head(), low_percent=50, high_percent=50)
