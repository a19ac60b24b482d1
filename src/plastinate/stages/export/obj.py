"""A scene in, one OBJ and its MTL out: every organ an object with its own material."""

from __future__ import annotations

from pathlib import Path

from plastinate.model.scene import Scene
from plastinate.model.structure import Structure
from plastinate.stages.export.atomic_write import write_bytes, writing
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import frame_note, one_line, token
from plastinate.stages.export.number_text import number_rows
from plastinate.stages.export.scene_check import surfaces_of


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
        Both paths, each with its SHA-256; the materials first, so that an OBJ
        never points to a file that is not there yet.

    Raises:
        EmptyMask: the scene or one of its surfaces is empty.
        CannotWrite: the system refused.
    """
    surfaces = surfaces_of(scene, level=level)
    materials = path.with_name(f"{token(path.stem)}.mtl")
    notes = [f"Plastinate: {one_line(scene.title)}", frame_note(scene.geometry.unit)]
    head = "".join(f"# {line}\n" for line in notes)
    blocks = [_material(node.structure) for node in scene.nodes]
    written = {materials: write_bytes(materials, "".join([head, *blocks]).encode())}
    count = 1
    with writing(path) as stream:
        stream.write(f"{head}mtllib {materials.name}\n".encode())
        for node, surface in zip(scene.nodes, surfaces, strict=True):
            name = token(node.structure.name)
            stream.write(f"o {name}\n".encode())
            for block in number_rows(surface.vertices, ("v ", " ", " ", "\n")):
                stream.write(block)
            stream.write(f"g {_groups(scene, node.structure)}\nusemtl {token(node.id)}\n".encode())
            for block in number_rows(surface.triangles, ("f ", " ", " ", "\n"), added=count):
                stream.write(block)
            count += len(surface.vertices)
    return {**written, path: stream.sha256}


def write_obj_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The OBJ line of the format table."""
    return write_obj(scene, path, level=options.level)


def _groups(scene: Scene, structure: Structure) -> str:
    """The organ's id, then the ids of the groups above it, innermost first."""
    by_id = {group.id: group for group in scene.groups}
    names, above = [token(structure.id)], by_id.get(structure.parent)
    while above is not None and token(above.id) not in names:
        names.append(token(above.id))
        above = by_id.get(above.parent)
    return " ".join(names)


def _material(structure: Structure) -> str:
    red, green, blue = (round(value / 255.0, 6) for value in structure.colour)
    code = f"# {structure.code.scheme} {structure.code.value}\n" if structure.code else ""
    return (
        f"\nnewmtl {token(structure.id)}\n# {one_line(structure.name)}\n{code}"
        f"Kd {red:g} {green:g} {blue:g}\nKs 0.1 0.1 0.1\nNs 20\nd {structure.opacity:g}\nillum 2\n"
    )
