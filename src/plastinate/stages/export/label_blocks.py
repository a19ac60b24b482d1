"""The label map of a scene in, blocks of little-endian labels and their names out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plastinate.model.errors import EmptyMask
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene
from plastinate.model.structure import Structure

SLICES_AT_ONCE = 8


def label_map_of(scene: Scene) -> LabelMap:
    """The label map behind a scene.

    Raises:
        EmptyMask: the scene was made of surfaces alone.
    """
    if scene.label_map is None:
        raise EmptyMask("label map", "the scene was made of surfaces alone, such as a converted mesh")
    return scene.label_map


def named_labels(scene: Scene) -> list[tuple[int, Structure]]:
    """(label, structure) by ascending label; structures without a surface keep their id as name."""
    known = {node.id: node.structure for node in scene.nodes}
    labels = label_map_of(scene).structures
    return [
        (label, known.get(name, Structure(name, name, None, (128, 128, 128))))
        for label, name in sorted(labels.items())
    ]


def label_blocks(label_map: LabelMap) -> Iterator[bytes]:
    """The voxels as little-endian uint16, columns fastest, some slices at a time."""
    for start in range(0, label_map.array.shape[0], SLICES_AT_ONCE):
        part = label_map.array[start : start + SLICES_AT_ONCE]
        yield np.ascontiguousarray(part, dtype="<u2").tobytes()
