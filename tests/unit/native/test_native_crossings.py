"""Self-crossings are counted exactly: none missed, none invented by rounding."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from plastinate.native.crossings import self_crossings

CORNERS = np.array([[s, r, c] for s in (0, 1) for r in (0, 1) for c in (0, 1)], dtype=np.float32)
FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]],
    dtype=np.uint32,
)  # fmt: skip


def together(*points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of the given (8, 3) corners as one mesh."""
    vertices = np.concatenate(points).astype(np.float32)
    return vertices, np.concatenate([FACES + 8 * k for k in range(len(points))]).astype(np.uint32)


def pairs_of(*triangles: list[tuple[float, float, float]]) -> int:
    """Crossings among single triangles that share no vertex number."""
    points = np.array(triangles, dtype=np.float32).reshape(-1, 3)
    return self_crossings(points, np.arange(len(points), dtype=np.uint32).reshape(-1, 3))[0]


FLAT = [(0, 0, 0), (4, 0, 0), (0, 4, 0)]


def test_a_box_does_not_cross_itself():
    assert self_crossings(*together(CORNERS))[0] == 0


def test_boxes_apart_or_nested_do_not_cross():
    assert self_crossings(*together(CORNERS, CORNERS + 1.5, CORNERS * 0.5 + 0.25))[0] == 0


def test_a_spike_through_a_face_gives_exactly_its_three_sides():
    base = [(1, 1, -1), (1.5, 1, -1), (1, 1.5, -1)]
    tip = (1.1, 1.1, 1)
    sides = [[base[0], base[1], tip], [base[1], base[2], tip], [base[2], base[0], tip]]
    assert pairs_of(FLAT, *sides) == 3


def test_two_boxes_pushed_into_each_other_cross_and_the_pairs_are_sorted():
    count, pairs = self_crossings(*together(CORNERS, CORNERS * 0.9 + 0.37))
    assert count > 0
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert pairs.tolist() == sorted(pairs.tolist())
    assert ((pairs[:, 0] < 12) & (pairs[:, 1] >= 12)).all()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ([(1, 1, -1), (1, 1, 1), (9, 9, 0)], 1),  # pierced
        ([(1, 1, 0), (1, 1, 1), (2, 2, 1)], 1),  # a corner touches the inside
        ([(2, 0, 0), (2, -1, 1), (3, -1, 1)], 1),  # a corner touches a side
        ([(0, 0, 0), (-1, 0, 1), (0, -1, 1)], 0),  # a corner meets a corner
        ([(0, 0, 0), (2, 2, 1), (2, 2, -1)], 1),  # from a shared corner through the inside
        ([(0, 0, 0), (1, 1, 0), (1, 1, 1)], 1),  # from a shared corner along the inside
        ([(0, 0, 0), (4, 0, 0), (0, -4, 0)], 0),  # a neighbour in the plane
        ([(0, 0, 0), (4, 0, 0), (0, 0, 4)], 0),  # a neighbour at a right angle
        ([(0, 0, 0), (4, 0, 0), (1, 1, 0)], 1),  # a neighbour folded flat onto it
        ([(4, 0, 0), (0, 0, 0), (0, 4, 0)], 1),  # the same triangle, turned over
        ([(0, 0, 0), (-4, 0, 0), (0, -4, 0)], 0),  # a shared corner, in the plane, opposite
        ([(0, 0, 0), (4, 1, 0), (1, 4, 0)], 1),  # a shared corner, in the plane, over it
        ([(1, 1, 0), (9, 1, 0), (1, 9, 0)], 1),  # in the plane, over it
        ([(3, 3, 0), (9, 3, 0), (3, 9, 0)], 0),  # in the plane, apart
        ([(1, 1, 1e-6), (2, 1, 1e-6), (1, 2, 1e-6)], 0),  # close above
        ([(8, 8, -1), (8, 8, 1), (9, 9, 0)], 0),  # through the plane, far away
    ],
)
def test_every_way_two_triangles_can_lie(other, expected):
    assert pairs_of(FLAT, other) == expected
    assert pairs_of(other, FLAT) == expected
    turned = [(z, x, y) for x, y, z in FLAT], [(z, x, y) for x, y, z in other]
    assert pairs_of(*turned) == expected


def exact_cross(first: np.ndarray, second: np.ndarray) -> bool:
    """Do two triangles in general position meet? In fractions, from the definition."""
    one, two = ([[Fraction(float(x)) for x in p] for p in t] for t in (first, second))

    def side(a, b, c, d) -> int:
        rows = [[x - y for x, y in zip(p, d, strict=True)] for p in (a, b, c)]
        value = sum(
            rows[0][i] * (rows[1][j] * rows[2][k] - rows[1][k] * rows[2][j])
            for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
        )
        return (value > 0) - (value < 0)

    for edge_of, face in ((one, two), (two, one)):
        for p, q in combinations(edge_of, 2):
            if side(*face, p) * side(*face, q) < 0:
                around = {side(p, q, face[k], face[(k + 1) % 3]) for k in range(3)}
                if around <= {1, 0} or around <= {-1, 0}:
                    return True
    return False


@pytest.mark.slow
def test_random_triangles_agree_with_exact_fractions():
    rng = np.random.default_rng(7)
    points = rng.uniform(0, 1, (40, 3, 3)).astype(np.float32)
    # Nearly flat, so that rounding would decide if it could.
    points[20:, :, 2] = (0.5 + 1e-7 * rng.uniform(-1, 1, (20, 3))).astype(np.float32)
    expected = [
        [i, j] for i, j in combinations(range(40), 2)
        if i < 20 and exact_cross(points[i], points[j])
    ]  # fmt: skip
    triangles = np.arange(120, dtype=np.uint32).reshape(-1, 3)
    found = [pair for pair in self_crossings(points.reshape(-1, 3), triangles)[1].tolist() if pair[0] < 20]
    assert found == expected
    assert len(expected) > 20


def test_a_mesh_of_two_million_millimetres_away_is_judged_the_same():
    spike = [[(1.0, 1, -1), (1, 1, 1), (9, 9, 0)]]
    far = 2.0**21
    moved = [[(x + far, y + far, z + far) for x, y, z in t] for t in ([*FLAT], *spike)]
    assert pairs_of(*moved) == 1


def test_a_triangle_without_area_is_no_crossing_unless_it_pierces():
    assert pairs_of(FLAT, [(1, 1, 1), (1, 1, 2), (1, 1, 3)]) == 0
    assert pairs_of(FLAT, [(1, 1, -1), (1, 1, 1), (1, 1, 3)]) == 1


def test_the_number_of_threads_changes_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    vertices = rng.uniform(0, 10, (900, 3)).astype(np.float32)
    triangles = np.arange(900, dtype=np.uint32).reshape(-1, 3)
    made = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        made.append(self_crossings(vertices, triangles)[1].tolist())
    assert made[0] == made[1] == made[2]
    assert made[0]


def test_no_triangles_no_crossings_and_a_wrong_index_is_refused():
    assert self_crossings(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32))[0] == 0
    with pytest.raises(ValueError, match="does not exist"):
        self_crossings(np.zeros((2, 3), np.float32), np.array([[0, 1, 2]], np.uint32))
