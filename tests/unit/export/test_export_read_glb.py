import json
import struct

import numpy as np
import pytest

from plastinate.model.errors import DamagedFile, TooLarge, UnsupportedFile
from plastinate.stages.export.read_glb import read_glb

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype="<f4")


def packed(document, binary):
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def one_triangle(*, node=None, primitive=None, accessor=None, view=None, **more):
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **(node or {})}],
        "meshes": [{"name": "shape", "primitives": [{"attributes": {"POSITION": 0}, **(primitive or {})}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", **(accessor or {})}
        ],
        "bufferViews": [{"buffer": 0, "byteLength": 36, **(view or {})}],
        "buffers": [{"byteLength": 36}],
        **more,
    }
    return packed(document, CORNERS.tobytes())


def normal_of(found):
    a, b, c = found.parts[0].vertices[found.parts[0].triangles[0]]
    return np.cross(b - a, c - a)


def test_a_triangle_without_indices_is_read_y_up_and_in_metres():
    found = read_glb(one_triangle(), "a.glb")
    assert found.parts[0].name == "shape"
    assert np.allclose(found.parts[0].vertices, [[0, 0, 0], [1000, 0, 0], [0, 0, 1000]])
    assert normal_of(found)[1] < 0  # towards the viewer is towards the patient's front


@pytest.mark.parametrize(
    "node",
    [
        {"scale": [2, 2, 2], "rotation": [0, 0, np.sqrt(0.5), np.sqrt(0.5)], "translation": [1, 2, 3]},
        {"matrix": [0, 2, 0, 0, -2, 0, 0, 0, 0, 0, 2, 0, 1, 2, 3, 1]},
    ],
)
def test_node_transforms_are_applied(node):
    found = read_glb(one_triangle(node=node), "a.glb")
    assert np.allclose(found.parts[0].vertices / 1000, [[1, -3, 2], [1, -3, 4], [-1, -3, 2]])


def test_a_mirroring_node_turns_the_winding_with_the_shape():
    mirrored = read_glb(one_triangle(node={"scale": [-1, 1, 1]}), "a.glb")
    assert normal_of(mirrored)[1] < 0


def test_a_file_of_another_program_has_no_stated_frame():
    found = read_glb(one_triangle(), "a.glb")
    assert (found.says_unit, found.says_frame) == (True, False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"extensionsRequired": ["KHR_far_future"]}, "KHR_far_future"),
        ({"primitive": {"mode": 5}}, "strips"),
        ({"accessor": {"sparse": {}}}, "sparse"),
        ({"buffers": [{"byteLength": 36, "uri": "a.bin"}]}, "another file"),
        ({"view": {"buffer": 1}}, "another file"),
    ],
)
def test_what_is_not_read_is_named(change, words):
    with pytest.raises(UnsupportedFile, match=words):
        read_glb(one_triangle(**change), "a.glb")


@pytest.mark.parametrize(
    "change",
    [
        {"accessor": {"count": 4}},
        {"accessor": {"count": 10**15}},
        {"accessor": {"count": 0}},
        {"accessor": {"byteOffset": -12}},
        {"accessor": {"byteOffset": 4}},
        {"accessor": {"componentType": 1}},
        {"view": {"byteStride": 4}},
        {"view": {"byteLength": 10**12}},
        {"view": {"byteOffset": -36}},
        {"node": {"children": [0]}},
        {"node": {"mesh": 7}},
        {"node": {"matrix": [1, 2, 3]}},
        {"primitive": {"indices": 0}},
    ],
)
def test_numbers_that_do_not_fit_one_another_are_damage(change):
    with pytest.raises(DamagedFile):
        read_glb(one_triangle(**change), "a.glb")


def test_data_that_would_unpack_without_end_is_refused():
    bomb = {"buffer": 0, "byteLength": 36, "byteStride": 16, "count": 1 << 30, "mode": "ATTRIBUTES"}
    with pytest.raises(TooLarge, match="unpacked"):
        read_glb(one_triangle(view={"extensions": {"EXT_meshopt_compression": bomb}}), "a.glb")


def test_draco_data_that_is_none_is_damage():
    draco = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    with pytest.raises(DamagedFile, match="Draco"):
        read_glb(one_triangle(primitive={"extensions": draco}), "a.glb")


def test_chunks_must_fit_the_file():
    whole = one_triangle()
    for data in (whole[:-8], whole[:15], b"glTF" + whole[4:8] + b"\xff\xff\xff\x7f" + whole[12:], b""):
        with pytest.raises(DamagedFile):
            read_glb(data, "a.glb")
