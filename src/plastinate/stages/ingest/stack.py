"""Frames in order, and the lattice their positions make: what grouping hands to assembly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding
from plastinate.stages.ingest.frame import Frame


@dataclass(frozen=True, eq=False)
class Lattice:
    """Where the slices of one stack lie, by their positions alone.

    The slice axis runs along column_direction x row_direction (the negative of
    the usual normal), which makes (slice, row, column) right-handed.

    Attributes:
        origin_lps_mm: (3,) centre of the first pixel of the first slice.
        row_direction: (3,) direction of increasing column index.
        column_direction: (3,) direction of increasing row index.
        row_spacing_mm, column_spacing_mm: distance between rows, between columns; 1.0 in "px".
        slice_offsets_mm: (N,) ascending, first 0: projection of each slice's position on the slice axis.
        drift_mm: (N, 2) in-plane displacement of each slice's origin along
            (column_direction, row_direction) against the first: 0 for a straight stack.
        spacing_mm: the regular distance between slices.
        missing: (after_slice, count) for each hole of whole slices.
        is_even: True if all offsets lie on the regular grid within tolerance, holes aside.
        tilt_degrees: shear angles in the (row, column) direction; (0, 0) for a straight stack.
        unit: "mm", or "px" where no size is known.
    """

    origin_lps_mm: npt.NDArray[np.float64]
    row_direction: npt.NDArray[np.float64]
    column_direction: npt.NDArray[np.float64]
    row_spacing_mm: float
    column_spacing_mm: float
    slice_offsets_mm: npt.NDArray[np.float64]
    drift_mm: npt.NDArray[np.float64]
    spacing_mm: float
    missing: tuple[tuple[int, int], ...] = ()
    is_even: bool = True
    tilt_degrees: tuple[float, float] = (0.0, 0.0)
    unit: str = "mm"


@dataclass(frozen=True, eq=False)
class Stack:
    """The frames of one phase of one series, ordered along the slice axis of their lattice."""

    frames: tuple[Frame, ...]
    lattice: Lattice
    phase: str = ""
    findings: tuple[Finding, ...] = ()
