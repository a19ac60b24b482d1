"""A scene in, one 3MF out: millimetres by definition, every organ a named and coloured part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from plastinate import __version__
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.surface import Surface
from plastinate.stages.export.atomic_write import write_bytes
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import one_line, scene_note
from plastinate.stages.export.json_text import json_bytes
from plastinate.stages.export.materials import hex_colour
from plastinate.stages.export.number_text import number_rows
from plastinate.stages.export.scene_check import is_closed, skins_of, surfaces_of
from plastinate.stages.export.threemf_textures import MATERIALS, PackedTextures, packed_textures

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
OPC = "http://schemas.openxmlformats.org/package/2006"
MODEL_PART = "3D/3dmodel.model"
CONTENT_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<Types xmlns="{OPC}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>'
)
RELATIONSHIPS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<Relationships xmlns="{OPC}/relationships">'
    f'<Relationship Target="/{MODEL_PART}" Id="model" '
    'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>'
    "</Relationships>"
)
# The oldest date a zip can state: the same scene must give the same bytes on every day.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
# 47 MB of mesh text: level 1 0.3 s and 11.3 MB, level 4 0.5 s and 9.4 MB, level 6 1.3 s and 9.0 MB.
DEFLATE_LEVEL = 4


def write_3mf(scene: Scene, path: Path, *, level: str = "full") -> str:
    """Write every organ of a scene as one 3MF (core specification) in LPS millimetres.

    Each organ is an object of its own with name, id and colour, placed where it
    lay in the patient; slicing programs move the whole to their plate. The
    evidence travels as metadata. An organ that is not closed is written as a
    "surface" and not as a solid "model".

    Args:
        scene: at least one organ.
        path: where to.
        level: "full", "medium" or "light".

    Returns:
        The SHA-256 of the file.

    Raises:
        NoMillimetres: 3MF states a length for every number, and the scan has none.
        EmptyMask: the scene or one of its surfaces is empty.
        CannotWrite: the system refused.

    Source: 3MF Consortium, Core Specification 1.3, sections 3 and 4.
    """
    scene.geometry.require_mm("the unit that a 3MF file must state")
    surfaces = surfaces_of(scene, level=level)
    # The packed file is small beside the meshes, and a zip made in memory can
    # state sizes before contents, which some slicing programs insist on.
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=DEFLATE_LEVEL) as archive:
        textures = packed_textures(skins_of(scene, level=level), first_id=len(scene.nodes) + 2)
        archive.writestr(_entry("[Content_Types].xml"), f"{CONTENT_TYPES}{textures.content_types}</Types>")
        archive.writestr(_entry("_rels/.rels"), RELATIONSHIPS)
        for name, data in textures.parts.items():
            archive.writestr(_entry(name), data)
        with archive.open(_entry(MODEL_PART), "w") as part:
            for block in _model(scene, surfaces, textures, level=level):
                part.write(block)
    return write_bytes(path, packed.getvalue())


def write_3mf_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The 3MF line of the format table."""
    return {path: write_3mf(scene, path, level=options.level)}


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ZIP_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _model(scene: Scene, surfaces: list[Surface], textures: PackedTextures, *, level: str) -> Iterator[bytes]:
    facts = {
        "Title": one_line(scene.title),
        "Application": f"Plastinate {__version__}",
        "Description": scene_note(scene),
        "plastinate:evidence": json_bytes(scene.evidence.as_dict()).decode(),
    }
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<model unit="millimeter" xml:lang="en-US" xmlns="{CORE}" '
        + (f'xmlns:m="{MATERIALS}" ' if textures.parts else "")
        + 'xmlns:plastinate="urn:plastinate:evidence:1">\n'
    ).encode()
    for name, value in facts.items():
        yield f'<metadata name="{name}">{escape(_printable(value))}</metadata>\n'.encode()
    yield b'<resources>\n<basematerials id="1">\n'
    for node in scene.nodes:
        name = quoteattr(_printable(one_line(node.structure.name)))
        yield f'<base name={name} displaycolor="{hex_colour(node.structure)}"/>\n'.encode()
    yield b"</basematerials>\n"
    yield from textures.resources()
    for number, (node, surface) in enumerate(zip(scene.nodes, surfaces, strict=True)):
        kind = "model" if is_closed(scene, node, level=level) else "surface"
        yield from _object(node, surface, number, textures, kind=kind)
    yield b"</resources>\n<build>\n"
    for number in range(len(scene.nodes)):
        yield f'<item objectid="{number + 2}"/>\n'.encode()
    yield b"</build>\n</model>\n"


def _object(
    node: SceneNode, surface: Surface, number: int, textures: PackedTextures, *, kind: str
) -> Iterator[bytes]:
    name = quoteattr(_printable(one_line(node.structure.name)))
    part = quoteattr(_printable(node.id))
    yield (
        f'<object id="{number + 2}" type="{kind}" name={name} partnumber={part} pid="1" pindex="{number}">\n'
        "<mesh>\n<vertices>\n"
    ).encode()
    yield from number_rows(surface.vertices, ('<vertex x="', '" y="', '" z="', '"/>\n'))
    yield b"</vertices>\n<triangles>\n"
    yield from textures.triangles(surface, number)
    yield b"</triangles>\n</mesh>\n</object>\n"


def _printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(
        c
        for c in text
        if c in "\t\n\r" or 0x20 <= ord(c) < 0xD800 or 0xE000 <= ord(c) < 0xFFFE or ord(c) > 0xFFFF
    )
