import numpy as np
import pytest

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.stages.export.read_ply import read_ply

XYZ = "property float x\nproperty float y\nproperty float z\n"
HEAD = (
    f"ply\nformat ascii 1.0\nelement vertex 3\n{XYZ}"
    "element face 1\nproperty list uchar int vertex_index\nend_header\n"
)
GOOD = HEAD + "0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"


def test_text_is_read():
    found = read_ply(GOOD.encode(), "a.ply")
    assert found.parts[0].triangles.tolist() == [[0, 1, 2]]


def test_big_endian_doubles_are_read():
    head = GOOD.split("0 0 0\n")[0].replace("ascii", "binary_big_endian").replace("float", "double")
    data = head.encode() + np.arange(9, dtype=">f8").tobytes() + b"\3" + np.arange(3, dtype=">i4").tobytes()
    assert read_ply(data, "a.ply").parts[0].vertices.tolist() == np.arange(9.0).reshape(3, 3).tolist()


def test_mixed_polygons_are_named_where_they_cannot_be_read():
    head = (
        HEAD.replace("ascii", "binary_little_endian")
        .replace("face 1", "face 2")
        .replace("int vertex", "uchar vertex")
    )
    data = head.encode() + np.zeros(9, dtype="<f4").tobytes() + bytes([3, 0, 1, 2, 4, 0, 1, 2, 0])
    with pytest.raises(UnsupportedFile, match="different numbers"):
        read_ply(data, "a.ply")


def test_points_alone_are_named():
    cloud = f"ply\nformat ascii 1.0\nelement vertex 1\n{XYZ}end_header\n0 0 0\n"
    with pytest.raises(UnsupportedFile, match="points without triangles"):
        read_ply(cloud.encode(), "a.ply")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("end_header", "end"),
        ("ascii", "morse"),
        ("format ascii 1.0\n", ""),
        ("property float x", "property quaternion x"),
        ("property float x", "property float w"),
        ("vertex 3", "vertex -3"),
        ("vertex 3", "vertex 999999999999"),
        ("face 1", "face 5"),
        ("3 0 1 2", "3 0 1"),
        ("3 0 1 2", "3 0 1 9"),
        ("3 0 1 2", "x 0 1 2"),
        ("1 0 0\n", "1 0\n"),
        ("1 0 0\n", "1 inf 0\n"),
    ],
)
def test_damage_is_a_sentence(old, new):
    assert old in GOOD
    with pytest.raises(DamagedFile):
        read_ply(GOOD.replace(old, new, 1).encode(), "a.ply")


@pytest.mark.parametrize("cut", [1, 13, 20])
def test_binary_that_is_cut_off_is_damage(cut):
    head = HEAD.replace("ascii", "binary_little_endian")
    data = head.encode() + bytes(36) + b"\3" + np.arange(3, dtype="<i4").tobytes()
    assert read_ply(data, "a.ply").parts
    with pytest.raises(DamagedFile):
        read_ply(data[:-cut], "a.ply")
