"""Shapes whose size, place and surface are known exactly, in the patient's LPS millimetres.

A phantom is a signed distance and the answers that a judge may ask for. None
of this knows about Plastinate: it would judge any program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

# Away from the origin and from every grid of round numbers, so that a lost sign or a lost half voxel shows.
CENTRE = np.array([7.3, -11.6, 23.9])

OUTSIDE, INSIDE = 0.0, 1000.0
WINDOW = (500.0, 3000.0)


@dataclass(frozen=True)
class Faces:
    """Two parallel flat sides: where they lie along an LPS axis, and which part is far from edges."""

    axis: int
    low_mm: float
    high_mm: float
    centre_mm: tuple[float, float, float]
    flat_half_mm: float


@dataclass(frozen=True, eq=False)
class Phantom:
    """A solid with known answers.

    Attributes:
        signed_distance: (N, 3) LPS mm -> (N,) mm, negative inside; exact near the surface.
        volume_mm3, centre_lps_mm: of the solid that a filled surface encloses.
        extremes_lps_mm: (2, 3) lowest and highest coordinate.
        grey: the same as signed_distance, but of the matter that is there, cavities included.
        is_sphere: a sphere can be fitted to it.
        volume_bound_percent: how far the volume may be off.
        pieces: connected parts; 0 where a touch makes it a matter of luck.
        has_pose: no mirror and no turn maps it to itself.
    """

    name: str
    signed_distance: Callable[[Points], npt.NDArray[np.float64]]
    volume_mm3: float
    centre_lps_mm: npt.NDArray[np.float64]
    extremes_lps_mm: npt.NDArray[np.float64]
    grey: Callable[[Points], npt.NDArray[np.float64]] | None = None
    is_sphere: bool = False
    volume_bound_percent: float = 1.0
    pieces: int = 1
    has_pose: bool = False
    faces: tuple[Faces, ...] = field(default=())

    @property
    def radius_mm(self) -> float:
        """Radius of the sphere of equal volume."""
        return float((3.0 * self.volume_mm3 / (4.0 * np.pi)) ** (1.0 / 3.0))


@functools.cache
def sphere(radius_mm: float = 18.3, centre: Points = CENTRE) -> Phantom:
    return Phantom(
        "sphere",
        lambda p: np.linalg.norm(p - centre, axis=1) - radius_mm,
        4.0 / 3.0 * np.pi * radius_mm**3,
        centre,
        np.stack([centre - radius_mm, centre + radius_mm]),
        is_sphere=True,
    )


@functools.cache
def box(
    sides_mm: Sequence[float] = (31.0, 27.4, 23.2), centre: Points = CENTRE, name: str = "box"
) -> Phantom:
    half = np.asarray(sides_mm, dtype=np.float64) / 2.0
    faces = tuple(
        Faces(
            axis,
            float(centre[axis] - half[axis]),
            float(centre[axis] + half[axis]),
            (float(centre[0]), float(centre[1]), float(centre[2])),
            float(np.delete(half, axis).min()) - 3.0,
        )
        for axis in range(3)
        if np.delete(half, axis).min() > 6.0
    )
    return Phantom(
        name,
        lambda p: _box_distance(p, centre - half, centre + half),
        float(np.prod(2.0 * half)),
        centre,
        np.stack([centre - half, centre + half]),
        faces=faces,
    )


@functools.cache
def thin_plate() -> Phantom:
    """Six voxels thick. Its rims are sharp and get rounded: it is wide, so that they are a small part of it.

    Below ten voxels, the 0.1 voxel that its thickness may be off is more than 1 % of its volume.
    """
    return replace(box((88.0, 92.0, 6.3), name="thin plate"), volume_bound_percent=100.0 * 0.1 / 6.3)


@functools.cache
def torus(major_mm: float = 17.0, minor_mm: float = 8.2, centre: Points = CENTRE) -> Phantom:
    def distance(p: Points) -> npt.NDArray[np.float64]:
        q = p - centre
        return np.hypot(np.hypot(q[:, 0], q[:, 1]) - major_mm, q[:, 2]) - minor_mm

    reach = np.array([major_mm + minor_mm, major_mm + minor_mm, minor_mm])
    return Phantom(
        "torus",
        distance,
        2 * np.pi**2 * major_mm * minor_mm**2,
        centre,
        np.stack([centre - reach, centre + reach]),
    )


@functools.cache
def nested_shells(outer_mm: float = 18.3, wall_mm: float = 4.0, core_mm: float = 8.0) -> Phantom:
    """A ball in a hollow ball. Its cavity is closed: a filled surface is the outermost one."""
    solid = sphere(outer_mm)

    def grey(p: Points) -> npt.NDArray[np.float64]:
        r = np.linalg.norm(p - CENTRE, axis=1)
        return np.minimum(np.maximum(r - outer_mm, (outer_mm - wall_mm) - r), r - core_mm)

    return Phantom(
        "nested shells",
        solid.signed_distance,
        solid.volume_mm3,
        solid.centre_lps_mm,
        solid.extremes_lps_mm,
        grey=grey,
        is_sphere=True,
    )


@functools.cache
def touching_ellipsoids() -> Phantom:
    """Two ellipsoids that meet in one point: a surface must pass there without pinching itself."""
    first, second = np.array([12.0, 14.0, 11.0]), np.array([14.0, 11.0, 13.0])
    low = CENTRE - np.array([12.0, 0.0, 0.0])
    high = CENTRE + np.array([14.0, 0.0, 0.0])
    volumes = [4.0 / 3.0 * np.pi * float(np.prod(semi)) for semi in (first, second)]
    return Phantom(
        "touching ellipsoids",
        lambda p: np.minimum(_ellipsoid_distance(p - low, first), _ellipsoid_distance(p - high, second)),
        sum(volumes),
        (low * volumes[0] + high * volumes[1]) / sum(volumes),
        np.stack([np.minimum(low - first, high - second), np.maximum(low + first, high + second)]),
        pieces=0,
    )


# Five cells wide, seven high; (first column, first row, last column, last row), rows from the top.
_STROKES: dict[str, list[tuple[int, int, int, int]]] = {
    "L": [(0, 0, 0, 6), (0, 6, 4, 6)],
    "R": [(0, 0, 0, 6), (0, 0, 4, 0), (0, 3, 4, 3), (4, 0, 4, 3), (3, 3, 3, 6)],
    "A": [(0, 0, 0, 6), (4, 0, 4, 6), (0, 0, 4, 0), (0, 3, 4, 3)],
    "P": [(0, 0, 0, 6), (0, 0, 4, 0), (0, 3, 4, 3), (4, 0, 4, 3)],
    "S": [(0, 0, 4, 0), (0, 3, 4, 3), (0, 6, 4, 6), (0, 0, 0, 3), (4, 3, 4, 6)],
    "I": [(2, 0, 2, 6), (1, 0, 3, 0), (1, 6, 3, 6)],
}
# side letter -> (LPS axis, sign, direction of reading, up), as someone sees it who looks at that side.
_SIDES: dict[str, tuple[int, int, tuple[int, int, int], tuple[int, int, int]]] = {
    "L": (0, 1, (0, 1, 0), (0, 0, 1)),
    "R": (0, -1, (0, -1, 0), (0, 0, 1)),
    "A": (1, -1, (1, 0, 0), (0, 0, 1)),
    "P": (1, 1, (-1, 0, 0), (0, 0, 1)),
    "S": (2, 1, (1, 0, 0), (0, 1, 0)),
    "I": (2, -1, (1, 0, 0), (0, -1, 0)),
}


@functools.cache
def letters(half_mm: float = 19.2, raised_mm: float = 3.4, cell_mm: float = 4.2) -> Phantom:
    """A cube with L, R, A, P, S and I raised on the patient's sides: no mirror or turn passes unseen."""
    sides = letter_boxes(half_mm, raised_mm, cell_mm)
    cube = (-np.full(3, half_mm), np.full(3, half_mm))
    volume, centroid = _union_moments([cube, *(box for boxes in sides.values() for box in boxes)])

    def distance(p: Points) -> npt.NDArray[np.float64]:
        q = p - CENTRE
        nearest = _box_distance(q, *cube)
        for letter, boxes in sides.items():
            axis, sign = _SIDES[letter][:2]
            # Further in, the strokes of this side are more than 4 mm away.
            near = np.flatnonzero(q[:, axis] * sign > half_mm - 6.0)
            for low, high in boxes:
                nearest[near] = np.minimum(nearest[near], _box_distance(q[near], low, high))
        return nearest

    reach = half_mm + raised_mm
    return Phantom(
        "letters",
        distance,
        volume,
        CENTRE + centroid,
        np.stack([CENTRE - reach, CENTRE + reach]),
        has_pose=True,
    )


