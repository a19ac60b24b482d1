"""A scene in, one GLB out: metres, Y up, every organ named, the evidence inside."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from plastinate import __version__
from plastinate.model.errors import ParameterError, TooLarge
from plastinate.model.geometry import gltf_to_lps_matrix
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Structure
from plastinate.stages.export.atomic_write import writing
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import VOXEL_BANNER, one_line, scene_note
from plastinate.stages.export.gltf_meshes import MeshParts, draco_meshes, meshopt_meshes, plain_meshes
from plastinate.stages.export.gltf_textures import gltf_textures
from plastinate.stages.export.json_text import json_bytes
from plastinate.stages.export.materials import gltf_material
from plastinate.stages.export.scene_check import is_closed, skins_of, surfaces_of

# The length fields of a GLB have 32 bits.
GLB_BYTES_MAX = (1 << 32) - 1

COMPRESSIONS = {"meshopt": meshopt_meshes, "draco": draco_meshes, "none": plain_meshes}


def write_glb(scene: Scene, path: Path, *, compression: str = "meshopt", level: str = "full") -> str:
    """Write every organ of a scene at one level of detail as binary glTF 2.0.

    Positions are metres with Y up (glTF 2.0, section 3.4): the patient stands
    and faces the viewer. `extras` of the scene carry the 4x4 matrix back to LPS
    millimetres, the frame in words, what compression cost and all evidence;
    `extras` of each node its structure id, codes and detail level.

    Args:
        scene: at least one organ.
        path: where to.
        compression: "meshopt" (EXT_meshopt_compression), "draco"
            (KHR_draco_mesh_compression) or "none" (float32).
        level: "full", "medium" or "light"; an organ without that level gives its full one.

    Returns:
        The SHA-256 of the file.

    Raises:
        EmptyMask: the scene or one of its surfaces is empty.
        ParameterError: no such compression.
        TooLarge: beyond the 4 GiB that a GLB can hold.
        CannotWrite: the system refused.

    Source: Khronos, glTF 2.0; EXT_meshopt_compression; KHR_mesh_quantization;
    KHR_draco_mesh_compression.
    """
    if compression not in COMPRESSIONS:
        raise ParameterError(f"GLB compression is one of {', '.join(COMPRESSIONS)}, not {compression!r}.")
    surfaces = surfaces_of(scene, level=level)
    skins = skins_of(scene, level=level)
    parts = COMPRESSIONS[compression](surfaces, skins)
    textures = gltf_textures(parts, skins)
    document = {**_document(scene, parts, level=level, compression=compression), **textures.fields}
    document["materials"] = [
        gltf_material(node.structure, is_closed=is_closed(scene, node, level=level), texture=texture)
        for node, texture in zip(scene.nodes, textures.of_mesh, strict=True)
    ]
    text = json_bytes(document)
    text += b" " * (-len(text) % 4)
    binary = parts.binary + b"\0" * (-len(parts.binary) % 4)
    size = 12 + 8 + len(text) + 8 + len(binary)
    if size > GLB_BYTES_MAX:
        raise TooLarge(path.name, "the size of the GLB in bytes", value=size, cap=GLB_BYTES_MAX)
    with writing(path) as stream:
        stream.write(struct.pack("<4sII", b"glTF", 2, size))
        stream.write(struct.pack("<I4s", len(text), b"JSON") + text)
        stream.write(struct.pack("<I4s", len(binary), b"BIN\0"))
        stream.write(binary)
    return stream.sha256


def write_glb_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The GLB line of the format table."""
    return {path: write_glb(scene, path, compression=options.compression, level=options.level)}


def _document(scene: Scene, parts: MeshParts, *, level: str, compression: str) -> dict[str, Any]:
    nodes, roots = _nodes(scene, parts, level=level)
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": f"Plastinate {__version__}"},
        "scene": 0,
        "scenes": [
            {
                "name": _titled(scene),
                "nodes": roots,
                "extras": {"plastinate": _facts(scene, parts, level=level, compression=compression)},
            }
        ],
        "nodes": nodes,
        "meshes": [
            {"name": one_line(node.structure.name), "primitives": [{**primitive, "material": index}]}
            for index, (node, primitive) in enumerate(zip(scene.nodes, parts.primitives, strict=True))
        ],
        "accessors": parts.accessors,
        "bufferViews": parts.views,
        "buffers": parts.buffers,
    }
    if parts.extensions:
        document["extensionsUsed"] = list(parts.extensions)
        document["extensionsRequired"] = list(parts.extensions)
    return document


def _titled(scene: Scene) -> str:
    title = one_line(scene.title) or "Plastinate scene"
    return title if scene.geometry.unit == "mm" else f"{title} ({VOXEL_BANNER})"


def _facts(scene: Scene, parts: MeshParts, *, level: str, compression: str) -> dict[str, Any]:
    unit = scene.geometry.unit
    return {
        "frame": f"glTF: metres, Y up; {'picture' if scene.is_estimated else 'patient'}: {scene_note(scene)}",
        "unit": "mm" if unit == "mm" else VOXEL_BANNER,
        # Column by column, as glTF stores every matrix.
        "gltf_to_lps_mm_column_major": (gltf_to_lps_matrix().T.ravel().round(9) + 0.0).tolist(),
        "detail_level": level,
        "compression": compression,
        "position_error_max_mm": parts.position_error_m * 1000.0,
        "vertices_moved_apart": parts.moved_apart,
        "geometry": scene.geometry.as_dict(),
        "evidence": scene.evidence.as_dict(),
    }


def _nodes(scene: Scene, parts: MeshParts, *, level: str) -> tuple[list[dict[str, Any]], list[int]]:
    """Groups first, then organs; each under its parent where that is in the scene."""
    everything: list[Structure] = [*scene.groups, *(node.structure for node in scene.nodes)]
    index_of = {structure.id: index for index, structure in enumerate(everything)}
    nodes: list[dict[str, Any]] = [{"name": one_line(s.name), "extras": s.as_dict()} for s in everything]
    for index, node in enumerate(scene.nodes):
        entry = nodes[len(scene.groups) + index]
        entry["mesh"] = index
        entry["extras"] = {**entry["extras"], **_detail(node, level)}
        entry.update(parts.placement)
    roots = []
    for index, structure in enumerate(everything):
        parent = index_of.get(structure.parent)
        # An organ's node carries scale and translation, so its parts hang beside it, not under it.
        while parent is not None and parent >= len(scene.groups):
            parent = index_of.get(everything[parent].parent)
        if parent is None:
            roots.append(index)
        else:
            nodes[parent].setdefault("children", []).append(index)
    return nodes, roots


def _detail(node: SceneNode, level: str) -> dict[str, Any]:
    written = level if level in node.surfaces else "full"
    return {
        "detail_level": written,
        "triangles": {name: len(surface.triangles) for name, surface in node.surfaces.items()},
        "bounds_lps_mm": np.round(node.surfaces[written].bounds_lps_mm, 6).tolist(),
    }
