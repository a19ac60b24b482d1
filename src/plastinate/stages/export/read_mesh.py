"""A mesh file of any known kind in, a scene in LPS millimetres out, and what had to be assumed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from plastinate.model.errors import DamagedFile, EmptyMask, PathNotFound, TooLarge, UnsupportedFile
from plastinate.model.evidence import Evidence, Finding
from plastinate.model.geometry import Geometry
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Code, Structure
from plastinate.model.surface import Surface
from plastinate.stages.export.frame_note import file_stem, one_line
from plastinate.stages.export.mesh_parts import FILE_BYTES_MAX, MeshFile, MeshPart, checked_triangles
from plastinate.stages.export.read_3mf import read_3mf
from plastinate.stages.export.read_glb import read_glb
from plastinate.stages.export.read_obj import read_obj
from plastinate.stages.export.read_ply import read_ply
from plastinate.stages.export.read_stl import is_binary_stl, read_stl

PLAIN_COLOUR = (200, 190, 175)


def read_mesh(path: Path) -> tuple[Scene, tuple[Finding, ...]]:
    """Read STL, OBJ, PLY, GLB or 3MF, told apart by content.

    Files that Plastinate wrote come back with ids, names, codes and colours where
    the format holds them. A foreign file that says neither unit nor axes is taken
    to be LPS millimetres, and a finding says so.

    Args:
        path: of the file; its name and suffix mean nothing.

    Returns:
        The scene, with one organ for each piece and no label map; and the findings.

    Raises:
        PathNotFound: there is no such file.
        UnsupportedFile: no mesh of a known kind, or one that uses what is not read here.
        DamagedFile: cut off, or it contradicts itself.
        TooLarge: beyond the limits for untrusted files.
        EmptyMask: a sound file without a triangle.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise TooLarge(path.name, "its size in bytes", value=size, cap=FILE_BYTES_MAX)
        data = path.read_bytes()
    except OSError as error:
        raise PathNotFound(str(path)) from error
    # Numbers beyond a type's range are met in damaged files; each reader looks for what is not finite.
    with np.errstate(all="ignore"):
        found = _reader(data, path.name)(data, path.name)
    found.parts = [part for part in found.parts if len(part.triangles)]
    for part in found.parts:
        checked_triangles(path.name, part.vertices, part.triangles)
    if not found.parts:
        raise EmptyMask(path.name, "the file holds no triangle")
    inputs = {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "kind": found.kind}
    findings = _findings(found)
    return _scene(found, path, Evidence(inputs=inputs, findings=findings)), findings


def _reader(data: bytes, name: str) -> Callable[[bytes, str], MeshFile]:
    if data[:4] == b"glTF":
        return read_glb
    if data[:4] == b"PK\x03\x04":
        return read_3mf
    if data[:4] in (b"ply\n", b"ply\r"):
        return read_ply
    if is_binary_stl(data) or data[:6].lower().startswith(b"solid") or data[:10] == b"Plastinate":
        return read_stl
    if re.search(rb"^\s*v\s+[-+.\d]", data[: 1 << 16], re.MULTILINE) and b"\0" not in data[: 1 << 16]:
        return read_obj
    if _was_stl(data):
        raise DamagedFile(name, "it begins like an STL and is shorter than its triangles")
    raise UnsupportedFile(
        name,
        "it is neither STL, OBJ, PLY, GLB nor 3MF",
        hint="Meshes and label maps are converted; scans are built: `plastinate build`.",
    )


def _was_stl(data: bytes) -> bool:
    """True if 80 printable bytes precede a count that promises more than there is."""
    announced = 84 + 50 * int.from_bytes(data[80:84], "little")
    return len(data) >= 84 and announced > len(data) and all(b == 0 or 32 <= b < 127 for b in data[:80])


def _findings(found: MeshFile) -> tuple[Finding, ...]:
    told = []
    if not found.says_unit:
        told.append(
            Finding(
                "mesh.unit-assumed",
                "warning",
                f"This {found.kind} does not say its unit.",
                "Millimetres were assumed: check one length before you print it.",
            )
        )
    if not found.says_frame:
        axes = (
            "Y up, the patient facing +Z"
            if found.kind == "GLB"
            else "LPS (+x Left, +y Posterior, +z Superior)"
        )
        told.append(
            Finding(
                "mesh.frame-assumed",
                "warning",
                f"This {found.kind} does not say which way its axes point in the patient.",
                f"{axes} was assumed: left and right may be exchanged if that is wrong.",
            )
        )
    if found.unit == "px":
        told.append(
            Finding(
                "mesh.voxel-units", "warning", "This file is in voxel units, not in millimetres.", "Kept so."
            )
        )
    told += [Finding("mesh.read", "note", note.capitalize() + ".") for note in dict.fromkeys(found.notes)]
    return tuple(told)


def _scene(found: MeshFile, path: Path, evidence: Evidence) -> Scene:
    taken: set[str] = set()
    nodes = []
    for part in found.parts:
        structure = _structure(part, path, taken, is_alone=len(found.parts) == 1)
        surface = Surface(part.vertices.astype(np.float32), part.triangles.astype(np.uint32), structure.id)
        nodes.append(SceneNode(structure, {"full": surface}))
    low = np.min([node.surfaces["full"].bounds_lps_mm[0] for node in nodes], axis=0)
    # One voxel stands for the grid that a mesh file no longer has; axial, right-handed.
    matrix = np.array([[0, 0, 1, low[0]], [0, 1, 0, low[1]], [-1, 0, 0, low[2]], [0, 0, 0, 1]], dtype=float)
    title = one_line(found.title) or one_line(path.stem)
    return Scene(title, Geometry((1, 1, 1), matrix, found.unit), tuple(nodes), (), evidence)


def _structure(part: MeshPart, path: Path, taken: set[str], *, is_alone: bool) -> Structure:
    name = one_line(part.name)[:200] or (one_line(path.stem) if is_alone else f"Part {len(taken) + 1}")
    stem = wanted = file_stem(str(part.facts.get("id") or name).lower()).lower()
    number = 2
    while stem in taken:
        stem, number = f"{wanted}-{number}", number + 1
    taken.add(stem)
    laterality = part.facts.get("laterality")
    return Structure(
        stem,
        name,
        _code(part.facts.get("code")),
        part.colour or PLAIN_COLOUR,
        laterality if laterality in ("left", "right") else "",
        part.opacity,
    )


def _code(stated: Any) -> Code | None:
    if not isinstance(stated, dict):
        return None
    value, scheme, meaning = (
        one_line(str(stated.get(key, "")))[:64] for key in ("value", "scheme", "meaning")
    )
    return Code(value, scheme, meaning) if value and scheme else None
