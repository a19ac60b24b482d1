"""A scene in, one binary PLY out: vertices with colours, triangles with the number of their organ."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plastinate.model.scene import Scene
from plastinate.stages.export.atomic_write import writing
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import ascii_text, scene_note
from plastinate.stages.export.scene_check import skins_of, surfaces_of

VERTEX = np.dtype([("position", "<f4", 3), ("colour", "u1", 4)])
FACE = np.dtype([("count", "u1"), ("corners", "<u4", 3), ("structure", "<u2")])
PROPERTIES = {
    "vertex": [f"float {axis}" for axis in "xyz"]
    + [f"uchar {name}" for name in ("red", "green", "blue", "alpha")],
    "face": ["list uchar uint vertex_indices", "ushort structure"],
}


def write_ply(scene: Scene, path: Path, *, level: str = "full") -> str:
    """Write every organ of a scene as binary little-endian PLY in LPS millimetres.

    PLY has no field for unit, frame or parts: comments say the first two and
    name each organ by the number its triangles carry.

    Args:
        scene: at least one organ.
        path: where to.
        level: "full", "medium" or "light".

    Returns:
        The SHA-256 of the file.

    Raises:
        EmptyMask: the scene or one of its surfaces is empty.
        CannotWrite: the system refused.
    """
    surfaces = surfaces_of(scene, level=level)
    counts = {
        "vertex": sum(len(surface.vertices) for surface in surfaces),
        "face": sum(len(surface.triangles) for surface in surfaces),
    }
    with writing(path) as stream:
        stream.write(_header(scene, counts))
        skins = skins_of(scene, level=level)
        for node, surface, skin in zip(scene.nodes, surfaces, skins, strict=True):
            vertices = np.empty(len(surface.vertices), dtype=VERTEX)
            vertices["position"] = surface.vertices
            vertices["colour"] = (*node.structure.colour, round(255 * node.structure.opacity))
            if skin is not None:
                vertices["colour"][:, :3] = skin.colours
            stream.write(vertices.tobytes())
        start = 0
        for number, surface in enumerate(surfaces, 1):
            faces = np.empty(len(surface.triangles), dtype=FACE)
            faces["count"] = 3
            faces["corners"] = surface.triangles + np.uint32(start)
            faces["structure"] = number
            stream.write(faces.tobytes())
            start += len(surface.vertices)
    return stream.sha256


def write_ply_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The PLY line of the format table."""
    return {path: write_ply(scene, path, level=options.level)}


def _header(scene: Scene, counts: dict[str, int]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"comment Plastinate: {ascii_text(scene.title)}"]
    lines.append(f"comment {scene_note(scene)}")
    for number, node in enumerate(scene.nodes, 1):
        lines.append(f"comment structure {number} {ascii_text(node.id)} {ascii_text(node.structure.name)}")
    for element, properties in PROPERTIES.items():
        lines.append(f"element {element} {counts[element]}")
        lines += [f"property {text}" for text in properties]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")
