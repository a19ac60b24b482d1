"""The boundary of one structure as triangles in the patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles in LPS millimetres, wound so that normals point out of the structure.

    Attributes:
        vertices: (V, 3) float32, LPS mm.
        triangles: (T, 3) uint32, counter-clockwise seen from outside.
        structure: structure id.
    """

    vertices: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.uint32]
    structure: str

    def __post_init__(self) -> None:
        vertices = np.ascontiguousarray(self.vertices, dtype=np.float32)
        triangles = np.ascontiguousarray(self.triangles, dtype=np.uint32)
        if vertices.ndim != 2 or vertices.shape[1] != 3 or triangles.ndim != 2 or triangles.shape[1] != 3:
            raise ValueError("vertices are (V, 3) and triangles (T, 3)")
        if not np.isfinite(vertices).all():
            raise ValueError("a vertex is not finite")
        if triangles.size and int(triangles.max()) >= len(vertices):
            raise ValueError("a triangle names a vertex that does not exist")
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "triangles", triangles)

    @cached_property
    def is_closed(self) -> bool:
        """True if every directed edge has exactly one partner that runs the other way."""
        if len(self.triangles) == 0:
            return False
        corner = self.triangles.astype(np.uint64)
        start, end = corner.ravel(), corner[:, [1, 2, 0]].ravel()
        count = np.uint64(len(self.vertices))
        forward = np.sort(start * count + end)
        backward = np.sort(end * count + start)
        return bool((forward[1:] != forward[:-1]).all() and np.array_equal(forward, backward))

    @cached_property
    def volume_ml(self) -> float:
        """Signed volume by the divergence theorem, ml; positive when the winding is outward."""
        if len(self.triangles) == 0:
            return 0.0
        # About the first vertex: far from the origin the float64 sum would lose digits.
        local = self.vertices.astype(np.float64) - self.vertices[0].astype(np.float64)
        a, b, c = (local[self.triangles[:, corner]] for corner in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0 / 1000.0)

    @cached_property
    def area_cm2(self) -> float:
        """Sum of the triangle areas, cm2."""
        a, b, c = (self.vertices[self.triangles[:, corner]].astype(np.float64) for corner in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2.0 / 100.0)

    @cached_property
    def bounds_lps_mm(self) -> npt.NDArray[np.float64]:
        """(2, 3): lowest and highest LPS coordinate."""
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)]).astype(np.float64)


@dataclass(frozen=True)
class SurfaceSet:
    """The surfaces of several structures, made together.

    Attributes:
        surfaces: structure id -> detail level -> surface.
        notes: promises that could not be kept, in words; empty when all were.
    """

    surfaces: Mapping[str, Mapping[str, Surface]]
    notes: tuple[str, ...] = ()
