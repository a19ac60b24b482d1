"""Triangles in, how they hang together out: closed, manifold, in how many pieces."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.surface import Surface
from plastinate.native.load import library, pointer, thread_count


@dataclass(frozen=True)
class Topology:
    """What keeps a surface from being closed and 2-manifold, counted.

    Attributes:
        border_edges: edges of one triangle only.
        wrong_edges: edges of more than two triangles, or of two that are wound against each other.
        split_vertices: vertices where two or more fans of triangles touch in a point.
        unused_vertices: vertices of no triangle; harmless.
    """

    border_edges: int
    wrong_edges: int
    split_vertices: int
    unused_vertices: int

    @property
    def is_closed(self) -> bool:
        """Every edge has exactly two triangles, wound alike."""
        return self.border_edges == 0 and self.wrong_edges == 0

    @property
    def is_manifold(self) -> bool:
        """Around every vertex the triangles form one fan; borders are allowed."""
        return self.wrong_edges == 0 and self.split_vertices == 0


@dataclass(frozen=True, eq=False)
class Pieces:
    """The connected pieces of a surface, numbered by their first triangle.

    Attributes:
        of_triangle: (T,) uint32, each triangle's piece.
        volume_ml: (P,) float64, signed; negative where the piece bounds a cavity.
        area_cm2: (P,) float64.
    """

    of_triangle: npt.NDArray[np.uint32]
    volume_ml: npt.NDArray[np.float64]
    area_cm2: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.volume_ml)


def topology_of(surface: Surface) -> Topology:
    """Count borders, branchings and touching fans.

    Judged by vertex numbers: two vertices at the same place are two.
    """
    faults = np.zeros(4, dtype=np.int64)
    status = library("topology").mesh_faults(
        pointer(surface.triangles),
        ctypes.c_int64(len(surface.triangles)),
        ctypes.c_int64(len(surface.vertices)),
        thread_count(),
        pointer(faults),
    )
    if status != 0:
        raise MemoryError(f"no memory to look at the edges of {surface.structure!r}")
    border, wrong, split, unused = faults.tolist()
    return Topology(border, wrong, split, unused)


def pieces_of(surface: Surface) -> Pieces:
    """Part a surface into pieces that share no vertex, and measure each.

    Source: Tarjan 1975, "Efficiency of a good but not linear set union algorithm".
    """
    kernel = library("topology")
    kernel.mesh_pieces.restype = ctypes.c_int64
    labels = np.zeros(len(surface.triangles), dtype=np.uint32)
    triangles = ctypes.c_int64(len(surface.triangles))
    count = kernel.mesh_pieces(
        pointer(surface.triangles), triangles, ctypes.c_int64(len(surface.vertices)), pointer(labels)
    )
    if count < 0:
        raise MemoryError(f"no memory to part {surface.structure!r} into pieces")
    volume, area = np.zeros(count), np.zeros(count)
    if count:
        # Far from the origin the sums would lose digits.
        middle = np.ascontiguousarray(surface.bounds_lps_mm.mean(axis=0))
        kernel.piece_sizes(
            pointer(surface.vertices),
            pointer(surface.triangles),
            triangles,
            pointer(labels),
            pointer(middle),
            pointer(volume),
            pointer(area),
        )
    return Pieces(labels, volume / 1000.0, area / 100.0)
