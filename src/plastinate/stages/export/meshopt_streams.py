"""One mesh on a grid of whole numbers in, what meshopt's codecs make of it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Bytes of one vertex: four uint16, of which the last is nothing; and four int8, octahedral.
POSITION_BYTES, NORMAL_BYTES, INDEX_BYTES = 8, 4, 4
# Two uint16: a place in a texture to a sixteenth of a pixel of the largest.
PLACE_BYTES = 4


@dataclass(frozen=True, eq=False)
class MeshStreams:
    """A mesh as three encoded streams.

    Attributes:
        numbers: (V, 3) uint16 positions in the order written.
        index_count: three for each triangle.
        positions: mode ATTRIBUTES, stride 8, no filter.
        normals: mode ATTRIBUTES, stride 4, filter OCTAHEDRAL.
        indices: mode TRIANGLES, 32 bits.
        places: mode ATTRIBUTES, stride 4, no filter; places in a texture, empty where there is none.
    """

    numbers: npt.NDArray[np.uint16]
    index_count: int
    positions: bytes
    normals: bytes
    indices: bytes
    places: bytes = b""


def mesh_streams(
    triangles: npt.NDArray[np.uint32],
    numbers: npt.NDArray[np.uint16],
    normals: npt.NDArray[np.float32],
    places: npt.NDArray[np.float32] | None = None,
) -> MeshStreams:
    """Encode a mesh.

    The order of vertices and triangles changes (the codec and the graphics card
    like neighbours close together); which triangles there are does not.

    Args:
        triangles: (T, 3).
        numbers: (V, 3) whole-number positions.
        normals: (V, 3) of unit length.
        places: (V, 2) in a texture, 0 to 1.

    Source: EXT_meshopt_compression.
    """
    import meshopt

    indices, order, used = meshopt.reorder_mesh(triangles.reshape(-1), True, True)
    # Vertices that no triangle uses are marked with the largest uint32, or left out at the end.
    order = np.concatenate([order, np.full(len(numbers) - len(order), 0xFFFFFFFF, dtype=np.uint32)])
    kept = order < used
    positions = np.zeros((used, 4), dtype="<u2")
    positions[order[kept], :3] = numbers[kept]
    padded = np.zeros((used, 4), dtype=np.float32)
    padded[order[kept], :3] = normals[kept]

    def encoded(data: npt.NDArray[Any], mode: str) -> bytes:
        return bytes(meshopt.encode_gltf_buffer(data, mode))

    laid = b""
    if places is not None:
        shares = np.zeros((used, 2), dtype="<u2")
        shares[order[kept]] = np.rint(places[kept].clip(0, 1) * 65535)
        laid = encoded(shares, "ATTRIBUTES")
    return MeshStreams(
        positions[:, :3],
        len(indices),
        encoded(positions, "ATTRIBUTES"),
        encoded(meshopt.encode_filter_oct(padded, NORMAL_BYTES, 8), "ATTRIBUTES"),
        encoded(indices.astype("<u4"), "TRIANGLES"),
        laid,
    )
