"""A scene in, one USDZ out: metres, Y up, every organ a named and coloured mesh, textures with it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from plastinate import __version__
from plastinate.model.errors import TooLarge
from plastinate.model.geometry import lps_mm_to_gltf
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.skin import Skin
from plastinate.model.surface import Surface
from plastinate.native.normals import vertex_normals
from plastinate.stages.export.atomic_write import write_bytes
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import ascii_text, file_stem, scene_note
from plastinate.stages.export.materials import ROUGHNESS, linear_rgb
from plastinate.stages.export.number_text import number_rows
from plastinate.stages.export.scene_check import is_closed, skins_of, surfaces_of

LAYER = "model.usda"
ALIGNMENT = 64
# What a zip without its 64-bit extension can state; USDZ forbids the extension.
BYTES_MAX = (1 << 32) - 1
ZIP_DATE = (1980 - 1980) << 9 | 1 << 5 | 1


def write_usdz(scene: Scene, path: Path, *, level: str = "full") -> str:
    """Write every organ of a scene as one USDZ: an uncompressed zip with a text layer first, then textures.

    Places in textures hang on the corners of triangles, so a surface that is closed stays so.

    Args:
        scene: at least one organ.
        path: where to.
        level: "full", "medium" or "light".

    Returns:
        The SHA-256 of the file.

    Raises:
        EmptyMask: the scene or one of its surfaces is empty.
        TooLarge: beyond the 4 GiB that such a zip can hold.
        CannotWrite: the system refused.

    Source: USDZ File Format Specification 1.3, sections "Layout" and "File Types"; UsdPreviewSurface 2.5.
    """
    surfaces, skins = surfaces_of(scene, level=level), skins_of(scene, level=level)
    textures = {
        f"textures/texture{number + 1}{skin.texture.suffix}": skin.texture.data
        for number, skin in enumerate(skins)
        if skin is not None and skin.texture is not None
    }
    layer = b"".join(_layer(scene, surfaces, skins, level=level))
    packed = packed_aligned({LAYER: layer, **textures})
    if len(packed) > BYTES_MAX:
        raise TooLarge(path.name, "the size of the USDZ in bytes", value=len(packed), cap=BYTES_MAX)
    return write_bytes(path, packed)


def write_usdz_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The USDZ line of the format table."""
    return {path: write_usdz(scene, path, level=options.level)}


def packed_aligned(files: dict[str, bytes]) -> bytes:
    """Files as a zip that stores them as they are, each beginning at a multiple of 64 bytes.

    >>> import io, zipfile
    >>> packed = packed_aligned({"a.usda": b"#usda 1.0"})
    >>> packed.index(b"#usda") % 64, zipfile.ZipFile(io.BytesIO(packed)).testzip()
    (0, None)
    """
    whole, entries = bytearray(), bytearray()
    for name, data in files.items():
        start, title = len(whole), name.encode("ascii")
        # An extra field of a kind that nobody reads fills up to the next multiple.
        padding = -(start + 30 + len(title) + 4) % ALIGNMENT
        extra = struct.pack("<HH", 0x1986, padding) + bytes(padding)
        facts = struct.pack("<HHHHHIII", 10, 0, 0, 0, ZIP_DATE, zlib.crc32(data), len(data), len(data))
        whole += b"PK\x03\x04" + facts + struct.pack("<HH", len(title), len(extra)) + title + extra + data
        entries += (
            b"PK\x01\x02"
            + struct.pack("<H", 10)
            + facts
            + struct.pack("<HHHHHII", len(title), 0, 0, 0, 0, 0, start)
        )
        entries += title
    count = len(files)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(entries), len(whole), 0)
    return bytes(whole + entries + b"PK\x05\x06" + end)


def _layer(
    scene: Scene, surfaces: Sequence[Surface], skins: Sequence[Skin | None], *, level: str
) -> Iterator[bytes]:
    note = _text(f"{scene.title}; {scene_note(scene)}")
    yield (
        f'#usda 1.0\n(\n    doc = "{note}"\n'
        f'    customLayerData = {{ string creator = "Plastinate {__version__}" }}\n'
        '    defaultPrim = "Model"\n    metersPerUnit = 1\n    upAxis = "Y"\n)\n\n'
        f'def Xform "Model" (\n    kind = "component"\n    doc = "{note}"\n)\n{{\n'
    ).encode()
    names = _names(scene)
    for number, (node, surface, skin) in enumerate(zip(scene.nodes, surfaces, skins, strict=True)):
        texture = None if skin is None or skin.texture is None else skin
        is_open = not is_closed(scene, node, level=level)
        yield from _mesh(names[number], node, surface, texture, is_open=is_open)
        yield _material(names[number], node, texture, number).encode()
    yield b"}\n"


