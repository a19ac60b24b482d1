"""The windowed sinc filter takes the steps away and leaves the size."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.errors import ParameterError
from plastinate.model.geometry import Geometry
from plastinate.model.surface import Surface
from plastinate.stages.surface.contour import contour_mask
from plastinate.stages.surface.smooth import chebyshev_weights, windowed_sinc


def mask_sphere(radius: float, *, origin: float = 0.0) -> tuple[Surface, np.ndarray]:
    size = int(2 * radius) + 8
    centre = np.array([size / 2 - 0.2, size / 2 + 0.1, size / 2])
    index = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1)
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    mask = np.linalg.norm(index - centre, axis=-1) <= radius
    return contour_mask(mask, Geometry(mask.shape, matrix), structure="ball"), centre + origin


@pytest.mark.parametrize("radius", [5.4, 10.3, 25.2])
@pytest.mark.parametrize(("iterations", "pass_band"), [(20, 0.05), (40, 0.01), (20, 0.1)])
def test_a_sphere_keeps_its_volume_to_a_thousandth(radius, iterations, pass_band):
    surface, _ = mask_sphere(radius)
    smooth = windowed_sinc(surface, iterations=iterations, pass_band=pass_band)
    assert smooth.volume_ml == pytest.approx(surface.volume_ml, rel=0.001)


def test_a_sphere_ends_with_the_volume_of_its_voxels_where_that_is_asked():
    surface, centre = mask_sphere(10.3)
    index = np.stack(np.meshgrid(*[np.arange(29)] * 3, indexing="ij"), axis=-1)
    voxels_ml = float((np.linalg.norm(index - centre, axis=-1) <= 10.3).sum()) / 1000
    assert abs(surface.volume_ml / voxels_ml - 1) > 0.003
    smooth = windowed_sinc(surface, volume_ml=voxels_ml)
    assert smooth.volume_ml == pytest.approx(voxels_ml, rel=0.0005)


def test_the_steps_of_a_mask_sphere_go_away():
    surface, centre = mask_sphere(20.2)
    smooth = windowed_sinc(surface)

    def mean_error(of: Surface) -> float:
        return float(np.abs(np.linalg.norm(of.vertices - centre, axis=1) - 20.2).mean())

    assert mean_error(smooth) < 0.06
    assert mean_error(smooth) < 0.4 * mean_error(surface)
    assert smooth.is_closed


def test_a_surface_far_from_the_origin_is_smoothed_the_same():
    near, _ = mask_sphere(6.3)
    far, _ = mask_sphere(6.3, origin=900.0)
    shift = windowed_sinc(far).vertices.astype(np.float64) - 900.0 - windowed_sinc(near).vertices
    assert np.abs(shift).max() < 2e-4


def test_no_vertex_goes_farther_than_the_limit():
    surface, _ = mask_sphere(8.3)
    smooth = windowed_sinc(surface, pass_band=0.01, max_shift_mm=0.1)
    way = np.linalg.norm(smooth.vertices - surface.vertices, axis=1)
    assert way.max() <= 0.1 + 1e-5
    assert way.max() > 0.09


def test_a_flat_sheet_with_a_border_stays_flat():
    row, column = np.meshgrid(np.arange(12), np.arange(12), indexing="ij")
    vertices = np.stack([np.full(144, 3.0), row.ravel(), column.ravel()], axis=1).astype(np.float32)
    first = (row[:-1, :-1] * 12 + column[:-1, :-1]).ravel()
    triangles = np.concatenate(
        [np.stack([first, first + 12, first + 1], 1), np.stack([first + 1, first + 12, first + 13], 1)]
    )
    sheet = Surface(vertices, triangles.astype(np.uint32), "sheet")
    smooth = windowed_sinc(sheet, keep_volume=False)
    assert np.abs(smooth.vertices[:, 0] - 3.0).max() < 1e-5


def test_a_vertex_of_no_triangle_stays():
    surface, _ = mask_sphere(3.2)
    with_stray = Surface(np.vstack([surface.vertices, np.float32([[50, 60, 70]])]), surface.triangles, "ball")
    assert windowed_sinc(with_stray).vertices[-1].tolist() == [50, 60, 70]


def test_the_filter_keeps_long_waves_and_stops_short_ones():
    weights = np.array(chebyshev_weights(20, 0.05))

    def gain(frequency: float) -> float:
        return float(np.cos(np.arange(21) * np.arccos(1 - frequency / 2)) @ weights)

    assert gain(0.0) == pytest.approx(1.0, abs=1e-12)
    assert gain(0.05) == pytest.approx(1.0, abs=0.01)
    assert all(abs(gain(f)) < 0.01 for f in np.linspace(0.6, 2.0, 50))


def test_the_number_of_threads_changes_no_byte(monkeypatch):
    surface, _ = mask_sphere(7.3)
    made = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        made.append(windowed_sinc(surface).vertices)
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


@pytest.mark.parametrize(
    "wrong", [{"iterations": 1}, {"pass_band": 0.0}, {"pass_band": 2.0}, {"max_shift_mm": 0.0}]
)
def test_meaningless_parameters_are_refused(wrong):
    surface, _ = mask_sphere(3.2)
    with pytest.raises(ParameterError):
        windowed_sinc(surface, **wrong)
