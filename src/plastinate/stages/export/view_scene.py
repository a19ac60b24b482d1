"""A scene and its volume in, the folder that the viewer reads piece by piece out.

view/scene.json                                 what there is and where its bytes lie
view/coarse.bin  medium.bin  full.bin           meshes, see `view_meshes.py`
view/volume-0.bin  volume-1.bin ...             grey values, finest first, see `view_bricks.py`
view/labels-0.bin  labels-1.bin ...             which organ each voxel belongs to
view/texture-0.jpg ...                          the picture on a surface, where there is one
view/confidence-0.jpg ...                       at the same places, how sure its depth is, where that is known
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Structure
from plastinate.model.surface import Surface
from plastinate.native.side_by_side import side_by_side
from plastinate.stages.export.atomic_write import make_folder, write_bytes
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.json_text import json_bytes
from plastinate.stages.export.scene_check import surfaces_of
from plastinate.stages.export.view_meshes import WrittenMeshes, write_meshes
from plastinate.stages.export.view_volume import (
    statistics,
    stored_values,
    write_labels,
    write_values,
)

FORMAT, VERSION = "plastinate-view", 1


def write_view_files(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The viewer's line of the format table; `path` is that of scene.json.

    Raises:
        EmptyMask: the scene or one of its surfaces is empty.
        CannotWrite: the system refused.
    """
    surfaces_of(scene)
    folder = make_folder(path.parent)
    try:
        return _write(scene, path, options)
    except BaseException:
        # Pieces that nothing names help nobody.
        for left in [*folder.glob("*.bin"), *folder.glob("texture-*"), *folder.glob("confidence-*"), path]:
            left.unlink(missing_ok=True)
        raise


def _write(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    folder = path.parent
    found: dict[str, Any] = {"meshes": None, "volume": None, "labels": None, "statistics": {}}
    digests: dict[Path, str] = {}

    def meshes() -> None:
        found["meshes"] = write_meshes(scene, folder, lighten=options.lighten)
        digests.update(found["meshes"].digests)

    def volume() -> None:
        if options.volume is None:
            return
        values = stored_values(options.volume)
        found["volume"], written = write_values(values, folder)
        digests.update(written)
        if scene.label_map is not None and scene.label_map.array.shape == values.array.shape:
            found["statistics"] = statistics(scene.label_map, values)

    def labels() -> None:
        if scene.label_map is not None:
            found["labels"], written = write_labels(scene.label_map, folder)
            digests.update(written)

    side_by_side([volume, meshes, labels])
    textures = _textures(scene, folder, digests)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "title": scene.title,
        "unit": scene.geometry.unit,
        "frame": "LPS",
        "organs": [
            {
                **_organ(scene, node, number, found["meshes"], found["statistics"]),
                **textures.get(node.id, {}),
            }
            for number, node in enumerate(scene.nodes)
        ],
        "groups": [
            {"id": each.id, "name": each.name, "parent": each.parent or None} for each in scene.groups
        ],
        "not_found": [missing.as_dict() for missing in scene.evidence.not_found],
        "volume": found["volume"],
        "labels": found["labels"],
        **({"estimate": _estimate(scene)} if scene.is_estimated else {}),
    }
    digests[path] = write_bytes(path, json_bytes(document))
    return dict(sorted(digests.items()))


def _textures(scene: Scene, folder: Path, digests: dict[Path, str]) -> dict[str, dict[str, Any]]:
    """Write what lies on each organ; id -> "texture" and "confidence" as the manifest has them."""
    told: dict[str, dict[str, Any]] = {}
    for number, node in enumerate(scene.nodes):
        skin = node.skin("full")
        if skin is None or skin.texture is None:
            continue
        for name, texture in (("texture", skin.texture), ("confidence", skin.confidence_texture)):
            if texture is None:
                continue
            path = folder / f"{name}-{number}{texture.suffix}"
            digests[path] = write_bytes(path, texture.data)
            told.setdefault(node.id, {})[name] = {
                "file": f"view/{path.name}",
                "bytes": len(texture.data),
                "media_type": texture.media_type,
                "sha256": digests[path],
            }
    return told


