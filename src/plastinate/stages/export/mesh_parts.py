"""What the mesh readers agree on: named triangles, and what a file says about unit and frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, TooLarge
from plastinate.model.geometry import LPS_TO_RAS, Unit

# Beyond these a mesh is an attack or a mistake: the largest organs here have a few million triangles.
FILE_BYTES_MAX = 2 << 30
TRIANGLES_MAX = 60_000_000

MM_PER_UNIT = {
    "micron": 0.001,
    "millimeter": 1.0,
    "centimeter": 10.0,
    "meter": 1000.0,
    "inch": 25.4,
    "foot": 304.8,
}


@dataclass
class MeshPart:
    """One named piece of a file.

    Attributes:
        vertices: (V, 3) float64 in the frame and unit of the file.
        triangles: (T, 3) integer, counter-clockwise seen from outside.
        colour: sRGB, None if the file says none.
        facts: what Plastinate itself once wrote about the piece.
    """

    name: str
    vertices: npt.NDArray[Any]
    triangles: npt.NDArray[Any]
    colour: tuple[int, int, int] | None = None
    opacity: float = 1.0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class MeshFile:
    """All pieces of a file.

    Attributes:
        says_unit: the file states its unit; else millimetres are assumed.
        says_frame: the file states its axes; else LPS is assumed.
        unit: "px" if the file says that it is in voxels.
        notes: what the reader had to do, in words.
    """

    parts: list[MeshPart]
    kind: str
    title: str = ""
    says_unit: bool = False
    says_frame: bool = False
    unit: Unit = "mm"
    notes: list[str] = field(default_factory=list)


def checked_triangles(
    path: str, vertices: npt.NDArray[Any], triangles: npt.NDArray[Any]
) -> npt.NDArray[np.uint32]:
    """Triangles that name only vertices that exist.

    Raises:
        DamagedFile: an index out of range, or a position that is not finite.
        TooLarge: more triangles than any organ has.
    """
    if len(triangles) > TRIANGLES_MAX:
        raise TooLarge(path, "the number of triangles", value=len(triangles), cap=TRIANGLES_MAX)
    if triangles.size and (int(triangles.min()) < 0 or int(triangles.max()) >= len(vertices)):
        raise DamagedFile(path, "a triangle names a vertex that does not exist")
    if not np.isfinite(vertices).all() or (vertices.size and np.abs(vertices).max() > 1e30):
        raise DamagedFile(path, "a position is not a finite number")
    return np.ascontiguousarray(triangles, dtype=np.uint32)


def welded(corners: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint32]]:
    """Triangles given by positions, as shared vertices and indices; only equal positions are joined.

    Args:
        corners: (T, 3, 3) float32.

    >>> square = np.float32([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, 1, 0], [0, 1, 0]]])
    >>> vertices, triangles = welded(square)
    >>> len(vertices), triangles.tolist()
    (4, [[0, 2, 1], [2, 3, 1]])
    """
    points = corners.reshape(-1, 3) + np.float32(0)  # -0 becomes 0
    bits = points.view(np.uint32).astype(np.uint64)
    plane = (bits[:, 0] << np.uint64(32)) | bits[:, 1]
    order = np.lexsort((bits[:, 2], plane))
    is_new = np.ones(len(points), dtype=bool)
    is_new[1:] = (points[order[1:]] != points[order[:-1]]).any(axis=1)
    number = np.empty(len(points), dtype=np.uint32)
    number[order] = (np.cumsum(is_new) - 1).astype(np.uint32)
    return points[order[is_new]], number.reshape(-1, 3)


def fans(
    counts: Sequence[int] | npt.NDArray[np.int64], corners: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Polygons as triangles around their first corner.

    Args:
        counts: corners of each polygon.
        corners: all corners, one polygon after the other.

    >>> fans([3, 4], np.array([0, 1, 2, 2, 1, 3, 4])).tolist()
    [[0, 1, 2], [2, 1, 3], [2, 3, 4]]
    """
    sizes = np.asarray(counts, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    pieces = np.maximum(sizes - 2, 0)
    first = np.repeat(starts, pieces)
    step = np.arange(len(first)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.stack([corners[first], corners[first + step + 1], corners[first + step + 2]], axis=1)


def words_of_frame(text: str, found: MeshFile) -> None:
    """Take unit and frame from a header or comment where it states them, in place."""
    upper = text.upper()
    if "NOT MM" in upper or "NOT MILLIMETRES" in upper:
        found.unit, found.says_unit = "px", True
    elif "LPS MM" in upper or "UNIT MILLIMETRE" in upper:
        found.says_unit = True
    if "LPS" in upper:
        found.says_frame = True
    elif "SPACE=RAS" in upper:
        # Half a turn about the long axis: no mirror, so the winding stays.
        found.says_frame = True
        for part in found.parts:
            part.vertices = np.asarray(part.vertices, dtype=np.float64) @ LPS_TO_RAS[:3, :3]
        found.notes.append("positions were turned from RAS to LPS")
