"""Where a grid of voxels lies in the patient, and the only place that changes frames.

Three frames, and no fourth:

- index: (slice, row, column), voxel centres at whole numbers;
- patient: LPS, millimetres: +x to the patient's Left, +y Posterior, +z Superior
  (DICOM PS3.3, C.7.6.2.1.1);
- glTF: metres, Y up, +Z towards the viewer (glTF 2.0, section 3.4): LPS
  (x, y, z) becomes 0.001 * (x, z, -y), so the patient stands and faces the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import NoMillimetres

Unit = Literal["mm", "px"]
Floats = npt.NDArray[np.floating[Any]]

# Cosines are often written with five or six digits; anything beyond is a real shear.
ORTHOGONALITY_TOLERANCE = 1e-4

LPS_MM_TO_GLTF: npt.NDArray[np.float64] = np.array(
    [[0.001, 0, 0, 0], [0, 0, 0.001, 0], [0, -0.001, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)
LPS_MM_TO_GLTF.setflags(write=False)

LPS_TO_RAS: npt.NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0])
LPS_TO_RAS.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Geometry:
    """A grid placed in the patient.

    Indices run (slice, row, column); positions are LPS millimetres and mean
    voxel centres. Axes may be oblique but stay orthogonal and right-handed in
    index order, so that a surface found in index space keeps its winding in
    the patient and a mirrored one cannot be made.

    Attributes:
        shape: voxels per axis (S, R, C).
        to_lps_mm: (4, 4) float64, index -> LPS mm.
        unit: "mm", or "px" where the scan never said its size; "px" refuses
            every question in millimetres.
    """

    shape: tuple[int, int, int]
    to_lps_mm: npt.NDArray[np.float64]
    unit: Unit = "mm"

    def __post_init__(self) -> None:
        matrix = np.array(self.to_lps_mm, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise ValueError("the index-to-patient matrix must be 4x4 and finite")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"a volume needs three axes of at least one voxel, not {self.shape}")
        axes = matrix[:3, :3]
        lengths = np.linalg.norm(axes, axis=0)
        if lengths.min() <= 0:
            raise ValueError("a voxel axis has no length")
        cosines = (axes / lengths).T @ (axes / lengths)
        if np.abs(cosines - np.eye(3)).max() > ORTHOGONALITY_TOLERANCE:
            raise ValueError("the axes are not orthogonal: undo tilt or shear first")
        if np.linalg.det(axes) <= 0:
            raise ValueError("the axes are left-handed in (slice, row, column) order: flip one")
        matrix.setflags(write=False)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "to_lps_mm", matrix)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Geometry)
            and self.shape == other.shape
            and self.unit == other.unit
            and bool(np.array_equal(self.to_lps_mm, other.to_lps_mm))
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (slice, row, column), in this geometry's unit."""
        lengths = np.linalg.norm(self.to_lps_mm[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (slice, row, column), mm.

        Raises:
            NoMillimetres: the scan never said its pixel size.
        """
        self.require_mm("the voxel spacing")
        return self.spacing

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml; the determinant also covers oblique grids.

        Raises:
            NoMillimetres: the scan never said its pixel size.
        """
        self.require_mm("a volume")
        return float(abs(np.linalg.det(self.to_lps_mm[:3, :3]))) / 1000.0

    def require_mm(self, question: str) -> None:
        """Refuse `question` where there are no millimetres.

        Raises:
            NoMillimetres: the unit is "px".
        """
        if self.unit != "mm":
            raise NoMillimetres(question)

    def index_to_lps(self, index: Floats) -> npt.NDArray[np.float64]:
        """Map (..., 3) float (slice, row, column) indices to (..., 3) LPS positions."""
        turned = np.asarray(index, dtype=np.float64) @ self.to_lps_mm[:3, :3].T
        return np.asarray(turned + self.to_lps_mm[:3, 3], dtype=np.float64)

    def lps_to_index(self, lps_mm: Floats) -> npt.NDArray[np.float64]:
        """Map (..., 3) LPS positions to (..., 3) float (slice, row, column) indices."""
        inverse = np.linalg.inv(self.to_lps_mm)
        turned = np.asarray(lps_mm, dtype=np.float64) @ inverse[:3, :3].T
        return np.asarray(turned + inverse[:3, 3], dtype=np.float64)

    def crop(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Geometry:
        """The geometry of a box of this grid: same voxels, moved origin."""
        matrix = self.to_lps_mm.copy()
        matrix[:3, 3] = self.index_to_lps(np.asarray(start, dtype=np.float64))
        return Geometry(shape, matrix, self.unit)

    @property
    def corners_lps_mm(self) -> npt.NDArray[np.float64]:
        """(8, 3) LPS positions of the outermost corners: voxel faces, not centres."""
        ends = [(-0.5, n - 0.5) for n in self.shape]
        return self.index_to_lps(np.array([(s, r, c) for s in ends[0] for r in ends[1] for c in ends[2]]))

    def as_dict(self) -> dict[str, Any]:
        """The geometry as plain JSON values."""
        return {
            "shape_slice_row_column": list(self.shape),
            "spacing_slice_row_column": [round(value, 9) for value in self.spacing],
            "unit": self.unit,
            "index_to_lps": self.to_lps_mm.tolist(),
        }


def right_handed(
    array: npt.NDArray[Any], to_lps_mm: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Flip the slice axis of a left-handed grid; each voxel keeps its place in the patient.

    Args:
        array: (S, R, C, ...) voxels, in any handedness.
        to_lps_mm: (4, 4) index -> LPS mm.

    Returns:
        The array (a view, flipped where needed) and its right-handed matrix.
    """
    if np.linalg.det(to_lps_mm[:3, :3]) > 0:
        return array, to_lps_mm
    flipped = to_lps_mm.copy()
    flipped[:3, 3] = to_lps_mm[:3, 3] + to_lps_mm[:3, 0] * (array.shape[0] - 1)
    flipped[:3, 0] = -to_lps_mm[:3, 0]
    return array[::-1], flipped


def lps_mm_to_gltf(positions: Floats) -> npt.NDArray[np.float64]:
    """Map (..., 3) LPS mm to glTF metres, Y up."""
    return np.asarray(positions, dtype=np.float64) @ LPS_MM_TO_GLTF[:3, :3].T


def gltf_to_lps_mm(positions: Floats) -> npt.NDArray[np.float64]:
    """Map (..., 3) glTF metres back to LPS mm."""
    return np.asarray(positions, dtype=np.float64) @ np.linalg.inv(LPS_MM_TO_GLTF)[:3, :3].T


def gltf_to_lps_matrix() -> npt.NDArray[np.float64]:
    """(4, 4): glTF metres -> LPS mm, the matrix every GLB carries."""
    return np.linalg.inv(LPS_MM_TO_GLTF).astype(np.float64)


def lps_affine_to_ras(to_lps_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(4, 4) index -> RAS mm, as NIfTI wants it; its own inverse."""
    return np.asarray(LPS_TO_RAS @ to_lps_mm, dtype=np.float64)
