import numpy as np
import pytest
from scipy import ndimage

from plastinate.native import filters
from voxel_scenes import ball, random_shape

UNMEASURED = {np.int16: -32768, np.float32: np.nan}


def random_grey(count, kind, *, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng, rng.normal(0, 300, random_shape(rng)).astype(kind)


def blurred(values, weight, sigma):
    top = ndimage.gaussian_filter(values * weight, sigma, mode="constant")
    return top / ndimage.gaussian_filter(weight, sigma, mode="constant")


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_the_gaussian_is_a_normalised_convolution(kind):
    for rng, array in random_grey(15, kind):
        spacing = tuple(rng.uniform(0.5, 2, 3).tolist())
        sigma = [1.3 / step for step in spacing]
        expected = blurred(array.astype(np.float64), np.ones(array.shape), sigma)
        assert np.allclose(filters.gaussian(array, 1.3, spacing, as_float=True), expected, atol=5e-3)
        same_type = filters.gaussian(array, 1.3, spacing)
        assert same_type.dtype == array.dtype
        assert np.abs(same_type - expected).max() <= (0.51 if kind == np.int16 else 5e-3)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_unmeasured_voxels_have_no_say_in_a_blur_and_stay_unmeasured(kind):
    for rng, array in random_grey(15, kind, seed=1):
        known = rng.random(array.shape) < 0.8
        holed = np.where(known, array, UNMEASURED[kind]).astype(kind)
        expected = blurred(array.astype(np.float64), known.astype(np.float64), (1.5, 1.5, 1.5))
        found = filters.gaussian(holed, 1.5, as_float=True)
        assert np.allclose(found[known], expected[known], atol=5e-3)
        assert np.isnan(found[~known]).all()


def test_a_constant_stays_constant_up_to_the_border():
    array = np.full((4, 5, 6), 1234, dtype=np.int16)
    assert (filters.gaussian(array, 3.0) == 1234).all()


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_the_median_agrees_with_scipy(kind):
    for _, array in random_grey(40, kind, seed=2):
        assert np.array_equal(filters.median(array), ndimage.median_filter(array, 3, mode="nearest"))


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_the_median_asks_measured_voxels_only(kind):
    for rng, array in random_grey(15, kind, seed=3):
        known = rng.random(array.shape) < 0.7
        holed = np.where(known, array, UNMEASURED[kind]).astype(kind)
        padded = np.pad(np.where(known, array.astype(np.float64), np.nan), 1, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 3)).reshape(*array.shape, 27)
        middle = (np.maximum((~np.isnan(windows)).sum(axis=-1), 1) - 1) // 2
        expected = np.take_along_axis(np.sort(windows, axis=-1), middle[..., None], axis=-1)[..., 0]
        found = filters.median(holed)
        assert np.array_equal(found[known], expected[known].astype(kind))
        assert np.array_equal(np.isnan(found) if kind == np.float32 else found == -32768, ~known)


def noisy_ball(kind=np.float32):
    rng = np.random.default_rng(5)
    clean = np.where(ball((24, 40, 44), (12, 20, 22), 9), 200.0, 0.0)
    return clean, (clean + rng.normal(0, 20, clean.shape)).astype(kind)


def error(array, clean):
    return float(np.sqrt(((array - clean) ** 2).mean()))


@pytest.mark.parametrize(
    "smooth",
    [
        lambda a: filters.diffuse(a, (1.0, 1.0, 1.0), edge=40, time_step=0.0625, iterations=15),
        lambda a: filters.non_local_means(a, strength=60),
    ],
    ids=["diffusion", "non-local"],
)
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_edge_keeping_filters_take_most_noise_and_beat_a_blur(smooth, kind, monkeypatch):
    clean, noisy = noisy_ball(kind)
    found = smooth(noisy)
    assert error(found, clean) < 0.25 * error(noisy, clean)
    assert error(found, clean) < 0.5 * error(filters.gaussian(noisy, 1.0), clean)
    monkeypatch.setenv("PLASTINATE_THREADS", "3")
    assert np.array_equal(smooth(noisy), found)


@pytest.mark.parametrize(
    "smooth",
    [
        lambda a: filters.diffuse(a, (1.0, 1.0, 1.0), edge=40, time_step=0.0625, iterations=3),
        lambda a: filters.non_local_means(a, strength=60),
    ],
    ids=["diffusion", "non-local"],
)
def test_edge_keeping_filters_see_no_edge_beside_unmeasured_voxels(smooth):
    array = np.full((6, 8, 10), 500, dtype=np.int16)
    array[:, :3, :] = array[2, 5, 5] = -32768
    assert np.array_equal(smooth(array), array)


def test_slabs_do_not_show_in_diffusion():
    rng = np.random.default_rng(6)
    tall = rng.normal(0, 50, (90, 8, 9)).astype(np.float32)
    run = {"edge": 20.0, "time_step": 0.0625, "iterations": 3}
    whole = filters.diffuse(tall, (1.0, 1.0, 1.0), **run)
    middle = filters.diffuse(np.ascontiguousarray(tall[20:60]), (1.0, 1.0, 1.0), **run)
    assert np.array_equal(whole[26:54], middle[6:34])


def test_diffusion_knows_uneven_voxels():
    # The same ball on a grid twice as fine along rows must be smoothed alike.
    _, noisy = noisy_ball()
    doubled = np.repeat(noisy, 2, axis=1)
    run = {"edge": 40.0, "time_step": 0.015, "iterations": 10}
    plain = filters.diffuse(noisy, (1.0, 1.0, 1.0), **run)
    fine = filters.diffuse(doubled, (1.0, 0.5, 1.0), **run)
    assert error((fine[:, ::2] + fine[:, 1::2]) / 2, plain) < 0.25 * error(noisy, plain)


def test_non_local_means_of_a_lone_pattern_is_itself():
    rng = np.random.default_rng(8)
    array = rng.normal(0, 1000, (6, 7, 8)).astype(np.float32)
    assert np.allclose(filters.non_local_means(array, strength=1.0), array)
