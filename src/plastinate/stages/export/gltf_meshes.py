"""Surfaces in, the binary part of a GLB and the JSON that describes it out: plain, meshopt or Draco."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import lps_mm_to_gltf
from plastinate.model.skin import Skin
from plastinate.model.surface import Surface
from plastinate.native.normals import vertex_normals
from plastinate.stages.export.corner_vertices import corner_vertices
from plastinate.stages.export.meshopt_streams import (
    INDEX_BYTES,
    NORMAL_BYTES,
    PLACE_BYTES,
    POSITION_BYTES,
    mesh_streams,
)
from plastinate.stages.export.shared_grid import SharedGrid, shared_grid

FLOAT, UINT, USHORT, BYTE = 5126, 5125, 5123, 5120
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
Skins = Sequence[Skin | None]


@dataclass
class MeshParts:
    """What the meshes add to a glTF document.

    Attributes:
        placement: scale and translation of every organ's node; empty for plain floats.
        position_error_m: the largest distance between a written and a given vertex.
    """

    primitives: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    buffers: list[dict[str, Any]] = field(default_factory=list)
    extensions: tuple[str, ...] = ()
    placement: dict[str, Any] = field(default_factory=dict)
    binary: bytearray = field(default_factory=bytearray)
    position_error_m: float = 0.0
    moved_apart: int = 0

    def append(self, data: bytes) -> int:
        """Add bytes at the next multiple of four; return where they start."""
        self.binary += b"\0" * (-len(self.binary) % 4)
        start = len(self.binary)
        self.binary += data
        return start

    def accessor(self, kind: str, component: int, count: int, **more: Any) -> int:
        """Describe an array; return its number."""
        self.accessors.append({"componentType": component, "count": count, "type": kind, **more})
        return len(self.accessors) - 1


@dataclass(frozen=True, eq=False)
class _Split:
    """A surface as it is written: where it has a texture, split along the seams.

    Attributes:
        source: (N,) which vertices of the surface are written, one by one; a slice of all without a texture.
        places: (N, 2) in the texture, or None.
        triangles: (T, 3) uint32 into what is written.
    """

    source: npt.NDArray[np.int64] | slice
    places: npt.NDArray[np.float32] | None
    triangles: npt.NDArray[np.uint32]


def _split(surfaces: Sequence[Surface], skins: Skins) -> list[_Split]:
    done: list[_Split] = []
    for number, surface in enumerate(surfaces):
        skin = skins[number] if number < len(skins) else None
        if skin is None or skin.texture is None:
            done.append(_Split(slice(None), None, surface.triangles))
        else:
            corners = corner_vertices(surface, skin)
            done.append(_Split(corners.source, corners.places, corners.triangles))
    return done


def plain_meshes(surfaces: Sequence[Surface], skins: Skins = ()) -> MeshParts:
    """float32 positions and normals, whole indices: what every reader understands."""
    parts = MeshParts()
    for surface, split in zip(surfaces, _split(surfaces, skins), strict=True):
        exact = lps_mm_to_gltf(surface.vertices)[split.source]
        positions = exact.astype("<f4")
        away = positions.astype(np.float64) - exact
        error = float(np.sqrt(np.einsum("ij,ij->i", away, away).max()))
        parts.position_error_m = max(parts.position_error_m, error)
        normals = _gltf_normals(surface)[split.source].astype("<f4")
        triangles = split.triangles.astype("<u4")
        numbers = {}
        for name, array in (("POSITION", positions), ("NORMAL", normals)):
            view = _plain_view(parts, array, ARRAY_BUFFER)
            more = _bounds(positions) if name == "POSITION" else {}
            numbers[name] = parts.accessor("VEC3", FLOAT, len(array), bufferView=view, **more)
        if split.places is not None:
            view = _plain_view(parts, split.places.astype("<f4"), ARRAY_BUFFER)
            numbers["TEXCOORD_0"] = parts.accessor("VEC2", FLOAT, len(split.places), bufferView=view)
        view = _plain_view(parts, triangles, ELEMENT_ARRAY_BUFFER)
        indices = parts.accessor("SCALAR", UINT, triangles.size, bufferView=view)
        parts.primitives.append({"attributes": numbers, "indices": indices})
    parts.buffers = [{"byteLength": len(parts.binary)}]
    return parts


def meshopt_meshes(surfaces: Sequence[Surface], skins: Skins = ()) -> MeshParts:
    """16-bit positions on one grid for the scene, 8-bit normals, all through meshopt's codecs."""
    grid = shared_grid([lps_mm_to_gltf(surface.vertices) for surface in surfaces])
    parts = _on_grid(grid, ("KHR_mesh_quantization", "EXT_meshopt_compression"))
    unpacked = 0
    for surface, numbers, split in zip(surfaces, grid.numbers, _split(surfaces, skins), strict=True):
        normals = _gltf_normals(surface)[split.source]
        streams = mesh_streams(split.triangles, numbers[split.source], normals, split.places)
        used = len(streams.numbers)
        views = []
        coded: list[tuple[bytes, int, str, int, dict[str, str]]] = [
            (streams.positions, used, "ATTRIBUTES", POSITION_BYTES, {}),
            (streams.normals, used, "ATTRIBUTES", NORMAL_BYTES, {"filter": "OCTAHEDRAL"}),
            (streams.indices, streams.index_count, "TRIANGLES", INDEX_BYTES, {}),
        ]
        if streams.places:
            coded.append((streams.places, used, "ATTRIBUTES", PLACE_BYTES, {}))
        for encoded, count, mode, stride, filters in coded:
            extension = {
                "buffer": 0,
                "byteOffset": parts.append(encoded),
                "byteLength": len(encoded),
                "byteStride": stride,
                "mode": mode,
                "count": count,
                **filters,
            }
            view: dict[str, Any] = {"buffer": 1, "byteOffset": unpacked, "byteLength": stride * count}
            if mode == "ATTRIBUTES":
                view |= {"byteStride": stride, "target": ARRAY_BUFFER}
            else:
                view |= {"target": ELEMENT_ARRAY_BUFFER}
            parts.views.append({**view, "extensions": {"EXT_meshopt_compression": extension}})
            views.append(len(parts.views) - 1)
            unpacked += stride * count
        attributes = {
            "POSITION": parts.accessor("VEC3", USHORT, used, bufferView=views[0], **_bounds(streams.numbers)),
            "NORMAL": parts.accessor("VEC3", BYTE, used, bufferView=views[1], normalized=True),
        }
        if streams.places:
            more = {"bufferView": views[3], "normalized": True}
            attributes["TEXCOORD_0"] = parts.accessor("VEC2", USHORT, used, **more)
        corners = parts.accessor("SCALAR", UINT, streams.index_count, bufferView=views[2])
        parts.primitives.append({"attributes": attributes, "indices": corners})
    # The second buffer holds no bytes: it only says how large the unpacked data is.
    fallback = {"byteLength": unpacked, "extensions": {"EXT_meshopt_compression": {"fallback": True}}}
    parts.buffers = [{"byteLength": len(parts.binary)}, fallback]
    return parts


