import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.stages.segment.edges import geodesic_contour, gradient_edges
from voxel_scenes import ball, volume_of

SHAPE = (32, 36, 40)
CENTRE = (16, 18, 20)


def lone_ball():
    rng = np.random.default_rng(0)
    body = ball(SHAPE, CENTRE, 10)
    return body, volume_of((np.where(body, 300, 0) + rng.normal(0, 8, SHAPE)).astype(np.int16))


def test_edges_are_a_shell_around_the_ball():
    _, volume = lone_ball()
    edges = gradient_edges(volume, min_gradient_per_mm=60)
    assert not (edges & ball(SHAPE, CENTRE, 7.5)).any()
    assert not (edges & ~ball(SHAPE, CENTRE, 12.5)).any()
    assert edges[16, 18, 30]
    assert edges[6, 18, 20]


def test_edges_may_be_bounded_by_a_mask_and_may_be_none():
    _, volume = lone_ball()
    upper = np.zeros(SHAPE, dtype=bool)
    upper[:16] = True
    assert not gradient_edges(volume, upper, min_gradient_per_mm=60)[16:].any()
    with pytest.raises(EmptyMask, match="5000"):
        gradient_edges(volume, min_gradient_per_mm=5000)


@pytest.mark.slow
def test_a_contour_grows_from_inside_and_rests_on_the_edge():
    body, volume = lone_ball()
    found = geodesic_contour(volume, ball(SHAPE, CENTRE, 5), edge_per_mm=20, margin_mm=9)
    assert 2 * float((found & body).sum()) / float(found.sum() + body.sum()) > 0.93
    assert not (found & ~ball(SHAPE, CENTRE, 12.5)).any()


def test_a_contour_needs_a_start_and_sound_numbers():
    _, volume = lone_ball()
    with pytest.raises(EmptyMask):
        geodesic_contour(volume, np.zeros(SHAPE, dtype=bool), edge_per_mm=20)
    for wrong in (
        {"edge_per_mm": 0},
        {"edge_per_mm": 5, "iterations": 0},
        {"edge_per_mm": 5, "curvature": np.inf},
    ):
        with pytest.raises(ParameterError):
            geodesic_contour(volume, ball(SHAPE, CENTRE, 5), **wrong)