def letter_boxes(
    half_mm: float = 19.2, raised_mm: float = 3.4, cell_mm: float = 4.2
) -> dict[str, list[tuple[Points, Points]]]:
    """The strokes of each letter as boxes, (lowest, highest corner) about the cube's centre."""
    found: dict[str, list[tuple[Points, Points]]] = {}
    for letter, (axis, sign, reading, up) in _SIDES.items():
        right, top = np.array(reading, dtype=np.float64), np.array(up, dtype=np.float64)
        outward = np.eye(3)[axis] * sign
        found[letter] = []
        for first_column, first_row, last_column, last_row in _STROKES[letter]:
            corners = [
                outward * depth + right * (column - 2.5) * cell_mm + top * (3.5 - row) * cell_mm
                for depth in (half_mm - 2.0, half_mm + raised_mm)
                for column in (first_column, last_column + 1)
                for row in (first_row, last_row + 1)
            ]
            found[letter].append((np.min(corners, axis=0), np.max(corners, axis=0)))
    return found


ALL: dict[str, Callable[[], Phantom]] = {
    "sphere": sphere,
    "box": box,
    "torus": torus,
    "nested-shells": nested_shells,
    "touching-ellipsoids": touching_ellipsoids,
    "thin-plate": thin_plate,
    "letters": letters,
}