def _mesh(
    name: str, node: SceneNode, surface: Surface, skin: Skin | None, *, is_open: bool
) -> Iterator[bytes]:
    points = lps_mm_to_gltf(surface.vertices).astype(np.float32)
    normals = (lps_mm_to_gltf(vertex_normals(surface.vertices, surface.triangles)) * 1000.0).astype(
        np.float32
    )
    ends = points.min(axis=0), points.max(axis=0)
    low, high = (", ".join(f"{value:.9g}" for value in end) for end in ends)
    yield (
        f'    def Mesh "{name}" (\n        prepend apiSchemas = ["MaterialBindingAPI"]\n'
        f'        displayName = "{_text(node.structure.name)}"\n    )\n    {{\n'
        f"        float3[] extent = [({low}), ({high})]\n        bool doubleSided = {int(is_open)}\n"
        '        uniform token subdivisionScheme = "none"\n'
        f"        rel material:binding = </Model/{name}Look>\n        int[] faceVertexCounts = ["
    ).encode()
    yield b"3, " * (len(surface.triangles) - 1) + b"3]\n        int[] faceVertexIndices = ["
    yield _listed(number_rows(surface.triangles, ("", ", ", ", ", ", ")))
    yield b"]\n        point3f[] points = ["
    yield _listed(number_rows(points, ("(", ", ", ", ", "), ")))
    yield b"]\n        normal3f[] normals = ["
    yield _listed(number_rows(normals, ("(", ", ", ", ", "), ")))
    yield b'] (\n            interpolation = "vertex"\n        )\n'
    if skin is not None:
        yield b"        texCoord2f[] primvars:st = ["
        yield _listed(number_rows(skin.places_from_below, ("(", ", ", "), ")))
        yield b'] (\n            interpolation = "faceVarying"\n        )\n'
        yield b"        int[] primvars:st:indices = ["
        yield _listed(number_rows(skin.corners, ("", ", ", ", ", ", ")))
        yield b"]\n"
    yield b"    }\n\n"


def _listed(blocks: Iterator[bytes]) -> bytes:
    return b"".join(blocks).removesuffix(b", ")


def _material(name: str, node: SceneNode, skin: Skin | None, number: int) -> str:
    red, green, blue = (round(value, 6) for value in linear_rgb(node.structure.colour))
    place = f"/Model/{name}Look"
    colour = f"color3f inputs:diffuseColor = ({red:g}, {green:g}, {blue:g})"
    shaders = ""
    if skin is not None and skin.texture is not None:
        colour = f"color3f inputs:diffuseColor.connect = <{place}/Picture.outputs:rgb>"
        shaders = (
            '        def Shader "Places"\n        {\n'
            '            uniform token info:id = "UsdPrimvarReader_float2"\n'
            '            string inputs:varname = "st"\n            float2 outputs:result\n        }\n\n'
            f'        def Shader "Picture"\n        {{\n            uniform token info:id = "UsdUVTexture"\n'
            f"            asset inputs:file = @textures/texture{number + 1}{skin.texture.suffix}@\n"
            '            token inputs:sourceColorSpace = "sRGB"\n'
            '            token inputs:wrapS = "clamp"\n            token inputs:wrapT = "clamp"\n'
            f"            float2 inputs:st.connect = <{place}/Places.outputs:result>\n"
            "            float3 outputs:rgb\n        }\n"
        )
    return (
        f'    def Material "{name}Look"\n    {{\n'
        f"        token outputs:surface.connect = <{place}/Surface.outputs:surface>\n\n"
        '        def Shader "Surface"\n        {\n            uniform token info:id = "UsdPreviewSurface"\n'
        f"            {colour}\n            float inputs:metallic = 0\n"
        f"            float inputs:opacity = {node.structure.opacity:g}\n"
        f"            float inputs:roughness = {1.0 if skin is not None else ROUGHNESS:g}\n"
        "            token outputs:surface\n        }\n\n"
        f"{shaders}    }}\n\n"
    )


def _names(scene: Scene) -> list[str]:
    """A name for each organ that USD can hold, no two the same."""
    names: list[str] = []
    for number, node in enumerate(scene.nodes):
        name = "".join(part.capitalize() for part in file_stem(node.id).replace("_", "-").split("-"))
        name = name if name[:1].isalpha() else f"Organ{name}"
        names.append(f"{name}{number + 1}" if name in names or f"{name}Look" in names else name)
    return names


def _text(text: str) -> str:
    return ascii_text(text).replace("\\", "/").replace('"', "'")
