"""A scene's organs in, three files of meshes out: coarse fetched whole, medium and full organ by organ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.scene import DETAIL_LEVELS, Scene, SceneNode
from plastinate.model.skin import Skin
from plastinate.model.surface import Surface
from plastinate.native.normals import vertex_normals
from plastinate.native.side_by_side import side_by_side
from plastinate.stages.export.atomic_write import writing
from plastinate.stages.export.corner_vertices import corner_vertices
from plastinate.stages.export.format_options import Lightens
from plastinate.stages.export.meshopt_streams import mesh_streams
from plastinate.stages.export.shared_grid import shared_grid

# All organs together at most so many triangles in the coarse level, about half a megabyte; and each of them
# at least so many, or it is no longer recognised.
COARSE_SCENE, COARSE_ORGAN, COARSE_LEAST = 120_000, 5_000, 400
# What a phone draws of one organ.
MEDIUM_ORGAN = 30_000
# How far a lighter level may stray, in voxels: the first of these that reaches the count is enough.
ERRORS_VOXEL = (0.75, 2.0, 6.0)
COUNT_TOLERANCE = 1.1


@dataclass(frozen=True, eq=False)
class Dressed:
    """A surface, and the look that it may have beyond one colour."""

    surface: Surface
    skin: Skin | None = None


@dataclass(frozen=True, eq=False)
class WrittenMeshes:
    """What the manifest says of the meshes.

    Attributes:
        meshes: level -> one entry for each organ, in the order of the scene.
        digests: file -> SHA-256.
    """

    meshes: Mapping[str, Sequence[dict[str, Any]]]
    digests: Mapping[Path, str]


def write_meshes(scene: Scene, folder: Path, *, lighten: Lightens | None = None) -> WrittenMeshes:
    """Write every organ in three levels of detail, in LPS millimetres on a grid of 16 bits.

    Neighbours share a grid within a level, so their common walls stay common.

    Args:
        scene: at least one organ, none of them empty.
        folder: of the view.
        lighten: makes what the scene lacks; without it every level is as light as there is.

    Raises:
        CannotWrite: the system refused.
    """
    levels = side_by_side([partial(_levels, scene, node, lighten) for node in scene.nodes])
    full: list[Dressed | None] = [each["full"] for each in levels]
    whole, medium, coarse = side_by_side(
        [
            partial(_write, folder / "full.bin", full),
            # What is light enough already is not written twice.
            partial(_write, folder / "medium.bin", [_other(each, "medium", "full") for each in levels]),
            partial(_write, folder / "coarse.bin", [each["coarse"] for each in levels]),
        ]
    )
    lighter = [own or full for own, full in zip(medium[0], whole[0], strict=True)]
    meshes = {"coarse": coarse[0], "medium": lighter, "full": whole[0]}
    return WrittenMeshes(meshes, {**whole[1], **medium[1], **coarse[1]})


def _other(levels: Mapping[str, Dressed], level: str, than: str) -> Dressed | None:
    return None if levels[level].surface is levels[than].surface else levels[level]


def _levels(scene: Scene, node: SceneNode, lighten: Lightens | None) -> dict[str, Dressed]:
    full = node.surfaces["full"]
    if node.skins:
        # A skin fits its own surface alone, so there are no levels but those that have one.
        there = [level for level in DETAIL_LEVELS if level in node.surfaces]
        own = {level: Dressed(node.surfaces[level], node.skin(level)) for level in there}
        lighter = own.get("medium", own["full"])
        if len(lighter.surface.triangles) == len(own["full"].surface.triangles):
            lighter = own["full"]
        return {"full": own["full"], "medium": lighter, "coarse": own.get("light", lighter)}
    voxel = min(scene.geometry.spacing)
    medium = _lightened(node.surfaces.get("medium", full), MEDIUM_ORGAN, lighten, voxel)
    light = node.surfaces.get("light", medium)
    target = max(COARSE_LEAST, min(COARSE_ORGAN, COARSE_SCENE // len(scene.nodes)))
    coarse = _lightened(light, target, lighten, voxel)
    return {level: Dressed(each) for level, each in (("full", full), ("medium", medium), ("coarse", coarse))}


def _lightened(surface: Surface, target: int, lighten: Lightens | None, voxel: float) -> Surface:
    """As few triangles as asked for, or as few as the largest error allowed admits."""
    for error in ERRORS_VOXEL:
        if lighten is None or len(surface.triangles) <= target * COUNT_TOLERANCE:
            break
        surface = lighten(surface, target_triangles=target, max_error_mm=error * voxel)
    return surface


def _write(path: Path, surfaces: Sequence[Dressed | None]) -> tuple[list[dict[str, Any]], dict[Path, str]]:
    """One file; where there is no surface, an empty entry. No file where there is none at all."""
    there = [each for each in surfaces if each is not None]
    if not there:
        return [{} for _ in surfaces], {}
    grid = shared_grid([each.surface.vertices.astype(np.float64) for each in there])
    encoded = side_by_side([partial(_encoded, *each) for each in zip(there, grid.numbers, strict=True)])
    place = {"origin": grid.origin.tolist(), "step": grid.step}
    told = []
    with writing(path) as stream:
        for data, described in encoded:
            told.append({"file": f"view/{path.name}", "offset": stream.tell(), **place, **described})
            stream.write(data)
    left = iter(told)
    return [{} if each is None else next(left) for each in surfaces], {path: stream.sha256}


def _encoded(dressed: Dressed, numbers: npt.NDArray[np.uint16]) -> tuple[bytes, dict[str, Any]]:
    surface, skin = dressed.surface, dressed.skin
    normals = vertex_normals(surface.vertices, surface.triangles)
    if skin is None or skin.texture is None:
        streams = mesh_streams(surface.triangles, numbers, normals)
    else:
        split = corner_vertices(surface, skin)
        streams = mesh_streams(split.triangles, numbers[split.source], normals[split.source], split.places)
    data, places = bytearray(), {}
    for name, stream in (
        ("positions", streams.positions),
        ("normals", streams.normals),
        ("indices", streams.indices),
        *((("places", streams.places),) if streams.places else ()),
    ):
        places[name] = [len(data), len(stream)]
        data += stream + b"\0" * (-len(stream) % 4)
    return bytes(data), {
        "bytes": len(data),
        "vertices": len(streams.numbers),
        "triangles": streams.index_count // 3,
        "streams": places,
        "sha256": sha256(data).hexdigest(),
    }
