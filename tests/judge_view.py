"""The viewer's files flow in, grids and meshes come out, read by none of Plastinate's code.

What is read is what the manifest names: places in files, and how their bytes are packed.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import meshopt
import numpy as np
import numpy.typing as npt

from judge import Mesh


@dataclass(frozen=True)
class View:
    """A folder with `view/scene.json` in it."""

    folder: Path

    @property
    def scene(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "view" / "scene.json").read_text(encoding="utf-8"))
        return found

    def organ(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in self.scene["organs"] if each["id"] == name)
        return found

    def mesh(self, name: str, level: str) -> tuple[Mesh, npt.NDArray[np.float64]]:
        """An organ at one level, and the normals of its vertices."""
        told = self.organ(name)["meshes"][level]
        whole = self._bytes(told["file"], told["offset"], told["bytes"])
        assert sha256(whole).hexdigest() == told["sha256"]

        def stream(which: str, count: int, stride: int, mode: str, filtered: str = "NONE") -> bytes:
            offset, size = told["streams"][which]
            assert offset + size <= len(whole)
            decoded = meshopt.decode_gltf_buffer(whole[offset : offset + size], count, stride, mode, filtered)
            return np.ascontiguousarray(decoded).tobytes()

        count = told["vertices"]
        numbers = np.frombuffer(stream("positions", count, 8, "ATTRIBUTES"), "<u2").reshape(-1, 4)
        normals = np.frombuffer(stream("normals", count, 4, "ATTRIBUTES", "OCTAHEDRAL"), "i1").reshape(-1, 4)
        corners = np.frombuffer(stream("indices", 3 * told["triangles"], 4, "TRIANGLES"), "<u4")
        points = np.array(told["origin"]) + told["step"] * numbers[:, :3].astype(np.float64)
        return Mesh(points, corners.reshape(-1, 3).astype(np.int64)), normals[:, :3] / 127.0

    def places(self, name: str, level: str) -> npt.NDArray[np.float64]:
        """(V, 2) of each vertex in its texture, 0 to 1, from the upper left corner."""
        entry = self.organ(name)["meshes"][level]
        whole = self._bytes(entry["file"], entry["offset"], entry["bytes"])
        offset, size = entry["streams"]["places"]
        decoded = meshopt.decode_gltf_buffer(
            whole[offset : offset + size], entry["vertices"], 4, "ATTRIBUTES", "NONE"
        )
        numbers = np.frombuffer(np.ascontiguousarray(decoded).tobytes(), dtype="<u2")
        return numbers.reshape(-1, 2) / 65535.0

    def grid(self, which: str, level: int) -> npt.NDArray[Any]:
        """All bricks of a level of "volume" or "labels" put together."""
        told = self.scene[which]
        dtype = np.dtype(told["dtype"]).newbyteorder("<")
        described = told["levels"][level]
        edge, shape = described["brick"], described["shape"]
        grid = np.full(shape, 77, dtype=dtype)
        assert described["grid"] == [-(-length // edge) for length in shape]
        places = list(product(*(range(n) for n in described["grid"])))
        assert len(places) == len(described["bricks"])
        entries = zip(places, described["bricks"], described["sha256"], strict=True)
        for place, (offset, size, low, high), digest in entries:
            box = tuple(slice(at * edge, (at + 1) * edge) for at in place)
            if size == 0:
                assert low == high
                assert digest is None
                grid[box] = low
                continue
            packed = self._bytes(described["file"], offset, size)
            assert sha256(packed).hexdigest() == digest
            data = zlib.decompress(packed, wbits=-15)
            grid[box] = self._unpacked(data, grid[box].shape, dtype, has_steps=which == "volume")
            counted = grid[box][grid[box] != told.get("unmeasured")]
            assert (counted.min(), counted.max()) == (low, high)
        return grid

    def index_to_lps(self, which: str, level: int) -> npt.NDArray[np.float64]:
        return np.array(self.scene[which]["levels"][level]["index_to_lps"])

    @staticmethod
    def _unpacked(
        data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], *, has_steps: bool
    ) -> npt.NDArray[Any]:
        count = int(np.prod(shape))
        assert len(data) == count * dtype.itemsize
        planes = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, count).astype(np.int64)
        values = sum(plane << (8 * place) for place, plane in enumerate(planes)).reshape(shape)
        if has_steps:
            values = np.cumsum(values, axis=2)
        return (values & ((1 << 8 * dtype.itemsize) - 1)).astype(dtype.str.replace("i", "u")).view(dtype)

    def _bytes(self, name: str, offset: int, size: int) -> bytes:
        assert (self.folder / name).stat().st_size >= offset + size
        with (self.folder / name).open("rb") as file:
            file.seek(offset)
            return file.read(size)
