"""DICOM folder -> finished mesh, whole process, against dicom2stl and the plain path."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import trimesh

from measure import Measurement, side_by_side
from scans import chest_400, torso_400

BIN = Path(sys.executable).parent
TRIANGLES = 150_000
FLOOR_S = 2.3  # bytes read, first touch of memory and bandwidth of each pass; see README.md beside this file


def main(*, runs: int = 3, peers: bool = True) -> list[str]:
    """Measure both series and return the rows of the tables."""
    rows = ["A made-up torso (2.6 million triangles before decimation):", ""]
    rows += _table(torso_400(), runs=runs, peers=peers)
    rows += ["", "The sample chest CT (4 million, contrast in the vessels, real noise):", ""]
    return rows + _table(chest_400(), runs=runs, peers=peers)


def _table(scan: Path, *, runs: int, peers: bool) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        ours = [str(BIN / "plastinate"), "build", str(scan), "--threshold", "200:", "--largest"]
        ours += ["--triangles", str(TRIANGLES), "--single-level", "--format", "glb", "--no-preview"]
        commands: dict[str, list[str]] = {
            "plastinate": [*ours, "--no-check", "-o", str(out / "mesh")],
            "plastinate with certificate": [*ours, "-o", str(out / "checked")],
        }
        if peers:
            commands["dicom2stl"] = [
                str(BIN / "dicom2stl"), "-i", "200", "--disable", "shrink", "--largest",
                "-o", str(out / "dicom2stl.stl"), str(scan),
            ]  # fmt: skip
            commands["plain path"] = [
                sys.executable,
                str(Path(__file__).with_name("peer_plain.py")),
                str(scan),
            ]
            commands["plain path"].append(str(out / "plain.stl"))
        measured = side_by_side(commands, runs=runs, with_memory=True)
        meshes = {
            "plastinate": out / "mesh" / "scene.glb",
            "plastinate with certificate": out / "checked" / "scene.glb",
            "dicom2stl": out / "dicom2stl.stl",
            "plain path": out / "plain.stl",
        }
        return _rows(measured, {name: _defects(meshes[name]) for name in measured})


def _rows(measured: dict[str, Measurement], defects: dict[str, str]) -> list[str]:
    mine = measured["plastinate"].wall_s
    rows = ["| path | wall s | times ours | CPU s | peak MB | what came out |", "|---|---|---|---|---|---|"]
    for name, m in measured.items():
        figures = f"{m.wall_s:.2f} | {m.wall_s / mine:.2f} | {m.cpu_s:.1f} | {m.peak_mb:.0f}"
        rows.append(f"| {name} | {figures} | {defects[name]} |")
    rows.append(f"| floor, estimated | {FLOOR_S:.2f} | {FLOOR_S / mine:.2f} | | | |")
    return rows


def _defects(path: Path) -> str:
    if path.suffix == ".glb":
        from plastinate.stages.export.read_mesh import read_mesh

        scene, _ = read_mesh(path)
        surface = scene.nodes[0].surfaces["full"]
        vertices, faces = surface.vertices, surface.triangles
    else:
        mesh = trimesh.load_mesh(path)
        vertices, faces = mesh.vertices, mesh.faces
    _, merged = np.unique(np.asarray(vertices, dtype=np.float32), axis=0, return_inverse=True)
    corners = merged.ravel()[np.asarray(faces, dtype=np.int64)]
    edges = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    open_edges, non_manifold = int((uses == 1).sum()), int((uses > 2).sum())
    return f"{len(faces):,} triangles, {open_edges} open and {non_manifold} non-manifold edges"


if __name__ == "__main__":
    print("\n".join(main(peers="--alone" not in sys.argv)))