def _estimate(scene: Scene) -> dict[str, Any]:
    """What nobody saw, and from where there is a length; whoever shows it says that it is an estimate."""
    said = scene.evidence.inputs["estimate"]
    return {name: said.get(name) for name in ("kind", "invented", "length_from", "pictures")}


def _organ(
    scene: Scene,
    node: SceneNode,
    number: int,
    written: WrittenMeshes,
    statistics_of: dict[str, Any],
) -> dict[str, Any]:
    structure, full = node.structure, node.surfaces["full"]
    quality = scene.evidence.quality.get(node.id, {}).get("full")
    verdict = scene.evidence.verdicts.get(node.id)
    in_mm = scene.geometry.unit == "mm"
    if quality is not None:
        volume_ml, area_cm2 = quality.volume_ml, quality.area_cm2
    else:
        volume_ml, area_cm2 = (full.volume_ml, full.area_cm2) if in_mm else (None, None)
    return {
        "id": node.id,
        "name": structure.name,
        "code": structure.as_dict()["code"],
        "side": structure.laterality or None,
        "parent": _parent(scene, structure),
        "colour": "#{:02x}{:02x}{:02x}".format(*structure.colour),
        "opacity": structure.opacity,
        "label": _label(scene.label_map, node.id),
        "light": "amber" if verdict is None else verdict.light,
        "reasons": [] if verdict is None else list(verdict.reasons),
        "volume_ml": _rounded(volume_ml),
        "area_mm2": None if area_cm2 is None else _rounded(area_cm2 * 100),
        "bounds_lps_mm": np.round(full.bounds_lps_mm, 4).tolist(),
        "centre_lps_mm": np.round(centre_of_gravity(full), 4).tolist(),
        # The box around a view is mostly air: whoever wants it in a picture needs to know better.
        **({"extremes_lps_mm": extremes(full).round(4).tolist()} if scene.is_estimated else {}),
        "triangles": len(full.triangles),
        "distance_mean_mm": None if quality is None else _rounded(quality.distance_mean_mm),
        "distance_p95_mm": None if quality is None else _rounded(quality.distance_p95_mm),
        "statistics": statistics_of.get(node.id),
        "meshes": {level: entries[number] for level, entries in written.meshes.items()},
    }


def centre_of_gravity(surface: Surface) -> npt.NDArray[np.float64]:
    """(3,): of what a closed surface encloses; of its triangles' corners where it encloses nothing."""
    base = surface.vertices[0].astype(np.float64)
    a, b, c = (surface.vertices[surface.triangles[:, k]].astype(np.float64) - base for k in range(3))
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c))
    total = float(volumes.sum())
    if abs(total) < 1e-9:
        return np.asarray(base + ((a + b + c) / 3).mean(axis=0), dtype=np.float64)
    return np.asarray(base + (volumes[:, None] * (a + b + c) / 4).sum(axis=0) / total, dtype=np.float64)


def extremes(surface: Surface) -> npt.NDArray[np.float64]:
    """(E, 3) the vertices that reach farthest in 26 directions: along axes, edges and corners of a cube."""
    steps = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    directions = steps[np.any(steps != 0, axis=1)]
    farthest = np.argmax(surface.vertices.astype(np.float64) @ directions.T, axis=0)
    return np.asarray(surface.vertices[np.unique(farthest)], dtype=np.float64)


def _parent(scene: Scene, structure: Structure) -> str | None:
    known = {group.id for group in scene.groups} | {node.id for node in scene.nodes}
    return structure.parent if structure.parent in known else None


def _label(labels: LabelMap | None, name: str) -> int | None:
    if labels is None or name not in labels.structures.values():
        return None
    return labels.label_of(name)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
