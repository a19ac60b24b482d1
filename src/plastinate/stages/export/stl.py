"""One surface in, one binary STL out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Unit
from plastinate.model.scene import Scene
from plastinate.model.surface import Surface
from plastinate.stages.export.atomic_write import writing
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import ESTIMATED, ascii_text
from plastinate.stages.export.scene_check import surfaces_of

TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write_stl(
    surface: Surface, path: Path, *, name: str, unit: Unit = "mm", is_estimated: bool = False
) -> str:
    """Write a surface as binary STL in LPS millimetres.

    STL has no field for unit, frame, colour or name. The 80 free bytes at its
    start say "Plastinate LPS mm SPACE=LPS" and the name; 3D Slicer reads the
    SPACE part. Without millimetres they say so in their place.

    Args:
        surface: closed or not; normals are computed from the winding.
        path: where to.
        name: for people; what ASCII lacks is folded, the end may be cut.
        unit: "px" where the scan never said its size.
        is_estimated: its shape was estimated from a picture; the file says so before the name.

    Returns:
        The SHA-256 of the file.

    Raises:
        CannotWrite: the system refused.
    """
    with writing(path) as stream:
        stream.write(header(f"{ESTIMATED} {name}" if is_estimated else name, unit))
        stream.write(np.uint32(len(surface.triangles)).astype("<u4").tobytes())
        # Blocks keep the memory at a few megabytes however large the organ is.
        for start in range(0, len(surface.triangles), 1 << 17):
            part = surface.vertices[surface.triangles[start : start + (1 << 17)]]
            stream.write(_records(part).view(np.uint8).data)
    return stream.sha256


def write_stl_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The STL line of the format table; several organs become one set of triangles."""
    surfaces = surfaces_of(scene, level=options.level)
    name = scene.nodes[0].structure.name if len(surfaces) == 1 else scene.title
    whole = merged(surfaces)
    unit, is_estimated = scene.geometry.unit, scene.is_estimated
    return {path: write_stl(whole, path, name=name, unit=unit, is_estimated=is_estimated)}


def merged(surfaces: Sequence[Surface]) -> Surface:
    """Several surfaces as one, vertices and triangles in the order given."""
    if len(surfaces) == 1:
        return surfaces[0]
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    triangles = [s.triangles + np.uint32(start) for s, start in zip(surfaces, starts, strict=False)]
    return Surface(np.concatenate([s.vertices for s in surfaces]), np.concatenate(triangles), "scene")


def header(name: str, unit: Unit) -> bytes:
    """The 80 bytes before the triangles.

    They never start with "solid": many readers take that word for the text form.

    >>> header("Left lung", "mm")[:37]
    b'Plastinate LPS mm SPACE=LPS Left lung'
    """
    words = "Plastinate LPS mm" if unit == "mm" else "Plastinate LPS voxel units NOT mm"
    return f"{words} SPACE=LPS {ascii_text(name)}".encode("ascii")[:80].ljust(80, b" ")


def _records(corners: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    records = np.zeros(len(corners), dtype=TRIANGLE)
    records["corners"] = corners
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.empty_like(edge)
    for axis, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        normal[:, axis] = edge[:, i] * other[:, j] - edge[:, j] * other[:, i]
    length = np.sqrt(np.einsum("ij,ij->i", normal, normal))
    # A triangle without area keeps the zero normal, which readers take as "compute it".
    normal /= np.where(length > 0, length, 1)[:, None]
    records["normal"] = normal
    return records
