"""All organs of one scan, ready to be shown or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Evidence
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.skin import Skin
from plastinate.model.structure import Structure
from plastinate.model.surface import Surface

DETAIL_LEVELS = ("full", "medium", "light")


@dataclass(frozen=True)
class SceneNode:
    """One organ in the scene.

    Attributes:
        structure: what it is.
        surfaces: detail level ("full", "medium", "light") -> surface; "full" is always there.
        skins: detail level -> how that surface looks; empty where one colour says it.
    """

    structure: Structure
    surfaces: Mapping[str, Surface]
    skins: Mapping[str, Skin] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "full" not in self.surfaces or not set(self.surfaces) <= set(DETAIL_LEVELS):
            raise ValueError(f"detail levels are {DETAIL_LEVELS}, and 'full' is needed")

        for level, skin in self.skins.items():
            surface = self.surfaces.get(level)
            if surface is None or len(skin.corners) != len(surface.triangles):
                raise ValueError("a skin fits the surface of its level, triangle by triangle")

    @property
    def id(self) -> str:
        """The structure id."""
        return self.structure.id

    def skin(self, level: str) -> Skin | None:
        """The look of the surface that is written for a level: its own, or that of the full one."""
        return self.skins.get(level if level in self.surfaces else "full")


@dataclass(frozen=True)
class Scene:
    """Organs in one frame of reference, with the evidence of how they were made.

    Attributes:
        title: for people.
        geometry: the grid the organs were found on.
        nodes: the organs, ids unique.
        groups: parents of the nodes, outermost first; they have no surface.
        evidence: inputs, steps, findings, quality: travels inside every export.
        label_map: the voxels the surfaces were made from, where there are any.
    """

    title: str
    geometry: Geometry
    nodes: tuple[SceneNode, ...]
    groups: tuple[Structure, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    label_map: LabelMap | None = None

    def __post_init__(self) -> None:
        ids = [node.id for node in self.nodes] + [group.id for group in self.groups]
        if len(ids) != len(set(ids)):
            raise ValueError("structure ids must be unique in a scene")

    def node(self, structure: str) -> SceneNode:
        """The organ of that id.

        Raises:
            KeyError: not in this scene.
        """
        for node in self.nodes:
            if node.id == structure:
                return node
        raise KeyError(structure)

    @property
    def is_estimated(self) -> bool:
        """Whether it was made of a picture: its shape was estimated, and not measured."""
        return "estimate" in self.evidence.inputs

    @property
    def bounds_lps_mm(self) -> npt.NDArray[np.float64]:
        """(2, 3): the box around every organ, LPS mm."""
        boxes = np.stack([node.surfaces["full"].bounds_lps_mm for node in self.nodes])
        return np.stack([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])
