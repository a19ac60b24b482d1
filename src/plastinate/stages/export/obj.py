"""A scene in, one OBJ and its MTL out: every organ an object with its own material."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plastinate.model.scene import Scene
from plastinate.model.skin import Skin
from plastinate.model.structure import Structure
from plastinate.stages.export.atomic_write import write_bytes, writing
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import one_line, scene_note, token
from plastinate.stages.export.number_text import number_rows
from plastinate.stages.export.scene_check import skins_of, surfaces_of


def write_obj(scene: Scene, path: Path, *, level: str = "full") -> dict[Path, str]:
    """Write every organ of a scene as one Wavefront OBJ in LPS millimetres, and its materials beside it.

    OBJ has no field for unit or frame: comments say both. Positions have as many
    digits as read back to the same float32. There are no normals: readers make
    them, and they would double the file.

    Args:
        scene: at least one organ.
        path: of the OBJ; the MTL gets the same name with .mtl, blanks replaced.
        level: "full", "medium" or "light".

    Returns:
        Every path with its SHA-256; textures and materials first, so that an OBJ
        never points to a file that is not there yet.

    Raises:
        EmptyMask: the scene or one of its surfaces is empty.
        CannotWrite: the system refused.
    """
    surfaces = surfaces_of(scene, level=level)
    materials = path.with_name(f"{token(path.stem)}.mtl")
    notes = [f"Plastinate: {one_line(scene.title)}", scene_note(scene)]
    head = "".join(f"# {line}\n" for line in notes)
    skins = skins_of(scene, level=level)
    written, pictures = _write_textures(path, scene, skins)
    blocks = [_material(node.structure, picture) for node, picture in zip(scene.nodes, pictures, strict=True)]
    written[materials] = write_bytes(materials, "".join([head, *blocks]).encode())
    count, laid = 1, 1
    with writing(path) as stream:
        stream.write(f"{head}mtllib {materials.name}\n".encode())
        for node, surface, skin in zip(scene.nodes, surfaces, skins, strict=True):
            name = token(node.structure.name)
            stream.write(f"o {name}\n".encode())
            for block in number_rows(surface.vertices, ("v ", " ", " ", "\n")):
                stream.write(block)
            if skin is not None and skin.texture is not None:
                for block in number_rows(skin.places_from_below, ("vt ", " ", "\n")):
                    stream.write(block)
            stream.write(f"g {_groups(scene, node.structure)}\nusemtl {token(node.id)}\n".encode())
            if skin is not None and skin.texture is not None:
                both = np.empty((len(surface.triangles), 6), dtype=np.uint32)
                both[:, 0::2], both[:, 1::2] = (
                    surface.triangles + np.uint32(count),
                    skin.corners + np.uint32(laid),
                )
                for block in number_rows(both, ("f ", "/", " ", "/", " ", "/", "\n")):
                    stream.write(block)
                laid += len(skin.places)
            else:
                for block in number_rows(surface.triangles, ("f ", " ", " ", "\n"), added=count):
                    stream.write(block)
            count += len(surface.vertices)
    return {**written, path: stream.sha256}


def write_obj_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The OBJ line of the format table."""
    return write_obj(scene, path, level=options.level)


def _write_textures(path: Path, scene: Scene, skins: list[Skin | None]) -> tuple[dict[Path, str], list[str]]:
    """Write every texture beside the OBJ, each once; the files, and for each organ the name of its own."""
    written: dict[Path, str] = {}
    names: dict[int, str] = {}
    pictures: list[str] = []
    for node, skin in zip(scene.nodes, skins, strict=True):
        if skin is None or skin.texture is None:
            pictures.append("")
            continue
        if id(skin.texture) not in names:
            own = f"-{token(node.id)}" if names else ""
            target = path.with_name(f"{token(path.stem)}{own}{skin.texture.suffix}")
            written[target] = write_bytes(target, skin.texture.data)
            names[id(skin.texture)] = target.name
        pictures.append(names[id(skin.texture)])
    return written, pictures


def _groups(scene: Scene, structure: Structure) -> str:
    """The organ's id, then the ids of the groups above it, innermost first."""
    by_id = {group.id: group for group in scene.groups}
    names, above = [token(structure.id)], by_id.get(structure.parent)
    while above is not None and token(above.id) not in names:
        names.append(token(above.id))
        above = by_id.get(above.parent)
    return " ".join(names)


def _material(structure: Structure, picture: str) -> str:
    colour = (255, 255, 255) if picture else structure.colour
    red, green, blue = (round(value / 255.0, 6) for value in colour)
    code = f"# {structure.code.scheme} {structure.code.value}\n" if structure.code else ""
    return (
        f"\nnewmtl {token(structure.id)}\n# {one_line(structure.name)}\n{code}"
        f"Kd {red:g} {green:g} {blue:g}\nKs 0.1 0.1 0.1\nNs 20\nd {structure.opacity:g}\nillum 2\n"
    ) + (f"map_Kd {picture}\n" if picture else "")
