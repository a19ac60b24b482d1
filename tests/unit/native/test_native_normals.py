import numpy as np
import pytest

from plastinate.native.normals import vertex_normals

CUBE = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float32)
# Each face cut along an arbitrary diagonal: area weights would lean, angle weights do not.
FACES = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ],
    dtype=np.uint32,
)  # fmt: skip


def test_corners_of_a_cube_point_along_its_diagonals_however_its_faces_are_cut():
    expected = (CUBE - 0.5) / np.linalg.norm(CUBE - 0.5, axis=1)[:, None]
    assert np.allclose(vertex_normals(CUBE, FACES), expected, atol=1e-6)


def test_a_mirrored_winding_turns_every_normal_round():
    assert np.allclose(vertex_normals(CUBE, FACES[:, ::-1].copy()), -vertex_normals(CUBE, FACES))


def test_vertices_without_an_area_get_a_unit_default():
    points = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [9, 9, 9]], dtype=np.float32)
    normals = vertex_normals(points, np.array([[0, 1, 2]], dtype=np.uint32))
    assert np.array_equal(normals, [[0, 0, 1]] * 4)


def test_a_triangle_out_of_range_never_reaches_the_kernel():
    with pytest.raises(ValueError, match="does not exist"):
        vertex_normals(CUBE, np.array([[0, 1, 8]], dtype=np.uint32))


def test_positions_far_from_the_origin_and_tiny_triangles_keep_their_normals():
    shifted = (CUBE * 1e-3 + 512.0).astype(np.float32)
    assert np.allclose(np.linalg.norm(vertex_normals(shifted, FACES), axis=1), 1, atol=1e-5)
