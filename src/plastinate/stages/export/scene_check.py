"""A scene in, its surfaces at one level of detail out, or a refusal where there are none."""

from __future__ import annotations

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.scene import DETAIL_LEVELS, Scene
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
