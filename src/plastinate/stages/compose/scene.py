"""Surfaces and the table of structures in, one scene out: named, grouped, coloured."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from plastinate.model.errors import EmptyMask, RecipeFlaw, RecipeNotFound
from plastinate.model.evidence import Evidence
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Structure
from plastinate.model.surface import Surface
from plastinate.stages.compose.materials import shown


def compose_scene(
    title: str,
    geometry: Geometry,
    surfaces: Mapping[str, Mapping[str, Surface]],
    *,
    structures: Mapping[str, Structure],
    evidence: Evidence | None = None,
    label_map: LabelMap | None = None,
) -> Scene:
    """Put the organs of one scan into a scene.

    The organs keep the order they are given in. The parents that the structures
    name become groups, outermost first, and only those that an organ needs.

    Args:
        title: for people, one line.
        geometry: the grid the organs were found on.
        surfaces: structure id -> detail level -> surface, LPS mm; "full" is needed.
        structures: the table of everything that has a name.
        evidence: how the surfaces were made.
        label_map: the voxels behind them.

    Raises:
        EmptyMask: no surface, or one without a triangle.
        RecipeNotFound: an organ or a parent that the table does not know.
        RecipeFlaw: parents that run in a circle.
    """
    if not surfaces:
        raise EmptyMask("scene", "there is no surface to compose")
    for structure, levels in surfaces.items():
        if "full" not in levels or len(levels["full"].triangles) == 0:
            raise EmptyMask(structure, "its surface has no triangle")
    is_alone = len(surfaces) == 1
    organs = [_known(name, structures) for name in surfaces]
    nodes = tuple(
        SceneNode(shown(organ, is_alone=is_alone), dict(surfaces[name]))
        for name, organ in zip(surfaces, organs, strict=True)
    )
    return Scene(
        title=title,
        geometry=geometry,
        nodes=nodes,
        groups=groups_of(organs, structures=structures),
        evidence=evidence or Evidence(),
        label_map=label_map,
    )


def groups_of(organs: list[Structure], *, structures: Mapping[str, Structure]) -> tuple[Structure, ...]:
    """The parents of these organs that are not organs themselves, outermost first.

    Raises:
        RecipeNotFound: a parent that the table does not know.
        RecipeFlaw: parents that run in a circle.
    """
    present = {organ.id for organ in organs}
    depth: dict[str, int] = {}
    for organ in organs:
        chain = _ancestors(organ, structures)
        for distance, parent in enumerate(reversed(chain)):
            if parent.id not in present:
                depth.setdefault(parent.id, distance)
    return tuple(structures[name] for name in sorted(depth, key=lambda name: depth[name]))


def _ancestors(organ: Structure, structures: Mapping[str, Structure]) -> list[Structure]:
    """Parent, grandparent, ... up to the top."""
    chain: list[Structure] = []
    seen = {organ.id}
    above = organ.parent
    while above:
        if above in seen:
            raise RecipeFlaw("structures", f"the parents of {organ.id!r} run in a circle at {above!r}")
        seen.add(above)
        parent = _known(above, structures)
        chain.append(parent)
        above = parent.parent
    return chain


def _known(name: str, structures: Mapping[str, Structure]) -> Structure:
    if name not in structures:
        raise RecipeNotFound("structure", name, near=difflib.get_close_matches(name, structures, 2))
    return structures[name]