def draco_meshes(surfaces: Sequence[Surface], skins: Skins = ()) -> MeshParts:
    """The same grid through Draco; each mesh is decoded again to prove that it came through whole."""
    grid = shared_grid([lps_mm_to_gltf(surface.vertices) for surface in surfaces])
    parts = _on_grid(grid, ("KHR_draco_mesh_compression",))
    for surface, numbers, split in zip(surfaces, grid.numbers, _split(surfaces, skins), strict=True):
        encoded, points, corners, identifiers = _draco(surface, numbers, split)
        start = parts.append(encoded)
        parts.views.append({"buffer": 0, "byteOffset": start, "byteLength": len(encoded)})
        attributes = {
            "POSITION": parts.accessor("VEC3", FLOAT, len(points), **_bounds(points)),
            "NORMAL": parts.accessor("VEC3", FLOAT, len(points)),
        }
        if split.places is not None:
            attributes["TEXCOORD_0"] = parts.accessor("VEC2", FLOAT, len(points))
        extension = {"bufferView": len(parts.views) - 1, "attributes": identifiers}
        parts.primitives.append(
            {
                "attributes": attributes,
                "indices": parts.accessor("SCALAR", UINT, corners.size),
                "extensions": {"KHR_draco_mesh_compression": extension},
            }
        )
    parts.buffers = [{"byteLength": len(parts.binary)}]
    return parts


