"""A USDZ is a plain zip whose files lie at multiples of 64: a text layer, and the textures it names."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from test_export_textures import painted

from export_scenes import two_organs
from plastinate.model.geometry import gltf_to_lps_mm
from plastinate.stages.export.usdz import write_usdz


def layer_of(path: Path) -> tuple[str, zipfile.ZipFile]:
    archive = zipfile.ZipFile(path)
    assert archive.testzip() is None
    return archive.read(archive.namelist()[0]).decode(), archive


def numbers(layer: str, name: str) -> np.ndarray:
    found = re.search(rf"{re.escape(name)} = \[(.*?)\]", layer, re.S)
    assert found is not None
    return np.array([float(each) for each in re.findall(r"[-+0-9.e]+", found[1])])


def test_every_file_is_stored_and_begins_at_a_multiple_of_64(tmp_path: Path):
    write_usdz(painted(), tmp_path / "ball.usdz")
    data = (tmp_path / "ball.usdz").read_bytes()
    layer, archive = layer_of(tmp_path / "ball.usdz")
    assert archive.namelist() == ["model.usda", "textures/texture1.jpg"]
    for entry in archive.infolist():
        assert entry.compress_type == zipfile.ZIP_STORED
        name, extra = (int.from_bytes(data[entry.header_offset + at :][:2], "little") for at in (26, 28))
        assert (entry.header_offset + 30 + name + extra) % 64 == 0
    assert "@textures/texture1.jpg@" in layer
    assert Image.open(io.BytesIO(archive.read("textures/texture1.jpg"))).format == "JPEG"


def test_the_mesh_comes_back_in_place_with_a_texture_place_for_each_corner(tmp_path: Path):
    write_usdz(painted(), tmp_path / "ball.usdz")
    layer, _ = layer_of(tmp_path / "ball.usdz")
    surface, skin = painted().nodes[0].surfaces["full"], painted().nodes[0].skins["full"]
    points = gltf_to_lps_mm(numbers(layer, "point3f[] points").reshape(-1, 3))
    assert np.abs(points - surface.vertices).max() < 1e-3
    corners = numbers(layer, "int[] faceVertexIndices").astype(int).reshape(-1, 3)
    assert np.array_equal(corners, surface.triangles)
    assert np.array_equal(numbers(layer, "int[] primvars:st:indices").reshape(-1, 3), skin.corners)
    places = numbers(layer, "texCoord2f[] primvars:st").reshape(-1, 2)
    assert np.abs(places - skin.places_from_below).max() < 1e-6
    assert "ESTIMATED from one picture" in layer


def test_organs_are_named_coloured_and_told_apart(tmp_path: Path):
    write_usdz(two_organs(), tmp_path / "scene.usdz")
    layer, archive = layer_of(tmp_path / "scene.usdz")
    assert archive.namelist() == ["model.usda"]
    assert layer.count("def Mesh") == layer.count("def Material") == 2
    assert 'displayName = "Left lung"' in layer
    assert "upAxis" in layer
    assert "metersPerUnit = 1" in layer
