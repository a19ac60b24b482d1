"""One label map -> a mesh of every label, or the same labels in another format."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, UnsupportedFile
from plastinate.model.evidence import Evidence, Finding
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene
from plastinate.model.structure import Structure
from plastinate.model.volume import Volume
from plastinate.services.output_folder import output_folder, require_writable
from plastinate.stages import catalog

# The fullest atlases in use have some hundreds; a scan has thousands of grey values.
LABELS_MAX = 2000
# Neighbours in an organ have the same label; in a scan, noise makes most of them differ.
EQUAL_NEIGHBOURS_MIN = 0.5
LABEL_FORMATS = (".nii.gz", ".seg.nrrd")
# Neighbouring numbers, neighbouring organs: steps of the golden angle keep their hues apart.
GOLDEN_TURN = 0.618033988749895


def convert_labels(source: Path, target: Path, *, compression: str = "meshopt") -> tuple[Finding, ...]:
    """Read a label map as scans are read and write it in the format that the target's suffix names.

    Meshes share their walls where labels touch. A label map's file seldom says
    what its numbers mean, so the organs are called by their number.

    Args:
        source: NIfTI, NRRD or MetaImage whose voxels are whole numbers from 0 up.
        target: a mesh format, .nii.gz or .seg.nrrd.
        compression: of a GLB.

    Raises:
        UnsupportedFile: its values are no labels.
        EmptyMask: it is 0 everywhere.
        InputError, LimitError, CannotWrite: as for a build.
    """
    target = target.absolute()
    require_writable(target.parent)
    read = catalog.door("read-volume")(source)
    labels = _labels(read.volume, source.name)
    scene = _scene(read.volume, labels, source.name, is_mesh=not target.name.lower().endswith(LABEL_FORMATS))
    with output_folder(target.parent) as folder:
        catalog.door("write-file")(scene, folder / target.name, compression=compression)
    named = Finding(
        "labels.named-by-number",
        "note",
        f"Labels without their meaning: {len(labels.structures)}.",
        "Each is called by its number.",
    )
    return (*read.findings, named)


def _labels(volume: Volume, name: str) -> LabelMap:
    values: npt.NDArray[np.generic] = np.zeros(0, dtype=volume.array.dtype)
    pairs = equal_pairs = 0
    measured = volume.measured
    for plane, is_measured in zip(volume.array, measured, strict=True):
        if len(values) <= LABELS_MAX + 1:
            values = np.union1d(values, plane[is_measured])
        held = (plane[:, 1:] != 0) & (plane[:, :-1] != 0)
        pairs += int(np.count_nonzero(held))
        equal_pairs += int(np.count_nonzero(held & (plane[:, 1:] == plane[:, :-1])))
    is_whole = bool(np.all(np.mod(values, 1) == 0))
    in_range = len(values) <= LABELS_MAX + 1 and values.min(initial=0) >= 0 and values.max(initial=0) <= 65535
    if volume.modality or not in_range or not is_whole or equal_pairs < EQUAL_NEIGHBOURS_MIN * pairs:
        raise UnsupportedFile(
            name, "its values are those of a scan, not labels", hint="Scans are built: `plastinate build`."
        )
    found = [int(value) for value in values if value != 0]
    if not found:
        raise EmptyMask(name, "the label map is 0 everywhere")
    array = np.where(measured, volume.array, 0).astype(np.uint16)
    return LabelMap(volume.geometry, array, {value: f"label-{value}" for value in found})


def _scene(volume: Volume, labels: LabelMap, name: str, *, is_mesh: bool) -> Scene:
    structures = {
        identity: Structure(identity, f"Label {value}", None, _colour(value))
        for value, identity in labels.structures.items()
    }
    title = Path(name).name.split(".")[0] or "labels"
    if not is_mesh:
        return Scene(title, labels.geometry, (), tuple(structures.values()), Evidence(), labels)
    shared_net = catalog.find(catalog.SURFACE, "surface method", "shared-net").load()
    made = shared_net(volume, labels, structures=tuple(structures), levels={"full": None})
    scene: Scene = catalog.door("compose-scene")(
        title, labels.geometry, made.surfaces, structures=structures, label_map=labels
    )
    return scene


def _colour(label: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(label * GOLDEN_TURN % 1.0, 0.55, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)
