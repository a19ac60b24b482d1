"""A phantom and a way to scan it flow in, the grey of every voxel and its place come out."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr

from phantoms import Phantom

SUBSAMPLES = 3
MARGIN = 4


@dataclass(frozen=True)
class Scan:
    """How a phantom is scanned and written. The defaults are a plain axial CT of 1 mm voxels.

    Attributes:
        plane: axial, coronal, sagittal, oblique (one angle) or double-oblique (three).
        turned: rows and columns run the other way (feet first, prone ...).
        reverse: the slices are numbered against the normal.
        spacing_mm: between slices, rows, columns.
        tilt_degrees: the stack leans by these angles along (columns' direction, rows' direction).
        blur_voxel: standard deviation of the scanner's own blur, on top of the voxel's box. No scanner
            steps within one voxel; 0 gives bare area fractions, which no straight line between two
            voxels can place better than 0.086 voxel where a face is parallel to them.
        slopes: constant, varying (slope and intercept of each slice differ) or below-one.
        dirty_high_bits: rubbish above bits_stored, as old overlays leave it.
        padding: "", declared, range or undeclared, in the corners.
        missing: slices that are not written, by position.
        uneven: positions are off the regular grid by up to this share of the spacing.
        duplicates: files written twice: odd ones with their UID, even ones with a new one.
        phases: volumes at the same positions; all but the first hold a shape 3 mm thinner.
        phase_tag: the attribute that tells the phases apart.
        localiser: a scout, an orthogonal view and a dose page lie in the same series.
        shuffled_names: names and folders that say nothing, in no order.
    """

    plane: str = "axial"
    turned: bool = False
    reverse: bool = False
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tilt_degrees: tuple[float, float] = (0.0, 0.0)
    modality: str = "CT"
    blur_voxel: float = 0.5
    slopes: str = "constant"
    signed: bool = False
    bits_stored: int = 12
    dirty_high_bits: bool = False
    padding: str = ""
    missing: tuple[int, ...] = ()
    uneven: float = 0.0
    duplicates: int = 0
    phases: int = 1
    phase_tag: str = "TemporalPositionIdentifier"
    localiser: bool = False
    enhanced: bool = False
    transfer_syntax: str = "explicit"
    monochrome1: bool = False
    shuffled_names: bool = False


PLAIN = Scan()


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the pixels of a scan lie; positions are those of the first pixel of each slice, LPS mm."""

    positions: npt.NDArray[np.float64]
    rows: int
    columns: int
    row_direction: npt.NDArray[np.float64]
    column_direction: npt.NDArray[np.float64]
    spacing_mm: tuple[float, float, float]

    @property
    def voxel_axes_mm(self) -> npt.NDArray[np.float64]:
        """(3, 3): edges of a voxel as columns, (slice, row, column)."""
        normal = np.cross(self.row_direction, self.column_direction)
        return np.stack([normal, self.column_direction, self.row_direction], axis=1) * self.spacing_mm


def place_grid(phantom: Phantom, scan: Scan) -> Grid:
    """The smallest grid of that kind that holds the phantom and a margin, off the round numbers."""
    row, column = directions(scan.plane)
    if scan.turned:
        row, column = -row, -column
    normal = np.cross(row, column)
    lean = np.tan(np.radians(scan.tilt_degrees))
    stacking = normal + lean[0] * column + lean[1] * row
    axes = np.stack([stacking, column, row], axis=1) * scan.spacing_mm
    low, high = phantom.extremes_lps_mm
    corners = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    index = (corners - phantom.centre_lps_mm) @ np.linalg.inv(axes).T
    first = np.floor(index.min(axis=0)) - MARGIN + np.array([0.37, 0.21, 0.43])
    count = np.ceil(index.max(axis=0) - first).astype(int) + MARGIN
    steps = first[0] + np.arange(count[0]) + scan.uneven * np.sin(2.4 * np.arange(count[0]))
    origin = phantom.centre_lps_mm + axes[:, 1] * first[1] + axes[:, 2] * first[2]
    positions = origin + steps[:, None] * axes[:, 0]
    return Grid(positions, int(count[1]), int(count[2]), row, column, scan.spacing_mm)


