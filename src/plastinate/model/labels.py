"""Which voxel belongs to which structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry


@dataclass(frozen=True, eq=False)
class LabelMap:
    """One structure at most for each voxel.

    Attributes:
        geometry: where the grid lies.
        array: (S, R, C) uint16, 0 is background; read-only.
        structures: label -> structure id; every label in the array is named.
        counts: voxels of each label, by label, where whoever painted the map counted them on
            the way; counted here otherwise, which costs a pass over the grid.
    """

    geometry: Geometry
    array: npt.NDArray[np.uint16]
    structures: Mapping[int, str]
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape:
            raise ValueError(f"the array is {self.array.shape}, the geometry {self.geometry.shape}")
        if self.array.dtype != np.uint16:
            raise ValueError(f"a label map is uint16, not {self.array.dtype}")
        if 0 in self.structures or len(set(self.structures.values())) != len(self.structures):
            raise ValueError("0 is background, and a structure has one label")
        counts = self.counts if self.counts.size else _count_labels(self.array)
        unnamed = set(np.flatnonzero(counts).tolist()) - {0} - set(self.structures)
        if unnamed:
            raise ValueError(f"labels without a name: {sorted(unnamed)}")
        view = self.array.view()
        view.setflags(write=False)
        object.__setattr__(self, "array", view)
        object.__setattr__(self, "structures", dict(self.structures))
        object.__setattr__(self, "counts", counts)

    def label_of(self, structure: str) -> int:
        """The label of a structure.

        Raises:
            KeyError: the map does not hold it.
        """
        for label, name in self.structures.items():
            if name == structure:
                return label
        raise KeyError(structure)

    def mask(self, structure: str) -> npt.NDArray[np.bool_]:
        """(S, R, C) bool of one structure."""
        return np.asarray(self.array == self.label_of(structure))

    def voxel_count(self, structure: str) -> int:
        """Voxels that belong to a structure."""
        label = self.label_of(structure)
        return int(self.counts[label]) if label < self.counts.size else 0

    def volume_ml(self, structure: str) -> float:
        """Voxels times voxel volume.

        Raises:
            NoMillimetres: the scan never said its pixel size.
        """
        return self.voxel_count(structure) * self.geometry.voxel_ml


def _count_labels(array: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    # Slice by slice: bincount widens its input to int64, eight bytes a voxel for a whole CT at once.
    counts = np.zeros(int(array.max(initial=0)) + 1, dtype=np.int64)
    for plane in array:
        if plane.any():
            counts += np.bincount(plane.ravel(), minlength=counts.size)
    return counts