def _box_distance(p: Points, low: Points, high: Points) -> npt.NDArray[np.float64]:
    outside = np.maximum(low - p, p - high)
    return np.linalg.norm(np.maximum(outside, 0.0), axis=1) + np.minimum(outside.max(axis=1), 0.0)


def _ellipsoid_distance(p: Points, semi: Points) -> npt.NDArray[np.float64]:
    """Exact on the surface and to second order near it, which is where it is asked."""
    level = np.linalg.norm(p / semi, axis=1)
    slope = np.linalg.norm(p / semi**2, axis=1)
    return np.where(slope > 1e-9, level * (level - 1.0) / np.maximum(slope, 1e-9), -semi.min())


def _union_moments(boxes: Sequence[tuple[Points, Points]]) -> tuple[float, npt.NDArray[np.float64]]:
    """Volume and centroid of a union of boxes: cut space at every face, add up the filled cells."""
    edges = [np.unique(np.round([c[axis] for b in boxes for c in b], 9)) for axis in range(3)]
    middle = [(e[1:] + e[:-1]) / 2.0 for e in edges]
    grid = np.stack(np.meshgrid(*middle, indexing="ij"), axis=-1)
    filled = np.zeros(grid.shape[:3], dtype=bool)
    for low, high in boxes:
        filled |= ((grid > low) & (grid < high)).all(axis=-1)
    cell = np.einsum("i,j,k->ijk", *[np.diff(e) for e in edges]) * filled
    volume = float(cell.sum())
    return volume, np.einsum("ijk,ijkc->c", cell, grid) / volume
