"""A built folder -> the same meshes and the same scan as the peers' pages take them fastest.

NiiVue reads MZ3, its own format, not packed; vtk.js gets bare arrays with their normals, which no format
of it is quicker than. The scan is NIfTI, packed as NiiVue has it, and bare int16.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from plastinate.stages.ingest.read import read_volume

Floats = npt.NDArray[np.float32]
Corners = npt.NDArray[np.uint32]


def write_peer_files(build: Path, scan: Path, target: Path) -> None:
    """Every organ as NAME.mz3 and NAME.mesh, the scan as scan.nii.gz and scan.raw, and scene.json."""
    target.mkdir(parents=True, exist_ok=True)
    told = json.loads((build / "view" / "scene.json").read_text(encoding="utf-8"))
    organs = []
    for organ in told["organs"]:
        places, corners = read_stl(build / "models" / f"{organ['id']}.stl")
        organs.append(
            {
                **{name: organ[name] for name in ("id", "colour", "opacity")},
                "vertices": len(places),
                "triangles": len(corners),
            }
        )
        _write_mz3(target / f"{organ['id']}.mz3", places, corners)
        parts = (places, _normals(places, corners), corners)
        (target / f"{organ['id']}.mesh").write_bytes(b"".join(part.tobytes() for part in parts))
    volume = read_volume(scan).volume
    geometry = volume.geometry
    image = SimpleITK.GetImageFromArray(volume.array)
    spacing = [float(np.linalg.norm(geometry.to_lps_mm[:3, axis])) for axis in (2, 1, 0)]
    image.SetSpacing(spacing)
    image.SetOrigin([float(each) for each in geometry.to_lps_mm[:3, 3]])
    turn = np.stack([geometry.to_lps_mm[:3, axis] / spacing[2 - axis] for axis in (2, 1, 0)], axis=1)
    image.SetDirection([float(each) for each in turn.ravel()])
    SimpleITK.WriteImage(image, str(target / "scan.nii.gz"), useCompression=True)
    (target / "scan.raw").write_bytes(np.ascontiguousarray(volume.array, "<i2").tobytes())
    scene: dict[str, Any] = {
        "organs": organs,
        "shape": list(volume.array.shape),
        "spacing": spacing,
        "origin": [float(each) for each in geometry.to_lps_mm[:3, 3]],
        "direction": [float(each) for each in turn.T.ravel()],
    }
    (target / "scene.json").write_text(json.dumps(scene), encoding="utf-8")


def read_stl(path: Path) -> tuple[Floats, Corners]:
    """Places (V, 3) LPS mm and corners (T, 3) of a binary STL, equal places joined."""
    raw = path.read_bytes()
    count = int.from_bytes(raw[80:84], "little")
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    loose = np.frombuffer(raw, record, count, 84)["corners"].reshape(-1, 3)
    keys = np.ascontiguousarray(loose).view(np.dtype((np.void, 12))).ravel()
    _, first, back = np.unique(keys, return_index=True, return_inverse=True)
    return loose[first].astype(np.float32), back.reshape(-1, 3).astype(np.uint32)


def _write_mz3(path: Path, places: Floats, corners: Corners) -> None:
    # NIfTI's world is RAS, and a mesh beside a NIfTI stands in it.
    ras = (places * np.array([-1, -1, 1], np.float32)).astype("<f4")
    has_faces_and_vertices = 3
    head = b"MZ" + has_faces_and_vertices.to_bytes(2, "little")
    head += b"".join(each.to_bytes(4, "little") for each in (len(corners), len(places), 0))
    path.write_bytes(head + corners.astype("<i4").tobytes() + ras.tobytes())


def _normals(places: Floats, corners: Corners) -> Floats:
    a, b, c = (places[corners[:, at]] for at in range(3))
    across = np.cross(b - a, c - a)
    sums = np.zeros(places.shape)
    for at in range(3):
        for axis in range(3):
            sums[:, axis] += np.bincount(corners[:, at], across[:, axis], len(places))
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return np.asarray(sums / lengths, np.float32)
