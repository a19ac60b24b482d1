"""Points on meshes and masks in, exact distances between them out (`mesh_distance.cpp`)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.surface import Surface
from plastinate.native.load import integers, library, pointer, thread_count
from plastinate.native.voxels import bounding_box

Points = npt.NDArray[np.float64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Mean, 95th percentile and maximum of distances, in the unit they were given in."""

    mean: float
    p95: float
    max: float

    @classmethod
    def of(cls, distances: Values) -> Spread:
        """The spread of at least one distance."""
        return cls(
            float(distances.mean()),
            float(np.percentile(distances, 95, method="higher")),
            float(distances.max()),
        )

    def larger(self, other: Spread) -> Spread:
        """The worse of two directions, figure by figure."""
        return Spread(max(self.mean, other.mean), max(self.p95, other.p95), max(self.max, other.max))

    def scaled(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(self.mean * factor, self.p95 * factor, self.max * factor)


def mesh_points(surface: Surface, *, count: int) -> tuple[Points, npt.NDArray[np.int64]]:
    """Points spread evenly by area over a surface, always the same ones, and their triangles.

    Args:
        surface: any triangles.
        count: points wanted; a surface without area gives none.

    Returns:
        (N, 3) LPS mm and (N,) triangle numbers.
    """
    points = np.empty((count, 3), dtype=np.float64)
    own = np.empty(count, dtype=np.int64)
    kernel = library("mesh_distance")
    kernel.mesh_samples.restype = ctypes.c_int64
    made = kernel.mesh_samples(
        pointer(surface.vertices),
        pointer(surface.triangles),
        ctypes.c_int64(len(surface.triangles)),
        ctypes.c_int64(count),
        pointer(points),
        pointer(own),
    )
    return points[:made], own[:made]


class MeshTree:
    """A surface made ready for many questions; made by `mesh_tree`, which also frees it."""

    def __init__(self, surface: Surface, handle: ctypes.c_void_p) -> None:
        self._surface = surface  # the kernel reads its arrays
        self._handle = handle

    def distances(self, points: Points) -> Values:
        """(N,) distance of each (N, 3) point to the nearest triangle."""
        wanted = np.ascontiguousarray(points, dtype=np.float64)
        found = np.empty(len(wanted), dtype=np.float64)
        run = library("mesh_distance").mesh_tree_nearest
        count = ctypes.c_int64(len(wanted))
        _check(run(self._handle, pointer(wanted), count, thread_count(), pointer(found)))
        return found

    def walls(self, points: Points, own: npt.NDArray[np.int64]) -> tuple[Values, Values]:
        """From points on the surface straight in: the way to the opposite wall.

        Args:
            points: (N, 3) on the surface.
            own: (N,) the triangle each lies on; its normal gives the way.

        Returns:
            (N,) lengths, infinite where there is no wall, and (N,) cosines
            between the ray and the outward normal of the wall met: 1 is square on.
        """
        wanted = np.ascontiguousarray(points, dtype=np.float64)
        triangles = np.ascontiguousarray(own, dtype=np.int64)
        way, cosine = np.empty(len(wanted)), np.empty(len(wanted))
        run = library("mesh_distance").mesh_tree_walls
        count = ctypes.c_int64(len(wanted))
        _check(
            run(
                self._handle,
                pointer(wanted),
                pointer(triangles),
                count,
                thread_count(),
                pointer(way),
                pointer(cosine),
            )
        )
        return way, cosine


@contextmanager
def mesh_tree(surface: Surface) -> Iterator[MeshTree]:
    """Make a surface ready for questions for as long as the block lasts."""
    if len(surface.triangles) == 0:
        raise ValueError("nothing is near or far from a surface without triangles")
    kernel = library("mesh_distance")
    kernel.mesh_tree_make.restype = ctypes.c_void_p
    count = ctypes.c_int64(len(surface.triangles))
    handle = kernel.mesh_tree_make(
        pointer(surface.vertices), pointer(surface.triangles), count, thread_count()
    )
    if not handle:
        raise MemoryError("no memory to measure distances")
    try:
        yield MeshTree(surface, ctypes.c_void_p(handle))
    finally:
        kernel.mesh_tree_free(ctypes.c_void_p(handle))


class MaskBoundary:
    """The surface half-way between voxels inside a mask and voxels outside; made by `mask_boundary`."""

    def __init__(self, handle: ctypes.c_void_p, start: Points, spacing: Points, counts: list[int]) -> None:
        self._handle = handle
        self._start = start
        self._spacing = spacing
        self.voxel_count, self.step_count = counts

    def middles(self, *, most: int) -> Points:
        """At most `most` middles between an inside voxel and an outside 6-neighbour.

        Every n-th in raster order: always the same ones.

        Returns:
            (N, 3) float64 (slice, row, column) indices of the volume.
        """
        step = max(1, -(-self.step_count // most))
        found = np.empty((-(-self.step_count // step), 3), dtype=np.float64)
        run = library("mesh_distance").boundary_samples
        run.restype = ctypes.c_int64
        made = run(self._handle, ctypes.c_int64(step), ctypes.c_int64(len(found)), pointer(found))
        return found[:made] + self._start

    def distances(self, index: Points) -> Values:
        """(N,) exact distance of (N, 3) index positions to the boundary, in the spacing's unit."""
        place = np.ascontiguousarray((index - self._start) * self._spacing)
        found = np.empty(len(place), dtype=np.float64)
        run = library("mesh_distance").boundary_nearest
        _check(run(self._handle, pointer(place), ctypes.c_int64(len(place)), thread_count(), pointer(found)))
        return found


@contextmanager
def mask_boundary(
    mask: npt.NDArray[np.bool_], *, spacing: tuple[float, float, float]
) -> Iterator[MaskBoundary | None]:
    """Make a mask's boundary ready for questions; None for an empty mask.

    Args:
        mask: (S, R, C) bool.
        spacing: along (slice, row, column).
    """
    box = bounding_box(mask)
    if box is None:
        yield None
        return
    part: npt.NDArray[Any] = mask[box].view(np.uint8)
    kernel = library("mesh_distance")
    kernel.boundary_make.restype = ctypes.c_void_p
    steps = np.array(spacing, dtype=np.float64)
    counts = np.zeros(2, dtype=np.int64)
    handle = kernel.boundary_make(
        ctypes.c_void_p(part.ctypes.data),
        pointer(integers(*part.shape)),
        pointer(integers(*part.strides)),
        pointer(steps),
        thread_count(),
        pointer(counts),
    )
    if not handle:
        raise MemoryError("no memory to measure distances")
    start = np.array([edge.start for edge in box], dtype=np.float64)
    try:
        yield MaskBoundary(ctypes.c_void_p(handle), start, steps, counts.tolist())
    finally:
        kernel.boundary_free(ctypes.c_void_p(handle))


def _check(status: int) -> None:
    if status != 0:
        raise MemoryError("no memory to measure distances")
