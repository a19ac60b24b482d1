import itertools

import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.segment.otsu import multi_otsu, otsu, otsu_thresholds
from voxel_scenes import ball, volume_of


def within_class_variance(values, cuts):
    parts = np.split(np.sort(values), np.searchsorted(np.sort(values), np.asarray(cuts) + 0.5))
    return sum(float(((part - part.mean()) ** 2).sum()) for part in parts if part.size)


def two_tissues(kind=np.int16, *, seed=0):
    rng = np.random.default_rng(seed)
    bright = ball((20, 24, 28), (10, 12, 14), 7)
    array = np.where(bright, 300, 40) + rng.normal(0, 15, bright.shape)
    return bright, array.astype(kind)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_two_tissues_are_told_apart(kind):
    bright, array = two_tissues(kind)
    volume = volume_of(array)
    assert np.array_equal(otsu(volume), bright)
    assert np.array_equal(otsu(volume, is_bright=False), ~bright)


def test_the_cut_is_the_best_of_all_cuts():
    rng = np.random.default_rng(1)
    for _ in range(20):
        array = rng.integers(0, 30, size=(3, 4, 5)).astype(np.int16)
        found = otsu_thresholds(volume_of(array))
        best = min(within_class_variance(array.ravel(), (cut,)) for cut in range(30))
        assert within_class_variance(array.ravel(), found) == pytest.approx(best)


@pytest.mark.parametrize("classes", [3, 4])
def test_several_cuts_are_the_best_of_all_combinations(classes):
    rng = np.random.default_rng(2)
    for _ in range(5):
        array = rng.integers(0, 14, size=(3, 4, 5)).astype(np.int16)
        found = otsu_thresholds(volume_of(array), classes=classes)
        cuts = itertools.combinations(range(14), classes - 1)
        best = min(within_class_variance(array.ravel(), some) for some in cuts)
        assert within_class_variance(array.ravel(), found) == pytest.approx(best)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_classes_share_all_measured_voxels_darkest_first(kind):
    _, array = two_tissues(kind, seed=3)
    array[:5] = 900
    array[5, :, :] = -32768 if kind == np.int16 else np.nan
    volume = volume_of(array)
    classes = multi_otsu(volume, classes=3)
    assert np.array_equal(np.sum(classes, axis=0), volume.measured)
    means = [float(array[part].mean()) for part in classes]
    assert means == sorted(means)
    assert np.array_equal(classes[2], array == 900)


def test_only_the_window_and_the_mask_are_counted():
    bright, array = two_tissues(seed=4)
    array[0] = 3000
    inside = np.ones(bright.shape, dtype=bool)
    inside[0] = False
    assert np.array_equal(otsu(volume_of(array), inside), bright)
    assert np.array_equal(otsu(volume_of(array), high=1000), bright)


def test_one_value_cannot_be_parted():
    volume = volume_of(np.full((2, 2, 2), 7, dtype=np.int16))
    with pytest.raises(ParameterError, match="fewer than 2"):
        otsu(volume)
    with pytest.raises(ParameterError, match="not 9"):
        multi_otsu(volume, classes=9)
    with pytest.raises((ParameterError, EmptyMask)):
        otsu(volume, low=100)