def _draco(
    surface: Surface, numbers: npt.NDArray[np.uint16], split: _Split
) -> tuple[bytes, npt.NDArray[np.float32], npt.NDArray[np.uint32], dict[str, int]]:
    """Encode one mesh so that it comes back closed if it was closed, whole numbers and all."""
    import DracoPy

    # Edgebreaker is smaller, but splits vertices where a mesh is not manifold; the
    # plain order is the way out when that would open a closed organ.
    written = Surface(numbers[split.source].astype(np.float32), split.triangles, surface.structure)
    laid: dict[str, Any] = {}
    if split.places is not None:
        laid = {"tex_coord": split.places.astype(np.float64), "tex_coord_quantization_bits": 16}
    for preserve_order in (False, True):
        try:
            encoded = DracoPy.encode(
                written.vertices,
                written.triangles,
                quantization_bits=16,
                quantization_range=65535.0,
                quantization_origin=(0.0, 0.0, 0.0),
                compression_level=7,
                preserve_order=preserve_order,
                normals=_gltf_normals(surface)[split.source].astype(np.float64),
                normal_quantization_bits=8,
                **laid,
            )
        except DracoPy.EncodingFailedException as error:
            raise EmptyMask(surface.structure, "none of its triangles has an area") from error
        decoded = DracoPy.decode(encoded)
        points = np.asarray(decoded.points, dtype=np.float32).reshape(-1, 3)
        corners = np.asarray(decoded.faces, dtype=np.uint32).reshape(-1, 3)
        # Numbers on the grid are whole; Draco's own arithmetic is off by a rounding error.
        whole = Surface(np.rint(points), corners, surface.structure)
        if len(corners) == len(written.triangles) and whole.is_closed == written.is_closed:
            break
    identifiers = {
        name: int(next(a["unique_id"] for a in decoded.attributes if a["attribute_type"] == kind))
        for name, kind in (("POSITION", 0), ("NORMAL", 1), *((("TEXCOORD_0", 3),) if laid else ()))
    }
    return encoded, points, corners, identifiers


def _on_grid(grid: SharedGrid, extensions: tuple[str, ...]) -> MeshParts:
    return MeshParts(
        extensions=extensions,
        placement={"translation": grid.origin.tolist(), "scale": [grid.step] * 3},
        position_error_m=grid.error,
        moved_apart=grid.moved_apart,
    )


def _gltf_normals(surface: Surface) -> npt.NDArray[np.float32]:
    """Unit normals in the glTF frame: the axes turn, the length stays."""
    normals = vertex_normals(surface.vertices, surface.triangles)
    turned = lps_mm_to_gltf(normals) * 1000.0
    return np.ascontiguousarray(turned, dtype=np.float32)


def _plain_view(parts: MeshParts, array: npt.NDArray[Any], target: int) -> int:
    start = parts.append(array.tobytes())
    parts.views.append({"buffer": 0, "byteOffset": start, "byteLength": array.nbytes, "target": target})
    return len(parts.views) - 1


def _bounds(positions: npt.NDArray[Any]) -> dict[str, list[float]]:
    return {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()}
