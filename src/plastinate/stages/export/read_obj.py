"""OBJ text in, its named objects out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile
from plastinate.stages.export.mesh_parts import MeshFile, MeshPart, checked_triangles, fans, words_of_frame


def read_obj(data: bytes, path: str) -> MeshFile:
    """Read positions, faces and object names of a Wavefront OBJ.

    Materials lie in another file and are not followed; normals and texture
    coordinates are left out. Groups start a new piece where there is no object.

    Raises:
        DamagedFile: a line that is not numbers, or a face without its vertices.
    """
    points: list[bytes] = []
    pieces: list[tuple[str, list[list[bytes]]]] = [("", [])]
    comments: list[bytes] = []
    has_objects = b"\no " in data or data.startswith(b"o ")
    starts_piece = b"o" if has_objects else b"g"
    for line in data.replace(b"\\\n", b" ").splitlines():
        word, _, rest = line.strip().partition(b" ")
        if word == b"v":
            points.append(rest)
        elif word == b"f":
            pieces[-1][1].append(_corners(rest, len(points), path))
        elif word == starts_piece:
            pieces.append((rest.decode("utf-8", "replace").strip(), []))
        elif word.startswith(b"#") and len(comments) < 20:
            comments.append(line)
    vertices = _positions(points, path)
    found = MeshFile([], "OBJ")
    for name, polygons in pieces:
        if not polygons:
            continue
        triangles = _triangles(polygons, path)
        if len(triangles) != len(polygons):
            found.notes.append("polygons were cut into triangles")
        checked = checked_triangles(path, vertices, triangles)
        used, numbers = np.unique(checked, return_inverse=True)
        found.parts.append(MeshPart(name, vertices[used], numbers.reshape(-1, 3)))
    words_of_frame(b" ".join(comments).decode("utf-8", "replace"), found)
    return found


def _positions(points: list[bytes], path: str) -> npt.NDArray[np.float64]:
    """Three numbers of each line; a weight or a colour may follow."""
    try:
        rows = [line.split()[:3] for line in points]
        return np.array(rows, dtype="S").astype(np.float64).reshape(-1, 3)
    except ValueError as error:
        raise DamagedFile(path, "a vertex is not three numbers") from error


def _corners(rest: bytes, points_so_far: int, path: str) -> list[bytes]:
    corners = [corner.partition(b"/")[0] for corner in rest.split()]
    if len(corners) < 3:
        raise DamagedFile(path, "a face has fewer than three corners")
    if b"-" in rest:  # counted back from the vertex before this line
        try:
            corners = [b"%d" % (points_so_far + 1 + int(c)) if c.startswith(b"-") else c for c in corners]
        except ValueError as error:
            raise DamagedFile(path, "a face is not made of whole numbers") from error
    return corners


def _triangles(polygons: list[list[bytes]], path: str) -> npt.NDArray[np.int64]:
    try:
        flat = np.array([corner for polygon in polygons for corner in polygon], dtype="S").astype(np.int64)
    except (ValueError, OverflowError) as error:
        raise DamagedFile(path, "a face is not made of whole numbers") from error
    return fans([len(polygon) for polygon in polygons], flat - 1)
