"""Damage that a fuzzer once turned into a traceback, each as a file of its own."""

import io
import json
import struct
import zipfile

import pytest

from export_scenes import two_organs
from plastinate.model.errors import DamagedFile
from plastinate.stages.export.formats import write_file
from plastinate.stages.export.read_mesh import read_mesh


def refused(path, data):
    path.write_bytes(data)
    with pytest.raises(DamagedFile):
        read_mesh(path)


def test_text_that_is_no_number(tmp_path):
    for face in (b"f 1 2 -", b"f 1 2 x", b"f 1 2", b"f 1 2 4", b"f 0 1 2", b"f 1 2 99999999999999999999"):
        refused(tmp_path / "a", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n" + face + b"\n")
    refused(tmp_path / "a", b"v 0 0 0\nv 1 0\nv 0 1 0\nf 1 2 3\n")
    refused(tmp_path / "a", b"v 0 0 0\nv 1 nan 0\nv 0 1 0\nf 1 2 3\n")
    refused(tmp_path / "a", b"v 0 0 0\nv 1 1e300 0\nv 0 1 0\nf 1 2 3\n")


def test_a_zip_with_a_broken_stream(tmp_path):
    write_file(two_organs(), tmp_path / "a.3mf")
    data = bytearray((tmp_path / "a.3mf").read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.getinfo("3D/3dmodel.model").header_offset + 60
    data[start : start + 40] = bytes(40)
    refused(tmp_path / "b.3mf", bytes(data))


def test_xml_in_an_unknown_encoding(tmp_path):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("3D/a.model", '<?xml version="1.0" encoding="UTF-0"?><model/>')
    refused(tmp_path / "a.3mf", whole.getvalue())


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"scenes": 3},
        {"scenes": [{"nodes": [0]}], "nodes": [{"children": [0]}]},
        {"scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}], "meshes": [{"primitives": []}]},
        {"scenes": [{"nodes": [0]}], "nodes": ["name"]},
    ],
)
def test_json_of_the_wrong_shape(tmp_path, document):
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 20 + len(text)) + struct.pack("<I4s", len(text), b"JSON")
    refused(tmp_path / "a.glb", head + text)


def test_a_transform_beyond_every_number(tmp_path):
    write_file(two_organs(), tmp_path / "a.glb")
    data = (tmp_path / "a.glb").read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + size])
    for node in document["nodes"]:
        if "scale" in node:
            node["scale"] = [1e300, 1, 1]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + size :]
    head = struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest)) + struct.pack(
        "<I4s", len(text), b"JSON"
    )
    refused(tmp_path / "b.glb", head + text + rest)


def test_an_stl_cut_off_in_the_middle(tmp_path):
    write_file(two_organs(), tmp_path / "a.stl")
    refused(tmp_path / "b.stl", (tmp_path / "a.stl").read_bytes()[:-7])
    refused(
        tmp_path / "c.stl",
        b"solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nendloop\nendfacet",
    )
