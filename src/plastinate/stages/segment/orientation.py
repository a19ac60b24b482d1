"""Grid -> where the patient's directions run in it: the axial axis, the upper end, the middle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.voxels import Mask


def axial_axis(geometry: Geometry) -> int:
    """The index axis that runs closest to head-foot; planes across it are the axial ones."""
    return _axis_along(geometry, 2)


def _axis_along(geometry: Geometry, patient_axis: int) -> int:
    cosines = geometry.to_lps_mm[:3, :3] / np.linalg.norm(geometry.to_lps_mm[:3, :3], axis=0)
    return int(np.abs(cosines[patient_axis]).argmax())


def planes_from_the_top(geometry: Geometry) -> range:
    """Indices along the axial axis, the most superior plane first."""
    axis = axial_axis(geometry)
    count = geometry.shape[axis]
    return range(count - 1, -1, -1) if geometry.to_lps_mm[2, axis] > 0 else range(count)


def left_mm(
    geometry: Geometry, shape_box: tuple[slice, slice, slice] | None = None
) -> npt.NDArray[np.float64]:
    """LPS x (towards the patient's left) of each voxel centre, broadcastable: exact on oblique grids too.

    Args:
        geometry: of the whole grid.
        shape_box: only this part of it.

    Returns:
        An array that broadcasts against the grid; axes along which x does not change have length 1.
    """
    box = shape_box or (slice(0, geometry.shape[0]), slice(0, geometry.shape[1]), slice(0, geometry.shape[2]))
    total = np.full((1, 1, 1), geometry.to_lps_mm[0, 3])
    for axis, part in enumerate(box):
        step = geometry.to_lps_mm[0, axis]
        if abs(step) > 0:
            ramp = step * np.arange(part.start, part.stop, dtype=np.float64)
            total = total + ramp.reshape([-1 if a == axis else 1 for a in range(3)])
    return total


def body_middle_mm(body: Mask, geometry: Geometry) -> float:
    """LPS x of the body's middle: the median over axial planes of halfway between its left and right edge.

    The median keeps an arm that lies beside the body in a few planes from pulling the middle over.
    """
    axis, across = axial_axis(geometry), _axis_along(geometry, 0)
    other = 3 - axis - across
    profile: Mask = np.any(body, axis=other)
    profile = profile if axis < across else profile.T
    rows = np.flatnonzero(profile.any(axis=1))
    if rows.size == 0:
        return float(geometry.corners_lps_mm[:, 0].mean())
    first = profile[rows].argmax(axis=1)
    last = profile.shape[1] - 1 - profile[rows, ::-1].argmax(axis=1)
    middle = float(np.median((first + last) / 2))
    centre = (np.array(geometry.shape, dtype=np.float64) - 1) / 2
    centre[across] = middle
    return float(geometry.index_to_lps(centre)[0])
