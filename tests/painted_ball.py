"""A ball with its picture on it, and how sure its depth is: a model of a picture with known answers."""

from __future__ import annotations

import functools

import numpy as np

from drawn_pictures import sphere
from plastinate.model.evidence import Evidence
from plastinate.model.geometry import Geometry
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Structure
from plastinate.stages.compose.skin import paint_skins
from plastinate.stages.surface.object_solid import object_solid


@functools.cache
def painted(unit: str = "mm") -> Scene:
    """Sure all over where it was seen; its picture is orange."""
    drawn = sphere((96, 128))
    solid = object_solid(
        drawn.picture, drawn.map, drawn.soft_mask, structure="object", levels={"full": 1500}, cells=48
    )
    skins = paint_skins(drawn.picture, drawn.map, solid, foreground=drawn.soft_mask)
    node = SceneNode(Structure("object", "Object, ESTIMATED", None, (180, 170, 160)), solid.surfaces, skins)
    evidence = Evidence(inputs={"estimate": {"word": "ESTIMATED"}, "sha256": "ab" * 32})
    return Scene("ESTIMATED: a ball", Geometry((2, 2, 2), np.eye(4), unit), (node,), (), evidence)
