"""Positions of ordered slices -> the lattice they make: spacing, holes, unevenness, shear.

Positions alone decide. SliceThickness, SpacingBetweenSlices, SliceLocation and
GantryDetectorTilt are written by people and protocols, and are not read here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import GapInSeries
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.order import POSITION_SLACK_MM, POSITION_SLACK_SHARE, slice_axis
from plastinate.stages.ingest.stack import Lattice

# One slice in ten may be interpolated without asking (the report still says
# so); into a hole of more than three a vertebral disc or an adrenal fits whole.
MISSING_SHARE_LIMIT = 0.10
MISSING_RUN_LIMIT = 3
# Drift below a twentieth of a pixel over the whole stack is rounding of the
# cosines, and resampling it away would blur more than it mends.
DRIFT_SLACK_PIXELS = 0.05
# Slices shifted by more than this against a straight line are worth telling.
WANDER_PIXELS = 0.2
# Beyond any gantry: positions that run along the image plane are no stack.
STEEPEST_DEGREES = 60.0

Floats = npt.NDArray[np.float64]


def lattice_of(frames: Sequence[Frame]) -> tuple[Lattice, list[Finding]]:
    """The lattice of one phase, and what is remarkable about it.

    Args:
        frames: ordered along the slice axis, one for each position.

    Returns:
        The lattice in mm, or in "px" where position or pixel size is unknown.

    Source: DICOM PS3.3, C.7.6.2.1.1 (position and orientation), 10.7.1.3 (pixel spacing).
    """
    first = frames[0]
    if first.position_lps_mm is None or first.row_direction is None or first.column_direction is None:
        return _unplaced(frames), [_no_place()]
    axis = slice_axis(first)
    positions = np.array([frame.position_lps_mm for frame in frames], dtype=np.float64)
    relative = positions - positions[0]
    offsets = relative @ axis
    in_plane = np.stack(
        [relative @ np.array(first.column_direction), relative @ np.array(first.row_direction)], axis=1
    )
    spacing, counts, is_even = regular_spacing(offsets)
    missing = tuple((index, int(count) - 1) for index, count in enumerate(counts) if count > 1)
    findings = _spacing_findings(frames, spacing, missing, offsets, is_even=is_even)
    has_size = first.row_spacing_mm is not None and first.column_spacing_mm is not None
    pixel = min(first.row_spacing_mm or 1.0, first.column_spacing_mm or 1.0)
    tilt = _tilt_degrees(offsets, in_plane, slack_mm=POSITION_SLACK_MM + DRIFT_SLACK_PIXELS * pixel)
    if tilt != (0.0, 0.0):
        findings.append(_tilt_finding(tilt))
    if wander := _wander_pixels(offsets, in_plane, pixel):
        findings.append(_wander_finding(wander))
    if not has_size:
        findings.append(_no_size())
        offsets, in_plane, spacing = offsets / spacing, np.zeros_like(in_plane), 1.0
    lattice = Lattice(
        origin_lps_mm=positions[0] if has_size else np.zeros(3),
        row_direction=np.array(first.row_direction, dtype=np.float64),
        column_direction=np.array(first.column_direction, dtype=np.float64),
        row_spacing_mm=first.row_spacing_mm if has_size and first.row_spacing_mm else 1.0,
        column_spacing_mm=first.column_spacing_mm if has_size and first.column_spacing_mm else 1.0,
        slice_offsets_mm=offsets,
        drift_mm=in_plane,
        spacing_mm=spacing,
        missing=missing,
        is_even=is_even,
        tilt_degrees=tilt if has_size else (0.0, 0.0),
        unit="mm" if has_size else "px",
    )
    return lattice, findings


def regular_spacing(offsets: Floats) -> tuple[float, npt.NDArray[np.int64], bool]:
    """The spacing that explains the most, and how many of it lie between neighbours.

    The median step is the first guess, and the smallest step the second, for a
    stack with more holes than neighbours. The guess is then sharpened over the
    whole length, where rounding of single positions averages out.

    Args:
        offsets: (N,) ascending, mm.

    Returns:
        Spacing in mm, (N - 1,) whole multiples (1 where nothing is missing),
        and whether every offset lies on the grid they make.

    >>> regular_spacing(np.array([0.0, 2.5, 5.0, 12.5]))
    (2.5, array([1, 1, 3]), True)
    """
    steps = np.diff(offsets)
    if steps.size == 0:
        return 1.0, np.zeros(0, dtype=np.int64), True
    median = float(np.median(steps))
    for guess in (median, float(steps.min())):
        counts = np.maximum(np.rint(steps / guess), 1).astype(np.int64)
        spacing = float((offsets[-1] - offsets[0]) / counts.sum())
        slack = POSITION_SLACK_MM + POSITION_SLACK_SHARE * spacing
        grid = np.concatenate([[0], np.cumsum(counts)]) * spacing
        if (
            np.abs(steps - counts * spacing).max() <= 2 * slack
            and np.abs(offsets - offsets[0] - grid).max() <= 2 * slack
        ):
            return spacing, counts, True
    return _uneven(steps, median)


def _uneven(steps: Floats, median: float) -> tuple[float, npt.NDArray[np.int64], bool]:
    """No grid fits: the median step is the grid to resample to, and wide steps are holes."""
    counts = np.where(steps > 1.75 * median, np.rint(steps / median), 1).astype(np.int64)
    return median, np.maximum(counts, 1), False


def missing_share(lattice: Lattice) -> float:
    """Slices that are missing, as a share of those that should be there."""
    absent = sum(count for _, count in lattice.missing)
    return absent / (absent + len(lattice.slice_offsets_mm))


def is_too_gappy(lattice: Lattice) -> bool:
    """Whether more is missing than may be bridged without being asked to."""
    longest = max((count for _, count in lattice.missing), default=0)
    return longest > MISSING_RUN_LIMIT or missing_share(lattice) > MISSING_SHARE_LIMIT


def refuse_gaps(lattice: Lattice) -> None:
    """Refuse a stack with more holes than may be bridged.

    Raises:
        GapInSeries: above `MISSING_SHARE_LIMIT` or `MISSING_RUN_LIMIT`.
    """
    if not is_too_gappy(lattice):
        return
    after, _ = max(lattice.missing, key=lambda hole: hole[1])
    raise GapInSeries(
        after_slice=after + 1,
        gap_mm=float(lattice.slice_offsets_mm[after + 1] - lattice.slice_offsets_mm[after]),
        spacing_mm=lattice.spacing_mm,
        missing_share=missing_share(lattice),
    )


def _tilt_degrees(offsets: Floats, in_plane: Floats, *, slack_mm: float) -> tuple[float, float]:
    """Shear along (column_direction, row_direction) by least squares; (0, 0) within the slack."""
    if len(offsets) < 2 or np.abs(in_plane).max() <= slack_mm:
        return 0.0, 0.0
    centred = offsets - offsets.mean()
    slopes = centred @ (in_plane - in_plane.mean(axis=0)) / (centred @ centred)
    reach = float(offsets[-1] - offsets[0])
    angles = [math.degrees(math.atan(slope)) if abs(slope) * reach > slack_mm else 0.0 for slope in slopes]
    return angles[0], angles[1]


def _wander_pixels(offsets: Floats, in_plane: Floats, pixel_mm: float) -> float:
    """How far slices lie off a straight line through the stack, in pixels; 0 if not worth a word."""
    if len(offsets) < 3:
        return 0.0
    basis = np.stack([np.ones_like(offsets), offsets], axis=1)
    fitted = basis @ np.linalg.lstsq(basis, in_plane, rcond=None)[0]
    farthest = float(np.abs(in_plane - fitted).max()) / pixel_mm
    return farthest if farthest > WANDER_PIXELS else 0.0


def _wander_finding(pixels: float) -> Finding:
    return Finding(
        "ingest.shifted-slices",
        "repaired",
        f"The slices are shifted against each other by up to {pixels:.1f} pixels.",
        "Each was moved to where its position says by resampling.",
        {"pixels": round(pixels, 6)},
    )


def _unplaced(frames: Sequence[Frame]) -> Lattice:
    """A lattice in pixels for images that do not say where they lie."""
    count = len(frames)
    return Lattice(
        origin_lps_mm=np.zeros(3),
        row_direction=np.array([1.0, 0.0, 0.0]),
        column_direction=np.array([0.0, 1.0, 0.0]),
        row_spacing_mm=1.0,
        column_spacing_mm=1.0,
        slice_offsets_mm=np.arange(count, dtype=np.float64),
        drift_mm=np.zeros((count, 2)),
        spacing_mm=1.0,
        unit="px",
    )


def _no_place() -> Finding:
    return Finding(
        "ingest.no-position",
        "warning",
        "The images do not say where they lie in the patient.",
        "They were ordered by InstanceNumber and measured in voxels; left and right may be swapped.",
    )


def _no_size() -> Finding:
    return Finding(
        "ingest.no-pixel-spacing",
        "warning",
        "The images do not say how large a pixel is.",
        "The model is in voxel units: no length, area or volume in it is in millimetres.",
    )


def _tilt_finding(tilt: tuple[float, float]) -> Finding:
    largest = max(tilt, key=abs)
    if max(map(abs, tilt)) > STEEPEST_DEGREES:
        return Finding(
            "ingest.not-a-stack",
            "problem",
            f"The images slide along their own plane at {largest:.0f} degrees instead of forming a stack.",
            "The series was not used.",
            {"tilt_degrees": [round(angle, 4) for angle in tilt]},
        )
    return Finding(
        "ingest.tilt",
        "repaired",
        f"The stack leans by {largest:.1f} degrees, as with a tilted gantry.",
        "The lean is undone by resampling, from the positions of the slices.",
        {"tilt_degrees_row_column": [round(angle, 4) for angle in tilt]},
    )


def _spacing_findings(
    frames: Sequence[Frame],
    spacing: float,
    missing: tuple[tuple[int, int], ...],
    offsets: Floats,
    *,
    is_even: bool,
) -> list[Finding]:
    findings = []
    is_refused = False
    if missing:
        absent = sum(count for _, count in missing)
        after, widest = max(missing, key=lambda hole: hole[1])
        between = f"between {frames[after].name} and {frames[after + 1].name}"
        share = absent / (absent + len(frames))
        is_refused = share > MISSING_SHARE_LIMIT or widest > MISSING_RUN_LIMIT
        findings.append(
            Finding(
                "ingest.gap",
                "problem" if is_refused else "warning",
                f"{absent} slice{'s are' if absent > 1 else ' is'} missing ({share:.0%}); the widest gap, "
                f"{offsets[after + 1] - offsets[after]:.1f} mm, lies {between}.",
                "A build is refused unless gaps are allowed (--allow-gaps)."
                if is_refused
                else "The missing slices are interpolated and marked as not measured.",
                {"missing_after_slice": [list(hole) for hole in missing], "share": round(share, 6)},
            )
        )
    if not is_even:
        steps = np.diff(offsets)
        findings.append(
            Finding(
                "ingest.uneven",
                # What is refused is not repaired either.
                "warning" if is_refused else "repaired",
                f"The slices are not evenly spaced: from {steps.min():.2f} to {steps.max():.2f} mm apart.",
                f"Where gaps are allowed, they are resampled to an even {spacing:.2f} mm."
                if is_refused
                else f"They are resampled to an even {spacing:.2f} mm.",
                {"smallest_mm": round(float(steps.min()), 6), "largest_mm": round(float(steps.max()), 6)},
            )
        )
    return findings
