"""The judge must pass the truth and catch each way of being wrong, or its verdicts mean nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import manifold3d
import numpy as np
import pytest
import trimesh

from judge import Mesh, judge, judge_mesh
from phantoms import CENTRE, box, letter_boxes, letters, sphere, thin_plate, torus, touching_ellipsoids

VOXEL = np.eye(3)


def _truth(name: str) -> tuple[object, Mesh]:
    if name == "sphere":
        phantom = sphere()
        solid = trimesh.creation.icosphere(4, radius=18.3)
        solid.apply_translation(CENTRE)
    elif name == "box":
        phantom, solid = box(), trimesh.creation.box((31.0, 27.4, 23.2))
        solid.apply_translation(CENTRE)
    elif name == "plate":
        phantom, solid = thin_plate(), trimesh.creation.box((88.0, 92.0, 6.3))
        solid.apply_translation(CENTRE)
    elif name == "torus":
        phantom, solid = torus(), trimesh.creation.torus(17.0, 8.2, major_sections=256, minor_sections=128)
        solid.apply_translation(CENTRE)
    else:
        phantom = letters()
        solid = _union_of_boxes()
    return phantom, Mesh(np.asarray(solid.vertices), np.asarray(solid.faces))


def _union_of_boxes() -> trimesh.Trimesh:
    strokes = [box for side in letter_boxes().values() for box in side]
    boxes = [(np.full(3, -19.2), np.full(3, 19.2)), *strokes]
    parts = [manifold3d.Manifold.cube(high - low).translate(low + CENTRE) for low, high in boxes]
    solid = manifold3d.Manifold.batch_boolean(parts, manifold3d.OpType.Add).to_mesh64()
    return trimesh.Trimesh(solid.vert_properties[:, :3], solid.tri_verts, process=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sphere", "box", "plate", "torus", "letters"])
def test_the_truth_passes(name):
    phantom, mesh = _truth(name)

    found = judge_mesh(phantom, mesh, voxel_axes_mm=VOXEL)

    assert found.faults() == []
    assert found.pieces == 1
    assert found.mean_voxel < 0.03
    assert abs(found.volume_error_percent) < 0.25


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda p: (p - CENTRE) * 1.01 + CENTRE, "size"),
        (lambda p: p + np.array([0.2, 0.0, 0.0]), "centre"),
        (lambda p: p + np.array([0.0, 0.0, -0.5]), "extreme"),
        (lambda p: p * [-1.0, 1.0, 1.0], "inwards"),
        (lambda p: p * [-1.0, -1.0, 1.0], "mean distance"),
        (lambda p: p / 1000.0, "volume"),
    ],
)
def test_a_wrong_size_place_or_hand_is_caught(wrong, said):
    phantom, mesh = _truth("sphere")

    faults = judge_mesh(phantom, Mesh(wrong(mesh.points), mesh.triangles), voxel_axes_mm=VOXEL).faults()

    assert any(said in fault for fault in faults), faults


@pytest.mark.slow
def test_a_hole_a_flipped_triangle_and_a_double_one_are_not_closed():
    phantom, mesh = _truth("sphere")
    flipped = mesh.triangles.copy()
    flipped[10] = flipped[10, ::-1]
    for triangles in (mesh.triangles[1:], flipped, np.concatenate([mesh.triangles, mesh.triangles[:1]])):
        assert not judge_mesh(phantom, Mesh(mesh.points, triangles), voxel_axes_mm=VOXEL).is_closed


@pytest.mark.slow
def test_a_part_that_is_missing_shows_in_the_way_back():
    phantom = touching_ellipsoids()
    one = trimesh.creation.icosphere(4)
    points = np.asarray(one.vertices) * [12.0, 14.0, 11.0] + CENTRE - [12.0, 0.0, 0.0]

    found = judge_mesh(phantom, Mesh(points, np.asarray(one.faces)), voxel_axes_mm=VOXEL)

    assert found.p95_voxel > 5.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "matrix",
    [
        np.diag([-1, 1, 1]),
        np.diag([1, -1, 1]),
        np.diag([1, 1, -1]),
        np.diag([-1, -1, 1]),
        np.eye(3)[[1, 0, 2]],
    ],
)
def test_letters_tell_every_mirror_and_turn(matrix):
    phantom, mesh = _truth("letters")
    assert judge_mesh(phantom, mesh, voxel_axes_mm=VOXEL).pose == "+x+y+z"

    moved = Mesh((mesh.points - CENTRE) @ matrix.T + CENTRE, mesh.triangles)

    assert judge_mesh(phantom, moved, voxel_axes_mm=VOXEL).pose != "+x+y+z"


def test_an_stl_is_read_from_its_bytes(tmp_path: Path):
    phantom, mesh = _truth("box")
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *mesh.points[t].ravel(), 0) for t in mesh.triangles)
    path = tmp_path / "box.stl"
    path.write_bytes(b"x".ljust(80) + struct.pack("<I", len(mesh.triangles)) + body)

    assert judge(phantom, path, voxel_axes_mm=VOXEL).faults() == []
