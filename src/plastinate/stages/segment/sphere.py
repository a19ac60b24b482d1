"""Icosahedron -> sphere meshes of rising fineness, and the voxels a closed mesh encloses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.components import fill_cavities
from plastinate.native.voxels import Mask

Points = npt.NDArray[np.float64]

# A mesh that has run away would ask for samples without end.
LONGEST_EDGE = 200


@dataclass(frozen=True, eq=False)
class Sphere:
    """A triangulated unit sphere.

    Attributes:
        points: (V, 3) of length 1.
        triangles: (T, 3), wound outward.
        neighbours: (V, 6) indices of the vertices joined by an edge; of five, the first twice.
        is_sixth: (V,) 1.0 where the sixth neighbour is a real one, else 0.0.
    """

    points: Points
    triangles: npt.NDArray[np.int64]
    neighbours: npt.NDArray[np.int64]
    is_sixth: Points


@cache
def sphere(level: int) -> Sphere:
    """Each face of an icosahedron cut in four, `level` times: 10 * 4 ** level + 2 vertices.

    >>> len(sphere(3).points)
    642
    """
    golden = (1 + 5**0.5) / 2
    corners = [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0)]
    points = np.array([np.roll(corner, turn) for turn in range(3) for corner in corners], dtype=np.float64)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    triangles = _hull(points)
    for _ in range(level):
        points, triangles = _finer(points, triangles)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    neighbours, is_sixth = _neighbours(len(points), triangles)
    return Sphere(points, triangles, neighbours, is_sixth)


def refine(points: Points, level: int) -> Points:
    """The points of a deformed sphere of this level on the next one: new points half way along edges."""
    return _finer(points, sphere(level).triangles)[0]


def enclosed(points_lps_mm: Points, triangles: npt.NDArray[np.int64], geometry: Geometry) -> Mask:
    """The voxels whose centres lie inside a closed mesh.

    Voxels that the surface passes through are marked, with the side of the surface on which their
    centre lies; what they shut off from the outside is inside.

    Args:
        points_lps_mm: (V, 3).
        triangles: (T, 3), wound outward; no edge much longer than the rest.
        geometry: the grid.

    Returns:
        (S, R, C) bool.
    """
    corners = geometry.lps_to_index(points_lps_mm)[triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    # In order of size, so that each batch is sampled no finer than its own triangles need.
    order = np.argsort(longest, kind="stable")
    batches = [_crossed(corners[part], geometry.shape) for part in np.array_split(order, 40)]
    shell, which = np.unique(np.concatenate([voxels for voxels, _ in batches]), return_inverse=True)
    is_outer = np.bincount(which, np.concatenate([sides for _, sides in batches]), shell.size) > 0
    mask = np.zeros(geometry.shape, dtype=np.bool_)
    mask.reshape(-1)[shell] = True
    mask = fill_cavities(mask)
    mask.reshape(-1)[shell[is_outer]] = False
    return mask


def _crossed(
    corners: npt.NDArray[np.float64], shape: tuple[int, int, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Voxels that these triangles pass through, and on which side each centre lies: positive is outside."""
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
    longest = float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max())
    count = max(1, min(LONGEST_EDGE, int(np.ceil(longest / 0.4))))
    first, second = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    keep = first + second <= count
    weights = np.stack([first[keep], second[keep], count - first[keep] - second[keep]], axis=1) / count
    samples = np.einsum("wk,tkd->twd", weights, corners)
    index = np.rint(samples).astype(np.int64)
    side = ((index - samples) * outward[:, None]).sum(axis=2)
    is_inside = ((index >= 0) & (index < np.array(shape))).all(axis=2)
    voxels, which = np.unique(np.ravel_multi_index(tuple(index[is_inside].T), shape), return_inverse=True)
    return voxels, np.bincount(which, side[is_inside], voxels.size).astype(np.float64)


def _hull(points: Points) -> npt.NDArray[np.int64]:
    """The 20 faces of the icosahedron: corners at edge length from each other, wound outward."""
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    is_edge = np.isclose(distance, distance[distance > 0].min())
    faces = []
    for a in range(12):
        for b in range(a + 1, 12):
            for c in range(b + 1, 12):
                if is_edge[a, b] and is_edge[b, c] and is_edge[a, c]:
                    outward = np.dot(np.cross(points[b] - points[a], points[c] - points[a]), points[a]) > 0
                    faces.append((a, b, c) if outward else (a, c, b))
    return np.array(faces, dtype=np.int64)


def _finer(points: Points, triangles: npt.NDArray[np.int64]) -> tuple[Points, npt.NDArray[np.int64]]:
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, which = np.unique(edges, axis=0, return_inverse=True)
    middles = (points[unique[:, 0]] + points[unique[:, 1]]) / 2
    ab, bc, ca = (which.reshape(-1, 3) + len(points)).T
    a, b, c = triangles.T
    quarters = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    return np.concatenate([points, middles]), quarters


def _neighbours(count: int, triangles: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Points]:
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges = edges[np.argsort(edges[:, 0], kind="stable")]
    valence = np.bincount(edges[:, 0], minlength=count)
    start = np.concatenate([[0], np.cumsum(valence)[:-1]])
    column = np.minimum(np.arange(6)[None], valence[:, None] - 1)
    neighbours = edges[:, 1][start[:, None] + column]
    neighbours[valence == 5, 5] = neighbours[valence == 5, 0]
    return neighbours, (valence == 6).astype(np.float64)
