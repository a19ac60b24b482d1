"""GLB bytes flow in, the meshes of its nodes come out in LPS mm: glTF 2.0 read from the specification."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from judge import Mesh

Floats = npt.NDArray[np.float64]

_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
# LPS (x, y, z) mm is glTF 0.001 * (x, z, -y): the way back, written out once more and on purpose.
GLTF_TO_LPS = np.array([[1000.0, 0, 0, 0], [0, 0, -1000.0, 0], [0, 1000.0, 0, 0], [0, 0, 0, 1]])


def read_glb(data: bytes) -> dict[str, Mesh]:
    """Every mesh under its node's name, in LPS mm by the matrix that the file carries."""
    document, binary = _chunks(data)
    to_lps = back_matrix(document)
    found: dict[str, Mesh] = {}
    scene = document["scenes"][document.get("scene", 0)]
    pending = [(index, np.eye(4)) for index in scene["nodes"]]
    while pending:
        index, parent = pending.pop()
        node = document["nodes"][index]
        matrix = parent @ _local(node)
        pending += [(child, matrix) for child in node.get("children", [])]
        levels = node.get("extensions", {}).get("MSFT_lod", {}).get("ids", [])
        pending += [(level, parent) for level in levels]
        if "mesh" in node:
            mesh = _mesh(document, binary, document["meshes"][node["mesh"]])
            points = _apply(to_lps @ matrix, mesh.points)
            assert np.linalg.det((to_lps @ matrix)[:3, :3]) > 0, "the file mirrors its mesh"
            name = node.get("name", f"node-{index}")
            found[name if name not in found else f"{name}#{index}"] = Mesh(points, mesh.triangles)
    return found


def back_matrix(document: dict[str, Any]) -> Floats:
    """The matrix in the extras that brings glTF metres back to LPS mm.

    It must be the one that a viewer relies on too: Y up, +Z to the patient's front.
    """
    candidates = list(_matrices([scene.get("extras", {}) for scene in document["scenes"]]))
    candidates += list(_matrices(document.get("asset", {}).get("extras", {})))
    assert candidates, "the file carries no matrix back to LPS"
    assert np.allclose(candidates[0], GLTF_TO_LPS), "the matrix is not 1000 * (x, -z, y)"
    return candidates[0]


def _matrices(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _matrices(inner, name)
    elif isinstance(value, list):
        flat = np.ravel(np.asarray(value, dtype=object))
        is_numbers = flat.size == 16 and all(isinstance(v, int | float) for v in flat)
        if is_numbers and "lps" in key.lower():
            yield flat.astype(np.float64).reshape(4, 4).T
        elif not is_numbers:
            for inner in value:
                yield from _matrices(inner, key)


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data)), "the GLB header lies"
    found, at = {}, 12
    while at < length:
        size, kind = struct.unpack_from("<I4s", data, at)
        assert size % 4 == 0, "chunks are padded to 4 bytes"
        found[kind] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return json.loads(found[b"JSON"]), found.get(b"BIN\0", b"")


def _local(node: dict[str, Any]) -> Floats:
    if "matrix" in node:
        return np.asarray(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.asarray(node.get("scale", (1.0, 1.0, 1.0)))
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _apply(matrix: Floats, points: Floats) -> Floats:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _mesh(document: dict[str, Any], binary: bytes, mesh: dict[str, Any]) -> Mesh:
    points, triangles, offset = [], [], 0
    for primitive in mesh["primitives"]:
        assert primitive.get("mode", 4) == 4, "only triangles are expected"
        draco = primitive.get("extensions", {}).get("KHR_draco_mesh_compression")
        if draco:
            part, faces = _draco(document, binary, draco["bufferView"])
        else:
            part = _accessor(document, binary, primitive["attributes"]["POSITION"])
            faces = _accessor(document, binary, primitive["indices"]).astype(np.int64).reshape(-1, 3)
        points.append(part)
        triangles.append(faces + offset)
        offset += len(part)
    return Mesh(np.concatenate(points), np.concatenate(triangles))


def _accessor(document: dict[str, Any], binary: bytes, index: int) -> Floats:
    accessor = document["accessors"][index]
    kind, width, count = (
        np.dtype(_TYPES[accessor["componentType"]]),
        _WIDTHS[accessor["type"]],
        accessor["count"],
    )
    raw, stride = _view(document, binary, accessor["bufferView"])
    packed = kind.itemsize * width
    rows = np.lib.stride_tricks.as_strided(
        np.frombuffer(raw, np.uint8, offset=accessor.get("byteOffset", 0)),
        (count, packed),
        (stride or packed, 1),
        writeable=False,
    )
    values = np.ascontiguousarray(rows).view(kind).reshape(count, width)
    if accessor.get("normalized"):
        # glTF 2.0, 3.11: the most negative signed value clamps to -1.
        return np.maximum(values.astype(np.float64) / np.iinfo(kind).max, -1.0)
    return values if kind.kind == "u" and width == 1 else values.astype(np.float64)


def _view(document: dict[str, Any], binary: bytes, index: int) -> tuple[bytes, int]:
    view = document["bufferViews"][index]
    extensions = view.get("extensions", {})
    packed = extensions.get("EXT_meshopt_compression") or extensions.get("KHR_meshopt_compression")
    if packed is None:
        start = view.get("byteOffset", 0)
        return binary[start : start + view["byteLength"]], view.get("byteStride", 0)
    start = packed.get("byteOffset", 0)
    return _meshopt(binary[start : start + packed["byteLength"]], packed), packed["byteStride"]


def _meshopt(data: bytes, packed: dict[str, Any]) -> bytes:
    import meshopt

    decoded = meshopt.decode_gltf_buffer(
        data, packed["count"], packed["byteStride"], packed["mode"], packed.get("filter", "NONE")
    )
    return np.ascontiguousarray(decoded).tobytes()


def _draco(document: dict[str, Any], binary: bytes, view: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    import DracoPy

    mesh = DracoPy.decode(_view(document, binary, view)[0])
    return np.asarray(mesh.points, np.float64), np.asarray(mesh.faces, np.int64)
