"""A plane and where its axes run in the patient -> the plane as people look at it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# For planes across x, y and z of LPS: the patient axis that runs down the picture and the one that runs to
# the right, each with the sign that it grows by. Sagittal: feet down, back to the right. Coronal: feet
# down, left to the right. Axial: back down, left to the right, as seen from the feet.
_DOWN = ((2, -1.0), (2, -1.0), (1, 1.0))
_RIGHT = ((1, 1.0), (0, 1.0), (0, 1.0))


class Upright(NamedTuple):
    """A plane to be shown: (R, C) values, and its (row, column) spacing."""

    plane: npt.NDArray[Any]
    spacing: tuple[float, float]


def upright(
    plane: npt.NDArray[Any],
    *,
    row_step: npt.NDArray[np.float64],
    column_step: npt.NDArray[np.float64],
    spacing: tuple[float, float],
) -> Upright:
    """Turn a plane by whole quarters and flips, so that anterior or superior is up and left is right.

    Oblique planes go by the body plane they are nearest to.

    Args:
        plane: (R, C) values.
        row_step, column_step: (3,) LPS direction from one row, and from one column, to the next.
        spacing: (row, column) distances.
    """
    normal = int(np.abs(np.cross(column_step, row_step)).argmax())
    down, is_down = _DOWN[normal]
    right, is_right = _RIGHT[normal]
    straight = abs(row_step[down]) * abs(column_step[right])
    turned = abs(row_step[right]) * abs(column_step[down])
    if turned > straight:
        plane, spacing = plane.T, (spacing[1], spacing[0])
        row_step, column_step = column_step, row_step
    if row_step[down] * is_down < 0:
        plane = plane[::-1]
    if column_step[right] * is_right < 0:
        plane = plane[:, ::-1]
    return Upright(np.ascontiguousarray(plane), spacing)
