"""GLB bytes in, its named meshes out in LPS millimetres."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, TooLarge, UnsupportedFile
from plastinate.model.geometry import gltf_to_lps_mm
from plastinate.stages.export.frame_note import VOXEL_BANNER
from plastinate.stages.export.materials import srgb_bytes
from plastinate.stages.export.mesh_parts import MeshFile, MeshPart, checked_triangles

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
KNOWN = {
    "EXT_meshopt_compression",
    "KHR_mesh_quantization",
    "KHR_draco_mesh_compression",
    "KHR_materials_unlit",
    "KHR_texture_transform",
}
# What a JSON tree of the wrong shape raises on the way through it.
FOLLOWS_NOT = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)
TRIANGLE_LIST = 4
UNPACKED_MAX = 1 << 30


class _Glb:
    """The two chunks of a file, and how to get arrays out of them."""

    def __init__(self, data: bytes, path: str) -> None:
        self.path = path
        self.document, self.binary = _chunks(data, path)
        unknown = sorted(set(self.document.get("extensionsRequired", [])) - KNOWN)
        if unknown:
            raise UnsupportedFile(path, f"it needs {', '.join(unknown)[:80]}")

    def view(self, number: int) -> tuple[npt.NDArray[np.uint8], int]:
        """The bytes of a buffer view, and their stride (0 where packed tightly)."""
        view = self.document["bufferViews"][number]
        packed = view.get("extensions", {}).get("EXT_meshopt_compression")
        if packed is None:
            return self._slice(view), int(view.get("byteStride", 0))
        import meshopt

        size = int(packed["count"]) * int(packed["byteStride"])
        if size > UNPACKED_MAX or size < 0:
            raise TooLarge(self.path, "an unpacked array in bytes", value=size, cap=UNPACKED_MAX)
        raw = meshopt.decode_gltf_buffer(
            self._slice(packed).tobytes(),
            int(packed["count"]),
            int(packed["byteStride"]),
            packed["mode"],
            packed.get("filter", "NONE"),
        )
        flat = np.ascontiguousarray(raw).view(np.uint8).reshape(-1)
        return flat, int(packed["byteStride"])

    def _slice(self, view: dict[str, Any]) -> npt.NDArray[np.uint8]:
        if view.get("buffer", 0) != 0 or "uri" in self.document["buffers"][0]:
            raise UnsupportedFile(self.path, "its data lies in another file")
        start, length = int(view.get("byteOffset", 0)), int(view["byteLength"])
        if start < 0 or length < 0 or start + length > len(self.binary):
            raise DamagedFile(self.path, "a buffer view reaches beyond the end")
        return np.frombuffer(self.binary, dtype=np.uint8, count=length, offset=start)

    def array(self, number: int) -> npt.NDArray[Any]:
        """(count, width) numbers of an accessor, normalised ones brought to -1..1."""
        accessor = self.document["accessors"][number]
        if "sparse" in accessor or "bufferView" not in accessor:
            raise UnsupportedFile(self.path, "it uses sparse arrays")
        kind = np.dtype(COMPONENTS[accessor["componentType"]])
        width, count = WIDTHS[accessor["type"]], int(accessor["count"])
        raw, stride = self.view(accessor["bufferView"])
        stride = stride or width * kind.itemsize
        start = int(accessor.get("byteOffset", 0))
        needed = start + stride * (count - 1) + width * kind.itemsize
        if count < 1 or start < 0 or stride < width * kind.itemsize or needed > len(raw):
            raise DamagedFile(self.path, "an array reaches beyond its buffer view")
        shape, strides = (count, width), (stride, kind.itemsize)
        found = np.ndarray(shape, kind, raw, start, strides)
        if accessor.get("normalized"):
            return np.maximum(found.astype(np.float64) / np.iinfo(kind).max, -1.0)
        return found


def read_glb(data: bytes, path: str) -> MeshFile:
    """Read every mesh of the default scene, transforms applied, plain, meshopt or Draco.

    Raises:
        DamagedFile: chunks, views or indices that do not fit one another.
        UnsupportedFile: a required extension, strips, fans, or data in other files.
        TooLarge: it unpacks beyond the limit.
    """
    try:
        return _read(_Glb(data, path))
    except FOLLOWS_NOT as error:
        raise DamagedFile(path, f"its JSON does not follow glTF 2.0 ({type(error).__name__})") from error


def _read(glb: _Glb) -> MeshFile:
    document = glb.document
    scene = document["scenes"][document.get("scene", 0)] if document.get("scenes") else {}
    facts = scene.get("extras", {}).get("plastinate", {}) if isinstance(scene.get("extras"), dict) else {}
    found = MeshFile(
        [],
        "GLB",
        title=str(scene.get("name", "")).removesuffix(f" ({VOXEL_BANNER})"),
        says_unit=True,
        says_frame=bool(facts),
    )
    if "NOT" in str(facts.get("unit", "")):
        found.unit = "px"
    pending = [(int(node), np.eye(4)) for node in reversed(scene.get("nodes", []))]
    visited: set[int] = set()
    while pending:
        number, above = pending.pop()
        if number in visited:
            raise DamagedFile(glb.path, "a node has two parents, or is its own")
        visited.add(number)
        node = document["nodes"][number]
        matrix = above @ _local(node)
        pending += [(int(child), matrix) for child in reversed(node.get("children", []))]
        if "mesh" in node:
            found.parts.append(_part(glb, node, matrix))
    return found


def _part(glb: _Glb, node: dict[str, Any], matrix: npt.NDArray[np.float64]) -> MeshPart:
    mesh = glb.document["meshes"][node["mesh"]]
    points, triangles, count = [], [], 0
    for primitive in mesh["primitives"]:
        if primitive.get("mode", TRIANGLE_LIST) != TRIANGLE_LIST:
            raise UnsupportedFile(glb.path, "it is drawn with strips, fans, lines or points")
        places, corners = _primitive(glb, primitive)
        triangles.append(checked_triangles(glb.path, places, corners).astype(np.int64) + count)
        points.append(places)
        count += len(places)
    placed = np.concatenate(points) @ matrix[:3, :3].T + matrix[:3, 3]
    joined = np.concatenate(triangles)
    if np.linalg.det(matrix[:3, :3]) < 0:  # a mirroring node turns the winding (glTF 2.0, 3.7.4)
        joined = joined[:, ::-1]
    extras = node.get("extras")
    part = MeshPart(str(node.get("name") or mesh.get("name") or ""), gltf_to_lps_mm(placed), joined)
    part.facts = extras if isinstance(extras, dict) else {}
    material = mesh["primitives"][0].get("material")
    if material is not None:
        shade = glb.document["materials"][material].get("pbrMetallicRoughness", {}).get("baseColorFactor")
        if shade is not None:
            part.colour = srgb_bytes((float(shade[0]), float(shade[1]), float(shade[2])))
            part.opacity = min(max(float(shade[3]), 0.0), 1.0)
    return part


def _primitive(glb: _Glb, primitive: dict[str, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    packed = primitive.get("extensions", {}).get("KHR_draco_mesh_compression")
    if packed is not None:
        return _draco(glb, packed)
    places = glb.array(primitive["attributes"]["POSITION"]).astype(np.float64)
    if "indices" in primitive:
        corners = glb.array(primitive["indices"])
        if corners.dtype.kind != "u":
            raise DamagedFile(glb.path, "its indices are not whole numbers")
        return places, corners.reshape(-1, 3).astype(np.int64)
    return places, np.arange(len(places)).reshape(-1, 3)


def _draco(glb: _Glb, packed: dict[str, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    import DracoPy

    raw, _ = glb.view(packed["bufferView"])
    try:
        mesh = DracoPy.decode(raw.tobytes())
    except (DracoPy.FileTypeException, ValueError) as error:
        raise DamagedFile(glb.path, "its Draco data cannot be decoded") from error
    places = np.asarray(mesh.points, dtype=np.float64).reshape(-1, 3)
    return places, np.asarray(mesh.faces, dtype=np.int64).reshape(-1, 3)


def _local(node: dict[str, Any]) -> npt.NDArray[np.float64]:
    """The node's own transform, (4, 4) for columns."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = (float(value) for value in node.get("rotation", (0, 0, 0, 1)))
    turn = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] = np.array(turn) * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _chunks(data: bytes, path: str) -> tuple[dict[str, Any], bytes]:
    magic, version, length = struct.unpack_from("<4sII", data)
    if magic != b"glTF" or version != 2 or length > len(data):
        raise DamagedFile(path, "it is not a whole GLB of version 2")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + size > length:
            raise DamagedFile(path, "a chunk reaches beyond the end")
        found.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    document = json.loads(found[b"JSON"])
    if not isinstance(document, dict):
        raise DamagedFile(path, "its JSON is not an object")
    return document, found.get(b"BIN\0", b"")
