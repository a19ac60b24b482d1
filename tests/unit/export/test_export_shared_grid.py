import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.stages.export.shared_grid import shared_grid


def back(grid, index):
    return grid.origin + grid.step * grid.numbers[index]


def test_the_step_is_a_power_of_two_and_fine():
    grid = shared_grid([np.array([[0.0, 0, 0], [0.4, 0.1, 0.2]])])
    assert np.log2(grid.step) % 1 == 0
    assert 0.4 / 65535 <= grid.step <= 0.4 / 32000
    assert grid.error <= grid.step * np.sqrt(3) / 2
    assert np.abs(back(grid, 0) - [[0.0, 0, 0], [0.4, 0.1, 0.2]]).max() <= grid.step / 2


def test_walls_of_neighbours_stay_bit_identical():
    random = np.random.default_rng(3)
    wall = random.uniform(-0.3, 0.3, (500, 3))
    grid = shared_grid([np.concatenate([wall, wall[:1] - 0.1]), np.concatenate([wall[:1] + 0.2, wall])])
    assert np.array_equal(grid.numbers[0][:500], grid.numbers[1][1:])


def test_places_closer_than_a_step_stay_apart_in_both_neighbours():
    far = [[0.0, 0, 0], [1.0, 1, 1]]
    crowd = 0.5 + np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2.0]]) * 1e-9
    grid = shared_grid([np.array([*far, *crowd]), np.array([*crowd, *far])])
    assert len(np.unique(grid.numbers[0], axis=0)) == 6
    assert np.array_equal(grid.numbers[0][2:], grid.numbers[1][:4])
    assert grid.moved_apart == 6
    assert grid.step / 2 < grid.error <= 3 * grid.step


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-40, 40)] * 3), min_size=2, max_size=60), st.floats(1e-8, 1.0))
def test_equal_stays_equal_and_different_stays_different(places, scale):
    points = np.array(places, dtype=np.float64) * scale
    points = np.concatenate([points, [[-1.0, -1, -1], [1.0, 1, 1]]])
    numbers = shared_grid([points]).numbers[0]
    assert len(np.unique(numbers, axis=0)) == len(np.unique(points, axis=0))
    for a in range(len(points)):
        same = (points == points[a]).all(axis=1)
        assert np.array_equal((numbers == numbers[a]).all(axis=1), same)


def test_a_single_point_has_a_grid():
    assert shared_grid([np.array([[1.0, 2.0, 3.0]])]).error < 1e-6
