"""STL bytes in, one piece of triangles out: binary or text, with equal corners welded."""

from __future__ import annotations

import re

import numpy as np

from plastinate.model.errors import DamagedFile
from plastinate.stages.export.mesh_parts import MeshFile, MeshPart, checked_triangles, welded, words_of_frame
from plastinate.stages.export.stl import TRIANGLE

NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
VERTEX = re.compile(rb"vertex\s+(" + NUMBER + rb")\s+(" + NUMBER + rb")\s+(" + NUMBER + rb")", re.IGNORECASE)


def is_binary_stl(data: bytes) -> bool:
    """True if the length is what the triangle count says: "solid" at the start proves nothing."""
    return len(data) >= 84 and len(data) == 84 + 50 * int.from_bytes(data[80:84], "little")


def read_stl(data: bytes, path: str) -> MeshFile:
    """Read an STL file.

    Raises:
        DamagedFile: cut off, or text without whole triangles.
    """
    if is_binary_stl(data):
        corners = np.frombuffer(data, dtype=TRIANGLE, offset=84)["corners"]
        head = data[:80].decode("latin-1")
    elif data[:6].lower().startswith(b"solid") and b"facet" in data[:4096].lower():
        numbers = VERTEX.findall(data)
        if len(numbers) % 3 or data.lower().count(b"endfacet") * 3 != len(numbers):
            raise DamagedFile(path, "a facet has not three corners")
        corners = np.array(numbers, dtype="S").astype(np.float32).reshape(-1, 3, 3)
        head = data[:80].split(b"\n")[0].decode("latin-1")[5:]
    else:
        raise DamagedFile(path, "its length is not that of the triangles it announces")
    if not np.isfinite(corners).all():
        raise DamagedFile(path, "a position is not a finite number")
    vertices, triangles = welded(np.ascontiguousarray(corners, dtype=np.float32))
    name = head.split("SPACE=LPS", 1)[-1].strip(" \0") if "SPACE=LPS" in head else ""
    part = MeshPart(name, vertices, checked_triangles(path, vertices, triangles))
    found = MeshFile([part], "STL", title=name)
    words_of_frame(head, found)
    return found
