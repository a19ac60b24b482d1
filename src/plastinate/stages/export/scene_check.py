"""A scene in, its surfaces at one level of detail out, or a refusal where there are none."""

from __future__ import annotations

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.scene import DETAIL_LEVELS, Scene, SceneNode
from plastinate.model.skin import Skin
from plastinate.model.surface import Surface


def surfaces_of(scene: Scene, *, level: str = "full") -> list[Surface]:
    """One surface for each organ, in the order of the scene.

    Args:
        scene: what is to be written.
        level: an organ that lacks it gives its full one.

    Raises:
        EmptyMask: nothing to write: no organ, or one without a triangle.
        ParameterError: no such detail level.
    """
    if level not in DETAIL_LEVELS:
        raise ParameterError(f"The detail level is one of {', '.join(DETAIL_LEVELS)}, not {level!r}.")
    if not scene.nodes:
        raise EmptyMask("scene", "it holds no organ to write")
    surfaces = [node.surfaces.get(level, node.surfaces["full"]) for node in scene.nodes]
    for node, surface in zip(scene.nodes, surfaces, strict=True):
        if len(surface.triangles) == 0:
            raise EmptyMask(node.id, "its surface has no triangle")
    return surfaces


def skins_of(scene: Scene, *, level: str = "full") -> list[Skin | None]:
    """The skin of each of those surfaces, None where one colour says it."""
    return [node.skin(level) for node in scene.nodes]


def is_closed(scene: Scene, node: SceneNode, *, level: str = "full") -> bool:
    """True if the organ's surface at that level is closed; measured already, or found out now.

    The check sorts every edge: on a large organ it costs more than writing the file.
    """
    written = level if level in node.surfaces else "full"
    measured = scene.evidence.quality.get(node.id, {}).get(written)
    surface = node.surfaces[written]
    if measured is not None and measured.triangles == len(surface.triangles):
        return measured.is_closed
    return surface.is_closed
