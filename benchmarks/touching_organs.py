"""Touching organs in one label map: all closed, no overlap, against unsmoothed Flying Edges in boxes."""

from __future__ import annotations

import statistics
import time

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.stages.surface.shared_net import contour_labels

SHAPE = (400, 512, 512)
SPACING_MM = (0.8, 0.78, 0.78)


def organs(count: int) -> LabelMap:
    """A torso ellipsoid filled with `count` warped cells that touch."""
    s, r, c = (axis.astype(np.float32) for axis in np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]])
    random = np.random.default_rng(3)
    inside = ((s - 200) / 190) ** 2 + ((r - 256) / 170) ** 2 + ((c - 256) / 220) ** 2 < 1
    apart_px = 65 * (20 / count) ** (1 / 3)
    seeds: list[npt.NDArray[np.float64]] = []
    while len(seeds) < count:
        seed = random.uniform([20, 90, 40], [380, 420, 470])
        place = ((seed - [200, 256, 256]) / [190, 170, 220]) ** 2
        if place.sum() < 0.8 and all(np.linalg.norm(seed - other) > apart_px for other in seeds):
            seeds.append(seed)
    reach_px = 1.3 * apart_px
    nearest = np.full(SHAPE, reach_px**2, dtype=np.float32)
    labels = np.zeros(SHAPE, dtype=np.uint16)
    for label, seed in enumerate(seeds, 1):
        # Nothing farther than the reach and the warp can belong to this seed.
        box = tuple(
            slice(max(0, int(at - reach_px - 20)), min(length, int(at + reach_px + 21)))
            for at, length in zip(seed, SHAPE, strict=True)
        )
        bs, br, bc = s[box[0]], r[:, box[1]], c[:, :, box[2]]
        distance = (bs + 8 * np.sin(br / 23) + 8 * np.cos(bc / 31) - seed[0]) ** 2
        distance = (
            distance + (br + 7 * np.sin(bs / 27) - seed[1]) ** 2 + (bc + 6 * np.cos(bs / 19) - seed[2]) ** 2
        )
        distance *= random.uniform(0.8, 1.25)
        closer = distance < nearest[box]
        nearest[box][closer], labels[box][closer] = distance[closer], label
    labels[~inside] = 0
    geometry = Geometry(SHAPE, np.diag([*SPACING_MM, 1.0]))
    return LabelMap(geometry, labels, {label: f"organ-{label}" for label in range(1, count + 1)})


def flying_edges_in_boxes(labels: LabelMap) -> float:
    """Seconds that VTK takes for every organ's bare mask in its own box, on two threads, unsmoothed.

    The boxes are given to it: finding them is not in its time.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkSMPTools
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    vtkSMPTools.SetBackend("STDThread")
    low, high = _boxes(labels.array, len(labels.structures))
    begun = time.perf_counter()
    for label in labels.structures:
        box = tuple(slice(a, b + 1) for a, b in zip(low[label], high[label], strict=True))
        mask = np.pad(labels.array[box] == label, 1).astype(np.uint8)
        image = vtkImageData()
        image.SetDimensions(*mask.shape[::-1])
        image.GetPointData().SetScalars(numpy_to_vtk(mask.ravel(), deep=False))
        contour = vtkFlyingEdges3D()
        contour.SetInputData(image)
        contour.SetValue(0, 0.5)
        contour.ComputeNormalsOff()
        contour.Update()
    return time.perf_counter() - begun


def _boxes(array: npt.NDArray[np.uint16], count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    low = np.full((count + 1, 3), 1 << 30, dtype=np.int64)
    high = np.full((count + 1, 3), -1, dtype=np.int64)
    for index, plane in enumerate(array):
        rows, columns = np.nonzero(plane)
        found = plane[rows, columns]
        for axis, places in enumerate((np.full(len(found), index), rows, columns)):
            np.minimum.at(low[:, axis], found, places)
            np.maximum.at(high[:, axis], found, places)
    return low, high


def main(*, runs: int = 3) -> list[str]:
    """Measure and return the rows of the table."""
    rows = [
        "| organs | ours s | Flying Edges s | ratio | closed | volume drift at worst |",
        "|---|---|---|---|---|---|",
    ]
    for count in (20, 100):
        labels = organs(count)
        structures = [labels.structures[label] for label in sorted(labels.structures)]
        ours, theirs = [], []
        for _ in range(runs):
            begun = time.perf_counter()
            result = contour_labels(labels, structures=structures, targets={"full": 25_000})
            ours.append(time.perf_counter() - begun)
            theirs.append(flying_edges_in_boxes(labels))
        surfaces = [result.surfaces[name]["full"] for name in structures]
        closed = sum(surface.is_closed for surface in surfaces)
        drifts = [abs(s.volume_ml / labels.volume_ml(s.structure) - 1) * 100 for s in surfaces]
        mine, peer = statistics.median(ours), statistics.median(theirs)
        figures = f"{mine:.2f} | {peer:.2f} | {mine / peer:.2f} | {closed} of {count} | {max(drifts):.2f} %"
        rows.append(f"| {count} | {figures} |")
    return rows


if __name__ == "__main__":
    print("\n".join(main()))
