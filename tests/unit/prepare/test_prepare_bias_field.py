import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.prepare.bias_field import n4_bias_field
from voxel_scenes import ball, volume_of

SHAPE = (40, 48, 48)
HEAD, BRAIN = ball(SHAPE, (20, 24, 24), 18), ball(SHAPE, (20, 24, 24), 12)


def shaded(kind=np.int16):
    rng = np.random.default_rng(0)
    tissue = np.where(HEAD, 400, 0) + np.where(BRAIN, 300, 0)
    field = np.exp(0.025 * (np.arange(48) - 24))
    array = (tissue * field + rng.normal(0, 5, SHAPE)).astype(kind)
    array[:, 0, :] = -32768 if kind == np.int16 else np.nan
    return volume_of(array, quantity="a.u.", spacing_mm=(1.2, 1.0, 1.0))


def spread(array, mask):
    return float(array[mask].std() / array[mask].mean())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_shading_goes_and_contrast_and_scale_stay(kind):
    volume = shaded(kind)
    even = n4_bias_field(volume)
    for part in (BRAIN, HEAD & ~ball(SHAPE, (20, 24, 24), 13)):
        assert spread(even.array, part) < 0.3 * spread(volume.array.astype(np.float32), part)
    ratio = even.array[BRAIN].mean() / even.array[HEAD & ~BRAIN].mean()
    assert ratio == pytest.approx(700 / 400, rel=0.03)
    assert even.array[HEAD].mean() == pytest.approx(float(volume.array[HEAD].mean()), rel=0.05)


def test_the_grid_stays_and_what_was_not_measured_too():
    even = n4_bias_field(shaded(), iterations=2, levels=1)
    assert even.geometry == shaded().geometry
    assert np.array_equal(even.measured, shaded().measured)


def test_the_same_scan_gives_the_same_bytes():
    first, second = (n4_bias_field(shaded(), iterations=5, levels=2).array for _ in range(2))
    assert np.array_equal(first, second, equal_nan=True)


def test_no_tissue_and_senseless_parameters_are_refused():
    with pytest.raises(EmptyMask):
        n4_bias_field(shaded(), above=1e6)
    with pytest.raises(EmptyMask):
        n4_bias_field(volume_of(np.full((3, 3, 3), np.nan, dtype=np.float32), quantity="a.u."))
    for wrong in ({"shrink": 0}, {"iterations": 0}, {"levels": 0}):
        with pytest.raises(ParameterError):
            n4_bias_field(shaded(), **wrong)
