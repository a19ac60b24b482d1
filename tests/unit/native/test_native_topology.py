"""Borders, branchings, fans and pieces are counted on meshes where the count is known."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.surface import Surface
from plastinate.native.topology import pieces_of, topology_of

CORNERS = np.array([[s, r, c] for s in (0, 1) for r in (0, 1) for c in (0, 1)], dtype=np.float32)
FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]],
    dtype=np.uint32,
)  # fmt: skip


def boxes(*placed: tuple[float, float, bool]) -> Surface:
    """Boxes of given start and size along the diagonal; True for a hollow, wound inward."""
    points = [CORNERS * size + start for start, size, _ in placed]
    faces = [(FACES[:, ::-1] if hollow else FACES) + 8 * k for k, (_, _, hollow) in enumerate(placed)]
    return Surface(np.concatenate(points), np.concatenate(faces), "boxes")


def test_a_box_is_closed_and_manifold():
    found = topology_of(boxes((0, 1, False)))
    assert found.is_closed
    assert found.is_manifold
    assert boxes((0, 1, False)).volume_ml == pytest.approx(0.001)


def test_a_missing_triangle_leaves_three_border_edges():
    box = boxes((0, 1, False))
    found = topology_of(Surface(box.vertices, box.triangles[1:], "open"))
    assert (found.border_edges, found.wrong_edges, found.split_vertices) == (3, 0, 0)
    assert not found.is_closed
    assert found.is_manifold


def test_a_turned_triangle_makes_its_three_edges_wrong():
    box = boxes((0, 1, False))
    triangles = box.triangles.copy()
    triangles[4] = triangles[4][::-1]
    found = topology_of(Surface(box.vertices, triangles, "turned"))
    assert found.wrong_edges == 3
    assert not found.is_closed
    assert not found.is_manifold


def test_a_doubled_triangle_makes_its_three_edges_wrong():
    box = boxes((0, 1, False))
    found = topology_of(Surface(box.vertices, np.vstack([box.triangles, box.triangles[:1]]), "double"))
    assert found.wrong_edges == 3


def test_two_boxes_that_share_a_corner_are_split_there():
    two = boxes((0, 1, False), (1, 1, False))
    triangles = two.triangles.copy()
    triangles[triangles == 8] = 7  # the far corner of the first is the near one of the second
    found = topology_of(Surface(two.vertices, triangles, "corner"))
    assert found.is_closed
    assert not found.is_manifold
    assert (found.split_vertices, found.unused_vertices) == (1, 1)


def test_two_boxes_that_share_an_edge_are_wrong_there():
    two = Surface(
        np.concatenate([CORNERS, CORNERS + np.float32([1, 1, 0])]),
        np.concatenate([FACES, FACES + 8]),
        "edge",
    )
    triangles = two.triangles.copy()
    triangles[triangles == 8] = 6
    triangles[triangles == 9] = 7
    found = topology_of(Surface(two.vertices, triangles, "edge"))
    assert found.wrong_edges == 1
    assert not found.is_manifold


def test_faults_are_the_same_however_many_threads(monkeypatch):
    rng = np.random.default_rng(0)
    mess = Surface(
        rng.random((50, 3)).astype(np.float32), rng.integers(0, 50, (200, 3)).astype(np.uint32), "mess"
    )
    monkeypatch.setenv("PLASTINATE_THREADS", "1")
    alone = topology_of(mess)
    monkeypatch.setenv("PLASTINATE_THREADS", "3")
    assert topology_of(mess) == alone
    assert topology_of(mess).is_closed == mess.is_closed


def test_pieces_are_numbered_by_their_first_triangle_and_measured():
    pieces = pieces_of(boxes((0, 10, False), (20, 2, False), (2, 4, True)))
    assert pieces.of_triangle.tolist() == [0] * 12 + [1] * 12 + [2] * 12
    assert pieces.volume_ml == pytest.approx([1.0, 0.008, -0.064])
    assert pieces.area_cm2 == pytest.approx([6.0, 0.24, 0.96])


def test_no_triangles_have_no_pieces():
    nothing = Surface(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), "nothing")
    assert len(pieces_of(nothing)) == 0
    assert topology_of(nothing).is_closed
