"""A scene and the names of formats in, files and their hashes out.

    OUT/scene.glb  .obj  .mtl  .ply  .3mf  .usdz                 every organ, named
    OUT/scene-medium.glb  scene-light.glb                        the same with fewer triangles, where made
    OUT/models/<structure>.glb .stl .obj .ply .3mf .usdz         one organ each
    OUT/labels.nii.gz  labels.seg.nrrd  labels.dcm               the voxels behind them
    OUT/view/                                                    all of it in pieces, for the viewer
    OUT/object-ESTIMATED.glb ...                                 made of a picture: one body, one file

STL and the per-organ files of the others always bear the structure id. A line
in FORMATS is the only registration of a format.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from plastinate.model.errors import NoDicomSource, NoMillimetres, RecipeNotFound
from plastinate.model.geometry import Unit
from plastinate.model.scene import DETAIL_LEVELS, Scene
from plastinate.model.structure import Structure
from plastinate.model.volume import Volume
from plastinate.native.side_by_side import say_nothing, side_by_side
from plastinate.stages.export.atomic_write import make_folder, write_bytes
from plastinate.stages.export.format_options import FormatOptions, Lightens, Writer
from plastinate.stages.export.frame_note import file_stem, marked_stem

# What writes one file, or some that belong together, and tells their SHA-256.
WritesFiles = Callable[[], dict[Path, str]]
# Memory that writing one file takes at most. Measured on a chest: 3 bytes for each byte of mesh in a GLB with
# all its organs, 2 for each byte of label map in a DICOM SEG.
BYTES_PER_MESH_BYTE, BYTES_PER_LABEL_BYTE = 4, 3


@dataclass(frozen=True)
class Format:
    """How a format is spread over files.

    Attributes:
        suffix: with its dot.
        writer: module:function, imported when the format is first asked for.
        holds: "scene" (one file with every organ, and one for each), "organ"
            (only one for each: the format cannot name parts), "labels" (one label map),
            "view" (a folder of its own, with everything).
        needs_mm: it must state a length, so a scan without millimetres is refused.
        needs_dicom: it refers to the DICOM files of the scan.
    """

    suffix: str
    writer: str
    holds: str
    needs_mm: bool = False
    needs_dicom: bool = False


FORMATS: dict[str, Format] = {
    "glb": Format(".glb", "glb:write_glb_file", "scene"),
    "stl": Format(".stl", "stl:write_stl_file", "organ"),
    "obj": Format(".obj", "obj:write_obj_file", "scene"),
    "ply": Format(".ply", "ply:write_ply_file", "scene"),
    "3mf": Format(".3mf", "threemf:write_3mf_file", "scene", needs_mm=True),
    "usdz": Format(".usdz", "usdz:write_usdz_file", "scene"),
    "nifti": Format(".nii.gz", "nifti:write_nifti_file", "labels"),
    "nrrd": Format(".seg.nrrd", "nrrd:write_nrrd_file", "labels"),
    "seg": Format(".dcm", "dicom_seg:write_dicom_seg_file", "labels", needs_mm=True, needs_dicom=True),
    "viewer": Format("/scene.json", "view_scene:write_view_files", "view"),
}


def write_formats(
    scene: Scene,
    folder: Path,
    formats: Sequence[str],
    *,
    compression: str = "meshopt",
    source_files: Iterable[Path] | None = None,
    level: str = "full",
    volume: Volume | None = None,
    lighten: Lightens | None = None,
    progress: Callable[[int, int], None] = say_nothing,
) -> dict[str, str]:
    """Write a scene in every format asked for, its files side by side where cores allow.

    Args:
        scene: at least one organ; a label map for the label formats.
        folder: made where it is missing.
        formats: names of FORMATS, each once or more often.
        compression: of GLB files.
        source_files: the DICOM files the volume was read from; "seg" needs them.
        level: "full", "medium" or "light".
        volume, lighten: for the viewer, see `FormatOptions`.
        progress: told after each file how many are done, and of how many.

    Returns:
        Path relative to the folder, with forward slashes -> SHA-256, in the order written.

    Raises:
        RecipeNotFound: no such format.
        EmptyMask: the scene or one of its surfaces is empty.
        NoMillimetres: a format that must state millimetres, and a scan that has none.
        UnsupportedFile: a DICOM SEG of a scan that is not DICOM.
        CannotWrite: the system refused; files already whole stay.
    """
    options = FormatOptions(compression, tuple(source_files or ()), level, volume, lighten)
    check_formats(formats, unit=scene.geometry.unit, has_source_files=bool(options.source_files))
    make_folder(folder)
    files = [
        file for name in dict.fromkeys(formats) for file in _files(scene, folder, FORMATS[name], options)
    ]
    bytes_each = BYTES_PER_MESH_BYTE * _mesh_bytes(scene)
    if scene.label_map is not None and any(FORMATS[name].holds == "labels" for name in formats):
        bytes_each = max(bytes_each, BYTES_PER_LABEL_BYTE * scene.label_map.array.nbytes)
    written = side_by_side(files, bytes_each=bytes_each, progress=progress)
    return {path.relative_to(folder).as_posix(): digest for made in written for path, digest in made.items()}


def check_formats(
    formats: Iterable[str], *, unit: Unit, has_source_files: bool, source_files: Sequence[Path] = ()
) -> None:
    """Refuse what cannot be written, before the work of minutes and not after it.

    Args:
        formats: names of FORMATS.
        unit: of the scan's geometry.
        has_source_files: the scan was read from loose DICOM files.
        source_files: these files, to look into the headers as well.

    Raises:
        RecipeNotFound: no such format.
        NoMillimetres: a format that must state a length, and a scan that has none.
        NoDicomSource: a DICOM SEG without DICOM files to refer to, or of files that lack what it repeats.
    """
    for name in formats:
        kind = find_format(name)
        if kind.needs_mm and unit != "mm":
            raise NoMillimetres(f"the length that {name} must state")
        if kind.needs_dicom and not has_source_files:
            raise NoDicomSource("this scan was not read from loose DICOM files")
        if kind.needs_dicom and source_files:
            # Imported here: it is the heaviest of the writers, and most builds do without.
            from plastinate.stages.export.dicom_seg import fit_sources

            fit_sources(source_files)


def write_file(scene: Scene, target: Path, *, compression: str = "meshopt", level: str = "full") -> str:
    """Write a whole scene into the one file that its suffix names a format for.

    STL cannot tell organs apart: several become one set of triangles.

    Returns:
        The SHA-256 of the target.

    Raises:
        RecipeNotFound: no format goes by that suffix.
        CannotWrite: the system refused.
    """
    name = target.name.lower()
    for kind in FORMATS.values():
        if name.endswith(kind.suffix):
            options = FormatOptions(compression, (), level)
            return _writer(kind)(scene, target, options)[target]
    raise _no_format(target.suffix.lstrip(".") or target.name)


def find_format(name: str) -> Format:
    """The format of that name.

    Raises:
        RecipeNotFound: there is none.
    """
    if name not in FORMATS:
        raise _no_format(name)
    return FORMATS[name]


def _no_format(name: str) -> RecipeNotFound:
    error = RecipeNotFound("format", name, near=difflib.get_close_matches(name, FORMATS, 2))
    error.hint = f"The formats are {', '.join(FORMATS)}."
    return error


def alone(scene: Scene, structure: str) -> Scene:
    """The scene with one organ and its groups only; the evidence stays whole."""
    node = scene.node(structure)
    by_id = {s.id: s for s in (*scene.groups, *(n.structure for n in scene.nodes))}
    kept: set[str] = set()
    above: Structure | None = by_id.get(node.structure.parent)
    while above is not None and above.id not in kept:
        kept.add(above.id)
        above = by_id.get(above.parent)
    groups = tuple(group for group in scene.groups if group.id in kept)
    return replace(scene, nodes=(node,), groups=groups)


def organ_files(scene: Scene, folder: Path, suffix: str) -> dict[str, Path]:
    """Structure id -> its own file; ids that fold to the same name get a number."""
    paths: dict[str, Path] = {}
    used: set[str] = set()
    for node in scene.nodes:
        stem = wanted = file_stem(node.id)
        number = 2
        while stem.lower() in used:
            stem, number = f"{wanted}-{number}", number + 1
        used.add(stem.lower())
        paths[node.id] = folder / f"{stem}{suffix}"
    return paths


def _files(scene: Scene, folder: Path, kind: Format, options: FormatOptions) -> list[WritesFiles]:
    """What writes the files of a format, in order; none needs another to be there."""
    write = _writer(kind)
    if kind.holds == "labels":
        return [partial(write, scene, folder / f"labels{kind.suffix}", options)]
    if kind.holds == "view":
        return [partial(write, scene, folder / "view" / "scene.json", options)]
    if scene.is_estimated:
        return _estimated_files(scene, folder, kind, options)
    whole: list[WritesFiles] = []
    if kind.holds == "scene":
        whole.append(partial(write, scene, folder / f"scene{kind.suffix}", options))
    if kind.suffix == ".glb" and options.level == "full":
        for level in DETAIL_LEVELS[1:]:
            if any(level in node.surfaces for node in scene.nodes):
                target = folder / f"scene-{level}.glb"
                whole.append(partial(write, scene, target, replace(options, level=level)))
    own = organ_files(scene, make_folder(folder / "models"), kind.suffix)
    if kind.suffix == ".glb" and len(own) == 1:
        return [partial(_write_and_copy, whole, folder / "scene.glb", *own.values())]
    return whole + [partial(write, alone(scene, name), path, options) for name, path in own.items()]


def _estimated_files(scene: Scene, folder: Path, kind: Format, options: FormatOptions) -> list[WritesFiles]:
    """One body, and one file of it in every format, whose name says that it is an estimate."""
    write, stem = _writer(kind), file_stem(scene.nodes[0].id)
    files: list[WritesFiles] = [
        partial(write, scene, folder / f"{marked_stem(stem, scene)}{kind.suffix}", options)
    ]
    if kind.suffix == ".glb":
        for level in DETAIL_LEVELS[1:]:
            lighter = scene.nodes[0].surfaces.get(level)
            # A body that has few triangles already has no lighter one to write.
            if lighter is not None and len(lighter.triangles) < len(
                scene.nodes[0].surfaces["full"].triangles
            ):
                target = folder / f"{marked_stem(f'{stem}-{level}', scene)}.glb"
                files.append(partial(write, scene, target, replace(options, level=level)))
        if (sure := _by_confidence(scene)) is not None:
            target = folder / f"{marked_stem(f'{stem}-confidence', scene)}.glb"
            files.append(partial(write, sure, target, options))
    return files


def _by_confidence(scene: Scene) -> Scene | None:
    """The scene in the colours of its confidence, where it has any."""
    node = scene.nodes[0]
    skins = {
        level: replace(skin, texture=skin.confidence_texture)
        for level, skin in node.skins.items()
        if skin.confidence_texture is not None
    }
    return replace(scene, nodes=(replace(node, skins=skins),)) if skins else None


def _write_and_copy(whole: list[WritesFiles], source: Path, copy: Path) -> dict[Path, str]:
    written = {path: digest for write in whole for path, digest in write().items()}
    # One organ: its own file is the scene's, and compressing it twice would cost as much again.
    return {**written, copy: write_bytes(copy, source.read_bytes())}


def _mesh_bytes(scene: Scene) -> int:
    surfaces = [node.surfaces["full"] for node in scene.nodes]
    return sum(surface.vertices.nbytes + surface.triangles.nbytes for surface in surfaces)


def _writer(kind: Format) -> Writer:
    module, _, name = kind.writer.partition(":")
    writer: Writer = getattr(importlib.import_module(f"plastinate.stages.export.{module}"), name)
    return writer
