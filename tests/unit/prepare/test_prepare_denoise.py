import numpy as np
import pytest
from scipy import ndimage

from plastinate.model.errors import ParameterError
from plastinate.stages.prepare import denoise
from voxel_scenes import ball, volume_of

SHAPE = (20, 32, 36)
SPACING = (1.5, 1.0, 1.0)


def noisy(quantity="HU"):
    rng = np.random.default_rng(0)
    clean = np.where(ball(SHAPE, (10, 16, 18), 10, spacing=SPACING), 200.0, 0.0)
    array = (clean + rng.normal(0, 20, SHAPE)).astype(np.int16)
    array[0] = -32768
    return clean, volume_of(array, spacing_mm=SPACING, quantity=quantity)


METHODS = {
    "gaussian": lambda v: denoise.gaussian(v, sigma_mm=0.8),
    "median": lambda v: denoise.median(v, passes=2),
    "diffusion": lambda v: denoise.curvature_diffusion(v, edge_per_mm=40, iterations=15),
    "non-local": lambda v: denoise.non_local_means(v, noise=20),
}


@pytest.mark.parametrize("name", METHODS)
def test_noise_goes_and_the_grid_the_type_and_what_was_not_measured_stay(name):
    clean, volume = noisy()
    before = volume.array.copy()
    smooth = METHODS[name](volume)
    assert smooth.geometry == volume.geometry
    assert smooth.array.dtype == np.int16
    assert np.array_equal(smooth.measured, volume.measured)
    assert np.array_equal(volume.array, before)
    inside = volume.measured
    was = np.abs(volume.array - clean)[inside].mean()
    assert np.abs(smooth.array - clean)[inside].mean() < 0.6 * was


def test_the_blur_is_the_same_width_in_millimetres_on_every_axis():
    point = np.zeros((41, 41, 81), dtype=np.float32)
    point[20, 20, 40] = 1000
    smooth = denoise.gaussian(volume_of(point, spacing_mm=(2.0, 1.0, 0.5)), sigma_mm=2.0).array
    expected = ndimage.gaussian_filter(point, (1, 2, 4), mode="constant")
    assert np.allclose(smooth, expected, atol=1e-3)


def test_a_speck_is_gone_after_the_median():
    array = np.zeros((5, 5, 5), dtype=np.int16)
    array[2, 2, 2] = 3000
    assert not denoise.median(volume_of(array)).array.any()


def test_a_time_step_that_would_blow_up_is_refused():
    _, volume = noisy()
    with pytest.raises(ParameterError, match="stable"):
        denoise.curvature_diffusion(volume, edge_per_mm=40, time_step=0.2)
    assert denoise.curvature_diffusion(volume, edge_per_mm=40, time_step=0.16, iterations=3).array.max() < 400


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        (denoise.gaussian, {"sigma_mm": 0}),
        (denoise.gaussian, {"sigma_mm": float("inf")}),
        (denoise.median, {"passes": 0}),
        (denoise.curvature_diffusion, {"edge_per_mm": -1}),
        (denoise.curvature_diffusion, {"edge_per_mm": 5, "iterations": 0}),
        (denoise.curvature_diffusion, {"edge_per_mm": 5, "iterations": 41}),
        (denoise.non_local_means, {"noise": 0}),
        (denoise.non_local_means, {"noise": 5, "search_voxels": 6}),
    ],
)
def test_parameters_without_meaning_are_refused(method, wrong):
    with pytest.raises(ParameterError):
        method(noisy()[1], **wrong)