def directions(plane: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Unit vectors of growing column index and growing row index."""
    x, y, z = np.eye(3)
    if plane in ("axial", "coronal", "sagittal"):
        return {"axial": (x, y), "coronal": (x, -z), "sagittal": (y, -z)}[plane]
    turn = _rotation(0, 23.0)
    if plane == "double-oblique":
        turn = _rotation(2, 31.0) @ _rotation(1, -17.0) @ turn
    return turn @ x, turn @ y


def _rotation(axis: int, degrees: float) -> npt.NDArray[np.float64]:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[[first, second], [first, second]] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def fractions(phantom: Phantom, scan: Scan, *, thinner_mm: float = 0.0) -> npt.NDArray[np.float64]:
    """(N, R, C) share of each voxel that the phantom fills, as a scanner of that blur sees it."""
    # How the files are written changes nothing here, and a sampling serves many ways of writing.
    place = Scan(
        plane=scan.plane,
        turned=scan.turned,
        spacing_mm=scan.spacing_mm,
        tilt_degrees=scan.tilt_degrees,
        uneven=scan.uneven,
        blur_voxel=scan.blur_voxel,
    )
    return _fractions(phantom, place, thinner_mm)


@functools.lru_cache(maxsize=12)
def _fractions(phantom: Phantom, scan: Scan, thinner_mm: float) -> npt.NDArray[np.float64]:
    grid, blur = place_grid(phantom, scan), scan.blur_voxel
    normal = grid.voxel_axes_mm[:, 0]
    reach = 0 if blur == 0 else 1
    depths = (np.arange(-reach * SUBSAMPLES, (reach + 1) * SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5
    # What a slice sees is its box blurred; over one width of SUBSAMPLES samples that is their own weight.
    weights = _box_blurred(depths, blur)
    stack = np.empty((len(grid.positions), grid.rows, grid.columns))
    # Neighbouring slices of a straight stack see the same thin planes.
    planes: dict[tuple[float, ...], npt.NDArray[np.float64]] = {}

    def plane_at(place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        known = tuple(np.round(place, 6) + 0.0)
        if known not in planes:
            planes[known] = _fine_plane(phantom, place, grid, thinner_mm)
        return planes[known]

    for number, position in enumerate(grid.positions):
        fine = sum(
            weight * plane_at(position + depth * normal)
            for weight, depth in zip(weights, depths, strict=True)
        )
        for axis in (0, 1):
            if blur > 0:
                fine = gaussian_filter1d(fine, blur * SUBSAMPLES, axis=axis, mode="nearest")
        cells = fine.reshape(grid.rows, SUBSAMPLES, grid.columns, SUBSAMPLES)
        stack[number] = cells.mean(axis=(1, 3))
    stack.setflags(write=False)
    return stack


def _box_blurred(depths: npt.NDArray[np.float64], blur: float) -> npt.NDArray[np.float64]:
    if blur == 0:
        return np.full(len(depths), 1.0 / len(depths))
    weights = ndtr((depths + 0.5) / blur) - ndtr((depths - 0.5) / blur)
    return np.asarray(weights / weights.sum())


def _fine_plane(
    phantom: Phantom, position: npt.NDArray[np.float64], grid: Grid, thinner_mm: float
) -> npt.NDArray[np.float64]:
    """(R * SUBSAMPLES, C * SUBSAMPLES): how much of each small cell of a thin plane the phantom fills."""
    distance = phantom.grey or phantom.signed_distance
    _, column, row = grid.voxel_axes_mm.T
    r, c = ((np.arange(n * SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5 for n in (grid.rows, grid.columns))
    # A voxel whose middle is far from the surface is all inside or all outside.
    coarse = np.arange(grid.rows)[:, None, None] * column + np.arange(grid.columns)[:, None] * row + position
    middle = (distance(coarse.reshape(-1, 3)) + thinner_mm).reshape(grid.rows, grid.columns)
    near = np.abs(middle) < 0.5 * float(np.hypot(*grid.spacing_mm[1:])) + 0.5 * min(grid.spacing_mm)
    plane = np.repeat(np.repeat((middle < 0).astype(np.float64), SUBSAMPLES, 0), SUBSAMPLES, 1)
    rows, columns = np.nonzero(np.repeat(np.repeat(near, SUBSAMPLES, 0), SUBSAMPLES, 1))
    points = position + r[rows, None] * column + c[columns, None] * row
    # Each sample counts as a small ball of its cell's width: smooth where a plain yes or no would step.
    width = float(np.prod(grid.spacing_mm)) ** (1.0 / 3.0) / SUBSAMPLES
    plane[rows, columns] = np.clip(0.5 - (distance(points) + thinner_mm) / width, 0.0, 1.0)
    return plane
