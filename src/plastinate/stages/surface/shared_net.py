"""LabelMap -> one net of walls, smoothed and decimated as a whole -> closed surfaces that share it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.labels import LabelMap
from plastinate.model.surface import Surface
from plastinate.native.load import integers, library, pointer, thread_count
from plastinate.stages.surface.decimate import LABELS, reducing
from plastinate.stages.surface.mend import untangle

# A target is met when no organ is this much above it: walls stop at whichever neighbour is done first.
TARGET_SLACK = 1.1


@dataclass(frozen=True, eq=False)
class Net:
    """Walls between labels: each triangle parts two of them.

    Attributes:
        vertices: (V, 3) float32, LPS mm.
        triangles: (T, 3) uint32, counter-clockwise seen from the second label's side.
        labels: (T, 2) uint16: 1.. in the order of the structures asked, 0 background,
            65535 beyond the scan.
    """

    vertices: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.uint32]
    labels: npt.NDArray[np.uint16]


@dataclass(frozen=True)
class SharedNetResult:
    """Surfaces that share their walls triangle for triangle.

    Attributes:
        surfaces: structure id -> detail level -> surface; those of one level belong together.
        notes: promises that could not be kept, in words.
        changed_voxels: voxels given to a neighbour so that every organ's wall is a 2-manifold.
    """

    surfaces: Mapping[str, Mapping[str, Surface]]
    notes: tuple[str, ...]
    changed_voxels: int


def contour_labels(
    labels: LabelMap,
    *,
    structures: Sequence[str],
    targets: Mapping[str, int | None],
    iterations: int = 40,
    pass_band: float = 0.01,
) -> SharedNetResult:
    """Surface many structures at once: every one closed, and no gap or overlap between neighbours.

    Where two structures touch, both surfaces have the same triangles there,
    wound the opposite way. Structures cut by the scan's edge get a flat wall.

    Args:
        labels: which voxel belongs to what.
        structures: which of them to surface; all others count as background.
        targets: detail level -> triangles at most for each structure; None keeps all.
        iterations: of the low-pass filter over the net; 0 leaves the voxel faces.
        pass_band: of the filter, 0 to 2; a wave of 31 voxels passes 0.01.

    Returns:
        The surfaces of every level, and what could not be done as asked.

    Raises:
        EmptyMask: a structure has no voxel.

    Source:
        Gibson, MICCAI 1998; Latecki 1997; Taubin, Zhang & Golub, ECCV 1996; Dey et al. 1999.
    """
    for structure in structures:
        if labels.voxel_count(structure) == 0:
            raise EmptyMask(structure)
    net, changed, left = _net(labels, structures, iterations=iterations, pass_band=pass_band)
    notes = []
    surfaces: dict[str, dict[str, Surface]] = {structure: {} for structure in structures}
    if changed:
        notes.append(f"{changed} voxels were given to a neighbour so that every organ's wall is simple")
    for level, reduced, crossings in _reduced(net, targets, structure_count=len(structures), crossings=left):
        if crossings:
            notes.append(f"{level}: {crossings} crossings of triangles could not be mended")
        for surface in split(reduced, structures):
            surfaces[surface.structure][level] = surface
            target = targets[level]
            if target is not None and len(surface.triangles) > TARGET_SLACK * target:
                notes.append(
                    f"{surface.structure}, {level}: {len(surface.triangles)} triangles are left of "
                    f"{target} asked for: fewer would fold, or rob a neighbour"
                )
            if len(surface.triangles) == 0:
                notes.append(f"{surface.structure}: too thin for a surface of its own; it was left out")
    ordered = {name: {level: surfaces[name][level] for level in targets} for name in structures}
    return SharedNetResult(ordered, tuple(notes), changed)


def split(net: Net, structures: Sequence[str]) -> list[Surface]:
    """Cut a net into one outward surface for each structure, with vertices of its own."""
    count = len(structures)
    starts, vertex_starts = integers(*[0] * (count + 2)), integers(*[0] * (count + 2))
    is_ours = (net.labels >= 1) & (net.labels <= count)
    corners = np.empty((int(is_ours.sum()), 3), dtype=np.uint32)
    sources = np.empty(corners.size, dtype=np.uint32)
    _check(
        library("shared_net").shared_net_split(
            pointer(net.triangles),
            pointer(net.labels),
            ctypes.c_int64(len(net.triangles)),
            ctypes.c_int64(len(net.vertices)),
            count,
            pointer(starts),
            pointer(vertex_starts),
            pointer(corners),
            pointer(sources),
        )
    )
    return [
        Surface(
            net.vertices[sources[vertex_starts[k] : vertex_starts[k + 1]]],
            corners[starts[k] : starts[k + 1]].copy(),
            structure,
        )
        for k, structure in enumerate(structures, 1)
    ]


def _net(
    labels: LabelMap, structures: Sequence[str], *, iterations: int, pass_band: float
) -> tuple[Net, int, int]:
    """The smoothed net, the voxels changed for it, and the crossings left in it."""
    dense = np.zeros(LABELS, dtype=np.uint16)
    for number, structure in enumerate(structures, 1):
        dense[labels.label_of(structure)] = number
    array = np.ascontiguousarray(labels.array)
    handle, result = ctypes.c_void_p(), integers(0, 0, 0)
    kernel = library("shared_net")
    threads = thread_count()
    _check(
        kernel.shared_net_open(
            pointer(array),
            pointer(integers(*array.shape)),
            pointer(dense),
            len(structures),
            threads,
            ctypes.byref(handle),
            pointer(result),
        )
    )
    vertices = np.empty((int(result[0]), 3), dtype=np.float32)
    rest = np.empty_like(vertices)
    triangles = np.empty((2 * int(result[1]), 3), dtype=np.uint32)
    walls = np.empty((len(triangles), 2), dtype=np.uint16)
    matrix = np.ascontiguousarray(labels.geometry.to_lps_mm)
    try:
        for positions, rounds in ((rest, 0), (vertices, iterations)):
            # Half a voxel along each axis: a vertex stays between the eight voxels it parts.
            _check(
                kernel.shared_net_smooth(
                    handle, rounds, ctypes.c_double(pass_band), ctypes.c_double(0.5), threads
                )
            )
            kernel.shared_net_copy(
                handle, pointer(matrix), pointer(positions), pointer(triangles), pointer(walls), threads
            )
    finally:
        kernel.shared_net_close(handle)
    # The voxel faces cross nowhere, so going back towards them always ends.
    free = untangle(vertices, triangles, walls, rest=rest)
    return Net(free.vertices, triangles, walls), int(result[2]), free.after


def _reduced(
    net: Net, targets: Mapping[str, int | None], *, structure_count: int, crossings: int
) -> Iterator[tuple[str, Net, int]]:
    """The net at each level, the finest first, and its crossings: each starts from the one before."""
    order = sorted(targets, key=lambda level: -(np.inf if targets[level] is None else targets[level] or 0))
    with reducing(net.vertices, net.triangles, net.labels) as reducer:
        for level in order:
            target = targets[level]
            wanted = np.full(LABELS, -1, dtype=np.int64)
            if target is not None:
                wanted[1 : structure_count + 1] = target
            reduced = reducer.reduce(wanted)
            if len(reduced.triangles) == len(net.triangles):
                yield level, Net(reduced.vertices, reduced.triangles, reduced.labels), crossings
                continue
            free = untangle(reduced.vertices, reduced.triangles, reduced.labels)
            yield level, Net(free.vertices, reduced.triangles, reduced.labels), free.after


def _check(status: int) -> None:
    if status:
        raise MemoryError("not enough memory for the shared net")
